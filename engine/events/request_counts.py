"""How many requests an upload needs, by S3's names: what some services charge for."""

from dataclasses import dataclass, fields

_ROWS = 1000  # of a page of ListParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Counts of requests, if none has to be repeated."""

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
        """All of them."""
        return sum(count for _, count in counts(self))

    def __add__(self, other: "Requests") -> "Requests":
        pairs = zip(counts(self), counts(other), strict=True)
        return Requests(**{name: one + two for (name, one), (_, two) in pairs})


def counts(requests: Requests) -> list[tuple[str, int]]:
    """``(name, count)`` of each kind; also of an event that is a ``Requests``."""
    return [(field.name, getattr(requests, field.name)) for field in fields(Requests)]


def of_one_object(*, looks: int = 0) -> Requests:
    """PutObject, and the proof.  looks: HEAD requests before."""
    return Requests(put_object=1, head_object=1 + looks)


def of_parts(*, send: int, sent: int | None, looks: int = 0, orphans: bool = False) -> Requests:
    """A multipart upload to its end.

    Args:
        send: Parts that are missing.
        sent: Parts that are there; None when nothing was begun.
        looks: HEAD requests before.
        orphans: S3 is asked for unfinished uploads of the key.
    """
    return Requests(
        list_multipart_uploads=int(orphans),
        create_multipart_upload=int(sent is None),
        list_parts=0 if sent is None else _pages(sent),
        upload_part=send,
        complete_multipart_upload=1,
        head_object=1 + looks,
    )


def of_restart(*, sent: int) -> Requests:
    """Giving up ``sent`` parts that were there: looked at, removed, and looked for again."""
    return Requests(abort_multipart_upload=1, list_parts=_pages(sent) + 1)


def _pages(parts: int) -> int:
    return max(1, -(-parts // _ROWS))
