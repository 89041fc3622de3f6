"""Format sizes, rates and times for people; engine/quantities.py parses them."""


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
