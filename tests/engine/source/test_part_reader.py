"""The source: which files are taken, and the window that reads exactly one part."""

import base64
import hashlib
import itertools
import os
import socket
import stat
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.checksums import ChecksumAlgorithm, checksum
from partway.engine.errors import SourceChanged, SourceError, UploadCancelled
from partway.engine.source.identity import SourceIdentity, identify
from partway.engine.source.part_reader import BLOCK, PartReader
from partway.engine.source.plan import PartSpec, UploadPlan
from tests.support.shell.unprivileged import unprivileged

CRC = ChecksumAlgorithm.CRC64NVME
SMALL = bytes(range(256))


@pytest.fixture(autouse=True)
def no_reader_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What readers of other tests learned of their links is forgotten."""
    monkeypatch.setattr("partway.engine.source.part_reader._spare_buffers", deque())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(SMALL)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Two and a half send blocks, no two of them equal."""
    path = tmp_path / "large"
    path.write_bytes(b"".join(index.to_bytes(4, "big") for index in range(BLOCK * 5 // 8)))
    return path


def window(path: Path, offset: int, size: int) -> PartReader:
    return PartReader(str(path), PartSpec(number=1, offset=offset, size=size), algorithm=CRC)


def everything(reader: PartReader, size: int = -1) -> Iterator[bytes]:
    """What the network would get; copied, since a block is valid only until the next read."""
    while block := bytes(reader.read(size)):
        yield block


# --- identify ---


def test_a_file_is_identified_by_what_stat_says(file: Path) -> None:
    """Size, time of change in nanoseconds, inode and device, with nothing rounded."""
    os.utime(file, ns=(1, 1_700_000_000_123_456_789))
    found = file.stat()

    assert identify(file) == SourceIdentity(
        path=str(file),
        size=256,
        mtime_ns=1_700_000_000_123_456_789,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
        device=found.st_dev,
    )


def test_a_relative_path_becomes_absolute(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file has the same name from any folder, also through ``..``."""
    (file.parent / "sub").mkdir()
    monkeypatch.chdir(file.parent / "sub")

    assert identify("../file") == identify(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message has the absolute path, so that a wrong folder shows."""
    with pytest.raises(SourceError, match=f"there is no file {tmp_path}/none"):
        identify(tmp_path / "none")


def test_a_path_through_a_file_is_missing(file: Path) -> None:
    """A file where a folder should be is said as simply as a missing file."""
    with pytest.raises(SourceError, match="there is no file"):
        identify(file / "below")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder is not a file."""
    with pytest.raises(SourceError, match="is a directory"):
        identify(tmp_path)


@pytest.mark.timeout(60)
def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes would hang for ever."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SourceError, match=r"is a pipe \(FIFO\), not a regular file"):
        identify(tmp_path / "pipe")


def test_a_socket_is_refused() -> None:
    """A socket in the file system has no content.  Its path must be short, so it is not pytest's folder."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")

        with pytest.raises(SourceError, match="is a socket, not a regular file"):
            identify(f"{folder}/s")


def test_a_device_is_refused() -> None:
    """An endless device is not an endless upload."""
    with pytest.raises(SourceError, match="/dev/zero is a device, not a regular file"):
        identify("/dev/zero")


def test_an_unreadable_file_is_refused_at_once(file: Path) -> None:
    """Permissions are looked at before anything is sent."""
    file.chmod(0)

    with pytest.raises(SourceError, match=r"is not readable by this user; check its permissions"):
        unprivileged(lambda: identify(file))


def test_a_link_is_another_source_with_the_content_of_its_target(file: Path) -> None:
    """The link's own name is kept; size, time and inode are the file's."""
    link = file.parent / "link"
    link.symlink_to(file)

    assert identify(link).path == str(link)
    assert (identify(link).size, identify(link).inode) == (256, file.stat().st_ino)


def test_a_dangling_link_is_missing(tmp_path: Path) -> None:
    """What the link points to is not there."""
    (tmp_path / "link").symlink_to("nowhere")

    with pytest.raises(SourceError, match="is a symbolic link to nowhere, which does not exist"):
        identify(tmp_path / "link")


def test_a_link_to_itself_cannot_be_read(tmp_path: Path) -> None:
    """The system's own words are the message when it is none of the usual causes."""
    (tmp_path / "link").symlink_to("link")

    with pytest.raises(SourceError, match=f"cannot read {tmp_path}/link: Too many levels of symbolic links"):
        identify(tmp_path / "link")


@pytest.mark.parametrize("name", [b"line\nbreak", "emoji \U0001f680".encode(), b"no utf-8 \xff\xfe", b" ", b"--flag"])
def test_any_name_that_the_system_allows_is_taken(tmp_path: Path, name: bytes) -> None:
    """Whatever bytes a name has, they come back and open the file."""
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(b"content")
    found = identify(os.fsdecode(path))

    assert os.fsencode(found.path) == path
    with PartReader(found.path, PartSpec(number=1, offset=0, size=7), algorithm=CRC) as reader:
        assert bytes(reader.read()) == b"content"


@pytest.mark.parametrize("name", ["nul\0byte", "lone surrogate \ud800"])
def test_a_name_that_no_system_allows_is_an_error_of_ours(name: str) -> None:
    """Python's ValueError does not come through."""
    with pytest.raises(SourceError, match="cannot read"):
        identify(name)


# --- PartReader: the window ---


def test_exactly_the_window_is_read(file: Path) -> None:
    """Neither a byte before the part nor one after it."""
    with window(file, 10, 20) as reader:
        assert b"".join(everything(reader)) == SMALL[10:30]


def test_the_window_may_end_with_the_file(file: Path) -> None:
    """The last part ends where the file does, although the file could grow."""
    with window(file, 200, 56) as reader, file.open("ab") as grown:
        grown.write(b"more")

        assert b"".join(everything(reader)) == SMALL[200:]


def test_the_end_is_empty_again_and_again(file: Path) -> None:
    """Clients read until nothing comes, and some ask once more."""
    with window(file, 0, 5) as reader:
        list(everything(reader))

        assert [bytes(reader.read()), bytes(reader.read(10))] == [b"", b""]


@settings(deadline=None)
@given(sizes=st.lists(st.integers(-2, 60), max_size=30), offset=st.integers(0, 200), length=st.integers(0, 56))
def test_any_sizes_of_reads_give_the_window_in_order(
    sizes: list[int], offset: int, length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What reads of any sizes give is the window from its start; no read gives more than it was asked for."""
    path = tmp_path_factory.getbasetemp() / "sizes"
    path.write_bytes(SMALL)
    with window(path, offset, length) as reader:
        blocks = [(size, bytes(reader.read(size))) for size in sizes]
        got = b"".join(block for _, block in blocks)

        assert SMALL[offset : offset + length].startswith(got)
        assert reader.tell() == len(got)
        assert all(len(block) <= size for size, block in blocks if size >= 0)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(0, 300), part_size=st.integers(1, 100))
def test_the_parts_of_a_plan_are_the_file(size: int, part_size: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All windows of a plan, one after the other, are the file's bytes."""
    path = tmp_path_factory.getbasetemp() / "plan"
    content = hashlib.sha512(str(size).encode()).digest() * 5
    path.write_bytes(content[:size])
    read: list[bytes] = []
    for spec in UploadPlan(file_size=size, part_size=part_size).parts():
        with PartReader(str(path), spec, algorithm=CRC) as reader:
            read.extend(everything(reader))

    assert b"".join(read) == content[:size]


def test_a_read_is_never_more_than_a_block(large: Path) -> None:
    """Memory is one block, whatever the client asks for."""
    size = large.stat().st_size
    with window(large, 0, size) as reader:
        lengths = [len(block) for block in everything(reader, 10 * size)]

        assert lengths == [BLOCK, BLOCK, BLOCK // 2]


def test_one_buffer_is_used_again(large: Path) -> None:
    """A later read overwrites what an earlier one gave, so nothing is allocated for it."""
    with window(large, 0, 2 * BLOCK) as reader:
        first = reader.read()
        before = bytes(first)
        second = bytes(reader.read())

        assert before != second
        assert bytes(first) == second


def test_a_closed_readers_buffer_is_used_again(large: Path) -> None:
    """Ten thousand parts take as many buffers as there are workers."""
    with window(large, 0, BLOCK) as reader:
        first = reader.read().obj
    with window(large, 5, BLOCK) as reader:
        assert reader.read().obj is first


def test_open_readers_never_share_a_buffer(large: Path) -> None:
    """Also when one before them was closed twice."""
    with window(large, 0, BLOCK) as before:
        pass
    before.__exit__(None, None, None)
    with window(large, 0, BLOCK) as one, window(large, 5, BLOCK) as other:
        assert one.read().obj is not other.read().obj
        assert len(one._buffer) == len(other._buffer) == BLOCK


def test_a_small_part_takes_no_more_memory_than_it_has_bytes(file: Path) -> None:
    """A hundred small files are open at a time."""
    with window(file, 0, 5) as reader:
        assert len(reader._buffer) == 5


def test_the_length_is_that_of_the_part(file: Path) -> None:
    """Clients make Content-Length of it, wherever the position is."""
    with window(file, 10, 20) as reader:
        reader.read(7)

        assert len(reader) == 20


def test_an_empty_part_is_a_body(file: Path) -> None:
    """It has no bytes and is still true, so that ``body or b""`` keeps it; its checksum is that of nothing."""
    with window(file, 0, 0) as reader:
        assert bool(reader)
        assert len(reader) == 0
        assert bytes(reader.read()) == b""
        assert reader.checksum == checksum(CRC, b"")


@pytest.mark.parametrize(
    ("offset", "whence", "position"),
    [
        (0, os.SEEK_SET, 0),
        (15, os.SEEK_SET, 15),
        (3, os.SEEK_CUR, 7),
        (-3, os.SEEK_CUR, 1),
        (0, os.SEEK_END, 20),
        (-5, os.SEEK_END, 15),
    ],
)
def test_seeking_stays_within_the_part(file: Path, offset: int, whence: int, position: int) -> None:
    """Positions count from the part's start, as for a file that holds nothing but the part."""
    with window(file, 10, 20) as reader:
        reader.read(4)

        assert reader.seek(offset, whence) == reader.tell() == position
        assert b"".join(everything(reader)) == SMALL[10 + position : 30]


def test_seeking_before_the_part_stops_at_its_start(file: Path) -> None:
    """Bytes of the part before never leak into this one."""
    with window(file, 10, 20) as reader:
        reader.seek(-100, os.SEEK_CUR)

        assert bytes(reader.read(1)) == SMALL[10:11]


def test_seeking_beyond_the_part_reads_nothing(file: Path) -> None:
    """Bytes of the part after never leak into this one."""
    with window(file, 10, 20) as reader:
        reader.seek(25)

        assert bytes(reader.read()) == b""


def test_the_handle_is_closed_after_the_block(file: Path) -> None:
    """Ten thousand parts do not leave ten thousand open files; and a read then is no silent end of the part."""
    with window(file, 0, 5) as reader:
        pass

    with pytest.raises(ValueError, match="closed file"):
        reader.read()


# --- PartReader: when the file is not what it was ---


def test_a_file_that_became_shorter_is_told(file: Path) -> None:
    """The part cannot be finished; an end too early is never taken for the part's end."""
    with window(file, 100, 100) as reader:
        reader.read(10)
        os.truncate(file, 120)
        read = bytes(reader.read())

        assert read == SMALL[110:120]
        with pytest.raises(SourceChanged, match="shrank"):
            reader.read()


def test_a_shorter_file_has_no_checksum_either(file: Path) -> None:
    """A checksum of fewer bytes would be the checksum of another part."""
    with window(file, 100, 100) as reader:
        os.truncate(file, 120)

        with pytest.raises(SourceChanged):
            _ = reader.checksum


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    """Between planning and sending the file may be removed."""
    with pytest.raises(SourceError, match="there is no file"):
        window(tmp_path / "gone", 0, 5)


# --- PartReader: the checksum ---


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
def test_the_checksum_is_that_of_the_part(file: Path, algorithm: ChecksumAlgorithm) -> None:
    """Of the window's bytes only, in the algorithm that was asked for."""
    spec = PartSpec(number=1, offset=10, size=20)
    with PartReader(str(file), spec, algorithm=algorithm) as reader:
        assert reader.checksum == checksum(algorithm, SMALL[10:30])


def test_taking_the_checksum_does_not_move_the_position(file: Path) -> None:
    """A client may ask for it in the middle of its reads."""
    with window(file, 10, 20) as reader:
        reader.read(4)
        taken = reader.checksum

        assert taken == checksum(CRC, SMALL[10:30])
        assert b"".join(everything(reader)) == SMALL[14:30]


def test_the_checksum_is_read_once(file: Path) -> None:
    """Whoever asks again while the request runs gets the value that the header has."""
    with window(file, 0, 20) as reader:
        before = reader.checksum
        file.write_bytes(bytes(256))

        assert reader.checksum == before


def test_a_rewind_takes_the_checksum_anew(file: Path) -> None:
    """The next try sends the bytes that are there then, so it needs their checksum."""
    with window(file, 0, 20) as reader:
        before = reader.checksum
        file.write_bytes(bytes(256))
        reader.rewind()

        assert before != reader.checksum == checksum(CRC, bytes(20))


def test_a_rewind_starts_over(file: Path) -> None:
    """After half a request the whole part comes again."""
    with window(file, 10, 20) as reader:
        reader.read(13)
        reader.rewind()

        assert reader.tell() == 0
        assert b"".join(everything(reader)) == SMALL[10:30]


def test_blocks_are_the_part_and_leave_the_position(tmp_path: Path) -> None:
    """Large blocks for hashing; when the caller stops in the middle, the position is still where it was."""
    path = tmp_path / "blocks"
    path.write_bytes(os.urandom(BLOCK) + SMALL)
    with window(path, 1, BLOCK + 100) as reader:
        reader.read(4)
        lengths = [len(block) for block in reader.blocks()]
        half = reader.blocks()
        next(half)
        half.close()  # type: ignore[attr-defined]

        assert lengths == [BLOCK // 2, BLOCK // 2, 100]
        assert reader.tell() == 4


# --- PartReader: on_read ---


def test_on_read_is_told_what_went_to_the_network_before_each_read(file: Path) -> None:
    """The position before the read: what the read gives is counted when the next begins."""
    told: list[int] = []
    spec = PartSpec(number=1, offset=10, size=20)
    with PartReader(str(file), spec, algorithm=CRC, on_read=told.append, block=8) as reader:
        reader.begin_sending()
        list(everything(reader))

        assert told == [0, 8, 16, 20]


def test_reading_ahead_is_not_progress(file: Path) -> None:
    """A client that reads the body to sign it has sent nothing until it begins to send."""
    told: list[int] = []
    spec = PartSpec(number=1, offset=10, size=20)
    with PartReader(str(file), spec, algorithm=CRC, on_read=told.append, block=10) as reader:
        list(everything(reader, 10))
        reader.seek(0)
        reader.begin_sending()
        list(everything(reader, 10))

        assert told == [0, 0, 0, 0, 10, 20]


def test_a_rewind_goes_back_to_reading_ahead(file: Path) -> None:
    """The next try is signed anew, and its progress begins at 0."""
    told: list[int] = []
    spec = PartSpec(number=1, offset=0, size=20)
    with PartReader(str(file), spec, algorithm=CRC, on_read=told.append, block=15) as reader:
        reader.begin_sending()
        reader.read(15)
        reader.read(1)
        reader.rewind()
        reader.read(15)
        reader.read(1)

        assert told == [0, 15, 0, 0]


def sent_blocks(path: Path, clock: Callable[[], float], block: int = BLOCK) -> list[int]:
    """The lengths of the blocks of a whole file that goes to the network, asked for like http.client does."""
    spec = PartSpec(number=1, offset=0, size=path.stat().st_size)
    with PartReader(str(path), spec, algorithm=CRC, block=block, clock=clock) as reader:
        reader.begin_sending()
        return [len(block) for block in everything(reader, 16 * 1024)]


def test_a_fast_link_gets_larger_blocks(large: Path) -> None:
    """Each block that is gone at once doubles the next, up to a whole buffer; the client's size is no bound."""
    now = itertools.count(100.0, 0.001)

    lengths = sent_blocks(large, lambda: next(now))

    assert lengths[:4] == [BLOCK // 8, BLOCK // 4, BLOCK // 2, BLOCK]


def test_a_slow_link_gets_smaller_blocks(large: Path) -> None:
    """A block must be gone before the connection's timeout, and a cancel is heard between two."""
    now = itertools.count(100.0, 2.0)

    lengths = sent_blocks(large, lambda: next(now))

    assert lengths[:4] == [BLOCK // 8, BLOCK // 16, BLOCK // 32, BLOCK // 32]


def test_the_next_part_begins_where_the_one_before_ended(large: Path) -> None:
    """The link is the same: each of 10,000 parts would find its block anew."""
    now = itertools.count(100.0, 0.001)
    sent_blocks(large, lambda: next(now))

    assert sent_blocks(large, lambda: next(now))[:2] == [BLOCK, BLOCK]


def test_blocks_stay_within_what_the_caller_allows(large: Path) -> None:
    """A bandwidth limit shares its bytes out in small blocks."""
    now = itertools.count(100.0, 0.001)

    assert max(sent_blocks(large, lambda: next(now), block=5000)) == 5000


def test_what_on_read_raises_ends_the_read(file: Path) -> None:
    """A cancel comes out of the client's own read, and nothing was taken from the part."""

    def stop(_: int) -> None:
        raise UploadCancelled("stop")

    spec = PartSpec(number=1, offset=0, size=20)
    with PartReader(str(file), spec, algorithm=CRC, on_read=stop) as reader:
        with pytest.raises(UploadCancelled):
            reader.read()

        assert reader.tell() == 0


def test_many_readers_of_one_file_do_not_disturb_each_other(file: Path) -> None:
    """Each worker has its own handle: threads that read at the same time see their own windows."""
    read: dict[int, bytes] = {}
    together = threading.Barrier(4)

    def work(index: int) -> None:
        with window(file, index * 64, 64) as reader:
            together.wait(60)
            read[index] = b"".join(everything(reader, 1))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert b"".join(read[index] for index in sorted(read)) == SMALL


def test_content_md5_is_base64(file: Path) -> None:
    """For services without S3's checksums the part is proven by its MD5."""
    spec = PartSpec(number=1, offset=0, size=256)
    with PartReader(str(file), spec, algorithm=ChecksumAlgorithm.MD5) as reader:
        assert base64.b64decode(reader.checksum) == hashlib.md5(SMALL).digest()


def test_looking_at_a_file_does_not_touch_it(file: Path) -> None:
    """Neither identity nor reading changes what the next identification says."""
    before = identify(file)
    with window(file, 0, 256) as reader:
        list(everything(reader))

    assert identify(file) == before
    assert stat.S_ISREG(file.stat().st_mode)


def test_a_cancel_ends_the_checksum_too(tmp_path: Path) -> None:
    """The pre-read of a 5 GiB part takes seconds to minutes; on_read is not asked meanwhile."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100))

    def stop(_: int) -> None:
        raise UploadCancelled("stop")

    spec = PartSpec(number=1, offset=0, size=100)
    with (
        PartReader(str(path), spec, algorithm=ChecksumAlgorithm.CRC64NVME, on_read=stop) as reader,
        pytest.raises(UploadCancelled),
    ):
        _ = reader.checksum
