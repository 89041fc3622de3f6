"""Services that take fewer parts than S3: the sentence names the limit, and starting over with it works."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.errors import AccessRefused, Refused, UploadFailed
from partway.engine.events.upload import UploadFailed as FailedEvent
from partway.engine.s3.backend import S3Backend
from partway.engine.upload import part_limit
from tests.support.engine.stream_case import Streaming
from tests.support.engine.upload_case import LIMITS, PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

MOST = 4


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictS3]:
    """A service that takes four parts."""
    with StrictS3(S3Model(min_part_size=PART, max_parts=MOST)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts."""
    return Uploading(path=make_file(5 * PART + 10), backend=backend, endpoint=backend.endpoint)


def refused(text: str, code: str = "InvalidArgument") -> Refused:
    return Refused(f"S3 refused UploadPart: {code} ({text})", operation="UploadPart", code=code, status=400)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_advice_names_the_limit_and_works(strict: StrictS3, uploading: Uploading, concurrency: int) -> None:
    """Going on would end in the same way; what was sent is kept until the user starts over."""
    with pytest.raises(
        UploadFailed, match=rf"at most {MOST} parts: start over with --restart --max-parts {MOST}$"
    ) as no:
        uploading.run(concurrency=concurrency)

    assert exit_code(no.value) == FAILED
    assert [event.resumable for event in uploading.of(FailedEvent)] == [False]
    assert len(uploading.store.uploads()) == 1
    uploading.run(restart=True, part_size=None, limits=replace(LIMITS, max_parts=MOST))
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_a_stream_is_told_too(strict: StrictS3, backend: S3Backend, tmp_path: Path) -> None:
    """The producer need not run again with the same command."""
    streaming = Streaming(backend=backend, endpoint=backend.endpoint, folder=tmp_path)

    with pytest.raises(UploadFailed, match=rf"--restart --max-parts {MOST}$"):
        streaming.run(b"x" * 8 * PART)


def test_complete_may_be_the_first_to_say_so(strict: StrictS3, uploading: Uploading) -> None:
    """Some services count only then."""
    uploading.path.write_bytes(b"x" * 3 * PART)
    no = Answer(status=400, code="InvalidRequest", message="too many parts: the maximum is 2")
    strict.faults.add(Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=no))

    with pytest.raises(UploadFailed, match=r"--restart --max-parts 2$"):
        uploading.run()


SAID = {
    "the range": (refused("Part number must be an integer between 1 and 1000, inclusive"), 1001, 1000),
    "the most": (refused("Too many parts; at most 500 are allowed"), 700, 500),
    "with a comma": (refused("number of parts exceeds the limit of 1,000"), 5000, 1000),
    "only the code": (refused("", code="TooManyParts"), 5000, 1234),
    "a number that is none": (refused("invalid partNumber, request 77777 exceeds 88888"), 5000, 1234),
}


@pytest.mark.parametrize("name", SAID)
def test_the_limit_is_what_the_service_says_or_took(name: str) -> None:
    """1,234 parts were taken; a service that names a number knows better."""
    refusal, planned, limit = SAID[name]

    found = part_limit.advice(refusal, range(1, 1235), planned)

    assert found == (
        f"this service accepts at most {limit:,} parts: start over with --restart --max-parts {limit}",
        True,
    )


def test_a_refusal_after_a_round_number_may_be_about_it() -> None:
    """It names no part, so going on is still offered."""
    found = part_limit.advice(refused("no", code="InvalidRequest"), [*range(1, 1001), 1003], 5000)

    assert found is not None
    assert found == (
        "if this service accepts at most 1,000 parts, start over with --restart --max-parts 1000",
        False,
    )


@pytest.mark.parametrize(
    ("refusal", "sent", "planned"),
    [
        (refused("no"), range(1, 1000), 5000),
        (refused("no"), range(2, 1001), 5000),
        (refused("no"), range(1, 1001), 1000),
        (AccessRefused("too many parts"), range(1, 1001), 5000),
    ],
    ids=["after another number", "not the first ones", "after the last", "another kind"],
)
def test_other_refusals_are_left_alone(refusal: Refused, sent: range, planned: int) -> None:
    """No advice that nothing speaks for."""
    assert part_limit.advice(refusal, sent, planned) is None


def test_the_command_does_not_say_to_resume(server: StrictS3, shell: Shell) -> None:
    """What would end in the same way is no way to resume; cancelling is."""
    server.model = S3Model(max_parts=2)
    path = shell.folder / "big"
    path.write_bytes(b"x" * 16 * 1024 * 1024)

    result = shell.run("upload", "big", "s3://bucket/big", "-p", "5MiB", "-c", "1")

    assert (result.code, exit_code(UploadFailed("x"))) == (FAILED, INCOMPLETE)
    assert "--restart --max-parts 2" in result.errors[0]
    assert "2 parts are safe on S3" in result.err
    assert "to resume:" not in result.err
    assert "to cancel: " in result.err
