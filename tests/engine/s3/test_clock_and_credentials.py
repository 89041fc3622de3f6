"""A clock that is wrong, and credentials that end while an upload runs."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import exit_code
from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import UploadFailed
from partway.engine.events.upload import PartDone, UploadSkipped
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.fault_matrix.credential_process import SOON
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Stage
from tests.support.s3_faults.responses import expired_token
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.s3_server.sigv4 import Credentials
from tests.support.servers.credentials import ROLE, CredentialSource, sso_login

SIZE = 5 * PART + 10
FIRST = Credentials(access_key="ASIAFIRST", secret_key="first-secret", session_token="first-token")
SECOND = Credentials(access_key="ASIASECOND", secret_key="second-secret", session_token="second-token")
SOURCES = ["program", "shared file", "container", "instance", "role", "sso"]


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts, and the strict S3."""
    return Uploading(path=make_file(SIZE), backend=backend, endpoint=backend.endpoint)


@pytest.fixture
def temporary() -> Iterator[StrictS3]:
    """A strict S3 that lets in who has the first temporary credentials."""
    with StrictS3(S3Model(min_part_size=PART)) as server:
        server.credentials = FIRST
        yield server


@pytest.fixture
def endpoint() -> Iterator[CredentialSource]:
    """The servers that temporary credentials come from."""
    with CredentialSource() as source:
        yield source


@pytest.fixture
def give(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, endpoint: CredentialSource
) -> Callable[[Credentials, timedelta], None]:
    """Configure the source that the test names; the function has it give credentials from then on."""
    kind = str(request.param)
    config, shared, program = (tmp_path / name for name in ("config", "credentials", "program.sh"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    config.write_text("")
    if kind == "program":
        config.write_text(f"[default]\ncredential_process = /bin/sh {program}\n")
    elif kind == "container":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{endpoint.url}/credentials")
    elif kind == "instance":
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.url)
    elif kind == "role":
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        config.write_text(f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n")
        shared.write_text("[base]\naws_access_key_id = base\naws_secret_access_key = base\n")
    elif kind == "sso":
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", endpoint.url)
        monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path / "sso"))
        config.write_text(sso_login(tmp_path / "sso"))

    def give(credentials: Credentials, lasts: timedelta) -> None:
        key, secret, token = credentials.access_key, credentials.secret_key, credentials.session_token or ""
        endpoint.gives(key, secret, token, lasts=lasts)
        if kind == "shared file":
            shared.write_text(
                f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
            )
        document = {
            "Version": 1,
            "AccessKeyId": key,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": (datetime.now(UTC) + lasts).isoformat(),
        }
        program.write_text(f"cat <<'END'\n{json.dumps(document)}\nEND\n")

    return give


@pytest.mark.parametrize("give", SOURCES, indirect=True)
def test_credentials_that_s3_calls_expired_are_read_anew(
    temporary: StrictS3, make_file: Callable[..., Path], give: Callable[[Credentials, timedelta], None]
) -> None:
    """Their time was not over, but S3 says so: the source is asked again, and the upload goes on without a new run."""
    give(FIRST, timedelta(hours=1))

    def rotate() -> None:
        temporary.credentials = SECOND
        give(SECOND, timedelta(hours=1))

    action = (CallFunction(function=rotate), expired_token())
    temporary.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=action, part_number=3))
    backend = S3Backend(S3Config(endpoint_url=temporary.url))
    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=temporary.url)

    done = uploading.run(concurrency=1)
    backend.close()

    assert temporary.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert (done.retries, temporary.counts["UploadPart"]) == (1, 7)


@pytest.mark.parametrize("give", ["program", "container", "role"], indirect=True)
def test_credentials_that_end_soon_are_fetched_before_they_end(
    temporary: StrictS3, make_file: Callable[..., Path], give: Callable[[Credentials, timedelta], None]
) -> None:
    """With new ones at their source, no request is made with the old ones."""
    give(FIRST, SOON)

    def rotate() -> None:
        temporary.credentials = SECOND
        give(SECOND, timedelta(hours=1))

    # Before the answer, when no other request is on its way.
    action = CallFunction(function=rotate)
    temporary.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_EFFECT, action=action, part_number=3))
    backend = S3Backend(S3Config(endpoint_url=temporary.url))
    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=temporary.url)

    done = uploading.run(concurrency=1)
    backend.close()

    assert temporary.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.retries == 0


