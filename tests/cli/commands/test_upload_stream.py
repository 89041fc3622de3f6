"""``producer | partway upload - s3://bucket/key`` in real processes."""

import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

import benchmarks as launcher
from tests.support.s3_faults.faults import Fault, Stage, Trickle
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, TIMEOUT, Shell
from tests.support.shell.interrupted import make_source, part_numbers, refuse_parts
from tests.support.shell.pipe import piped, piping

MIB = 1024 * 1024
PART = 5 * MIB
PARTS = 6
DATA = Random(3).randbytes((PARTS - 1) * PART + 1000)
TARGET = "s3://bucket/dump"
OPTIONS = ("-p", "5MiB", "-c", "2")
ENDPOINT = ("--endpoint-url", "URL", "--region", "NAME")  # not typed, and possibly not set in another shell


@pytest.fixture
def pipeline(server: StrictS3, tmp_path: Path) -> Shell:
    """A working directory."""
    return Shell(tmp_path, server)


def content(server: StrictS3) -> bytes:
    """The object's bytes."""
    return server.model.get_object("bucket", "dump").body


def stop_after(pipeline: Shell, parts: int, number: int = signal.SIGKILL) -> Any:
    """Produce ``count`` parts and a bit, pause, and stop the upload with a signal."""
    over = threading.Event()

    def produce(pipe: Any) -> None:
        pipe.write(DATA[: parts * PART + 1000])
        over.wait(TIMEOUT)

    with piping(pipeline, produce, TARGET, *OPTIONS) as running:
        running.wait_for("part_done", parts)
        # The producer is silent for as long as this waits at most.
        result = running.stop(number)
        assert not over.is_set()
        over.set()
    return result


@pytest.mark.parametrize("parts", [1, 4])
def test_kill_9_and_the_producer_again(server: StrictS3, pipeline: Shell, parts: int) -> None:
    """Finished parts are not sent again, and the object equals the producer's output."""
    assert stop_after(pipeline, parts).code == -signal.SIGKILL

    result = piped(pipeline, DATA, TARGET, *OPTIONS)

    assert content(server) == DATA
    assert part_numbers(server) == list(range(1, PARTS + 1))
    assert f"reused {parts * 5}.0 MiB" in result.out
    assert "verified crc64nvme of the whole object" in result.out
    assert result.code == 0


def test_ctrl_c_while_the_producer_is_silent(server: StrictS3, pipeline: Shell) -> None:
    """It exits at once, and says that the producer has to run again, with the command to pipe it into."""
    result = stop_after(pipeline, 2, signal.SIGINT)

    assert result.code == 130
    assert "2 parts are safe on S3 (10.0 MiB)\n" in result.err
    assert "run the producer again: PRODUCER | partway --state-dir" in result.err


def test_the_command_that_is_named_goes_on(server: StrictS3, pipeline: Shell) -> None:
    """No option has to be repeated."""
    (pipeline.folder / "data").write_bytes(DATA)
    told = stop_after(pipeline, 2, signal.SIGINT).err
    (line,) = [line.split("again: ")[1] for line in told.splitlines() if "PRODUCER" in line]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    result = pipeline.run_command(["sh", "-c", line.replace("PRODUCER", "cat data")], variables={"PATH": path})

    assert result.code == 0
    assert content(server) == DATA
    assert part_numbers(server) == list(range(1, PARTS + 1))


def test_what_the_others_say_of_a_stream(server: StrictS3, pipeline: Shell) -> None:
    """list, show and resume report that only its producer can finish it; cancel works without."""
    stop_after(pipeline, 2)
    facts = json.loads(pipeline.run("list", "--json").out)
    id = facts["upload"]
    listed, shown, named, everything = (
        pipeline.run(*words) for words in (["list"], ["show", id], ["resume", id], ["resume", "--all"])
    )

    assert (facts["source"], facts["total_bytes"], facts["part_count"], facts["done_parts"]) == ("-", None, None, 2)
    assert "10.0 MiB  unknown" in listed.out
    assert "10.0 MiB, 2 parts; total size unknown" in " ".join(shown.out.split())
    assert named.code == 2
    assert "only its producer can send the rest" in named.err
    assert everything.code == 75
    assert everything.err.startswith(f"not resumed: upload {id} is a stream")
    assert "upload - s3://bucket/dump -p 5MiB -c 2 --json --endpoint-url" in everything.err
    assert pipeline.run("cancel", id).code == 0
    assert server.model.open_uploads == ()


