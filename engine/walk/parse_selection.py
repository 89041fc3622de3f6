"""Parse the values of ``--newer-than``, ``--older-than`` and ``--order``."""

import re
from datetime import UTC

from ..dates import parse_date
from .order import Order, OrderBy

_STEP = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|min|m|h|d|w|M|y)?")
_DAY = 86400.0
_SECONDS = {
    "ms": 0.001,
    "s": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "d": _DAY,
    "w": 7 * _DAY,
    "M": 30 * _DAY,
    "y": 365 * _DAY,
}


def parse_age(text: str) -> tuple[float | None, float | None]:
    """Parse an age into seconds, or a date into seconds since the epoch.  The other value is None.

    An age is written as rclone has it: ``90`` (seconds), ``36h``, ``7d``, ``2w``, ``6M``, ``1y``, ``1h30m``.  A date
    without a time zone is in local time.

    Raises:
        ValueError: the text is neither.
    """
    text = text.strip()
    steps = list(_STEP.finditer(text))
    if steps and "".join(each[0] for each in steps) == text and (len(steps) == 1 or all(each[2] for each in steps)):
        return sum(float(each[1]) * _SECONDS[each[2] or "s"] for each in steps), None
    try:
        date = parse_date(text, zone=None)
    except ValueError:
        raise ValueError(
            f"{text[:60]!r} is neither an age nor a date; use 36h, 7d, 6M, 2026-12-31 or 2026-12-31T12:00:00Z"
        ) from None
    return None, date.astimezone(UTC).timestamp()


def parse_order(text: str) -> Order:
    """Parse ``size``, ``name`` or ``mtime``, optionally with ``,desc`` for the largest, last or newest first.

    Raises:
        ValueError: the text is something else.
    """
    by, _, direction = text.strip().lower().partition(",")
    by = "mtime" if by == "modtime" else by
    if by not in {*OrderBy} or direction not in ("", "asc", "ascending", "desc", "descending"):
        raise ValueError(f"{text[:60]!r} is not a valid order; use size, name or mtime, as in size,desc")
    return Order(by=OrderBy(by), descending=direction.startswith("desc"))
