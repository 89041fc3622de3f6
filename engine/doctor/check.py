"""What the doctor says, and how it asks.

Nothing is changed but by the trial (``doctor_trial``), which makes a tiny upload and removes it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from ..backend.protocol import MultipartBackend
from ..errors import Transient, UploadCancelled
from ..retry.policy import RetryPolicy
from ..workers.channel import CancelToken, WorkerContext
from ..workers.part_tasks import retrying
from ..workers.pool import WorkerPool

T = TypeVar("T")

PATIENCE = 12.0  # seconds that one call may take, with all its tries
_POLICY = RetryPolicy(attempts=3, first_wait=0.2, longest_wait=1.0, budget=3.0, first_contact=0.0)


class Health(StrEnum):
    """How a check ended.  WARNING: uploads work, and something is worth a thought."""

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
    """Makes calls on a worker, so that a cancel is noticed, and none takes longer than ``patience`` seconds.

    Args:
        backend: Tries again what may work the second time.
    """

    def __init__(self, backend: MultipartBackend, cancel: CancelToken, *, patience: float = PATIENCE) -> None:
        self.backend = backend
        self._cancel = cancel
        self._patience = patience

    def __call__(self, call: Callable[[], T], *, again: bool = True) -> T:
        """What the call gives, or raises.  ``again`` False makes it once.

        Raises:
            UploadCancelled: somebody asked to stop.
            Transient: there was no answer in time.
        """

        def work(line: WorkerContext) -> T:
            return retrying(self.backend, _POLICY, line).ask(call) if again else call()

        until = _Deadline(self._cancel, self._patience)
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
    """Wanted when the outer one is, or when the time is over."""

    def __init__(self, outer: CancelToken, seconds: float) -> None:
        super().__init__(outer)
        self._end = time.monotonic() + seconds

    def is_set(self) -> bool:
        return super().is_set() or time.monotonic() > self._end
