"""A forked process: its copy of a client works, and leaves that of its parent alone."""

import os
import threading
import traceback
from collections.abc import Callable

import pytest

from partway import Client
from partway.errors import StateError
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import CallFunction, Fault, Stage
from tests.support.s3_server.server import StrictS3

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def in_child(work: Callable[[], object]) -> bool:
    """Whether the work succeeds in a forked process, within a time."""
    if (pid := os.fork()) == 0:
        code = 1
        try:
            threading.Timer(20, os._exit, (2,)).start()
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def test_a_child_uploads_with_its_parents_client(client: Client, strict: StrictS3) -> None:
    """Over connections of its own; the parent goes on with its own afterwards."""
    client.upload(bytes(2 * PART), "s3://bucket/before")
    client.submit(b"x", "s3://bucket/submitted").result(10)

    assert in_child(lambda: client.upload(bytes(2 * PART), "s3://bucket/child"))
    assert in_child(lambda: client.submit(b"x", "s3://bucket/thread").result(10))
    client.upload(bytes(2 * PART), "s3://bucket/after")
    assert {"before", "child", "thread", "after"} <= {call.key for call in strict.calls}


def test_a_child_shares_no_connection(client: Client, strict: StrictS3) -> None:
    """Two at the same time over one connection would mix their requests.

    They begin when all are forked: a child that is forked while the server, a thread of this process, computes a hash
    inherits a lock of OpenSSL that nobody releases.
    """
    client.upload(b"x", "s3://bucket/before")
    start, go = os.pipe()
    pids = []
    for number in range(4):
        if (pid := os.fork()) == 0:
            try:
                os.close(go)
                os.read(start, 1)
                for each in range(5):
                    client.upload(bytes(each), f"s3://bucket/{number}-{each}")
                os._exit(0)
            finally:
                os._exit(1)
        pids.append(pid)
    os.close(start)
    os.close(go)

    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert all(call.status == 200 for call in strict.calls)
    assert len(client.uploads()) == 21


def test_a_child_of_an_upload_that_runs(client: Client, strict: StrictS3, make_client: Callable[..., Client]) -> None:
    """SQLite's locks are not inherited, so the child must not open that database; another one it may."""
    hangs, goes_on = threading.Event(), threading.Event()
    actions = (CallFunction(function=hangs.set), CallFunction(function=lambda: goes_on.wait(20)))
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=actions))
    future = client.submit(b"x", "s3://bucket/key")
    assert hangs.wait(10)

    def work() -> None:
        with pytest.raises(StateError, match="was forked while an upload was using"):
            client.upload(b"y", "s3://bucket/child")
        make_client(state_dir=client._state_dir / "child").upload(b"y", "s3://bucket/child")

    assert in_child(work)
    goes_on.set()
    assert future.result(10).total_bytes == 1


def test_a_child_does_not_keep_a_stream_open(client: Client, strict: StrictS3) -> None:
    """The parent's upload of a file object ends when that does, though a child was forked meanwhile."""
    reads, goes_on = threading.Event(), threading.Event()

    class Slow:
        """Waits before its end."""

        def read(self, size: int, /) -> bytes:
            first = not reads.is_set()
            reads.set()
            return b"x" if first else b"" if goes_on.wait(20) else b"late"

    future = client.submit(Slow(), "s3://bucket/key")
    assert reads.wait(10)
    if (pid := os.fork()) == 0:
        threading.Event().wait(20)
        os._exit(0)
    goes_on.set()

    assert future.result(5).total_bytes == 1
    os.kill(pid, 9)
    os.waitpid(pid, 0)
