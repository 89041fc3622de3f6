"""A file that changes, or seems to, between runs or during one: the object is the file, or nothing is completed."""

import mmap
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from partway.engine.errors import SourceChanged, SourceError, UploadFailed
from partway.engine.events import Event
from partway.engine.events.upload import PartDone, PartsChecked, UploadStarted
from partway.engine.source.identity import SourceIdentity, handle_identity
from partway.engine.source.memory_files import is_in_memory
from partway.engine.workers.runtime import Runtime
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, CallFunction, CloseConnection, Fault, Stage
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


def interrupt(strict: StrictS3, uploading: Uploading, *, at: int = 6) -> None:
    """A run that ends before the part ``at``; those before it are recorded."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=at))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)


def content(strict: StrictS3) -> bytes:
    return strict.model.get_object("bucket", "key").body


def sent_parts(strict: StrictS3) -> int:
    return strict.counts["UploadPart"]


def at_part(number: int, change: Callable[[], object]) -> Callable[[Event], None]:
    """A listener that makes the change once, when the part is done."""
    done: list[int] = []

    def on_event(event: Event) -> None:
        if isinstance(event, PartDone) and event.number == number and not done:
            done.append(number)
            change()

    return on_event


def overwrite(path: Path, at: int = 5, other: bytes = b"other") -> None:
    """Change bytes in place."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(other)


def keeping_mtime(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """The change, after which the old mtime is set back."""

    def kept(path: Path) -> None:
        before = path.stat()
        change(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return kept


def overwrite_mapped(path: Path) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[5:10] = b"other"


def replace_by_other_bytes(path: Path) -> None:
    copy = path.with_suffix(".new")
    shutil.copy2(path, copy)
    keeping_mtime(overwrite)(copy)
    copy.replace(path)


HIDDEN_CHANGES = {
    "in place": keeping_mtime(overwrite),
    "mapped": keeping_mtime(overwrite_mapped),
    "replaced": replace_by_other_bytes,
}


def hard_link(path: Path) -> None:
    path.with_suffix(".link").hardlink_to(path)


def set_attribute(path: Path) -> None:
    os.setxattr(path, "user.note", b"x")


def same_copy(path: Path) -> None:
    shutil.copy2(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)


HARMLESS_CHANGES = {
    "chmod": lambda path: path.chmod(0o640),
    "hard link": hard_link,
    "attribute": set_attribute,
    "touch": os.utime,
    "equal copy": same_copy,
}


# --- between two runs ---


@pytest.mark.parametrize("change", HIDDEN_CHANGES.values(), ids=HIDDEN_CHANGES)
def test_a_change_that_mtime_hides_is_noticed_by_the_next_run(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading
) -> None:
    """Size and mtime are as before, as after rsync --inplace --times; the changed part is sent again, and no other."""
    interrupt(strict, uploading)
    change(uploading.path)
    before = sent_parts(strict)
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()
    assert sent_parts(strict) - before == 2


def test_a_page_that_was_mapped_and_written_before_is_no_blind_spot(strict: StrictS3, uploading: Uploading) -> None:
    """A write to a dirty page moves no time, so the pages are flushed when the file is identified."""
    with uploading.path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[0:5] = b"dirty"
        interrupt(strict, uploading)
        mapped[0:5] = b"other"
        uploading.run()

        assert content(strict) == uploading.path.read_bytes()


@pytest.mark.parametrize("change", HARMLESS_CHANGES.values(), ids=HARMLESS_CHANGES)
def test_a_change_that_leaves_the_bytes_costs_no_part(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading
) -> None:
    """The parts are compared with the bytes, and kept."""
    interrupt(strict, uploading)
    change(uploading.path)
    before = sent_parts(strict)
    done = uploading.run()

    assert (sent_parts(strict) - before, done.resumed_bytes) == (1, 5 * PART)
    assert uploading.of(PartsChecked)


@pytest.mark.parametrize(
    ("field", "compared"), [("device", False), ("inode", True), ("ctime_ns", True), ("mtime_ns", True)]
)
def test_what_a_remount_changes(field: str, compared: bool, strict: StrictS3, uploading: Uploading) -> None:
    """Another device number is nothing; the rest is settled by the bytes, and costs no part.  In memory bytes are
    always compared."""
    interrupt(strict, uploading)
    (record,) = uploading.store.uploads()
    changes: dict[str, Any] = {field: 12345}
    uploading.store.save_upload(replace(record, **changes))
    before = sent_parts(strict)
    uploading.run()

    assert bool(uploading.of(PartsChecked)) is (compared or is_in_memory(uploading.path.stat().st_dev))
    assert sent_parts(strict) - before == 1


def test_a_row_without_ctime_is_compared(strict: StrictS3, uploading: Uploading) -> None:
    """An upload that an earlier version began: what it did not store is not taken for equal."""
    interrupt(strict, uploading)
    (record,) = uploading.store.uploads()
    uploading.store.save_upload(replace(record, ctime_ns=None))
    HIDDEN_CHANGES["in place"](uploading.path)
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()


def test_a_touched_file_whose_complete_was_answered_too_late_is_done(strict: StrictS3, uploading: Uploading) -> None:
    """The object is there and is the file: a chmod after the kill does not have everything sent again."""
    strict.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_EFFECT, action=CloseConnection(), times=None),
        Fault(operation="HeadObject", stage=Stage.BEFORE_READ, action=CloseConnection(), times=None),
    )
    with pytest.raises(Exception, match=r"."):
        uploading.run(policy=replace(uploading.settings.policy, budget=0.05, first_contact=0.05))
    strict.faults.clear()
    uploading.path.chmod(0o640)
    before = sent_parts(strict)
    done = uploading.run()

    assert (sent_parts(strict) - before, done.sent_bytes) == (0, 0)
    assert content(strict) == uploading.path.read_bytes()


