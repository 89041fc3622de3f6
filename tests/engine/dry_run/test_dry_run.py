"""``--dry-run`` reports what an upload would do, including its requests, and does nothing."""

import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.dry_run.file import plan_file
from partway.engine.dry_run.job import plan_job
from partway.engine.events import Event
from partway.engine.events.dry_run import UploadPlanned
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.engine.workers.runtime import Runtime
from partway.state.memory.store import MemoryStore
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell
from tests.support.shell.interrupted import UPLOAD, interrupt

MIB = 1024 * 1024
NAMES = {
    "PutObject": "put_object",
    "ListMultipartUploads": "list_multipart_uploads",
    "CreateMultipartUpload": "create_multipart_upload",
    "ListParts": "list_parts",
    "UploadPart": "upload_part",
    "CompleteMultipartUpload": "complete_multipart_upload",
    "AbortMultipartUpload": "abort_multipart_upload",
    "HeadObject": "head_object",
}


@pytest.fixture
def folder(shell: Shell) -> Path:
    """Small files, a large one, and an empty directory."""
    root = shell.folder / "some"
    (root / "empty").mkdir(parents=True)
    for number in range(5):
        (root / f"{number}.txt").write_bytes(b"%d" % number)
    (root / "large").write_bytes(bytes(11 * MIB))
    return root


def state(shell: Shell) -> dict[str, bytes]:
    """Every file of the state directory."""
    return {str(path): path.read_bytes() for path in shell.state.rglob("*") if path.is_file()}


def planned(result: Result) -> Counter[str]:
    """Requests by kind, from the last line of JSON."""
    assert result.code == 0, result
    return Counter({name: count for name in NAMES.values() if (count := result.events[-1][name])})


def sent(server: StrictS3, before: int = 0) -> Counter[str]:
    """Requests by kind, as the server received them."""
    return Counter(NAMES[call.operation or ""] for call in server.calls[before:])


