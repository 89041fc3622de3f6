"""Parse sizes and durations as users write them."""

import re

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|m|min|h|d)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_size(text: str) -> int:
    """The bytes of ``16MiB``, ``16MB``, ``16M`` (all equal: units are powers of 1024, as in aws and s5cmd),
    ``1.5g`` or ``16777216``.

    Raises:
        ValueError: the text is not a size.
    """
    match = _SIZE.fullmatch(text)
    if match is None or len(text) > 30:
        raise ValueError(f"{text[:30]!r} is not a valid size; use 16MiB, 1.5G or 16777216")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def parse_duration(text: str) -> float:
    """The seconds of ``90``, ``90s``, ``15min``, ``2h``.

    Raises:
        ValueError: the text is not a time.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a valid time; use 90s, 15min or 2h")
    return float(match[1]) * _SECONDS[(match[2] or "s").lower()]
