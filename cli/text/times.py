"""Points in time for logs and programs."""

import time


def utc(seconds: float) -> str:
    """``2026-03-09T07:05:01.250Z``, as RFC 3339 has it.  seconds: since the epoch."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds * 1000) % 1000:03}Z"
