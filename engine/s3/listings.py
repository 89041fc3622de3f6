"""The parts of one upload, and the unfinished uploads of one key, page by page.

No listing is trusted: services repeat rows, ignore markers, or respond with something else than a list.
"""

from typing import Any

from ..backend.protocol import UNKNOWN_SIZE
from ..backend.responses import FoundUpload, PartReceipt
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, ForeignResponse, Refused, RemoteError, UploadVanished
from ..responses.error_translation import bad_response, translate_errors
from ..responses.pages import Pages
from ..responses.values import checksum_name, etag_in
from .parameters import bucket, checksum_type


def list_parts(
    client: Any, about: dict[str, Any], upload_id: str, algorithm: ChecksumAlgorithm
) -> list[PartReceipt] | None:
    """Every row of ListParts, as often as the service lists it; None when there is no such call, or it is not allowed.

    about: the object and its customer key, as botocore's parameters.
    """
    name = checksum_name(algorithm)
    receipts: list[PartReceipt] = []
    pages = Pages("ListParts", max_pages=1000, max_rows=100_000)
    marker: int | None = 0
    while marker is not None:
        answer = page_of_parts(client, about, upload_id, marker)
        if answer is None:
            return None
        with translate_errors("ListParts"):
            page = [
                PartReceipt(
                    number=row["PartNumber"],
                    size=row.get("Size", UNKNOWN_SIZE),
                    etag=etag_in(row),
                    checksum=row.get(name),
                )
                for row in answer.get("Parts", ())
            ]
        receipts.extend(page)
        marker = pages.next_part_marker(answer, [row.number for row in page])
    return receipts


def page_of_parts(client: Any, about: dict[str, Any], upload_id: str, marker: int) -> Any:
    """One page; None when there is no such call, or not for these credentials.

    A service without the call refuses it in any of several ways: as a method, or because there is no object of that
    name.
    """
    try:
        with translate_errors("ListParts"):
            answer = client.list_parts(**about, UploadId=upload_id, PartNumberMarker=marker)
            _check_listing("ListParts", answer)
            return answer
    except (UploadVanished, CredentialsExpired, ForeignResponse):
        raise
    except RemoteError as error:
        # A large object instead of a list is too long.
        if error.code in ("AccessDenied", "AnswerTooLong") or (
            error.status in (404, 405, 501) and error.code != "NoSuchBucket"
        ):
            return None
        raise


def list_uploads(client: Any, target: Target) -> list[FoundUpload] | None:
    """The unfinished uploads of the target's key whose checksums the engine can complete; None when the service does
    not list them."""
    found: dict[str, FoundUpload] = {}
    markers: dict[str, str] = {}
    pages = Pages("ListMultipartUploads", max_pages=100, max_rows=200_000)
    while True:
        try:
            with translate_errors("ListMultipartUploads"):
                answer = client.list_multipart_uploads(**bucket(target), Prefix=target.key, **markers)
                _check_listing("ListMultipartUploads", answer)
                page = {
                    row["UploadId"]: row
                    for row in answer.get("Uploads", ())
                    if row.get("Key") == target.key and row.get("UploadId") and row["UploadId"] not in found
                }
                found |= {id: upload for id, row in page.items() if (upload := _found(row)) is not None}
                truncated, key = bool(answer.get("IsTruncated")), answer.get("NextKeyMarker") or ""
                marker = key, answer.get("NextUploadIdMarker") or ""
                # Keys come in order, so a page without ours is the last that matters.
                if not pages.has_next(truncated=truncated, rows=len(page), new_rows=len(page), marker=marker):
                    return list(found.values())
        except (CredentialsExpired, ForeignResponse):
            raise
        except Refused:
            return None
        markers = {"KeyMarker": marker[0], "UploadIdMarker": marker[1]}


def _found(row: Any) -> FoundUpload | None:
    """One unfinished upload; None for one whose checksums are of a type that the engine does not complete."""
    declared = row.get("ChecksumAlgorithm")
    if declared is not None and declared not in set(ChecksumAlgorithm):
        return None
    algorithm = None if declared is None else ChecksumAlgorithm(declared)
    if algorithm is not None and row.get("ChecksumType", checksum_type(algorithm)) != checksum_type(algorithm):
        return None
    return FoundUpload(upload_id=row["UploadId"], initiated=row["Initiated"].timestamp(), algorithm=algorithm)


def _check_listing(operation: str, answer: Any) -> None:
    """Refuse a response that is no list: a web page with status 200 is not an empty one, after which every part that
    it does not show would be sent again."""
    if not answer.keys() & {"Bucket", "Key", "Prefix", "UploadId", "IsTruncated", "Parts", "Uploads"}:
        raise bad_response(operation)