def test_a_stream_that_ends_early_is_not_completed(server: StrictS3, pipeline: Shell) -> None:
    """Exit code 75: the producer may succeed the next time."""
    stop_after(pipeline, 2)

    result = piped(pipeline, DATA[:PART], TARGET)

    assert result.code == 75
    assert "ended after 5,242,880 bytes, but an earlier run sent 10,485,760" in result.errors[0]
    assert "--restart" in result.errors[0]
    assert ("bucket", "dump") not in server.model.objects


def test_a_stream_that_differs_is_warned_of_once(server: StrictS3, pipeline: Shell) -> None:
    """The object equals the new stream."""
    stop_after(pipeline, 2)
    other = b"?" + DATA[1:]

    result = piped(pipeline, other, TARGET)

    assert content(server) == other
    assert result.err.count("warning: 1 part of the stream differs from what an earlier run sent") == 1


def test_an_empty_stream_replaces_nothing(server: StrictS3, pipeline: Shell) -> None:
    """Exit code 1; --allow-empty permits it."""
    refused = piped(pipeline, b"", TARGET)
    meant = piped(pipeline, b"", TARGET, "--allow-empty")

    assert (refused.code, meant.code) == (1, 0)
    assert "--allow-empty" in refused.errors[0]
    assert content(server) == b""


def test_the_producers_exit_code_counts(server: StrictS3, pipeline: Shell) -> None:
    """--from-command: the output of a failed program does not become an object, and sent parts are kept."""
    (pipeline.folder / "data").write_bytes(DATA)
    failing = pipeline.run("upload", "-", TARGET, *OPTIONS, "--from-command", "cat data; exit 7")
    made = ("bucket", "dump") in server.model.objects
    working = pipeline.run("upload", "-", TARGET, "--from-command", "cat data")

    assert failing.code == 75
    assert "the producer failed with exit code 7" in failing.errors[0]
    assert not made
    assert working.code == 0
    assert content(server) == DATA
    assert part_numbers(server) == list(range(1, PARTS + 1))


def test_a_resume_that_has_to_leave_a_stream_alone_is_incomplete(server: StrictS3, pipeline: Shell) -> None:
    """Whatever else it finishes, and also with --quiet."""
    make_source(pipeline)
    refuse_parts(server, after=3)
    pipeline.run("upload", "source.bin", "s3://bucket/file", *OPTIONS)
    piped(pipeline, DATA, TARGET, *OPTIONS)
    server.faults.clear()
    dry = pipeline.run("resume", "--all", "--dry-run")
    both = pipeline.run("resume", "--all", "--json")
    alone = pipeline.run("resume", "--quiet")

    assert (dry.code, both.code, alone.code) == (75, 75, 75)
    assert ("bucket", "file") in server.model.objects
    assert both.event("upload_done")["target"] == "s3://bucket/file"
    assert alone.err.startswith("not resumed: upload ")


def test_a_resume_passes_over_a_stream_that_is_on_its_way(server: StrictS3, pipeline: Shell) -> None:
    """Its producer is running: nothing is to be done or reported."""
    over = threading.Event()

    def produce(pipe: Any) -> None:
        pipe.write(DATA[: 2 * PART + 1000])
        over.wait(TIMEOUT)

    with piping(pipeline, produce, TARGET, *OPTIONS) as running:
        running.wait_for("part_done", 2)
        result = pipeline.run("resume", "--all", "--quiet")
        running.stop()
        over.set()

    assert (result.code, result.err) == (0, "")