def test_a_session_that_ends_pauses_the_upload(
    temporary: StrictS3, make_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session token from the environment cannot be renewed: exit code 75, and the parts are kept."""
    for name, value in temporary.environment().items():
        monkeypatch.setenv(name, value)
    backend = S3Backend(S3Config(endpoint_url=temporary.url))

    def end(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 3:
            temporary.faults.add(Fault(operation=None, stage=Stage.BEFORE_READ, action=expired_token(), times=None))

    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=temporary.url, on_event=end)
    with pytest.raises(UploadFailed, match="ExpiredToken") as failure:
        uploading.run(concurrency=1)
    backend.close()

    (record,) = uploading.store.uploads()
    assert exit_code(failure.value) == 75
    assert len(uploading.store.parts(record.id)) >= 3
    assert record.upload_id in {info.upload_id for info in temporary.model.open_uploads}


@pytest.mark.parametrize("minutes", [-20, 20])
@pytest.mark.parametrize("options", [ObjectOptions(), ObjectOptions(no_overwrite=True)], ids=["plain", "no overwrite"])
@pytest.mark.parametrize("size", [100, SIZE], ids=["small", "parts"])
def test_a_wrong_clock_does_not_matter(
    strict: StrictS3, uploading: Uploading, size: int, options: ObjectOptions, minutes: int
) -> None:
    """The first refusal names the right time; also when it is the response to a HEAD, which names nothing."""
    strict.clock = lambda: time.time() + 60 * minutes
    uploading.path.write_bytes(uploading.path.read_bytes()[:size])
    uploading.options = options

    done = uploading.run()

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.proof == "crc64nvme"


def test_a_clock_that_jumps_and_is_set_right_again_does_not_matter(strict: StrictS3, uploading: Uploading) -> None:
    """Each time one request is refused, and the next is signed with the service's time."""

    def jump(event: object) -> None:
        if isinstance(event, PartDone) and event.number == 2:
            strict.clock = lambda: time.time() + 3600
        if isinstance(event, PartDone) and event.number == 4:
            strict.clock = time.time

    uploading.on_event = jump

    done = uploading.run(concurrency=1)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.retries == 2


@pytest.mark.parametrize("give", ["program", "container"], indirect=True)
def test_a_wrong_clock_and_a_session_token_go_together(
    temporary: StrictS3, make_file: Callable[..., Path], give: Callable[[Credentials, timedelta], None]
) -> None:
    """What is signed anew carries the session's token once, and credentials that are fetched in between."""
    temporary.clock = lambda: time.time() + 1200
    give(FIRST, SOON)
    backend = S3Backend(S3Config(endpoint_url=temporary.url))
    uploading = Uploading(path=make_file(SIZE), backend=backend, endpoint=temporary.url)

    uploading.run()
    backend.close()

    assert temporary.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_with_a_wrong_clock_an_object_that_exists_is_seen(strict: StrictS3, uploading: Uploading) -> None:
    """HEAD cannot name the reason of its 403, but its Date tells: nothing is sent to be refused at the end."""
    uploading.run()
    strict.clock = lambda: time.time() + 1200
    uploading.options = ObjectOptions(no_overwrite=True)
    uploading.path.write_bytes(b"other bytes")

    with pytest.raises(AssertionError):
        uploading.run()

    assert len(uploading.of(UploadSkipped)) == 1
    assert strict.counts["CreateMultipartUpload"] == 1
    assert strict.counts["PutObject"] == 0


def test_a_clock_that_nobody_corrects_is_named(strict: StrictS3, uploading: Uploading) -> None:
    """A service that refuses its own time: exit code 75, and a sentence that says what to do."""
    skewed = Answer(status=403, code="RequestTimeTooSkewed", headers={"Date": "no date"})
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=skewed, times=None))

    with pytest.raises(UploadFailed, match="set this machine's clock") as failure:
        uploading.run()

    assert exit_code(failure.value) == 75
    assert len(strict.model.open_uploads) == 1
