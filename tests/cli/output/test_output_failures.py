"""Failing output, ignored signals, TLS flags, and failures before the work starts."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from partway.cli.output.select import Output
from partway.cli.runtime.errors import OutputFailed
from partway.cli.runtime.run import run_upload
from partway.engine.events import Event, EventSink
from partway.engine.events.upload import FileDone, JobDone
from partway.engine.job.run import run_job
from partway.engine.run.context import EngineContext
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.walk.spec import JobSpec
from partway.engine.workers.channel import CancelToken
from partway.state.memory.store import MemoryStore
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell
from tests.support.shell.interrupted import UPLOAD, hanging, make_source


def run_shell(shell: Shell, line: str) -> "subprocess.CompletedProcess[str]":
    """A line for ``sh``, with $PARTWAY as the command."""
    return subprocess.run(
        ["sh", "-c", line],
        cwd=shell.folder,
        env=shell.variables | {"PARTWAY": " ".join(PARTWAY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_full_disk_behind_the_json_stops_the_upload_resumably(shell: Shell) -> None:
    """The output is lost: an error, the resume command, and exit code 75."""
    done = run_shell(shell, f"$PARTWAY {' '.join(UPLOAD)} --json > /dev/full")

    assert done.returncode == 75
    assert done.stderr.startswith("error: the output cannot be written: No space left on device\n")
    assert "  to resume: partway" in done.stderr


def test_a_reader_that_goes_away_stops_the_upload_resumably(shell: Shell) -> None:
    """``| head -1`` takes one line and leaves."""
    done = run_shell(shell, f"($PARTWAY {' '.join(UPLOAD)} --json; echo code $? >&2) | head -1")

    assert json.loads(done.stdout)["event"] == "upload_started"
    assert "error: the output cannot be written: Broken pipe" in done.stderr
    assert "code 75" in done.stderr


@pytest.mark.parametrize(("kind", "code"), [(FileDone, 75), (JobDone, 1)])
def test_a_job_whose_reader_goes_away_can_be_gone_on_with(
    kind: type[Event], code: int, strict: StrictS3, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a single upload; not when all was done before the last line failed."""
    for name in ("1", "2"):
        (tmp_path / name).write_bytes(b"some")
    spec = JobSpec(sources=(str(tmp_path / "1"), str(tmp_path / "2")), bucket="bucket", prefix="", endpoint=strict.url)
    backend = S3Backend(S3Config(endpoint_url=strict.url))
    store = MemoryStore()

    def work(sink: EventSink, cancel: CancelToken) -> JobDone:
        def see(event: Event) -> None:
            sink(event)
            if isinstance(event, kind):
                raise OutputFailed("the output cannot be written: Broken pipe")

        return run_job(
            spec, lambda: [(path, None) for path in spec.sources], EngineContext(backend=backend, store=store, sink=see)
        )

    # A session that is left would give these credentials to the tests after this one.
    with closing(backend):
        assert run_upload(work, store, Output(quiet=True), None) == code
    assert ("to resume:" in capsys.readouterr().err) == (code == 75)


def test_a_summary_that_cannot_be_written_says_that_the_upload_is_done(server: StrictS3, shell: Shell) -> None:
    """Exit code 1, since the caller did not get the summary; but the object exists."""
    done = run_shell(shell, f"$PARTWAY {' '.join(UPLOAD)} > /dev/full")

    assert done.returncode == 1
    assert "the upload is complete and verified, but the summary cannot be written" in done.stderr
    assert ("bucket", "key") in server.model.objects


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_an_ignored_signal_stays_ignored(server: StrictS3, shell: Shell, number: signal.Signals) -> None:
    """nohup and background jobs: the upload goes on to its end."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with hanging(shell, server, *UPLOAD) as running:
            running.process.send_signal(number)
            time.sleep(0.3)
            running.process.send_signal(number)
            time.sleep(0.3)
            alive = running.process.poll() is None
    finally:
        signal.signal(number, before)

    assert alive


def test_a_closed_terminal_is_like_ctrl_c(server: StrictS3, shell: Shell) -> None:
    """SIGHUP keeps the parts and says how to resume."""
    with hanging(shell, server, *UPLOAD) as running:
        result = running.stop(signal.SIGHUP)

    assert result.code == 130
    assert "2 parts are safe" in result.err


def test_a_failure_before_the_work_begins_is_json_too(shell: Shell) -> None:
    """A program that reads the lines learns of every failure."""
    result = shell.run(*UPLOAD, "--json", "--profile", "nobody")

    (event,) = result.events
    assert (event["event"], event["resumable"], result.code) == ("upload_failed", False, 1)
    assert "there is no profile 'nobody' in /dev/null" in event["error"]


def test_an_address_with_a_password_is_refused(shell: Shell) -> None:
    """It would be stored and displayed; credentials belong in the AWS configuration."""
    flag = shell.run(*UPLOAD, "--endpoint-url", "http://user:hunter2@127.0.0.1:1")
    variable = shell.run(*UPLOAD, variables={"AWS_ENDPOINT_URL": "http://user:hunter2@127.0.0.1:1"})

    assert (flag.code, variable.code) == (2, 1)
    assert "hunter2" not in flag.err + variable.err
    assert "credentials come from the AWS configuration" in flag.err
    assert "credentials come from the AWS configuration" in variable.err


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[StrictS3, Shell]]:
    """A server with an untrusted certificate."""
    with StrictS3(tls=True) as server:
        shell = Shell(tmp_path, server)
        make_source(shell)
        del shell.variables["AWS_CA_BUNDLE"]
        yield server, shell


def test_an_unknown_certificate_is_refused(tls: tuple[StrictS3, Shell]) -> None:
    """Certificates are verified unless disabled; nothing is sent."""
    server, shell = tls

    result = shell.run(*UPLOAD)

    assert result.code == 1
    assert "the endpoint's certificate is not trusted" in result.errors[0]
    assert server.calls == []


def test_a_ca_bundle_is_trusted(tls: tuple[StrictS3, Shell]) -> None:
    """--ca-bundle makes the certificate trusted."""
    server, shell = tls

    result = shell.run(*UPLOAD, "--ca-bundle", str(server.ca_file))

    assert (result.code, "warning" in result.err) == (0, False)


def test_no_verify_ssl_warns_once(tls: tuple[StrictS3, Shell]) -> None:
    """It works, with a single warning of ours about the risk."""
    _, shell = tls

    result = shell.run(*UPLOAD, "--no-verify-ssl", "--no-progress")

    assert result.code == 0
    assert result.err == (
        "warning: the endpoint's certificate is not verified; anyone on the network path can read "
        "and change the upload\n"
    )
