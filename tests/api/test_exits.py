"""A fork waits for the threads of uploads that have just ended."""

import os
import threading
import time
from concurrent.futures import Future

import pytest

from partway import Client
from partway._run import exits
from tests.support.s3_server.server import StrictS3

CHILDREN = 4


pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No foreign threads are known, and an upload has just ended."""
    monkeypatch.setattr(exits, "_foreign", set())
    exits.note_end()


def test_it_waits_until_the_thread_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = [{7}, {7}, set()]
    monkeypatch.setattr(exits, "_threads_unknown_to_python", lambda: seen.pop(0))
    exits._before_fork()

    assert seen == []
    assert exits._foreign == set()


def test_a_fork_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def look() -> set[int]:
        looks.append(1)
        return set()

    monkeypatch.setattr(exits, "_threads_unknown_to_python", look)
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)

    assert looks == [1]


def test_it_waits_once_for_a_thread_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to another library."""
    looks: list[int] = []

    def look() -> set[int]:
        looks.append(1)
        return {7}

    monkeypatch.setattr(exits, "_threads_unknown_to_python", look)
    exits._before_fork()
    first, looks[:] = len(looks), []
    exits._before_fork()

    assert first > 1
    assert len(looks) == 1


def test_long_after_an_upload_it_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "_ended_at", time.monotonic() - 5)
    monkeypatch.setattr(exits, "_threads_unknown_to_python", lambda: pytest.fail("looked"))
    exits._before_fork()


def test_a_thread_whose_upload_has_ended_is_joined() -> None:
    """It has a result already, and is about to exit."""
    future: Future[None] = Future()

    def work() -> None:
        future.set_result(None)
        time.sleep(0.2)

    thread = threading.Thread(target=work)
    exits.note_start(thread, future.done)
    thread.start()
    future.result()
    exits._before_fork()

    assert not thread.is_alive()


def test_children_forked_right_after_an_upload_do_not_hang(client: Client, strict: StrictS3) -> None:
    """Without the wait, one in ten did.  They begin when all are forked: the server is a thread of this process."""
    for number in range(3):
        client.upload(b"x", f"s3://bucket/{number}")
        start, go = os.pipe()
        pids = [_child(client, f"s3://bucket/{number}-{each}", start, go) for each in range(CHILDREN)]
        os.close(start)
        os.close(go)
        for pid in pids:
            assert _ends(pid)


def _child(client: Client, destination: str, start: int, go: int) -> int:
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.close(go)
            os.read(start, 1)
            client.upload(b"y", destination)
            code = 0
        finally:
            os._exit(code)
    return pid


def _ends(pid: int) -> bool:
    """Whether the child exits with 0 within a time."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return False
