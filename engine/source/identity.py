"""Identify a file's content without reading it: by its size, times and inode, as reported for an open handle."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from partway.state.uploads import UploadRecord

from ..clock import SYSTEM_CLOCK
from ..errors import SourceError
from .permission import permission_remedy

# A write within one tick of the file system's clock does not change the times.  Seconds.
_COARSE_TICK = 2.0  # for times in whole seconds: FAT has a resolution of two
_FINE_TICK = 0.02  # the kernel's own ticks are 1 to 10 ms
_MAX_LOOKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIdentity:
    """A file and its state.  Equal identities mean equal bytes; different identities may also have equal bytes.

    path: absolute; links are not resolved.  Not compared: only the handle is trusted.
    size: bytes.
    mtime_ns, inode: from ``os.fstat``.
    ctime_ns: likewise; it cannot be set back.  None when unknown, and then unequal to that of any file.
    device: from ``os.fstat``.  Not compared: it differs after a remount, and on overlay and NFS mounts.
    """

    path: str = field(compare=False)
    size: int
    mtime_ns: int
    ctime_ns: int | None
    inode: int
    device: int = field(compare=False)


def recorded_identity(record: UploadRecord) -> SourceIdentity:
    """The file that the record's parts were read from."""
    return SourceIdentity(
        path=record.source,
        size=record.size,
        mtime_ns=record.mtime_ns,
        ctime_ns=record.ctime_ns,
        inode=record.inode,
        device=record.device,
    )


def handle_identity(path: str, handle: int) -> SourceIdentity:
    """The identity of the file behind an open handle; ``path`` is only stored.

    Raises:
        OSError
    """
    found = os.fstat(handle)
    return SourceIdentity(
        path=path,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
        device=found.st_dev,
    )


HandleIdentity = Callable[[str, int], SourceIdentity]  # as ``handle_identity``


def identify(path: str | os.PathLike[str], *, look: HandleIdentity = handle_identity) -> SourceIdentity:
    """Identify the file by an open handle; on NFS, ``os.stat`` of a path may be a minute old.

    One read past the end checks whether the size is correct: /proc and some FUSE mounts report 0.

    Args:
        look: Returns the identity of an open handle.

    Raises:
        SourceError: there is no such file, it cannot be read, it is not a regular file, or it has more bytes than its
            reported size.
    """
    absolute = os.path.abspath(path)  # noqa: PTH100 - Path.absolute() keeps "..", Path.resolve() follows links
    handle = open_source(absolute)
    try:
        return _identify(absolute, handle, look)
    finally:
        os.close(handle)


def identify_settled(
    path: str,
    *,
    sleep: Callable[[float], None],
    flush: Callable[[int], None] = os.fsync,
    look: HandleIdentity = handle_identity,
    now: Callable[[], float] = SYSTEM_CLOCK.time,
) -> SourceIdentity:
    """Identify the file in such a way that every later write changes its times.

    Pages that another process has mapped and modified are flushed first: a later write to a clean page updates the
    times, a write to a dirty page does not.  A file that was written within the current tick of its file system's clock
    is identified again after that tick, since another write within it would go undetected (git calls such a file
    racily clean).

    Args:
        path: Absolute.
        sleep: Waits for this many seconds; it may raise to end the wait.
        flush: Flushes the dirty pages of an open file; ``write_pages`` is faster for a small one.
        look: As for ``identify``.
        now: Seconds since the epoch.

    Returns:
        The identity.  Its ``ctime_ns`` is None when the file is written continuously, so that it equals no other.

    Raises:
        SourceError: as ``identify``.
    """
    before: SourceIdentity | None = None
    for _ in range(_MAX_LOOKS):
        handle = open_source(path)
        try:
            with suppress(OSError):  # not every file system supports it on a read-only handle
                flush(handle)
            found = _identify(path, handle, look)
        finally:
            os.close(handle)
        if found == before or not (wait := _racy_seconds(found, now())):
            return found
        before = found
        sleep(wait)
    assert before is not None
    return replace(before, ctime_ns=None)


def _racy_seconds(found: SourceIdentity, now: float) -> float:
    """Seconds until a write would change the times; 0 when it would already."""
    longest = 0.0
    for time_ns in (found.mtime_ns, found.ctime_ns or 0):
        tick = _COARSE_TICK if time_ns % 1_000_000_000 == 0 else _FINE_TICK
        # A time in the future is from another clock, as on NFS, or was set by the user: still wait for one tick.
        if now - time_ns / 1e9 < tick:
            longest = max(longest, tick)
    return longest


def _identify(path: str, handle: int, look: HandleIdentity) -> SourceIdentity:
    try:
        found = look(path, handle)
        if os.pread(handle, 1, found.size):
            size, found = found.size, look(path, handle)
            if found.size == size:
                raise SourceError(
                    f"{path} has more bytes than the {size:,} that its file system reports, as in /proc and on some "
                    f"FUSE mounts; upload it as a stream: partway upload - s3://... < FILE"
                )
    except OSError as error:
        raise SourceError(unreadable(path, error)) from error
    return found


def open_source(path: str) -> int:
    """Open a regular file for reading.  Never blocks, whatever the path leads to.

    Raises:
        SourceError: there is no such file, it cannot be read, or it is not a regular file.
    """
    try:
        # Opening a FIFO wakes its writer, and opening a device may do anything, so check the path first.
        _check_regular(path, os.stat(path).st_mode)  # noqa: PTH116 - keeps undecodable names
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            # It may have been replaced by now.
            _check_regular(path, os.fstat(handle).st_mode)
        except BaseException:
            os.close(handle)
            raise
    except (OSError, ValueError) as error:
        raise SourceError(unreadable(path, error)) from error
    return handle


def _check_regular(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise SourceError(f"{path} is a directory; partway uploads one file at a time")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{path} is {_kind(mode)}, not a regular file; only files can be resumed")


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe (FIFO)"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def unreadable(path: str, error: OSError | ValueError) -> str:
    """A sentence that says why the file cannot be read."""
    if not isinstance(error, OSError):
        return f"cannot read {path}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if os.path.islink(path):  # noqa: PTH114 - keeps undecodable names
            return f"{path} is a symbolic link to {os.readlink(path)}, which does not exist"  # noqa: PTH115
        return f"there is no file {path}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} is not readable by this user; {permission_remedy(error)}"
    return f"cannot read {path}: {error.strerror or error}"
