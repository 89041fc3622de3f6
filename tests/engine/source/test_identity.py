"""The identity of a file: what counts as the same content, and when its times can be relied on."""

import errno
import fcntl
import mmap
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import SourceError, UploadCancelled
from partway.engine.source.dirty_pages import write_pages
from partway.engine.source.identity import SourceIdentity, handle_identity, identify, identify_settled
from partway.engine.source.memory_files import is_in_memory

SECOND = 1_000_000_000


class CoarseFiles:
    """Files whose times are cut to a tick, on a clock that only sleeping and ``at`` move.

    tick: seconds; a fraction of a second shows in the times as nanoseconds.
    """

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.now = 1_700_000_001.0
        self.slept: list[float] = []
        self.during_sleep: list[Callable[[], None]] = []
        self._written_at = self.now

    def write(self) -> None:
        """Note that the file is written now."""
        self._written_at = self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass; what is to happen meanwhile happens in its middle."""
        self.slept.append(seconds)
        self.now += seconds / 2
        if self.during_sleep:
            self.during_sleep.pop(0)()
        self.now += seconds / 2

    def look(self, path: str, handle: int) -> SourceIdentity:
        """What a handle shows."""
        return self._cut(handle_identity(path, handle))

    def settled(self, path: Path) -> SourceIdentity:
        """The file, identified so that later writes show."""
        return identify_settled(str(path), sleep=self.sleep, look=self.look, now=lambda: self.now)

    def _cut(self, found: SourceIdentity) -> SourceIdentity:
        time_ns = int(self._written_at // self.tick * self.tick * SECOND)
        # What a clock of milliseconds shows is never a whole second here.
        time_ns += 1_000_000 if self.tick < 1 else 0
        return replace(found, mtime_ns=time_ns, ctime_ns=time_ns)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    os.utime(path, ns=(0, SECOND))
    return path


def test_size_times_and_inode_make_the_identity(file: Path) -> None:
    """Any of the four makes another; path and device do not."""
    found = identify(file)

    assert found.ctime_ns is not None
    assert replace(found, size=99) != found
    assert replace(found, mtime_ns=found.mtime_ns + 1) != found
    assert replace(found, ctime_ns=found.ctime_ns + 1) != found
    assert replace(found, inode=found.inode + 1) != found
    assert replace(found, device=found.device + 1, path="/elsewhere") == found


def test_an_unknown_ctime_equals_no_file(file: Path) -> None:
    """A row of an earlier version has none, and its parts are compared with the bytes."""
    assert replace(identify(file), ctime_ns=None) != identify(file)


def test_a_time_that_is_set_back_is_another_identity(file: Path) -> None:
    """mtime lies after ``touch -r``; ctime cannot be set."""
    before = identify_settled(str(file), sleep=lambda _: None)
    stat = file.stat()
    file.write_bytes(b"y" * 100)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = identify(file)

    assert (after.size, after.mtime_ns, after.inode) == (before.size, before.mtime_ns, before.inode)
    assert after != before


@pytest.mark.parametrize("tick", [0.004, 0.01, 1.0, 2.0])
def test_a_file_is_identified_after_the_tick_in_which_it_was_written(
    tick: float, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another write in that tick would not show; after it every write does."""
    files = CoarseFiles(tick)
    files.write()
    files.now += tick / 4
    found = files.settled(file)
    files.write()

    assert sum(files.slept) >= tick
    assert identify(file) != found


@pytest.mark.parametrize("tick", [0.01, 2.0])
def test_a_write_while_the_tick_is_waited_for_is_waited_for_too(
    tick: float, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick of the last write counts."""
    files = CoarseFiles(tick)
    files.write()
    files.during_sleep = [files.write]
    found = files.settled(file)
    files.write()

    assert identify(file) != found


def test_an_old_file_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly every file is older than its file system's tick."""
    files = CoarseFiles(2.0)
    files.now += 5

    assert files.settled(file).ctime_ns is not None
    assert files.slept == []


def test_a_time_in_the_future_is_waited_for_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine's clock, or a time that was set: nobody knows how old it is."""
    files = CoarseFiles(0.01)
    files.now -= 3600

    assert files.settled(file) == identify(file, look=files.look)
    assert len(files.slept) == 1


def test_a_file_that_is_written_all_the_time_equals_no_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its times say nothing, so its parts are always compared."""
    files = CoarseFiles(0.01)
    files.write()
    files.during_sleep = [files.write] * 100
    found = files.settled(file)

    assert found.ctime_ns is None
    assert len(files.slept) < 10


def test_waiting_ends_with_a_cancel(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the given sleep raises is raised."""
    files = CoarseFiles(2.0)
    files.write()

    def cancelled(_: float) -> None:
        raise UploadCancelled("interrupted")

    with pytest.raises(UploadCancelled):
        identify_settled(str(file), sleep=cancelled, look=files.look, now=lambda: files.now)


@pytest.mark.parametrize("flush", [os.fsync, write_pages])
def test_a_write_to_a_mapped_page_shows(flush: Callable[[int], None], file: Path) -> None:
    """A page that was written before through a mapping is flushed, or the next write to it would move no time.  In
    memory none is: see test_memory_files.py."""
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as mapped:
        mapped[0] = 1
        found = identify_settled(str(file), sleep=time.sleep, flush=flush)
        mapped[0] = 2

        assert identify(file) != found or is_in_memory(found.device)


def test_pages_are_written_by_fsync_where_the_file_system_has_no_fiemap(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS and FUSE mounts, and on other systems than Linux."""

    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no")

    flushed: list[int] = []
    monkeypatch.setattr(fcntl, "ioctl", unsupported)
    monkeypatch.setattr(os, "fsync", flushed.append)
    write_pages(7)

    assert flushed == [7]


def test_bytes_beyond_the_size_are_an_error_that_names_the_stream(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for files in /proc, which show a size of 0."""

    def show(path: str, handle: int) -> SourceIdentity:
        return replace(handle_identity(path, handle), size=7)

    with pytest.raises(SourceError, match=r"more bytes than the 7 .* partway upload - s3://\.\.\. < FILE"):
        identify(file, look=show)


def test_a_file_of_proc_is_refused() -> None:
    """Its size is 0, and it has bytes."""
    with pytest.raises(SourceError, match="partway upload -"):
        identify("/proc/self/status")


def test_a_file_that_grows_while_it_is_identified_is_taken_as_it_is_then(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A size that is true a moment later is no lie."""
    looks: list[int] = []

    def grow(path: str, handle: int) -> SourceIdentity:
        found = handle_identity(path, handle)
        looks.append(found.size)
        if len(looks) == 1:
            with file.open("ab") as opened:
                opened.write(b"more")
        return found

    assert identify(file, look=grow).size == 104
