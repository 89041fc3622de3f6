"""``--log-file``: a line per event, for later inspection."""

import os
import re
from pathlib import Path

import pytest

from partway.cli.output.log_file import LogFile
from partway.cli.output.messages.log_lines import log_line
from partway.engine.events.upload import PartDone, PartProgress, UploadStarted
from tests.support.engine.job_events import JOB, MIB, failed, sent, started
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied, internal_error
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, Shell
from tests.support.shell.interrupted import PARTS, UPLOAD, interrupt, refuse_parts

LOGGED = (*UPLOAD, "--log-file", "run.log")
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ([0-9a-f]{8}|-) (.+)")


def logged(shell: Shell, name: str = "run.log") -> list[str]:
    """What the lines of the log say, without time and id; every line is one."""
    found = [LINE.fullmatch(line) for line in (shell.folder / name).read_text().splitlines()]
    return [match[2] for match in found if match] if all(found) else pytest.fail(f"odd lines: {found}")


def test_every_event_is_a_line(server: StrictS3, shell: Shell) -> None:
    """From what is sent to the proof, with the part that was tried again."""
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, part_number=2, action=internal_error()))

    result = shell.run(*LOGGED)

    lines = logged(shell)
    assert result.code == 0
    assert lines[0] == f"sending {shell.folder}/source.bin to s3://bucket/key: 20.0 MiB in 5 parts of 5.0 MiB"
    assert sorted(line for line in lines if "done (" in line) == [
        *(f"part {number} done (5.0 MiB)" for number in range(1, PARTS)),
        f"part {PARTS} done (1000 B)",
    ]
    assert [
        line for line in lines if line.startswith("part 2, attempt 1 failed, retrying in ") and "InternalError" in line
    ]
    assert lines[-1].startswith("uploaded s3://bucket/key (20.0 MiB); sent 20.0 MiB in ")
    assert lines[-1].endswith("; verified crc64nvme of the whole object")


def test_runs_are_added(server: StrictS3, shell: Shell) -> None:
    """A kill leaves complete lines, later runs append, and each line has the upload's ID."""
    interrupt(shell, server, *LOGGED)
    refuse_parts(server)
    shell.run("resume", "--log-file", "run.log")
    server.faults.clear()
    shell.run("resume", "--log-file", "run.log", "--quiet")

    lines = logged(shell)
    starts = [number for number, line in enumerate(lines) if line.startswith("sending ")]
    ids = {line.split()[1] for line in (shell.folder / "run.log").read_text().splitlines()}
    assert len(starts) == 3
    assert "10.0 MiB already on S3" in lines[starts[1]]
    assert re.match("(failed|ended, to be resumed): .*AccessDenied", lines[starts[2] - 1])
    assert lines[-1].startswith("uploaded ")
    assert len(ids) == 1


def test_a_job_and_a_failure(server: StrictS3, shell: Shell) -> None:
    """Files that are done and files that fail, and how the job ended."""
    for name in ("a", "b"):
        (shell.folder / "many").mkdir(exist_ok=True)
        (shell.folder / "many" / name).write_bytes(b"x")
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=access_denied()))

    shell.run("upload", "-r", "many", "s3://bucket/", "--log-file", "run.log")

    lines = logged(shell)
    assert lines[0] == "job to s3://bucket/; 0 files done by earlier runs"
    assert (
        len([line for line in lines if re.fullmatch(r"uploaded s3://bucket/[ab] \(1 B\), proof crc64nvme", line)]) == 1
    )
    assert len([line for line in lines if re.match(rf"failed: {shell.folder}/many/[ab]: .*AccessDenied", line)]) == 1


def test_what_fails_before_an_upload_begins_is_logged(shell: Shell) -> None:
    """cron's mail may be lost; the log has the error."""
    shell.run("upload", "none.bin", "s3://bucket/key", "--log-file", "run.log")
    shell.run(*LOGGED, "--profile", "nobody")

    lines = logged(shell)
    assert lines[0] == f"failed: there is no file {shell.folder}/none.bin"
    assert lines[1].startswith("stopped: there is no profile 'nobody' in ")


