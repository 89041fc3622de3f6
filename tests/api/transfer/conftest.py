"""boto3 clients of the strict S3, and files of one request and of several."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from partway.transfer import install
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

MIB = 1024 * 1024
BIG = 12 * MIB


class Unseekable(io.RawIOBase):
    """Reads, and neither seeks nor tells."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(size)


def client_of(server: StrictS3, session: Session, **config: Any) -> Any:
    """A client of the server.  config: arguments of botocore's Config."""
    usual: dict[str, Any] = {"retries": {"total_max_attempts": 2, "mode": "standard"}}
    return session.client(
        "s3",
        endpoint_url=server.url,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        verify=str(server.ca_file) if server.ca_file else None,
        config=Config(**(usual | config)),
    )


@pytest.fixture(scope="session")
def session() -> Session:
    """One for all clients: reading the service's description is the slow part."""
    return Session()


@pytest.fixture
def make_client(server: StrictS3, session: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make a client of the server; arguments are of botocore's Config."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)

    return lambda **config: client_of(server, session, **config)


@pytest.fixture
def s3(make_client: Callable[..., Any]) -> Iterator[Any]:
    """A client whose uploads are resumable."""
    with install():
        yield make_client()


@pytest.fixture
def small(make_file: Callable[..., Path]) -> Path:
    """A file that is sent by one PutObject."""
    return make_file(1000, "small.bin")


@pytest.fixture
def big(make_file: Callable[..., Path]) -> Path:
    """A file of three parts of 5 MiB, or of two of boto3's 8 MiB."""
    return make_file(BIG, "big.bin")


@pytest.fixture
def refuse(server: StrictS3) -> Callable[..., None]:
    """Refuse a call once."""

    def refuse(operation: str, part: int | None = None, *, status: int = 403, code: str = "AccessDenied") -> None:
        answer = Answer(status=status, code=code)
        server.faults.add(Fault(operation=operation, stage=Stage.BEFORE_READ, action=answer, part_number=part))

    return refuse


@pytest.fixture
def operations(server: StrictS3) -> Callable[[], list[str]]:
    """The requests up to now, parts in any order."""
    return lambda: sorted(call.operation for call in server.calls)


def body(server: StrictS3, key: str = "key") -> bytes:
    """The bytes of the object."""
    return bytes(server.model.get_object("bucket", key).body)