# --- while it is sent ---


@pytest.mark.parametrize("change", HIDDEN_CHANGES.values(), ids=HIDDEN_CHANGES)
def test_a_change_that_mtime_hides_is_noticed_in_the_same_run(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading
) -> None:
    """Nothing is completed, and the next run sends what differs."""
    uploading.on_event = at_part(3, lambda: change(uploading.path))
    with pytest.raises(SourceChanged, match="nothing was completed"):
        uploading.run(concurrency=1)
    assert strict.counts["CompleteMultipartUpload"] == 0
    before = sent_parts(strict)
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()
    assert sent_parts(strict) - before == 1


@pytest.mark.parametrize("change", HARMLESS_CHANGES.values(), ids=HARMLESS_CHANGES)
def test_a_change_that_leaves_the_bytes_is_no_error(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading
) -> None:
    """The file is read once more, and nothing is sent twice."""
    uploading.on_event = at_part(3, lambda: change(uploading.path))
    done = uploading.run(concurrency=1)

    assert (sent_parts(strict), done.proof) == (6, "crc64nvme")
    assert content(strict) == uploading.path.read_bytes()
    assert uploading.store.uploads()[0].ctime_ns == uploading.path.stat().st_ctime_ns


def point(link: Path, file: Path) -> None:
    """Have the link lead to the file; nothing else changes, and it leads somewhere at every moment."""
    new = link.with_suffix(".new")
    new.symlink_to(file)
    new.replace(link)


@pytest.fixture
def linked(uploading: Uploading) -> tuple[Path, Path]:
    """The upload's path, which is a link, and the file that it leads to."""
    file = uploading.path
    uploading.path = file.with_suffix(".path")
    point(uploading.path, file)
    return uploading.path, file


def test_parts_of_another_file_at_the_path_are_no_parts(
    strict: StrictS3, uploading: Uploading, linked: tuple[Path, Path], make_file: Callable[..., Path]
) -> None:
    """The path leads to another file of equal size for a while, and back before the end."""
    other = make_file(SIZE, name="other", seed=2)

    def on_event(event: Event) -> None:
        if isinstance(event, PartDone) and event.number in (2, 4):
            point(linked[0], other if event.number == 2 else linked[1])

    uploading.on_event = on_event
    with pytest.raises(SourceChanged):
        uploading.run(concurrency=1)
    uploading.on_event = lambda event: None
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()