def test_a_resume_leaves_a_job_alone_whose_list_came_by_a_pipe(server: StrictS3, pipeline: Shell) -> None:
    """And it finishes the others."""
    make_source(pipeline)
    make_source(pipeline, "other.bin", seed=2)
    refuse_parts(server)
    subprocess.run(
        [*PARTWAY, "upload", "--files-from", "-", "s3://bucket/p/", *OPTIONS],
        input=b"source.bin\n",
        cwd=pipeline.folder,
        env=pipeline.variables,
        capture_output=True,
        timeout=TIMEOUT,
    )
    pipeline.run("upload", "other.bin", "s3://bucket/other", *OPTIONS)
    server.faults.clear()
    result = pipeline.run("resume", "--all")

    assert result.code == 75
    assert "not resumed: job " in result.err
    assert ("bucket", "other") in server.model.objects


def test_a_closed_input_is_one_sentence_for_a_list(pipeline: Shell) -> None:
    """No file that partway opens gets its descriptor."""
    result = pipeline.run_command(
        ["sh", "-c", '"$@" <&-', "sh", *PARTWAY, "upload", "--files-from", "-", "s3://bucket/p/"]
    )

    assert result.code == 2
    assert "standard input is closed" in result.err
    assert "defect" not in result.err


@pytest.mark.parametrize("command", ["cat data; exit 7", "head -c 100 data; exit 7", "exit 7"])
def test_a_failed_producer_may_do_better_the_next_time(pipeline: Shell, command: str) -> None:
    """However much it wrote; the event agrees with the exit code."""
    (pipeline.folder / "data").write_bytes(DATA)
    failing = pipeline.run("upload", "-", TARGET, *OPTIONS, "--json", "--from-command", command)

    assert failing.code == 75
    assert failing.event("upload_failed")["resumable"] is True
    assert "the producer failed with exit code 7" in failing.errors[0]


def hint(text: str) -> str:
    """The resume command that is printed."""
    (line,) = [line for line in text.splitlines() if "upload - " in line]
    return line[line.index("partway ") :]


def test_what_is_named_after_a_failed_producer_is_what_was_typed(server: StrictS3, pipeline: Shell) -> None:
    """Now and later: running it does not turn the failed producer's output into an object."""
    (pipeline.folder / "data").write_bytes(DATA)
    producer = "cat data; printf 'it'\\''s'; exit 7"
    options = ("--max-parts", "50", "--equal-parts", "--expected-size", "100M", "--metadata", "a=b c")
    failed = pipeline.run("upload", "-", TARGET, *OPTIONS, *options, "--restart", "--from-command", producer)
    later = pipeline.run("resume", "--all")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    followed = [
        pipeline.run_command(["sh", "-c", hint(result.err)], variables={"PATH": path}) for result in (failed, later)
    ]
    words = shlex.split(hint(failed.err))

    assert hint(failed.err) == hint(later.err)
    assert words[words.index("upload") :][: -len(ENDPOINT)] == [
        *("upload", "-", TARGET, *OPTIONS, *options, "--from-command", producer)
    ]
    assert [result.code for result in followed] == [75, 75]
    assert ("bucket", "dump") not in server.model.objects


def test_a_producer_ends_with_the_upload(server: StrictS3, pipeline: Shell) -> None:
    """Its output would not be read."""
    server.model.put_object("bucket", "dump", b"older")
    # The caller waits at most TIMEOUT, also for the producer, which shares its output.
    result = pipeline.run("upload", "-", TARGET, "--no-overwrite", "--from-command", "exec sleep 1000")

    assert result.code == 0


def test_what_is_expected_is_shown_as_that(server: StrictS3, pipeline: Shell) -> None:
    """The total is only an estimate; the object has what was produced."""
    result = piped(pipeline, DATA, TARGET, *OPTIONS, "--expected-size", "1M", "--json")
    (started,) = [event for event in result.events if event["event"] == "upload_started"]

    assert (started["total_bytes"], started["part_count"], started["expected_bytes"]) == (None, None, MIB)
    assert content(server) == DATA


