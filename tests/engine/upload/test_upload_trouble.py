"""Trouble that is not the network's: wrong clocks, expired credentials, services that want fewer requests."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import exit_code
from partway.engine.errors import CredentialsExpired, Refused, Transient, UploadFailed
from partway.engine.events.upload import NetworkLost, PartDone, PartRetried
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Hang, Stage
from tests.support.s3_faults.responses import expired_token, slow_down
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts, and the strict S3."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


@pytest.mark.parametrize("minutes", [-20, 20, 600])
def test_a_wrong_clock_is_corrected_by_the_services(strict: StrictS3, uploading: Uploading, minutes: int) -> None:
    """One refusal, then every request is signed with the time that the refusal named."""
    strict.clock = lambda: time.time() + 60 * minutes

    done = uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.retries == len(uploading.of(PartRetried)) == 1


@pytest.mark.parametrize("size", [100, SIZE], ids=["small", "parts"])
def test_an_object_that_shows_late_is_looked_for_again(strict: StrictS3, uploading: Uploading, size: int) -> None:
    """Some services need a moment after Complete."""
    uploading.path.write_bytes(b"x" * size)
    missing = Answer(status=404)
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=missing))

    assert uploading.run().proof == "crc64nvme"


def test_an_object_that_never_shows_is_an_error(strict: StrictS3, uploading: Uploading) -> None:
    """S3 took it and does not have it: nothing is called done, and running again finds out."""
    missing = Answer(status=404)
    strict.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=missing, times=2))
    with pytest.raises(Transient, match="does not show it yet") as failure:
        uploading.run()

    assert exit_code(failure.value) == 75
    assert uploading.run().proof == "crc64nvme"


def test_credentials_that_expire_are_read_anew(
    strict: StrictS3, make_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A credential process is asked again when the service says that its token has expired; the upload goes on."""
    asked = tmp_path / "asked"
    program = tmp_path / "credentials.py"
    found = {"Version": 1, "AccessKeyId": strict.access_key, "SecretAccessKey": strict.secret_key}
    program.write_text(f"open({str(asked)!r}, 'a').write('x')\nprint({json.dumps(json.dumps(found))})\n")
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=expired_token(), part_number=3))
    backend = S3Backend(S3Config(endpoint_url=strict.url))
    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)

    uploading.run(concurrency=1)
    backend.close()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert asked.read_text() == "xx"


def test_static_credentials_that_expire_pause_the_upload(strict: StrictS3, uploading: Uploading) -> None:
    """Exit code 75 and a sentence; the parts are kept, and with good credentials the next run goes on."""
    gone = Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=expired_token(), times=None, part_number=3)
    strict.faults.add(gone)

    with pytest.raises(UploadFailed, match=r"ExpiredToken.*renew the credentials") as failure:
        uploading.run(concurrency=1)
    strict.faults.clear()
    done = uploading.run()

    assert isinstance(failure.value.__cause__, CredentialsExpired)
    assert exit_code(failure.value) == 75
    assert done.resumed_bytes == 2 * PART


def test_on_slow_down_fewer_parts_are_in_flight(strict: StrictS3, uploading: Uploading) -> None:
    """After a refusal half of the workers rest, until parts go well again."""
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=slow_down(), part_number=1),
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=Hang(seconds=0.05), times=None),
    )
    running: list[int] = []
    uploading.on_event = lambda event: running.append(strict.in_flight_max) if isinstance(event, PartDone) else None

    done = uploading.run(concurrency=4)

    assert done.retries == 1
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_while_the_network_is_away_one_worker_asks(
    strict: StrictS3, uploading: Uploading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures that reach nobody are few, although four workers wait, and no part's tries are used up."""

    def interrupt(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 1:
            strict.refuse()
        lost = [e for e in uploading.of(PartRetried) if "cannot reach" in e.reason]
        if uploading.of(NetworkLost) and len(lost) > 6:
            strict.accept()

    uploading.on_event = interrupt

    uploading.run(concurrency=4)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert max(event.attempt for event in uploading.of(PartRetried)) >= 2


def test_a_header_that_cannot_be_written_is_refused_at_once(strict: StrictS3, uploading: Uploading) -> None:
    """It is not the network's fault, and trying again does not help."""
    uploading.options = replace(uploading.options, storage_class="a\r\nb")

    with pytest.raises(Refused, match="CreateMultipartUpload could not be sent"):
        uploading.run()

    assert uploading.of(PartRetried) == []
