"""The tasks of workers: other executors, stalls, timeouts, and memory per part."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from partway.engine.errors import UploadCancelled, UploadFailed
from partway.engine.events.upload import PartDone, PartRetried
from partway.engine.s3.backend import S3Backend
from tests.support.engine.upload_case import Uploading
from tests.support.fault_matrix.case import Operation
from tests.support.fault_matrix.switched_backend import Switch, SwitchedBackend
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3

LONG = 60.0  # seconds that a test waits for what should happen at once


def test_parts_may_be_sent_by_processes(strict: StrictS3, uploading: Uploading) -> None:
    """A part's task is a picklable value: any executor can run it, and the store stays with the caller."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        done = uploading.run(executor=executor)

    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert (done.proof, len(uploading.of(PartDone))) == ("crc64nvme", 6)


def test_a_failure_in_another_process_is_the_same_failure(strict: StrictS3, uploading: Uploading) -> None:
    """Errors come back with class, code and message."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, times=None))

    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor,
        pytest.raises(UploadFailed, match="AccessDenied") as failure,
    ):
        uploading.run(executor=executor, concurrency=1)

    assert getattr(failure.value.__cause__, "code", "") == "AccessDenied"


class Dropping(ThreadPoolExecutor):
    """Drops its third task, as an executor does with waiting tasks when it is shut down."""

    tasks = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.tasks += 1
        if self.tasks != 3:
            return super().submit(fn, *args, **kwargs)
        dropped: Future[Any] = Future()
        dropped.cancel()
        return dropped


def test_a_part_that_the_executor_drops_ends_the_upload(strict: StrictS3, uploading: Uploading) -> None:
    """The part is missing and the others are kept; the upload is neither completed nor reported as damaged."""
    with Dropping(2) as executor, pytest.raises(UploadCancelled, match="executor dropped"):
        uploading.run(executor=executor)
    uploading.run()

    assert strict.counts["CompleteMultipartUpload"] == 1
    assert strict.counts["UploadPart"] == 6
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_a_part_that_is_not_answered_is_sent_again(strict: StrictS3, uploading: Uploading, hasty: S3Backend) -> None:
    """If no response follows the body, the part is retried and does not hang."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=Hang(seconds=30), part_number=2))
    uploading.backend = SwitchedBackend(uploading.backend, Switch(Operation.PART, 1, number=2), hasty)

    done = uploading.run()

    assert done.retries == 1
    assert [event.number for event in uploading.of(PartRetried)] == [2]


def test_a_part_that_nobody_reads_is_sent_again(
    strict: StrictS3, uploading: Uploading, hasty: S3Backend, make_file: Callable[..., Path]
) -> None:
    """Sending detects a server that stops reading in the middle of the body."""
    part = 8 * 1024 * 1024
    uploading.path = make_file(part + 1)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(seconds=30), part_number=1))
    uploading.backend = SwitchedBackend(uploading.backend, Switch(Operation.PART, 1, number=1), hasty)

    done = uploading.run(part_size=part)

    assert done.retries == 1
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_parts_than_workers_are_in_flight(strict: StrictS3, uploading: Uploading, concurrency: int) -> None:
    """The concurrency is reached, and never exceeded by open requests."""
    meet = CallFunction(function=threading.Barrier(concurrency, timeout=LONG).wait)
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=meet, times=concurrency),
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=Hang(seconds=0.05), times=None),
    )

    uploading.run(concurrency=concurrency)

    assert strict.in_flight_max == concurrency
