"""List the parts of one upload, and the unfinished uploads of one key, page by page.

No list is trusted: services repeat rows, ignore markers, or respond with something other than a list.
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
    """All rows of ListParts, with repetitions; None when the call is not supported or not permitted.

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
    """One page of ListParts; None when the call is not supported or not permitted.

    A service without the call may refuse it as an unknown method, or because there is no object with that key.
    """
    try:
        with translate_errors("ListParts"):
            answer = client.list_parts(**about, UploadId=upload_id, PartNumberMarker=marker)
            _check_listing("ListParts", answer)
            return answer
    except (UploadVanished, CredentialsExpired, ForeignResponse):
        raise
    except RemoteError as error:
        # A service that sends the object instead of a list exceeds the limit if the object is large.
        if error.code in ("AccessDenied", "AnswerTooLong") or (
            error.status in (404, 405, 501) and error.code != "NoSuchBucket"
        ):
            return None
        raise


def list_uploads(client: Any, target: Target) -> list[FoundUpload] | None:
    """The unfinished uploads of the destination's key that the engine can complete; None when the service does not list
    them."""
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
                # Keys are sorted, so a page without ours is the last one that matters.
                if not pages.has_next(truncated=truncated, rows=len(page), new_rows=len(page), marker=marker):
                    return list(found.values())
        except (CredentialsExpired, ForeignResponse):
            raise
        except Refused:
            return None
        markers = {"KeyMarker": marker[0], "UploadIdMarker": marker[1]}


def _found(row: Any) -> FoundUpload | None:
    """One unfinished upload; None when its type of checksum is not supported by the engine."""
    declared = row.get("ChecksumAlgorithm")
    if declared is not None and declared not in set(ChecksumAlgorithm):
        return None
    algorithm = None if declared is None else ChecksumAlgorithm(declared)
    if algorithm is not None and row.get("ChecksumType", checksum_type(algorithm)) != checksum_type(algorithm):
        return None
    return FoundUpload(upload_id=row["UploadId"], initiated=row["Initiated"].timestamp(), algorithm=algorithm)


def _check_listing(operation: str, answer: Any) -> None:
    """Reject a response that is not a list: a web page with status 200 must not count as an empty list, or every part
    would be sent again."""
    if not answer.keys() & {"Bucket", "Key", "Prefix", "UploadId", "IsTruncated", "Parts", "Uploads"}:
        raise bad_response(operation)
