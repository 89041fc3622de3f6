"""Enter and SIGUSR1 retry an unreachable endpoint at once."""

import os
import pty
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partway.cli.output.terminal.nudging import nudged_by_enter, nudged_by_signal
from partway.engine.events import Event
from partway.engine.events.upload import NetworkLost, NetworkProbed, NetworkRestored
from partway.engine.retry.circuit_breaker import Nudge
from partway.engine.retry.outage_events import Outage
from partway.engine.retry.policy import Retry, RetryPolicy
from partway.engine.s3.backend import S3Backend
from tests.support.engine.clock import Clock
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import UPLOAD

PATIENCE = 30.0  # seconds


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: one to type into, one to read from."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for a condition; fail after a timeout."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_enter_is_a_nudge(terminal: tuple[int, int]) -> None:
    """Each time."""
    nudge = Nudge()
    keys, reader = terminal
    with nudged_by_enter(nudge, reader, lambda: True, lambda terminal: True):
        for count in (1, 2):
            os.write(keys, b"\n")
            wait_until(lambda count=count: nudge.count == count)  # type: ignore[misc]


@pytest.mark.parametrize(("away", "foreground"), [(False, True), (True, False)])
def test_what_is_typed_for_others_is_left(terminal: tuple[int, int], away: bool, foreground: bool) -> None:
    """While the endpoint is reachable, and while another job of the shell has the terminal."""
    nudge, looks = Nudge(), [0]
    keys, reader = terminal

    def look(*_: object) -> bool:
        looks[0] += 1
        return foreground if _ else away

    os.write(keys, b"ls\n")
    with nudged_by_enter(nudge, reader, look, look):
        wait_until(lambda: looks[0] > 2)

    assert nudge.count == 0
    assert os.read(reader, 100) == b"ls\n"


def test_a_terminal_that_closes_ends_nothing(terminal: tuple[int, int]) -> None:
    """No more input can arrive."""
    closed = os.dup(terminal[1])
    os.close(closed)

    with nudged_by_enter(Nudge(), closed, lambda: True):
        time.sleep(0.3)


def test_the_signal_is_a_nudge_while_something_is_sent() -> None:
    """Before and after, its handler is unchanged."""
    nudge, before = Nudge(), signal.getsignal(signal.SIGUSR1)

    with nudged_by_signal(nudge):
        os.kill(os.getpid(), signal.SIGUSR1)

    assert nudge.count == 1
    assert signal.getsignal(signal.SIGUSR1) == before


def test_an_ignored_signal_stays_ignored() -> None:
    """The parent process chose that."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with nudged_by_signal(Nudge()):
            assert signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_nudge_of_the_settings_ends_the_wait(
    strict: StrictS3, backend: S3Backend, make_file: Callable[..., Path]
) -> None:
    """The next probe would be hours later."""
    uploading = Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)
    hours = 50 * 3600.0
    policy = RetryPolicy(first_wait=hours, max_wait=hours, max_probe_wait=hours, budget=1e9, first_contact=1e9)

    def back(event: Event) -> None:
        if isinstance(event, NetworkLost):
            strict.accept()
            uploading.settings.nudge()

    uploading.on_event = back
    strict.refuse()
    watchdog = threading.Timer(PATIENCE, uploading.cancel.set)
    watchdog.start()
    try:
        done = uploading.run(policy=policy)
    finally:
        watchdog.cancel()
        watchdog.join()

    assert done.proof == "crc64nvme"


def test_the_command_takes_the_signal(server: StrictS3, shell: Shell) -> None:
    """The signal would otherwise kill the process; here the upload continues once the endpoint is back."""
    server.refuse()
    with shell.started(*UPLOAD, "--json", "--retry-for", "1h") as running:
        running.wait_for("network_lost")
        for _ in range(3):
            os.kill(running.process.pid, signal.SIGUSR1)
            running.wait_for("network_probed")
        server.accept()
        os.kill(running.process.pid, signal.SIGUSR1)
        result = running.result()

    assert result.code == 0


def retry(*, is_probe: bool, wait: float = 2.0) -> Retry:
    return Retry(
        number=1, attempt=1, wait=wait, reason="no route", unreachable=True, throttled=False, is_probe=is_probe
    )


def test_an_outage_is_told_from_its_first_failure_to_its_end() -> None:
    """Failed probes are reported with the time of the next one; other calls in flight report nothing."""
    events: list[Event] = []
    clock = Clock()
    outage = Outage(events.append, clock)
    outage.lost("id", retry(is_probe=False))
    outage.lost("id", retry(is_probe=False))
    clock.now += 3
    outage.lost("id", retry(is_probe=True, wait=4.0))
    clock.now += 4
    outage.reached("id")
    outage.reached("id")

    assert events == [
        NetworkLost(upload="id", reason="no route", wait=2.0),
        NetworkProbed(upload="id", seconds=3.0, wait=4.0),
        NetworkRestored(upload="id", seconds=7.0),
    ]
