"""Flush the pages of a file that another process has mapped and modified.

The first store to a clean page updates the file's times, a store to a dirty page does not.  So the times reveal later
stores only after the pages have been flushed.
"""

import fcntl
import os
import struct
import sys

# From linux/fiemap.h: FS_IOC_FIEMAP, and a request for no extents of the whole file with FIEMAP_FLAG_SYNC.
_FIEMAP = 0xC020660B
_SYNC = struct.pack("=QQIIII", 0, 2**64 - 1, 1, 0, 0, 0)


def write_pages(handle: int) -> None:
    """Flush the dirty pages of a small file; faster than ``os.fsync``, which also waits for the journal and the disk.

    Not for a large file: the file system may visit each of its extents.

    Raises:
        OSError: the file system does not support it on a read-only handle.

    https://docs.kernel.org/filesystems/fiemap.html
    """
    if sys.platform == "linux":
        try:
            fcntl.ioctl(handle, _FIEMAP, _SYNC)
            return
        except OSError:
            pass  # not supported by every file system: NFS, FUSE, ZFS
    os.fsync(handle)
