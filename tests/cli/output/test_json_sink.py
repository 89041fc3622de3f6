"""``--json``: one event per line on stdout, with the documented names and fields, and nothing else."""

import re
from collections.abc import Iterator
from random import Random

import pytest

from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import internal_error
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell

MIB = 1024 * 1024
SIZE = 12 * MIB
NAME = "\x1b[31mname\n.bin"
FIELDS = {
    "upload_started": {
        "upload",
        "source",
        "target",
        "total_bytes",
        "part_size",
        "part_count",
        "resumed_bytes",
        "resumed_parts",
        "expected_bytes",
        "most_bytes",
    },
    "part_progress": {"upload", "number", "sent"},
    "part_retried": {"upload", "number", "attempt", "wait", "reason"},
    "network_lost": {"upload", "reason", "wait"},
    "network_probed": {"upload", "seconds", "wait"},
    "part_done": {"upload", "number", "size"},
    "upload_completing": {"upload"},
    "upload_done": {
        "upload",
        "target",
        "bytes",
        "sent_bytes",
        "resumed_bytes",
        "seconds",
        "retries",
        "etag",
        "proof",
        "version_id",
    },
    "upload_failed": {"upload", "error", "resumable"},
    "upload_skipped": {"upload", "source", "target", "reason"},
}
TARGET = ("-p", "5MiB", "--json")
AWAY = "http://127.0.0.1:9"
COMMANDS: dict[str, tuple[str | bytes, ...]] = {
    "done": ("upload", "big.bin", "s3://bucket/done", *TARGET),
    "odd name": ("upload", NAME, "s3://bucket/", "--json", "--quiet"),
    "no such bucket": ("upload", "big.bin", "s3://other/k", *TARGET),
    "away": ("upload", "big.bin", "s3://bucket/away", "--endpoint-url", AWAY, "--retry-for", "1s", *TARGET),
    "no file": ("upload", "none.bin", "s3://bucket/none", *TARGET),
    "skipped": ("upload", "big.bin", "s3://bucket/taken", "--no-overwrite", *TARGET),
}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """A strict S3 that fails the second part once."""
    with StrictS3() as server:
        server.model.put_object("bucket", "taken", b"older")
        server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, part_number=2, action=internal_error()))
        yield server


@pytest.fixture(scope="module")
def shell(server: StrictS3, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a file of three parts, and one with an odd name."""
    shell = Shell(tmp_path_factory.mktemp("json"), server)
    (shell.folder / "big.bin").write_bytes(Random(1).randbytes(SIZE))
    (shell.folder / NAME).write_bytes(b"x")
    return shell


@pytest.fixture(scope="module")
def results(shell: Shell) -> dict[str, Result]:
    """How each of COMMANDS ended."""
    return shell.run_all(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_line_is_an_event(results: dict[str, Result], name: str) -> None:
    """Every line of stdout is one object with the documented fields."""
    events = results[name].events

    assert events
    assert all(set(event) == {"event", "time", *FIELDS[event["event"]]} for event in events)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_raw_control_characters(results: dict[str, Result], name: str) -> None:
    """Of control characters only line feeds, and only ASCII."""
    assert re.fullmatch(r"([ -~]+\n)+", results[name].out)


def test_upload_started(results: dict[str, Result], shell: Shell) -> None:
    """The source, the destination and the parts."""
    started = results["done"].event("upload_started")

    assert re.fullmatch("[0-9a-f]{8}", started.pop("upload"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", started.pop("time"))
    assert started == {
        "event": "upload_started",
        "source": str(shell.folder / "big.bin"),
        "target": "s3://bucket/done",
        "total_bytes": SIZE,
        "part_size": 5 * MIB,
        "part_count": 3,
        "resumed_bytes": 0,
        "resumed_parts": 0,
        "expected_bytes": None,
        "most_bytes": None,
    }


def test_part_done(results: dict[str, Result]) -> None:
    """Every part once, with its size."""
    done = [event for event in results["done"].events if event["event"] == "part_done"]

    assert {event["number"]: event["size"] for event in done} == {1: 5 * MIB, 2: 5 * MIB, 3: 2 * MIB}
    assert len(done) == 3


def test_part_retried(results: dict[str, Result]) -> None:
    """Which part, how often, how long it waits, and why."""
    retried = results["done"].event("part_retried")

    assert (retried["number"], retried["attempt"]) == (2, 1)
    assert 0 <= retried["wait"] <= 30
    assert "InternalError" in retried["reason"]


def test_upload_done(results: dict[str, Result]) -> None:
    """The totals of this run, and the proof."""
    done = results["done"].event("upload_done")

    assert (done["bytes"], done["sent_bytes"], done["resumed_bytes"], done["retries"]) == (SIZE, SIZE, 0, 1)
    assert (done["target"], done["proof"]) == ("s3://bucket/done", "crc64nvme")
    assert done["etag"].endswith("-3") and done["seconds"] > 0


def test_order(results: dict[str, Result]) -> None:
    """It starts with upload_started and ends with upload_done, all for one upload."""
    events = results["done"].events

    assert (events[0]["event"], events[-2]["event"], events[-1]["event"]) == (
        "upload_started",
        "upload_completing",
        "upload_done",
    )
    assert len({event["upload"] for event in events}) == 1


@pytest.mark.parametrize(
    ("name", "code", "resumable", "has_id"),
    [("no such bucket", 1, False, True), ("away", 75, True, True), ("no file", 2, False, False)],
)
def test_upload_failed(results: dict[str, Result], name: str, code: int, resumable: bool, has_id: bool) -> None:
    """Why, and whether running again helps; the error sentence is also on stderr."""
    failed = results[name].event("upload_failed")

    assert results[name].code == code
    assert failed["resumable"] is resumable
    assert bool(failed["upload"]) is has_id
    assert results[name].errors == [f"error: {failed['error']}"]


def test_what_s3_has_nothing_of_is_forgotten(results: dict[str, Result], shell: Shell) -> None:
    """An upload of which S3 has nothing is not listed: the bucket does not exist, or the endpoint was never reached."""
    listed = shell.run("list", "--json").events

    assert [upload["target"] for upload in listed] == []


def test_upload_skipped(results: dict[str, Result]) -> None:
    """A skip is a separate event, not a failure."""
    assert results["skipped"].code == 0
    assert [event["event"] for event in results["skipped"].events] == ["upload_skipped"]


def test_odd_name_survives(results: dict[str, Result], shell: Shell) -> None:
    """Unescaping the JSON yields the name."""
    assert results["odd name"].event("upload_started")["source"] == str(shell.folder / NAME)
    assert results["odd name"].err == ""