def test_no_secret_and_nothing_raw(server: StrictS3, shell: Shell) -> None:
    """Neither keys nor tokens, also when S3 refuses them; a file's odd name is escaped."""
    (shell.folder / "\x1b[31mred\nname").write_bytes(b"x")
    secrets = {"AWS_SECRET_ACCESS_KEY": "hunter2-secret", "AWS_SESSION_TOKEN": "hunter2-token"}

    shell.run("upload", "\x1b[31mred\nname", "s3://bucket/", "--log-file", "run.log")
    refused = shell.run(*LOGGED, variables=secrets)

    text = (shell.folder / "run.log").read_text()
    assert refused.code != 0
    assert "hunter2" not in text
    assert r"\x1b[31mred\nname" in text and not CONTROL.search(text)


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ("none/run.log", "cannot write the log file none/run.log: No such file or directory; choose another"),
        ("source.bin", "the log file source.bin is among the files to upload"),
        ("-", "--log-file needs a file; use --json for events on standard output"),
        (".", "is a directory"),
        ("pipe", "cannot write the log file pipe: "),
    ],
)
def test_a_log_that_cannot_be_is_a_usage_error(server: StrictS3, shell: Shell, log: str, says: str) -> None:
    """Before anything is sent or stored."""
    os.mkfifo(shell.folder / "pipe")

    result = shell.run(*UPLOAD, "--log-file", log)

    assert result.code == 2
    assert says in result.err
    assert server.calls == []
    assert not shell.state.exists()


def test_a_log_in_the_folder_that_is_uploaded(server: StrictS3, shell: Shell) -> None:
    """It would change in every run; it is allowed if a filter excludes it."""
    (shell.folder / "many").mkdir()
    (shell.folder / "many" / "a").write_bytes(b"x")
    command = ("upload", "-r", "many", "s3://bucket/", "--log-file", "many/run.log")

    refused, taken = shell.run(*command), shell.run(*command, "--exclude", "*.log")

    assert (refused.code, taken.code) == (2, 0)
    assert "is among the files to upload" in refused.err
    assert [key for _, key in server.model.objects] == ["a"]


def test_a_log_that_fills_its_disk_does_not_stop_the_upload(server: StrictS3, shell: Shell) -> None:
    """One warning, and the upload continues."""
    result = shell.run(*UPLOAD, "--log-file", "/dev/full")

    assert result.code == 0
    assert result.err.count("No space left on device; the upload continues without it") == 1
    assert server.model.objects["bucket", "key"].body == (shell.folder / "source.bin").read_bytes()


def test_bytes_on_their_way_are_a_line_in_ten_seconds(tmp_path: Path) -> None:
    """Progress comes by the thousand; the log gets how far the upload is, now and then."""
    now = 0.0
    log = LogFile(tmp_path / "log", clock=lambda: 1_800_000_000.25, timer=lambda: now)
    log(
        UploadStarted(
            upload="3f2a91bc",
            source="/a",
            target="s3://b/a",
            total_bytes=400,
            part_size=100,
            part_count=4,
            resumed_bytes=0,
            resumed_parts=0,
        )
    )
    for second in range(25):
        now = float(second)
        log(PartProgress(upload="3f2a91bc", number=1, sent=second))
    log.close()

    lines = (tmp_path / "log").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in lines] == [
        "2027-01-15T08:00:00.250Z 3f2a91bc 10 B of 400 B",
        "2027-01-15T08:00:00.250Z 3f2a91bc 20 B of 400 B",
    ]


def test_each_upload_of_a_job_has_such_a_line(tmp_path: Path) -> None:
    """With its own ID and numbers, until it ends."""
    now = 0.0
    log = LogFile(tmp_path / "log", clock=lambda: 1_800_000_000.25, timer=lambda: now)
    for event in (JOB, started("a"), started("b"), started("c"), sent("b", 1, 5 * MIB), failed("c")):
        log(event)
    now = 10.0
    log(sent("a", 1, MIB))
    log.close()

    lines = (tmp_path / "log").read_text().splitlines()[-2:]
    assert [line.split("Z ")[1].split(",")[0] for line in lines] == [
        "id-a 1.0 MiB of 100.0 MiB",
        "id-b 5.0 MiB of 100.0 MiB",
    ]


def test_a_log_line_is_one_line() -> None:
    """Also for events with text from elsewhere."""
    assert log_line(PartDone(upload="x", number=1234, size=5 * 1024**2)) == "part 1,234 done (5.0 MiB)"


def test_help_names_it(shell: Shell) -> None:
    """Both commands that upload have it."""
    assert all("--log-file FILE" in shell.run(name, "--help").out for name in ("upload", "resume"))
