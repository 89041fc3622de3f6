"""Detect a service that accepts fewer parts than S3: it refuses a part above its limit, or the Complete."""

import re
from collections.abc import Iterable

from ..errors import Refused

_ABOUT = re.compile(r"part-? ?number|too-? ?many-? ?parts|number of parts|parts limit|max(imum)? ?parts", re.IGNORECASE)
_NUMBER = re.compile(r"(?:between 1 and|at most|maximum|limit|exceeds?|more than)\D{0,40}?(\d[\d,]*)", re.IGNORECASE)
# Limits of known services; S3's own is 10,000.
_USUAL = frozenset({100, 128, 200, 250, 256, 500, 512, 1000, 1024, 2000, 2048, 2500, 4096, 5000})


def advice(refusal: Refused, sent: Iterable[int], planned: int | None) -> tuple[str, bool] | None:
    """Advice for a refusal that is, or may be, about the number of parts, and whether that is certain.

    Args:
        sent: Numbers of the parts that the service has accepted.
        planned: The planned number of parts; None for a stream.
    """
    if type(refusal) is not Refused:
        return None
    text = str(refusal)
    taken = _from_one(sent)
    if _ABOUT.search(text):
        limit = _named(text, planned) or (taken if planned is None or taken < planned else None)
        if limit:
            return f"this service accepts at most {limit:,} parts: start over with --restart --max-parts {limit}", True
        return "this service accepts fewer parts: start over with --restart and a lower --max-parts", True
    if taken in _USUAL and taken != planned:
        return (
            f"if this service accepts at most {taken:,} parts, start over with --restart --max-parts {taken}",
            False,
        )
    return None


def _from_one(numbers: Iterable[int]) -> int:
    """The length of the unbroken sequence that starts at 1."""
    there = set(numbers)
    count = 0
    while count + 1 in there:
        count += 1
    return count


def _named(text: str, planned: int | None) -> int | None:
    """The limit that the service names; None when it names no plausible one."""
    for found in _NUMBER.finditer(text):
        limit = int(found[1].replace(",", ""))
        if 1 <= limit < (planned or 10_000):
            return limit
    return None
