"""Ask the operating system why a file could not grow, where a library reports only that it could not."""

import os
from pathlib import Path

_PROBE_SIZE = 2**20  # more than SQLite writes at once


def try_to_grow(path: Path) -> None:
    """Write a megabyte at the offset where ``path`` or a file beside it ends, in a temporary file.

    The file is sparse up to that offset, so it takes no more space than the megabyte.  ``path`` itself is not opened:
    closing a descriptor of a database drops the locks that SQLite holds on it.

    Raises:
        OSError: the folder takes no more bytes (ENOSPC, EDQUOT), the process may not write files of that size
            (EFBIG), or no file can be created.
    """
    import tempfile  # imported only after a failure

    end = max((file.stat().st_size for file in path.parent.glob(f"{path.name}*")), default=0)
    with tempfile.TemporaryFile(dir=path.parent, buffering=0) as probe:
        probe.seek(end)
        left = _PROBE_SIZE
        while left:
            left -= probe.write(bytes(left))
        os.fsync(probe.fileno())  # NFS reports a full quota only here