def test_parts_of_another_file_are_not_trusted_after_a_kill(
    strict: StrictS3, uploading: Uploading, linked: tuple[Path, Path], make_file: Callable[..., Path]
) -> None:
    """The run ends before it could compare them, and then the path leads to the file that was identified."""
    other = make_file(SIZE, name="other", seed=2)
    uploading.on_event = at_part(2, lambda: point(linked[0], other))
    interrupt(strict, uploading, at=5)
    point(*linked)
    uploading.run()

    assert content(strict) == uploading.path.read_bytes()


def test_a_path_that_leads_back_while_parts_are_compared(
    strict: StrictS3, uploading: Uploading, linked: tuple[Path, Path], make_file: Callable[..., Path]
) -> None:
    """All parts were read from another file that differs in one; the path leads to the first one at the end."""
    other = make_file(SIZE, name="other")
    overwrite(other)

    def on_event(event: Event) -> None:
        if isinstance(event, UploadStarted):
            point(linked[0], other)
        if isinstance(event, PartsChecked) and event.bytes >= 3 * PART:
            point(*linked)

    uploading.on_event = on_event
    with pytest.raises(SourceChanged):
        uploading.run(concurrency=1)

    assert strict.counts["CompleteMultipartUpload"] == 0


def test_a_small_file_at_a_path_that_led_elsewhere_is_not_done(
    strict: StrictS3, uploading: Uploading, linked: tuple[Path, Path], make_file: Callable[..., Path]
) -> None:
    """What was sent is another file's, and was compared with it before the path led back."""
    first, other = make_file(PART // 2, name="first"), make_file(PART // 2, name="other", seed=2)
    point(linked[0], first)
    uploading.on_event = lambda event: point(linked[0], other) if isinstance(event, UploadStarted) else None
    back = CallFunction(function=lambda: point(linked[0], first))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_EFFECT, action=back))
    with pytest.raises(SourceChanged):
        uploading.run()
    uploading.on_event = lambda event: None
    uploading.run()

    assert content(strict) == first.read_bytes()


class Elsewhere(ThreadPoolExecutor):
    """Workers on a machine where another file is at the path."""

    def __init__(self, path: Path) -> None:
        super().__init__(2)
        self._path = path

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        return super().submit(fn, replace(args[0], path=str(self._path)), **kwargs)


