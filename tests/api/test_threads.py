"""One client in many threads: submit, cancel, interrupts, close."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from contextvars import ContextVar
from pathlib import Path

import pytest

from partway import Client, UploadCancelled
from partway.errors import AlreadyRunning
from partway.events import PartDone
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import CallFunction, Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3

SIZE = 5 * PART + 10


def hang_parts(strict: StrictS3) -> threading.Event:
    """Have every part but the first hang; the event is set when one does."""
    hangs = threading.Event()
    actions = (CallFunction(function=hangs.set), Hang())
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=actions, times=None, skip=1))
    return hangs


def test_many_threads_use_one_client(client: Client, strict: StrictS3, make_file: Callable[..., Path]) -> None:
    """At the same time, files and bytes; no thread's store is in another's way."""
    path = make_file(SIZE)

    def upload(number: int) -> str:
        source = path if number % 2 else bytes(number)
        return client.upload(source, f"s3://bucket/{number}").proof

    with ThreadPoolExecutor(8) as threads:
        proofs = list(threads.map(upload, range(24)))

    assert proofs == ["crc64nvme"] * 24
    assert len(client.uploads()) == 24


def test_submitted_uploads_return_their_results(client: Client) -> None:
    """In whatever order they end."""
    futures = [client.submit(bytes(size), f"s3://bucket/{size}") for size in range(12)]

    assert [future.result(30).total_bytes for future in futures] == list(range(12))


def test_no_more_run_than_may(make_client: Callable[..., Client], strict: StrictS3) -> None:
    """The others wait for their turn."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(seconds=0.05), times=None))
    with make_client(max_uploads=2) as client:
        wait([client.submit(b"x", f"s3://bucket/{number}") for number in range(6)])

    assert strict.in_flight_max <= 2


def test_concurrency_is_that_of_all_uploads(make_client: Callable[..., Client], strict: StrictS3) -> None:
    """However many uploads run, and whatever one of them asks for; each has its turn."""
    lock, running, seen = threading.Lock(), [0], [0]

    def count() -> None:
        with lock:
            running[0] += 1
            seen[0] = max(seen[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    action = CallFunction(function=count)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=action, times=None))
    with make_client(concurrency=2, max_uploads=3, part_size=PART) as client:
        wait([client.submit(bytes(4 * PART), f"s3://bucket/{number}", concurrency=4) for number in range(3)])

    assert seen == [2]
    assert strict.counts["CompleteMultipartUpload"] == 3


def test_bandwidth_is_that_of_all_uploads(make_client: Callable[..., Client]) -> None:
    """Two at the same time take as long as one of both sizes."""
    began = time.monotonic()
    with make_client(bandwidth=4 * PART) as client:
        for number in range(2):
            client.submit(bytes(4 * PART), f"s3://bucket/{number}")

    assert time.monotonic() - began > 1.4


def test_cancel_stops_one_that_runs(client: Client, strict: StrictS3, make_file: Callable[..., Path]) -> None:
    """Within a second or so; what was finished is kept."""
    hangs = hang_parts(strict)
    done = threading.Event()
    path = make_file(SIZE)
    future = client.submit(path, "s3://bucket/key", on_event=lambda e: done.set() if isinstance(e, PartDone) else None)
    assert hangs.wait(10) and done.wait(10)
    began = time.monotonic()

    assert future.running() and future.cancel()
    with pytest.raises(UploadCancelled):
        future.result(10)
    assert time.monotonic() - began < 2
    assert future.cancelled() and isinstance(future.exception(), CancelledError)
    strict.faults.clear()
    assert client.upload(path, "s3://bucket/key").reused_bytes >= 10


