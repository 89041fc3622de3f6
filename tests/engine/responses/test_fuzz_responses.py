"""Whatever a server answers: a value of the right type or one of our errors, and never a wrong object."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.backend.responses import CreatedUpload, FoundUpload, ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PartwayError, RemoteError, Transient
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from partway.state.memory.store import MemoryStore
from tests.support.engine.upload_case import PART, Uploading
from tests.support.fuzz.responses import ANSWERS, NUMBERS, TIMES
from tests.support.fuzz.settings import QUICKLY
from tests.support.s3_access.backend import backend_on
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3

CRC = ChecksumAlgorithm.CRC64NVME
OPERATIONS = ["CreateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload", "HeadObject"]
OPERATIONS += ["ListMultipartUploads"]


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """One server for every example."""
    with StrictS3(S3Model(min_part_size=PART)) as server:
        yield server


@pytest.fixture(scope="module")
def backend(server: StrictS3) -> Iterator[S3Backend]:
    """One client."""
    with backend_on(server) as backend:
        yield backend


@pytest.fixture(scope="module")
def hasty(server: StrictS3) -> Iterator[S3Backend]:
    """One that does not wait long for what some answers promise and do not have; it may be too hasty for good ones."""
    with backend_on(server, answer_timeout=0.1, complete_timeout=0.1, send_timeout=2.0) as backend:
        yield backend


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three parts."""
    path = tmp_path_factory.mktemp("fuzz") / "source.bin"
    path.write_bytes(Random(1).randbytes(2 * PART + 10))
    return path


def ask(backend: S3Backend, source: Path, name: str) -> object:
    """Make one call."""
    target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
    receipt = PartReceipt(number=1, size=10, etag="e", checksum="AAAAAAAAAAA=")
    with PartReader(str(source), PartSpec(number=1, offset=0, size=10), algorithm=CRC) as body:
        calls: dict[str, Callable[[], object]] = {
            "create": lambda: backend.create_upload(target, CRC),
            "upload_part": lambda: backend.upload_part(target, "U", body),
            "list_parts": lambda: backend.list_parts(target, "U", CRC),
            "list_uploads": lambda: backend.list_uploads(target),
            "complete": lambda: backend.complete_upload(
                target, "U", [receipt], algorithm=CRC, checksum="AAAAAAAAAAA=", size=10
            ),
            "abort": lambda: backend.abort_upload(target, "U"),
            "put": lambda: backend.put_object(target, body),
            "head": lambda: backend.head_object(target, CRC),
        }
        return calls[name]()


def is_optional(value: object, kind: type | tuple[type, ...]) -> bool:
    return value is None or isinstance(value, kind)


def is_receipt(value: Any) -> bool:
    return (
        isinstance(value, PartReceipt)
        and type(value.number) is int
        and type(value.size) is int
        and isinstance(value.etag, str)
        and is_optional(value.checksum, str)
    )


def is_facts(value: Any) -> bool:
    whole = isinstance(value, ObjectFacts) and type(value.size) is int and isinstance(value.etag, str)
    return whole and is_optional(value.checksum, str)


def is_created(value: Any) -> bool:
    whole = isinstance(value, CreatedUpload) and isinstance(value.upload_id, str) and value.upload_id != ""
    return whole and is_optional(value.algorithm, ChecksumAlgorithm) and is_optional(value.abort_date, float)


def is_found(value: Any) -> bool:
    whole = isinstance(value, FoundUpload) and isinstance(value.upload_id, str) and value.upload_id != ""
    return whole and isinstance(value.initiated, float) and is_optional(value.algorithm, ChecksumAlgorithm)


RIGHT: dict[str, Callable[[Any], bool]] = {
    "create": is_created,
    "upload_part": is_receipt,
    "list_parts": lambda value: value is None or all(is_receipt(row) for row in value),
    "list_uploads": lambda value: value is None or all(is_found(row) for row in value),
    "complete": is_facts,
    "abort": lambda value: value is None,
    "put": is_facts,
    "head": is_facts,
}


