"""Count the requests that an upload needs, under S3's names.  Some services charge for each."""

from dataclasses import dataclass, fields

_ROWS = 1000  # of a page of ListParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """The number of requests of each kind, assuming that none is retried."""

    put_object: int = 0
    list_multipart_uploads: int = 0
    create_multipart_upload: int = 0
    list_parts: int = 0
    upload_part: int = 0
    complete_multipart_upload: int = 0
    abort_multipart_upload: int = 0
    head_object: int = 0

    @property
    def total(self) -> int:
        """The sum of all kinds."""
        return sum(count for _, count in counts(self))

    def __add__(self, other: "Requests") -> "Requests":
        pairs = zip(counts(self), counts(other), strict=True)
        return Requests(**{name: one + two for (name, one), (_, two) in pairs})


def counts(requests: Requests) -> list[tuple[str, int]]:
    """``(name, count)`` for each kind.  Accepts an event that inherits from ``Requests``, too."""
    return [(field.name, getattr(requests, field.name)) for field in fields(Requests)]


def of_one_object(*, heads: int = 0) -> Requests:
    """PutObject and the HEAD request that verifies it.  looks: HEAD requests before the PutObject."""
    return Requests(put_object=1, head_object=1 + heads)


def of_parts(*, send: int, sent: int | None, heads: int = 0, orphans: bool = False) -> Requests:
    """A multipart upload, from its current state to the verified object.

    Args:
        send: Parts to send.
        sent: Parts that S3 already has; None when the upload is new.
        looks: HEAD requests before the upload.
        orphans: True when S3's unfinished uploads of the key are listed first.
    """
    return Requests(
        list_multipart_uploads=int(orphans),
        create_multipart_upload=int(sent is None),
        list_parts=0 if sent is None else _pages(sent),
        upload_part=send,
        complete_multipart_upload=1,
        head_object=1 + heads,
    )


def of_restart(*, sent: int) -> Requests:
    """Aborting an upload with ``sent`` parts: list them, abort, and list again."""
    return Requests(abort_multipart_upload=1, list_parts=_pages(sent) + 1)


def _pages(parts: int) -> int:
    return max(1, -(-parts // _ROWS))
