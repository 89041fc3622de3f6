"""What S3's answers say about an object and about the time, as plain values."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..backend.responses import ObjectFacts
from ..checksums import ChecksumAlgorithm, bare_etag


def object_facts(answer: Any, *, size: int, etag: str, algorithm: ChecksumAlgorithm) -> ObjectFacts:
    """The facts in the answer to a write or a look.  ``etag``: without quotes."""
    version = answer.get("VersionId") or None
    return ObjectFacts(
        size=size,
        etag=etag,
        checksum=answer.get(checksum_name(algorithm)),
        # "null" is the one version of a bucket that keeps none: the next write replaces it.
        version=None if version == "null" else version,
        modified=_seconds(answer.get("LastModified")),
        told_at=answered_at(answer),
    )


def etag_in(answer: Any) -> str:
    """The ETag in a response or a row, as ``bare_etag``; "" without one."""
    return bare_etag(str(answer.get("ETag") or ""))


def answered_at(answer: Any) -> float | None:
    """The service's clock when it answered, in whole seconds since the epoch; None when it did not say."""
    return _seconds(answer["ResponseMetadata"]["HTTPHeaders"].get("date"))


def _seconds(date: Any) -> float | None:
    """Seconds since the epoch of a date, parsed or as text; None for one that is missing or odd."""
    try:
        return (date if isinstance(date, datetime) else parsedate_to_datetime(date)).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def checksum_name(algorithm: ChecksumAlgorithm) -> str:
    """The member that carries a checksum."""
    return f"Checksum{algorithm.value}"