@pytest.mark.parametrize("name", RIGHT)
@given(answer=ANSWERS)
@settings(QUICKLY, max_examples=40)
def test_any_answer_is_a_value_or_an_error(
    server: StrictS3, hasty: S3Backend, source: Path, name: str, answer: Answer
) -> None:
    """Of the right type all the way down, or a RemoteError; nothing of botocore's or Python's."""
    server.faults.clear()
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=answer, times=None))
    try:
        value = ask(hasty, source, name)
    except RemoteError as error:
        assert str(error)
    else:
        assert RIGHT[name](value), value


@pytest.mark.parametrize("headers", [{"x-amz-abort-date": time} for time in TIMES + NUMBERS], ids=repr)
def test_an_abort_date_that_is_none_costs_nothing(
    server: StrictS3, backend: S3Backend, source: Path, headers: dict[str, str]
) -> None:
    """It is only told to the user: the upload that was created is not thrown away for it."""
    body = b"<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>"
    answer = Answer(status=200, body=body, headers={name: ascii(value)[1:-1] for name, value in headers.items()})
    server.faults.clear()
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=answer))
    created = ask(backend, source, "create")

    assert is_created(created)


def test_an_upload_without_an_id_was_not_created(server: StrictS3, backend: S3Backend, source: Path) -> None:
    """An empty id would be stored, and never be found again."""
    body = b"<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>"
    server.faults.clear()
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=Answer(status=200, body=body)))

    with pytest.raises(Transient):
        ask(backend, source, "create")


UNREADABLE = {
    "list_parts": Answer(
        status=200,
        body=b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>64k</Size><ETag>e</ETag></Part></ListPartsResult>",
    ),
    "list_uploads": Answer(
        status=200,
        body=b"<ListMultipartUploadsResult><Upload><Key>key</Key><UploadId>U</UploadId><Initiated>yesterday</Initiated>"
        b"</Upload></ListMultipartUploadsResult>",
    ),
    "head": Answer(status=200, headers={"ETag": "e", "Last-Modified": "yesterday", "Content-Length": "10"}),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_value_that_cannot_be_read_is_no_matter_of_credentials(
    server: StrictS3, backend: S3Backend, source: Path, name: str
) -> None:
    """A number or a date of a kind that no parser takes: the answer is not readable, and is asked for again."""
    server.faults.clear()
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=UNREADABLE[name]))

    with pytest.raises(Transient, match="truncated or invalid"):
        ask(backend, source, name)


@pytest.mark.parametrize("date", [TIMES[1], TIMES[2], TIMES[3], TIMES[8]])
def test_a_service_with_an_odd_clock(
    server: StrictS3, source: Path, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    """Its time is taken over only when one can sign with it, also a second later."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    skewed = Answer(status=403, code="RequestTimeTooSkewed", headers={"Date": date})
    server.faults.clear()
    server.faults.add(Fault(operation="ListParts", stage=Stage.AFTER_BODY, action=skewed))
    # With a region of its own it has credentials of its own, and a clock.
    backend = S3Backend(S3Config(endpoint_url=server.url, region=server.region))
    with closing(backend):
        for pause in (1.1 if "9999 " in date else 0, 0):
            with pytest.raises(RemoteError):
                ask(backend, source, "list_parts")
            time.sleep(pause)


FAULTS = st.lists(
    st.builds(
        Fault,
        operation=st.sampled_from(OPERATIONS),
        stage=st.sampled_from((Stage.BEFORE_READ, Stage.AFTER_BODY, Stage.AFTER_EFFECT)),
        action=ANSWERS,
        times=st.integers(1, 3),
        skip=st.integers(0, 2),
    ),
    min_size=1,
    max_size=4,
)


@given(faults=FAULTS)
@settings(QUICKLY, max_examples=40)
def test_an_upload_with_odd_answers_is_right_or_says_why(
    server: StrictS3, hasty: S3Backend, backend: S3Backend, source: Path, faults: list[Fault]
) -> None:
    """Before or after the request took effect; without the faults the next run ends in the right object."""
    server.model = S3Model(min_part_size=PART)
    server.faults.clear()
    server.faults.add(*faults)
    uploading = Uploading(path=source, backend=hasty, endpoint=server.url, store=MemoryStore())
    try:
        uploading.run()
    except PartwayError as error:
        assert str(error)
        server.faults.clear()
        uploading.backend = backend
        uploading.run()

    assert server.model.get_object("bucket", "key").body == source.read_bytes()
