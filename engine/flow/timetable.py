"""A bandwidth limit that depends on the time of day, like rclone's ``--bwlimit``.

https://rclone.org/docs/#bwlimit-bandwidth-spec
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime

from ..quantities import parse_size
from .bandwidth import MIN_BANDWIDTH

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = re.compile(r"(?:([A-Za-z]{3})-)?(\d{1,2}):(\d{2}),(.*)")
_DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Timetable:
    """The bandwidth at each minute of the week, in local time.

    entries: minutes since Monday 00:00, ascending, and the bytes per second from then on; None means unlimited.  Before
        the first entry the last one holds.
    """

    entries: tuple[tuple[int, int | None], ...]

    def rate_at(self, now: float) -> int | None:
        """Bytes per second; None means unlimited.  now: seconds since the epoch."""
        local = datetime.fromtimestamp(now)
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        return self.entries[bisect_right([start for start, _ in self.entries], minute) - 1][1]


def parse_bandwidth(text: str) -> Timetable:
    """``20M``, ``off``, or a timetable such as ``08:00,2M 19:00,20M 23:00,off``; an entry may begin with a day, as in
    ``Mon-00:00,512k``, and else holds for every day.

    Raises:
        ValueError: the text is something else.
    """
    if "," not in text:
        return Timetable(((0, _parse_rate(text)),))
    found: dict[int, int | None] = {}
    for each in text.split():
        entry = _ENTRY.fullmatch(each)
        day = None if entry is None else (entry[1] or "").lower()
        if entry is None or day not in ("", *_DAYS) or int(entry[2]) > 23 or int(entry[3]) > 59:
            raise ValueError(
                f"{each[:30]!r} is not a valid entry of a timetable; use '08:00,2M 19:00,20M 23:00,off', or "
                "'Mon-08:00,2M Sat-00:00,off' with days"
            )
        for index in range(7) if not day else (_DAYS.index(day),):
            minute = index * _DAY + int(entry[2]) * 60 + int(entry[3])
            if minute in found:
                raise ValueError(f"{each[:30]!r} is a second entry of the timetable for this time")
            found[minute] = _parse_rate(entry[4])
    return Timetable(tuple(sorted(found.items())))


def _parse_rate(text: str) -> int | None:
    if text.strip().lower() == "off":
        return None
    try:
        rate = parse_size(text)
    except ValueError:
        raise ValueError(
            f"{text[:30]!r} is not a valid rate; use bytes per second, such as 20M, 512KiB or 1000000, or off"
        ) from None
    if rate < MIN_BANDWIDTH:
        raise ValueError(f"{text} is {rate:,} bytes per second; the minimum is {MIN_BANDWIDTH // 1024}KiB")
    return rate
