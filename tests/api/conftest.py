"""A client on the strict S3, with small parts."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from partway import Client
from partway.events import Event
from tests.support.engine.upload_case import LIMITS, PART, QUICK
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def make_client(strict: StrictS3) -> Iterator[Callable[..., Client]]:
    """Make a client of parts of 64 KiB, which does not wait long."""
    made: list[Client] = []

    def make(**options: object) -> Client:
        usual = {"endpoint_url": strict.url, "part_size": PART, "concurrency": 2}
        client = Client(**usual | options)  # type: ignore[arg-type]
        client._defaults = replace(client._defaults, limits=LIMITS, policy=QUICK)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close(cancel=True)


@pytest.fixture
def events() -> list[Event]:
    """What the client's ``on_event`` was called with."""
    return []


@pytest.fixture
def client(make_client: Callable[..., Client], events: list[Event]) -> Iterator[Client]:
    """One of those."""
    with make_client(on_event=events.append) as client:
        yield client
