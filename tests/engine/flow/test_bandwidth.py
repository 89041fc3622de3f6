"""The bandwidth limit holds for all workers together, and keeps every connection moving."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PlanError, UploadCancelled
from partway.engine.events.upload import PartProgress
from partway.engine.flow.bandwidth import MIN_BANDWIDTH, TokenBucket, max_connections
from partway.engine.flow.stall import MIN_RATE
from partway.engine.limits import KIB, MIB
from partway.engine.retry.circuit_breaker import CircuitBreaker
from partway.engine.source.part_reader import BLOCK
from partway.engine.source.plan import PartSpec
from partway.engine.workers.channel import CancelToken, Channel, WorkerContext
from partway.engine.workers.part_tasks import reporter
from tests.support.engine.clock import Clock
from tests.support.engine.upload_case import Uploading
from tests.support.s3_server.server import StrictS3


@pytest.mark.parametrize("rate", [MIN_BANDWIDTH, 100 * KIB, 20 * MIB])
@pytest.mark.parametrize("workers", [1, 5])
def test_all_workers_together_keep_to_the_rate(rate: int, workers: int) -> None:
    """The worker whose wait ends first sends the next block; after a minute, the total is within a second's worth."""
    clock = Clock(100.0)
    bandwidth = TokenBucket(rate, clock)
    block = min(BLOCK, bandwidth.block)
    free_at = [clock.now] * workers
    sent = 0
    while (now := min(free_at)) < 160.0:
        clock.now = now
        free_at[free_at.index(now)] = now + bandwidth.take(block)
        sent += block

    assert sent / 60 == pytest.approx(rate, rel=0.05)


@pytest.mark.parametrize("rate", [MIN_BANDWIDTH, 100 * KIB, 300 * KIB, 1 * MIB, 20 * MIB, 1000 * MIB])
def test_every_connection_keeps_moving(rate: int) -> None:
    """With the maximum number of parts in flight, none waits longer than about a second or appears stalled."""
    workers = min(256, max_connections(rate))
    block = min(BLOCK, TokenBucket(rate, Clock(100.0)).block)

    assert workers * block / rate <= 1.0
    assert rate / workers >= 2 * MIN_RATE


def test_a_pause_is_not_made_up_for() -> None:
    """After an outage of an hour, the network is not flooded."""
    clock = Clock(100.0)
    bandwidth = TokenBucket(1000, clock)
    clock.now += 3600

    assert bandwidth.take(1250) == pytest.approx(1.0)


def line_with(bandwidth: TokenBucket, cancel: CancelToken) -> WorkerContext:
    return WorkerContext(Channel(SimpleQueue()), cancel, CircuitBreaker(), bandwidth=bandwidth)


def test_a_wait_ends_with_a_cancel() -> None:
    """A cancel takes effect at once even with a slow limit."""
    cancel = CancelToken()
    on_read = reporter(
        PartSpec(number=1, offset=0, size=MIB), line_with(TokenBucket(MIN_BANDWIDTH, Clock(100.0)), cancel)
    )
    cancel.set()

    with pytest.raises(UploadCancelled):
        on_read(MIB)


def test_bytes_that_go_again_count_again() -> None:
    """The limit applies to what is sent; hashing is not limited."""
    clock = Clock(100.0)
    bandwidth = TokenBucket(MIB, clock)
    on_read = reporter(PartSpec(number=1, offset=0, size=MIB), line_with(bandwidth, CancelToken()))
    for sent in (0, 0, 100, 200, 0, 100, 200):
        on_read(sent)

    assert bandwidth.take(0) == pytest.approx(400 / MIB)


def test_only_a_slow_limit_makes_blocks_small(tmp_path: Path) -> None:
    """Small blocks cost time: a fast limit, shared by many connections, keeps blocks of half the usual size."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * MIB)

    def longest_read(rate: int) -> int:
        worker = line_with(TokenBucket(rate, Clock(100.0)), CancelToken())
        with worker.open_part(str(path), PartSpec(number=1, offset=0, size=MIB), ChecksumAlgorithm.CRC64NVME) as body:
            body.begin_sending()
            return max(len(body.read()) for _ in range(4))

    assert longest_read(20 * MIB) == BLOCK // 2
    assert longest_read(100 * KIB) == 25 * KIB


def test_an_upload_keeps_to_its_bandwidth(strict: StrictS3, uploading: Uploading) -> None:
    """The upload is not faster than the limit, and the object is correct."""
    size = uploading.path.stat().st_size
    began = time.monotonic()
    uploading.run(bandwidth=size, concurrency=4)
    took = time.monotonic() - began

    assert took >= 0.5
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert uploading.of(PartProgress)


@pytest.mark.parametrize("number", [None, 8])
def test_a_low_limit_has_few_parts_in_flight(strict: StrictS3, uploading: Uploading, number: int | None) -> None:
    """Shared by many connections, it would leave each of them idle."""
    uploading.run(bandwidth=300 * KIB, concurrency=number)

    assert strict.in_flight_max == 1


def test_workers_elsewhere_cannot_share_a_bandwidth(uploading: Uploading) -> None:
    """Rejected before any request is made."""
    with ThreadPoolExecutor(1) as executor, pytest.raises(PlanError, match="not both"):
        uploading.run(bandwidth=MIB, executor=executor)


def test_a_bandwidth_must_be_something(uploading: Uploading) -> None:
    """With less, a part would appear stalled."""
    with pytest.raises(PlanError, match="below 4,096"):
        uploading.run(bandwidth=MIN_BANDWIDTH - 1)
