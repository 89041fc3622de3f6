"""Programs that this process starts do not outlive it, whenever it is ended."""

import signal
import threading
from collections.abc import Iterator

import pytest

from partway.engine.last_acts import LastActs

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def interrupting() -> Iterator[None]:
    """Every signal is handled as Ctrl-C is, as in the command before an upload begins."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_waits_until_the_program_is_known(number: int) -> None:
    """Otherwise the exception comes between the start of the program and the note of its pid."""
    acts, done = LastActs(), []
    started = False
    with pytest.raises(KeyboardInterrupt), acts.adding(lambda: done.append("ended")):
        signal.raise_signal(number)
        started = True
    acts.do()

    assert started
    assert done == ["ended"]
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_program_that_cannot_be_started_is_not_ended() -> None:
    acts, done = LastActs(), []
    with pytest.raises(FileNotFoundError), acts.adding(lambda: done.append("ended")):
        raise FileNotFoundError
    acts.do()

    assert done == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_signal_stays_ignored() -> None:
    """As below nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    acts = LastActs()
    with acts.adding(lambda: None):
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_another_thread_may_start_a_program() -> None:
    """It handles no signals."""
    acts, done = LastActs(), []

    def start() -> None:
        with acts.adding(lambda: done.append("ended")):
            pass

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    acts.do()

    assert done == ["ended"]