def test_cancel_before_it_runs(make_client: Callable[..., Client], strict: StrictS3) -> None:
    """Nothing is sent of it."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(seconds=0.3)))
    with make_client(max_uploads=1) as client:
        first = client.submit(b"first", "s3://bucket/first")
        second = client.submit(b"second", "s3://bucket/second")

        assert second.cancel() and second.cancelled()
        assert first.result(10).total_bytes == 5
        with pytest.raises(UploadCancelled):
            second.result()
        assert not first.cancel() and not first.cancelled()

    assert [call.key for call in strict.calls if call.operation == "PutObject"] == ["first"]


def test_a_cancelled_upload_counts_as_done_for_waiters(client: Client, strict: StrictS3) -> None:
    """concurrent.futures.wait() and as_completed() see it."""
    hangs = threading.Event()
    actions = (CallFunction(function=hangs.set), Hang())
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=actions))
    future = client.submit(b"x", "s3://bucket/key")
    assert hangs.wait(10)
    future.cancel()

    assert wait([future], 5).done == {future}


def test_the_same_upload_twice_at_once_is_refused(client: Client, strict: StrictS3) -> None:
    """By the second, with a sentence that says why; the first goes on."""
    hangs, goes_on = threading.Event(), threading.Event()
    actions = (CallFunction(function=hangs.set), CallFunction(function=lambda: goes_on.wait(10)))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=actions))
    first = client.submit(b"x", "s3://bucket/key")
    assert hangs.wait(10)
    with pytest.raises(AlreadyRunning, match="already"):
        client.upload(b"x", "s3://bucket/key")
    goes_on.set()

    assert first.result(10).total_bytes == 1


def test_a_client_left_by_an_error_cancels(make_client: Callable[..., Client], strict: StrictS3) -> None:
    """Rather than wait for hours; what was submitted can be resumed."""
    hangs = threading.Event()
    actions = (CallFunction(function=hangs.set), Hang())
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=actions))
    began = time.monotonic()
    client = make_client()
    future = client.submit(b"x", "s3://bucket/key")
    assert hangs.wait(10)
    with pytest.raises(ZeroDivisionError), client:
        raise ZeroDivisionError

    assert time.monotonic() - began < 4 and future.cancelled()


def test_a_client_waits_for_what_was_submitted(make_client: Callable[..., Client]) -> None:
    """At the end of its block."""
    with make_client() as client:
        futures = [client.submit(b"x", f"s3://bucket/{number}") for number in range(8)]

    assert all(future.done() and not future.cancelled() for future in futures)


def test_listeners_see_the_callers_context(client: Client) -> None:
    """Context variables, as of log records' request ids."""
    variable: ContextVar[str] = ContextVar("variable", default="none")
    variable.set("mine")
    seen: set[str] = set()
    client.upload(b"x", "s3://bucket/key", on_event=lambda event: seen.add(variable.get()))
    client.submit(b"x", "s3://bucket/key", on_event=lambda event: seen.add(variable.get())).result(10)

    assert seen == {"mine"}


def test_ctrl_c_cancels_first(strict: StrictS3, tmp_path: Path, make_file: Callable[..., Path]) -> None:
    """KeyboardInterrupt comes out when the upload has ended in order, and at once."""
    path = make_file(11 * 2**20)
    actions = (Hang(),)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=actions, times=None, skip=1))
    code = f"""
        import partway, threading
        def on_event(event):
            if isinstance(event, partway.events.PartDone):
                print("part", flush=True)
        try:
            partway.upload({str(path)!r}, "s3://bucket/key", endpoint_url={strict.url!r}, part_size="5MiB",
                           on_event=on_event)
        except KeyboardInterrupt:
            print("interrupted", [t.name for t in threading.enumerate() if t.name.startswith("partway-upload")])
    """
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert program.stdout is not None and program.stdout.readline() == "part\n"
    began = time.monotonic()
    program.send_signal(signal.SIGINT)
    said = program.stdout.readline()
    seconds = time.monotonic() - began
    program.kill()
    program.communicate()

    assert (said, seconds < 4) == ("interrupted []\n", True)
    (upload,) = Client().uploads()
    assert (upload.status, upload.stored_parts) == ("open", 1)


def test_no_thread_is_left(make_client: Callable[..., Client]) -> None:
    """After a client is closed."""
    with make_client() as client:
        client.upload(bytes(3 * PART), "s3://bucket/key")
        client.submit(b"x", "s3://bucket/other").result(10)
    end = time.monotonic() + 5
    while _ours() and time.monotonic() < end:
        time.sleep(0.01)

    assert _ours() == []


def _ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("partway")]