def test_an_executor_that_reads_another_file_completes_nothing(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Equal size and another content under the same path, as on another machine."""
    with Elsewhere(make_file(SIZE, name="other", seed=2)) as executor:
        for _ in range(2):
            with pytest.raises(SourceChanged):
                uploading.run(executor=executor)

    assert strict.counts["CompleteMultipartUpload"] == 0


@pytest.mark.timeout(60)
def test_a_file_that_becomes_a_pipe_ends_the_upload(strict: StrictS3, uploading: Uploading) -> None:
    """Opening a pipe that nobody writes would wait for ever."""

    def become_a_pipe() -> None:
        os.mkfifo(uploading.path.with_suffix(".pipe"))
        uploading.path.with_suffix(".pipe").replace(uploading.path)

    uploading.on_event = at_part(2, become_a_pipe)

    with pytest.raises(SourceError, match=r"is a pipe \(FIFO\)"):
        uploading.run(concurrency=1)


@pytest.mark.parametrize("part", [2, 6])
def test_a_file_that_is_away_for_a_while_is_for_another_run(strict: StrictS3, uploading: Uploading, part: int) -> None:
    """Renamed in mid-run, or before the last look; its parts are kept for when it is back."""
    away = uploading.path.with_suffix(".away")
    uploading.on_event = at_part(part, lambda: uploading.path.rename(away))

    with pytest.raises(SourceChanged, match=r"there is no file .*; restore the file and run again"):
        uploading.run(concurrency=1)

    away.rename(uploading.path)
    assert uploading.run().resumed_bytes >= part * PART - PART
    assert content(strict) == uploading.path.read_bytes()


# --- a file that grows ---


def test_a_file_that_grows_is_not_completed(strict: StrictS3, uploading: Uploading) -> None:
    """The sentence names the flag for files that never stop growing."""
    with uploading.path.open("ab", buffering=0) as log:
        uploading.on_event = at_part(2, lambda: log.write(b"more"))
        with pytest.raises(SourceChanged, match=r"grew while it was sent.*--local-no-check-updated"):
            uploading.run(concurrency=1)

    assert strict.counts["CompleteMultipartUpload"] == 0


@pytest.mark.parametrize("size", [SIZE, PART // 2])
def test_a_file_that_grows_is_sent_as_it_was_at_the_start(
    size: int, strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """With check_updated=False, in parts and as one object."""
    path = make_file(size)
    before = path.read_bytes()

    def grow() -> None:
        with path.open("ab") as log:
            log.write(b"more")

    operation = "UploadPart" if size > PART else "PutObject"
    strict.faults.add(Fault(operation=operation, stage=Stage.HALF_BODY, action=CallFunction(function=grow), times=None))
    done = uploading.run(check_updated=False)

    assert content(strict) == before
    assert (done.proof, done.bytes) == ("crc64nvme", size)


def test_a_growing_file_that_was_interrupted_is_resumed_as_it_is_then(strict: StrictS3, uploading: Uploading) -> None:
    """Each run takes the size at its start; the parts that are equal stay."""
    interrupt(strict, uploading)
    with uploading.path.open("ab") as log:
        log.write(b"more")
    before = sent_parts(strict)
    uploading.run(check_updated=False)

    assert content(strict) == uploading.path.read_bytes()
    assert sent_parts(strict) - before == 1


# --- times that lie ---


@pytest.fixture
def flapping(uploading: Uploading) -> None:
    """Two servers with different times, asked in turn, as GlusterFS may show."""
    real, looks = handle_identity, [0]

    def show(path: str, handle: int) -> SourceIdentity:
        looks[0] += 1
        found = real(path, handle)
        hours = looks[0] % 2 * 3600 * 10**9
        assert found.ctime_ns is not None
        return replace(found, mtime_ns=found.mtime_ns - hours, ctime_ns=found.ctime_ns - hours)

    uploading.runtime = Runtime(identify_path=show, identify_part=show)


@pytest.mark.usefixtures("flapping")
@pytest.mark.parametrize("size", [SIZE, PART // 2])
def test_a_file_whose_times_flap_is_uploaded(
    size: int, strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Two mtimes in turn: the bytes decide, and nothing is sent twice."""
    make_file(size)
    done = uploading.run()

    assert content(strict) == uploading.path.read_bytes()
    assert done.sent_bytes == size


def test_a_file_without_a_stable_inode_is_uploaded(
    strict: StrictS3, uploading: Uploading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some FUSE file systems number a file anew each time it is opened."""
    real, looks = handle_identity, [0]

    def show(path: str, handle: int) -> SourceIdentity:
        looks[0] += 1
        return replace(real(path, handle), inode=looks[0])

    uploading.runtime = Runtime(identify_path=show, identify_part=show)
    done = uploading.run()

    assert (sent_parts(strict), done.proof) == (6, "crc64nvme")


def test_a_file_whose_times_change_all_the_time_is_not_completed(
    strict: StrictS3, uploading: Uploading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell whether all parts are of one state of it; the flag takes it as it is."""
    real, looks = handle_identity, [0]

    def show(path: str, handle: int) -> SourceIdentity:
        looks[0] += 1
        return replace(real(path, handle), ctime_ns=looks[0])

    uploading.runtime = Runtime(identify_path=show, identify_part=show)
    with pytest.raises(SourceChanged, match=r"keeps changing.*--local-no-check-updated"):
        uploading.run()
    assert strict.counts["CompleteMultipartUpload"] == 0
    uploading.run(check_updated=False)

    assert content(strict) == uploading.path.read_bytes()


@pytest.fixture
def blind(uploading: Uploading) -> None:
    """A file system that shows no change at all."""
    real = handle_identity

    def show(path: str, handle: int) -> SourceIdentity:
        return replace(real(path, handle), mtime_ns=1, ctime_ns=1)

    uploading.runtime = Runtime(identify_path=show, identify_part=show)


@pytest.mark.usefixtures("blind")
def test_verify_source_finds_what_no_time_shows(strict: StrictS3, uploading: Uploading) -> None:
    """Every part is compared with the file before Complete; the next run sends what differs."""
    uploading.on_event = at_part(3, lambda: overwrite(uploading.path))
    with pytest.raises(SourceChanged, match="nothing was completed"):
        uploading.run(concurrency=1, verify_source=True)
    assert strict.counts["CompleteMultipartUpload"] == 0
    uploading.run(verify_source=True)

    assert content(strict) == uploading.path.read_bytes()
    assert sent_parts(strict) == 7


# --- one object ---


@pytest.mark.parametrize("change", HIDDEN_CHANGES.values(), ids=HIDDEN_CHANGES)
def test_a_small_file_that_changes_while_it_is_sent_is_never_done(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Once it was read for its checksum, other bytes are another file."""
    path = make_file(PART)
    changes = CallFunction(function=lambda: change(path))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_EFFECT, action=changes))

    with pytest.raises(SourceChanged):
        uploading.run()
    uploading.run()

    assert content(strict) == path.read_bytes()


@pytest.mark.parametrize("change", HARMLESS_CHANGES.values(), ids=HARMLESS_CHANGES)
def test_a_small_file_whose_bytes_stay_is_done(
    change: Callable[[Path], None], strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """It is read once more, and sent once."""
    path = make_file(PART)
    changes = CallFunction(function=lambda: change(path))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.HALF_BODY, action=changes))
    done = uploading.run()

    assert (strict.counts["PutObject"], done.proof) == (1, "crc64nvme")


@pytest.mark.usefixtures("blind")
def test_verify_source_compares_a_small_file(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Before the last block goes, so that no object is made of other bytes."""
    path = make_file(40 * PART)
    changes = CallFunction(function=lambda: overwrite(path))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=changes))

    with pytest.raises(SourceChanged):
        uploading.run(part_size=64 * PART, verify_source=True)

    assert not strict.model.objects


# --- the same file by another path ---


def by_link(path: Path) -> Path:
    link = path.with_suffix(".link")
    link.symlink_to(path)
    return link


def by_hard_link(path: Path) -> Path:
    link = path.with_suffix(".hard")
    link.hardlink_to(path)
    return link


def by_linked_folder(path: Path) -> Path:
    folder = path.parent.parent / "linked"
    folder.symlink_to(path.parent)
    return folder / path.name


def by_rename(path: Path) -> Path:
    return path.rename(path.with_suffix(".renamed"))


@pytest.mark.parametrize("other_path", [by_link, by_hard_link, by_linked_folder, by_rename])
def test_the_same_file_by_another_path_is_resumed(
    other_path: Callable[[Path], Path], strict: StrictS3, uploading: Uploading, tmp_path: Path
) -> None:
    """One upload, which the first path finds as well; only what is missing is sent."""
    folder = tmp_path / "folder"
    folder.mkdir()
    uploading.path = uploading.path.rename(folder / "file")
    interrupt(strict, uploading)
    first = uploading.path
    uploading.path = other_path(first)
    before = sent_parts(strict)
    uploading.run()
    (record,) = uploading.store.uploads()

    assert sent_parts(strict) - before == 1
    assert record.source == str(first if first.exists() else uploading.path)
    assert content(strict) == uploading.path.read_bytes()


def test_another_file_to_the_same_key_is_another_upload(
    strict: StrictS3, uploading: Uploading, make_file: Callable[..., Path]
) -> None:
    """Equal size is not equal identity."""
    interrupt(strict, uploading)
    uploading.path = make_file(SIZE, name="other", seed=2)
    uploading.run()

    assert len(uploading.store.uploads()) == 2
    assert content(strict) == uploading.path.read_bytes()