def test_lines_without_a_total(server: StrictS3, pipeline: Shell) -> None:
    """Bytes, rate and parts, but no share or remaining time."""
    server.faults.add(
        *(
            Fault(
                operation="UploadPart",
                stage=Stage.BEFORE_READ,
                action=Trickle(bytes_per_second=MIB),
                part_number=number,
            )
            for number in (2, 3)
        )
    )
    result = piped(pipeline, DATA[: 3 * PART], TARGET, *OPTIONS)
    lines = [line for line in result.err.splitlines() if line.startswith("-: ")]

    assert lines
    assert all("%" not in line and "left" not in line and " of " not in line for line in lines)


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no key": (("upload", "-", "s3://bucket/"), "give the key"),
    "bucket alone": (("upload", "-", "s3://bucket"), "give the key"),
    "for a file": (
        ("upload", "a.bin", "s3://bucket/a", "--expected-size", "1G"),
        "--expected-size applies to a stream",
    ),
    "too much": (("upload", "-", "s3://bucket/a", "--expected-size", "50T"), "split the stream"),
    "too small": (
        ("upload", "-", "s3://bucket/a", "--expected-size", "1T", "-p", "5MiB"),
        "choose a part size of 105 MiB or more",
    ),
    "adopt": (("upload", "-", "s3://bucket/a", "--adopt"), "--adopt is for files"),
}


def test_bad_input_is_one_sentence_and_exit_2(pipeline: Shell) -> None:
    """Before anything is read."""
    results = pipeline.run_all({name: words for name, (words, _) in BAD.items()})

    assert {name: result.code for name, result in results.items()} == dict.fromkeys(BAD, 2)
    assert [name for name, (_, sentence) in BAD.items() if sentence not in results[name].err] == []


def test_a_terminal_and_a_closed_input_are_no_streams(pipeline: Shell) -> None:
    """A backup is not typed, and a closed descriptor may belong to any file by now."""
    terminal, other = os.openpty()
    typed = subprocess.run(
        [*PARTWAY, "upload", "-", TARGET], stdin=other, env=pipeline.variables, capture_output=True, timeout=TIMEOUT
    )
    os.close(terminal)
    os.close(other)
    closed = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *PARTWAY, "upload", "-", TARGET],
        env=pipeline.variables,
        capture_output=True,
        timeout=TIMEOUT,
    )

    assert (typed.returncode, closed.returncode) == (2, 2)
    assert b"standard input is a terminal" in typed.stderr
    assert b"standard input is closed" in closed.stderr


def test_a_full_disk_is_one_sentence(server: StrictS3, pipeline: Shell) -> None:
    """And resumable: files are limited to 4 MiB here, which is less than a part."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * MIB, 4 * MIB))

    result = subprocess.run(
        [*PARTWAY, "upload", "-", TARGET, *OPTIONS],
        input=DATA,
        env=pipeline.variables,
        capture_output=True,
        timeout=TIMEOUT,
        preexec_fn=limit,
    )

    assert result.returncode == 75
    assert result.stderr.count(b"error: ") == 1
    assert b"cannot store a part of the stream in" in result.stderr
    assert b"TMPDIR" in result.stderr


def test_memory_does_not_grow_with_the_parts(server: StrictS3, pipeline: Shell) -> None:
    """Four parts of 64 MiB: the peak is that of a small upload."""
    launch = [sys.executable, "-I", "-S", str(Path(launcher.__file__).parent / "launch.py"), "used"]
    with subprocess.Popen(
        [*launch, *PARTWAY, "upload", "-", TARGET, "-p", "64MiB", "--quiet"],
        stdin=subprocess.PIPE,
        env=pipeline.variables,
        cwd=pipeline.folder,
    ) as process:
        assert process.stdin is not None
        for _ in range(200):
            process.stdin.write(bytes(MIB))
    code, *_, peak = (pipeline.folder / "used").read_text().split()

    assert code == "0"
    assert int(peak) < 100 * 1024  # KiB
