"""Detect in-memory file systems, where the times do not reveal every write."""

import os
from contextlib import suppress
from functools import cache

_MOUNTS = "/proc/self/mountinfo"
_KINDS = frozenset({"tmpfs", "devtmpfs", "ramfs", "hugetlbfs"})


@cache
def is_in_memory(device: int) -> bool:
    """True for a device, as returned by ``os.fstat``, on which only the first write to a mapped page updates the times:
    the page is never clean again, not even after ``fsync``.  False when unknown, as on systems other than Linux.
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError), open(_MOUNTS, "rb") as mounts:  # noqa: PTH123 - nothing else needs pathlib here
        for line in mounts:
            # 36 35 98:0 /root /mounted rw,noatime master:1 - ext3 /dev/root rw
            fields, _, rest = line.decode("utf-8", "replace").partition(" - ")
            if fields.split(" ", 3)[2:3] == [wanted]:
                return rest.split(" ", 1)[0] in _KINDS
    return False
