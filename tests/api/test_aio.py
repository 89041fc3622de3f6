"""``await partway.aio.upload``."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import partway
from partway import Client
from partway.errors import OptionError
from tests.support.s3_faults.faults import CallFunction, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3


def test_the_loop_goes_on(strict: StrictS3) -> None:
    """While uploads run, several at once."""

    async def main() -> list[int]:
        uploads = (partway.aio.upload(bytes(n), f"s3://bucket/{n}", endpoint_url=strict.url) for n in range(5))
        return [result.total_bytes for result in await asyncio.gather(*uploads)]

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_cancelling_the_task_cancels_the_upload(strict: StrictS3, make_file: Callable[..., Path]) -> None:
    """Within a second or so; the upload has ended then, and can be resumed."""
    path = make_file(100)
    hangs = threading.Event()
    actions = (CallFunction(function=hangs.set), Hang())
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=actions))

    async def main() -> float:
        task = asyncio.create_task(partway.aio.upload(path, "s3://bucket/key", endpoint_url=strict.url))
        await asyncio.to_thread(hangs.wait, 10)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < 3
    with Client(endpoint_url=strict.url) as client:
        assert client.upload(path, "s3://bucket/key").total_bytes == 100


def test_a_timeout_cancels(strict: StrictS3) -> None:
    """asyncio.timeout, as of any other call."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang()))

    async def main() -> None:
        async with asyncio.timeout(0.5):
            await partway.aio.upload(b"x", "s3://bucket/key", endpoint_url=strict.url)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_errors_come_out(strict: StrictS3) -> None:
    """As of ``partway.upload``."""
    with pytest.raises(OptionError):
        asyncio.run(partway.aio.upload(b"x", "nonsense", endpoint_url=strict.url))


def test_a_client_in_asyncio(client: Client) -> None:
    """Its future is one that asyncio takes."""

    async def main() -> int:
        return (await asyncio.wrap_future(client.submit(b"abc", "s3://bucket/key"))).total_bytes

    assert asyncio.run(main()) == 3
