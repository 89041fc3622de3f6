"""The doctor's results, and how it makes calls.

Only the trial (trial.py) changes anything: it makes a tiny upload and removes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from ..backend.protocol import MultipartBackend
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import Transient, UploadCancelled
from ..retry.policy import RetryPolicy
from ..workers.channel import CancelToken, WorkerContext
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool

T = TypeVar("T")

PATIENCE = 12.0  # seconds that one call may take, with all its tries
_POLICY = RetryPolicy(attempts=3, first_wait=0.2, max_wait=1.0, budget=3.0, first_contact=0.0)


class Health(StrEnum):
    """The result of a check.  WARNING: uploads work, but something deserves attention."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor.

    fact: what was found.
    advice: what to do; "" when nothing is to be done.
    command: for a shell, to be copied; "" when there is none.
    """

    name: str
    health: Health
    fact: str
    advice: str = ""
    command: str = ""


class TimedCalls:
    """Makes calls on a worker, so that each can be cancelled and takes at most ``patience`` seconds.

    Args:
        backend: Used for calls that are retried.
    """

    def __init__(
        self,
        backend: MultipartBackend,
        cancel: CancelToken,
        *,
        patience: float = PATIENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.backend = backend
        self.clock = clock
        self._cancel = cancel
        self._patience = patience

    def __call__(self, call: Callable[[], T], *, again: bool = True) -> T:
        """Make the call and return its result.  again: False disables retries.

        Raises:
            UploadCancelled: the caller asked to stop.
            Transient: there was no response in time.
        """

        def work(worker: WorkerContext) -> T:
            return retrying(self.backend, _POLICY, worker).retry(call) if again else call()

        until = _Deadline(self._cancel, self._patience, self.clock)
        try:
            with WorkerPool(1, cancel=until, on_message=lambda _: None) as pool:
                return pool.run(work)
        except UploadCancelled:
            if self._cancel.is_set():
                raise
            raise Transient(
                f"no response within {self._patience:.0f} s", code="ReadTimeoutError", unreachable=True
            ) from None


class _Deadline(CancelToken):
    """Set when the outer token is set, or when the time is up."""

    def __init__(self, outer: CancelToken, seconds: float, clock: Clock) -> None:
        super().__init__(outer)
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def is_set(self) -> bool:
        return super().is_set() or self._clock.monotonic() > self._end