COMMANDS = {
    "one object": ("upload", "some/1.txt", "s3://bucket/a"),
    "one object that may exist": ("upload", "some/1.txt", "s3://bucket/a", "--no-overwrite"),
    "parts": ("upload", "some/large", "s3://bucket/a", "-p", "5MiB"),
    "parts that may exist": ("upload", "some/large", "s3://bucket/a", "-p", "5MiB", "--no-overwrite"),
    "a folder": ("upload", "-r", "some", "s3://bucket/a/", "-p", "5MiB"),
    "a folder that may exist": ("upload", "-r", "some", "s3://bucket/a/", "-p", "5MiB", "--no-overwrite"),
    "a folder and what is there": ("upload", "-r", "some", "s3://bucket/a/", "-p", "5MiB", "--skip-existing"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_it_tells_the_requests_that_are_then_made(shell: Shell, server: StrictS3, folder: Path, name: str) -> None:
    """The same number of each kind; the dry run itself sends only HEAD and stores nothing."""
    told = planned(shell.run(*COMMANDS[name], "--dry-run", "--json"))
    assert sent(server).keys() <= {"head_object"}
    assert not shell.state.exists()
    before = len(server.calls)

    assert shell.run(*COMMANDS[name]).code == 0
    assert told == sent(server, before)


@pytest.mark.parametrize("command", [("resume",), UPLOAD, (*UPLOAD, "--restart")], ids=["resume", "upload", "restart"])
def test_it_tells_what_an_unfinished_upload_keeps(shell: Shell, server: StrictS3, command: tuple[str, ...]) -> None:
    """From the store, which is not changed; no request is sent."""
    interrupt(shell, server, *UPLOAD)
    shell.run("list")  # what a killed process left in SQLite's log is put in its place
    before, calls = state(shell), len(server.calls)
    result = shell.run(*command, "-n", "--json")
    assert (state(shell), len(server.calls)) == (before, calls)
    kept = 0 if "--restart" in command else 2
    assert (result.events[-1]["kept_parts"], result.events[-1]["part_count"]) == (kept, 5)

    assert shell.run(*command).code == 0
    assert planned(result) == sent(server, calls)


def test_people_read_it(shell: Shell, server: StrictS3) -> None:
    """The file, its parts, what is kept, the requests, and that nothing happened."""
    interrupt(shell, server, *UPLOAD)
    result = shell.run(*UPLOAD, "--dryrun")

    assert result.code == 0
    assert result.out.splitlines()[1:] == [
        "  of that, an earlier run sent 2 parts (10.0 MiB), kept if S3 still has them",
        "  6 requests: 1 ListParts, 3 UploadPart, 1 CompleteMultipartUpload, 1 HeadObject",
        "  dry run: nothing was sent or stored",
    ]
    assert "source.bin to s3://bucket/key (20.0 MiB in 5 parts of 5.0 MiB)" in result.out


def test_a_file_that_changed_is_told(shell: Shell, server: StrictS3) -> None:
    interrupt(shell, server, *UPLOAD)
    (shell.folder / "source.bin").touch()

    assert "the file has changed since" in shell.run(*UPLOAD, "--dryrun").out


def test_a_job_tells_what_becomes_of_each_file(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Existing ones, ones that cannot be sent, and ones that earlier runs finished."""
    (folder / "\udcff").write_bytes(b"")
    assert shell.run("upload", "some/1.txt", "s3://bucket/a/1.txt").code == 0
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=access_denied(), times=1))
    command = ("upload", "-r", "some", "s3://bucket/a/", "--skip-existing")
    first = shell.run(*command, "--dry-run")
    assert shell.run(*command).code == 1
    before = state(shell)

    second = shell.run(*command, "--dry-run", "--json")

    assert first.code == second.code == 1
    assert "some/1.txt: the service has the same" in first.out
    assert "\\xff: its name is not valid UTF-8" in first.err
    assert "would upload 5 files" in first.out and "1 skipped, 1 would fail" in first.out
    last = second.events[-1]
    assert (last["files"], last["resumed"], last["failed"]) == (1, 5, 1)
    assert state(shell) == before


def test_a_job_that_goes_on(shell: Shell, server: StrictS3, folder: Path) -> None:
    """``resume`` of a job reports the same, and a key that is taken."""
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=access_denied(), times=1))
    assert shell.run("upload", "-r", "some", "s3://bucket/a/", "--no-overwrite", "-c", "1", "--order", "name").code == 1

    result = shell.run("resume", "--dry-run")

    assert result.code == 0
    assert "would upload 1 file (1 B) to s3://bucket/a/, 5 done by earlier runs" in result.out


def test_a_taken_key_is_told(shell: Shell, server: StrictS3, folder: Path) -> None:
    assert shell.run("upload", "some/1.txt", "s3://bucket/a").code == 0
    calls = len(server.calls)

    result = shell.run("upload", "some/1.txt", "s3://bucket/a", "--no-overwrite", "--dry-run")

    assert (result.code, "would skip s3://bucket/a: the object already exists" in result.out) == (0, True)
    assert [call.operation for call in server.calls[calls:]] == ["HeadObject"]


def test_of_a_stream_it_says_what_nobody_knows(shell: Shell, server: StrictS3) -> None:
    """Its producer is not run, and the pipe is not read."""
    marker = shell.folder / "ran"
    result = shell.run("upload", "-", "s3://bucket/a", "--from-command", f"touch {marker}", "--dry-run")

    assert result.code == 0
    assert "its size and the number of requests are not known yet; at most 16.0 TiB fit" in result.out
    assert not marker.exists() and not server.calls and not shell.state.exists()


def test_quiet_is_quiet(shell: Shell, server: StrictS3, folder: Path) -> None:
    """Only failures are reported."""
    (folder / "\udcff").write_bytes(b"")
    result = shell.run("upload", "-r", "some", "s3://bucket/a/", "-n", "--quiet")

    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1


BAD = {
    "no file": (("upload", "none", "s3://bucket/a"), 2, "there is no file"),
    "no files": (
        ("upload", "-r", "some", "s3://bucket/a/", "--exclude", "*", "--fail-if-empty"),
        1,
        "found no files to upload",
    ),
    "part size": (("upload", "source.bin", "s3://bucket/a", "-p", "1MiB"), 2, "5 MiB"),
    "overlap": (("upload", "-r", "some", "other", "s3://bucket/"), 2, "nothing was sent"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_would_be_refused_is_refused(shell: Shell, server: StrictS3, folder: Path, name: str) -> None:
    command, code, words = BAD[name]
    (shell.folder / "other").mkdir()
    (shell.folder / "other" / "1.txt").write_bytes(b"")
    result = shell.run(*command, "--dry-run")

    assert (result.code, words in result.err) == (code, True), result
    assert not server.calls and not shell.state.exists()


def test_it_runs_on_the_threads_of_the_run(backend: S3Backend, make_file: Callable[..., Path]) -> None:
    """A dry run that asks S3 uses the runtime of its context, as an upload does."""
    threads: list[int] = []

    def make_executor(max_workers: int) -> Executor:
        threads.append(max_workers)
        return ThreadPoolExecutor(max_workers)

    context = EngineContext(backend=backend, store=MemoryStore(), runtime=Runtime(make_executor=make_executor))
    target = Target(bucket="bucket", key="key", options=ObjectOptions(no_overwrite=True))
    plan_file(str(make_file(1)), target, context)

    assert len(threads) == 1


def test_memory_is_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files: ten times as many take no more, though they are sorted."""
    monkeypatch.setattr("partway.engine.walk.order._RUN", 1000)
    (tmp_path / "file").write_bytes(b"x")
    spec = JobSpec(sources=(str(tmp_path),), bucket="bucket", prefix="")
    peaks = []
    for count in (2_000, 20_000):
        tracemalloc.start()
        told = plan(spec, str(tmp_path / "file"), count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert told == count + 1

    assert peaks[1] < peaks[0] * 1.5


def plan(spec: JobSpec, path: str, files: int) -> int:
    """The number of events of a plan of this many files, which are all the same file."""
    count = 0

    def sink(event: Event) -> None:
        nonlocal count
        count += 1

    def sources() -> Iterator[tuple[str, str | None]]:
        return ((path, str(number)) for number in range(files))

    plan_job(
        spec,
        sources,
        EngineContext(
            backend=S3Backend(S3Config()),
            store=MemoryStore(),
            settings=UploadSettings(),
            sink=sink,
            cancel=CancelToken(),
        ),
    )
    return count


def test_files_of_a_job_are_in_the_order_of_their_names(shell: Shell) -> None:
    """Whatever the order in which the directory has them; --order names another one."""
    (shell.folder / "sorted").mkdir()
    for number in (3, 1, 5, 2, 4):
        (shell.folder / "sorted" / str(number)).write_bytes(b"x" * (10 - number))
    plain = shell.run("upload", "-r", "sorted", "s3://bucket/", "-n").out
    by_size = shell.run("upload", "-r", "sorted", "s3://bucket/", "-n", "--order", "size").out

    assert re.findall(r"s3://bucket/(\d)", plain) == ["1", "2", "3", "4", "5"]
    assert re.findall(r"s3://bucket/(\d)", by_size) == ["5", "4", "3", "2", "1"]


def test_a_plan_keeps_to_the_limits_of_a_known_service(backend: S3Backend, tmp_path: Path) -> None:
    """20 GiB for Scaleway, which accepts 1,000 parts."""
    file = tmp_path / "sparse"
    with file.open("wb") as out:
        out.truncate(20 * 1024 * MIB)
    context = EngineContext(backend=backend, store=MemoryStore())
    target = Target(bucket="bucket", key="key", endpoint="https://s3.fr-par.scw.cloud")

    plan = plan_file(str(file), target, context)

    assert isinstance(plan, UploadPlanned)
    assert (plan.part_size, plan.part_count) == (21 * MIB, 976)
