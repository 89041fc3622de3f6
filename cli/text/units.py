"""Bytes, rates and times as people write and read them."""

import re

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes of ``16MiB``, ``16MB``, ``16M`` (all the same: units are powers of 1024, as aws and s5cmd take them),
    ``1.5g`` or ``16777216``.

    Raises:
        ValueError: it is not a valid size.
    """
    match = _SIZE.fullmatch(text)
    if match is None or len(text) > 30:
        raise ValueError(f"{text[:30]!r} is not a valid size; use 16MiB, 1.5G or 16777216")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def format_size(size: float) -> str:
    """``1.2 GiB``; whole bytes below 1 KiB."""
    if size < 1024:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size /= 1024
        if size < 1023.95 or unit == "TiB":
            break
    return f"{size:.1f} {unit}"


def format_rate(bytes_per_second: float) -> str:
    """``61.9 MiB/s``."""
    return f"{format_size(bytes_per_second)}/s"


def format_seconds(seconds: float) -> str:
    """``4.2 s`` below a minute, ``1:02:03`` above."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_age(seconds: float) -> str:
    """``3 min ago``, in one unit."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {name} ago"
    return "just now"


def format_span(seconds: float) -> str:
    """``7 d``, ``90 min``: in the largest unit that needs no fraction."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size:.0f} {name}"
    return f"{seconds:g} s"


_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(s|m|min|h|d)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``15min``, ``2h``.

    Raises:
        ValueError: it is not a valid time.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a valid time; use 90s, 15min or 2h")
    return float(match[1]) * _SECONDS[(match[2] or "s").lower()]
