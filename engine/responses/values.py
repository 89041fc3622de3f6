"""Read an object's properties and the time from S3's responses, as plain values."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..backend.responses import ObjectFacts
from ..checksums import ChecksumAlgorithm, bare_etag


def object_facts(answer: Any, *, size: int, etag: str, algorithm: ChecksumAlgorithm) -> ObjectFacts:
    """The facts in the response to a write or HEAD.  etag: without quotes."""
    version = answer.get("VersionId") or None
    return ObjectFacts(
        size=size,
        etag=etag,
        checksum=answer.get(checksum_name(algorithm)),
        # "null" is the only version in a bucket without versioning: the next write replaces it.
        version=None if version == "null" else version,
        modified=_seconds(answer.get("LastModified")),
        told_at=answered_at(answer),
    )


def etag_in(answer: Any) -> str:
    """The ETag in a response or a row, as ``bare_etag``; "" without one."""
    return bare_etag(str(answer.get("ETag") or ""))


def answered_at(answer: Any) -> float | None:
    """The time of the response by the service's clock, in whole seconds since the epoch; None when not reported."""
    told = answer.get("ResponseMetadata") or {}  # a stub has none
    return _seconds((told.get("HTTPHeaders") or {}).get("date"))


def _seconds(date: Any) -> float | None:
    """A date, parsed or as text, in seconds since the epoch; None when it is missing or invalid."""
    try:
        return (date if isinstance(date, datetime) else parsedate_to_datetime(date)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def checksum_name(algorithm: ChecksumAlgorithm) -> str:
    """botocore's name of the member with a checksum."""
    return f"Checksum{algorithm.value}"
