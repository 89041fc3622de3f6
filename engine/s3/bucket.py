"""List a bucket's unfinished uploads with botocore.  The lists of services are not trusted.

S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

import datetime
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote_plus

from ..backend.bucket import BucketBackend, BucketUpload, BucketUploads, StoredParts
from ..backend.target import Target
from ..errors import WEB_PAGE, AccessRefused, CredentialsExpired, ForeignResponse, Refused, Transient, UploadVanished
from ..limits import is_aws
from ..responses.error_translation import bad_response, translate_errors
from ..responses.pages import Pages
from .client import client_for
from .config import S3Config
from .parameters import address

_OPERATION = "ListMultipartUploads"
# botocore reports a document that no XML parser accepts as a 500.
_UNREADABLE = ("BadAnswer", WEB_PAGE, "500")
_BEGINNING = 1142208000.0  # 2006-03-13: nothing on S3 is older, so an older time is a formatted zero
_AHEAD = 86400.0  # seconds that a time may be in the future


@dataclass(frozen=True, slots=True)
class S3Uploads(BucketBackend):
    """Unfinished uploads through botocore; a plain value, like S3Backend.

    max_pages: A longer list is refused; S3's pages have 1,000 uploads.
    """

    config: S3Config = field(default_factory=S3Config)
    max_pages: int = 2000

    def bucket_uploads(self, bucket: str, prefix: str) -> BucketUploads:
        found, now = self._all_pages(bucket, prefix)
        if not found and prefix and not is_aws(str(client_for(self.config).meta.endpoint_url)):
            # MinIO treats the prefix as a whole key.
            found, now = self._all_pages(bucket, "")
        mine = (each for each in found.values() if each.key.startswith(prefix))
        return BucketUploads(uploads=tuple(mine), now=now)

    def _all_pages(self, bucket: str, prefix: str) -> tuple[dict[tuple[str, str], BucketUpload], float | None]:
        found: dict[tuple[str, str], BucketUpload] = {}
        marker = ("", "")
        encoded = False
        now: float | None = None
        pages = Pages(_OPERATION, max_pages=self.max_pages, max_rows=2_000_000)
        while True:
            try:
                answer = self._page(bucket, prefix, marker, encoded)
                page, following = _read(answer)
            except Transient as error:
                if encoded or error.code not in _UNREADABLE:
                    raise
                # A key with a character that XML does not allow makes the page unreadable.
                encoded = True
                continue
            if not encoded and any("?" in key for key in (following[0], *(each.key for each in page))):
                # It may replace a character that XML does not allow: request the page again, with encoded keys.
                encoded = True
                continue
            now = now or _date(answer)
            before = len(found)
            found = {(each.key, each.upload_id): each for each in page} | found
            new, truncated = len(found) - before, bool(answer.get("IsTruncated"))
            if not pages.has_next(truncated=truncated, rows=len(page), new_rows=new, marker=following):
                return found, now
            marker = following

    def _page(self, bucket: str, prefix: str, marker: tuple[str, str], encoded: bool) -> Any:
        arguments: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        if encoded:
            arguments["EncodingType"] = "url"
        if marker[0]:
            arguments["KeyMarker"] = marker[0]
        if marker[1]:
            arguments["UploadIdMarker"] = marker[1]
        try:
            with translate_errors(_OPERATION):
                answer = client_for(self.config).list_multipart_uploads(**arguments)
                if not answer.keys() & {"Bucket", "Prefix", "IsTruncated", "Uploads"}:
                    raise bad_response(_OPERATION)
                return answer
        except (CredentialsExpired, ForeignResponse):
            raise
        except UploadVanished:
            # rclone responds so when there are none.
            return {}
        except Refused as error:
            raise _explained(error, bucket) from error

    def stored_parts(self, target: Target, upload_id: str) -> StoredParts | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
        sizes: dict[int, int] = {}
        last: float | None = None
        pages = Pages("ListParts", max_pages=1000, max_rows=100_000)
        marker: int | None = 0
        while marker is not None:
            try:
                with translate_errors("ListParts"):
                    answer = client_for(self.config).list_parts(
                        **address(target), UploadId=upload_id, PartNumberMarker=marker
                    )
                    if not answer.keys() & {"Bucket", "Key", "UploadId", "IsTruncated", "Parts"}:
                        raise bad_response("ListParts")
                    rows = answer.get("Parts", ())
                    page = {row["PartNumber"]: max(row.get("Size", 0), 0) for row in rows}
            except (UploadVanished, CredentialsExpired, ForeignResponse):
                raise
            except Refused:
                return None
            times = [when for row in rows if (when := _seconds(row.get("LastModified"))) is not None]
            if last is not None:
                times.append(last)
            last = max(times) if times else None
            sizes |= page
            marker = pages.next_part_marker(answer, [row["PartNumber"] for row in rows])
        return StoredParts(count=len(sizes), bytes=sum(sizes.values()), last=last)


def _read(answer: Any) -> tuple[list[BucketUpload], tuple[str, str]]:
    """The rows of a page, and the markers for the next page."""
    decode = unquote_plus if answer.get("EncodingType") == "url" else str
    with translate_errors(_OPERATION):
        rows = [
            BucketUpload(
                key=decode(row["Key"]),
                upload_id=row["UploadId"],
                initiated=_seconds(row.get("Initiated")),
                initiator=str((row.get("Initiator") or {}).get("DisplayName") or ""),
            )
            for row in answer.get("Uploads", ())
            if row.get("UploadId") and row.get("Key")
        ]
    last = rows[-1] if rows else None
    key = decode(answer.get("NextKeyMarker") or "") or (last.key if last else "")
    upload_id = answer.get("NextUploadIdMarker") or (last.upload_id if last and last.key == key else "")
    return rows, (key, upload_id)


def _seconds(when: Any) -> float | None:
    """A date in a response, in seconds since the epoch; None when it is invalid or not plausible for an upload."""
    try:
        if isinstance(when, str):
            when = datetime.datetime.fromisoformat(when)
            when = when.replace(tzinfo=when.tzinfo or datetime.UTC)
        seconds = float(when.timestamp())
    except (AttributeError, ValueError, OverflowError, OSError):
        return None
    return seconds if _BEGINNING <= seconds <= time.time() + _AHEAD else None


def _date(answer: Any) -> float | None:
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _explained(error: Refused, bucket: str) -> Refused:
    """The refusal with a message that says what is missing."""
    kind, sentence = Refused, ""
    if error.code in ("AccessDenied", "AllAccessDisabled", "403"):
        kind = AccessRefused
        sentence = (
            f"these credentials do not permit listing the unfinished uploads of {bucket}; that requires the permission "
            "s3:ListBucketMultipartUploads on the bucket"
        )
    elif error.status in (405, 501) or error.code == "NotImplemented":
        sentence = (
            f"this service does not list unfinished uploads ({error.code}); `partway cancel` "
            "removes those in the local state"
        )
    if not sentence:
        return error
    return kind(sentence, operation=error.operation, code=error.code, status=error.status, request_id=error.request_id)
