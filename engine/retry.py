"""Try again: a backend around a backend.  The only module that knows tenacity, and the only place that retries."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from .backend import CreatedUpload, MultipartBackend, ObjectFacts, PartReceipt, Target
from .checksum import ChecksumAlgorithm
from .errors import Transient
from .source import PartReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long one call is tried.  Times are seconds.

    attempts: tries of a call that the service answers with trouble; tries that reach nobody do not count.
    first_wait, longest_wait: the wait is random between 0 and a bound that doubles from the one to the other
        (full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    budget: how long an endpoint that answered before may stay out of reach.
    first_contact: the same for one that never answered in this run; a mistyped address should not take long.
    """

    attempts: int = 10
    first_wait: float = 0.5
    longest_wait: float = 30.0
    budget: float = 900.0
    first_contact: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A failure that will be tried again.

    number: the part's 1-based number, 0 for calls about the whole upload.
    attempt: 1 for the first failure of the call.
    wait: seconds until the next try.
    """

    number: int
    attempt: int
    wait: float
    reason: str
    unreachable: bool


class RetryingBackend(MultipartBackend):
    """Tries each call again while it fails with Transient, within the policy; a body is rewound before each try.

    Args:
        inner: The backend that makes the calls.
        sleep: Waits; what it raises (a cancel) ends the trying.
        on_retry: Told of each failure before the wait.
        contacted: False while the endpoint has not answered in this run; set by the first answer.
    """

    def __init__(
        self,
        inner: MultipartBackend,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        on_retry: Callable[[Retry], None] = lambda retry: None,
        contacted: bool = True,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._sleep = sleep
        self._clock = clock
        self._on_retry = on_retry
        self._contacted = contacted

    def _call(self, call: Callable[[], T], body: PartReader | None = None) -> T:
        number = 0 if body is None else body.spec.number
        patience = _Patience(self._policy, self._clock)

        def attempt() -> T:
            if body is not None and patience.failures:
                body.rewind()
            patience.attempt_began()
            return call()

        def give_up(state: RetryCallState) -> bool:
            assert state.outcome is not None
            error = state.outcome.exception()
            assert isinstance(error, Transient)
            self._contacted |= not error.unreachable
            return patience.is_over(error, state.upcoming_sleep, contacted=self._contacted)

        def announce(state: RetryCallState) -> None:
            assert state.outcome is not None
            error = state.outcome.exception()
            assert isinstance(error, Transient)
            self._on_retry(
                Retry(
                    number=number,
                    attempt=patience.failures,
                    wait=state.upcoming_sleep,
                    reason=str(error),
                    unreachable=error.unreachable,
                )
            )

        retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            wait=wait_random_exponential(multiplier=self._policy.first_wait, max=self._policy.longest_wait),
            stop=give_up,
            before_sleep=announce,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer = retrying(attempt)
        except Transient as error:
            raise patience.last_word(error) from error
        self._contacted = True
        return answer

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        return self._call(lambda: self._inner.create_upload(target, algorithm))

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        return self._call(lambda: _compared(self._inner.upload_part(target, upload_id, body), body), body)

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        return self._call(lambda: self._inner.list_parts(target, upload_id, algorithm))

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        return self._call(
            lambda: self._inner.complete_upload(
                target, upload_id, parts, algorithm=algorithm, checksum=checksum, size=size
            )
        )

    def abort_upload(self, target: Target, upload_id: str) -> None:
        self._call(lambda: self._inner.abort_upload(target, upload_id))

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        return self._call(lambda: self._inner.put_object(target, body), body)

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm) -> ObjectFacts:
        return self._call(lambda: self._inner.head_object(target, algorithm))


def _compared(receipt: PartReceipt, body: PartReader) -> PartReceipt:
    """The receipt, when the answer does not contradict what was sent."""
    if receipt.checksum in (None, body.checksum):
        return receipt
    raise Transient(
        f"S3 stored part {receipt.number} with another checksum than it was sent with",
        operation="UploadPart",
        code="BadDigest",
        once=True,
    )


class _Patience:
    """Counts the failures of one call."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float]) -> None:
        self.failures = 0
        self._policy = policy
        self._clock = clock
        self._began = clock()
        self._attempt_began = self._began
        self._away_since: float | None = None
        self._answered = 0
        self._kinds: Counter[str] = Counter()

    def attempt_began(self) -> None:
        self._attempt_began = self._clock()

    def is_over(self, error: Transient, wait: float, *, contacted: bool) -> bool:
        """Count the failure; True when the call should not be tried again after ``wait`` seconds."""
        self.failures += 1
        self._kinds[error.code] += 1
        if error.once and self._kinds[error.code] > 1:
            return True
        if not error.unreachable:
            # Somebody answered, so the time without an answer starts anew.
            self._away_since = None
            self._answered += 1
            return self._answered >= self._policy.attempts
        if self._away_since is None:
            self._away_since = self._attempt_began
        budget = self._policy.budget if contacted else self._policy.first_contact
        return self._clock() + wait - self._away_since > budget

    def last_word(self, error: Transient) -> Transient:
        """The error that goes to the user, with how long it was tried."""
        seconds = self._clock() - self._began
        times = "once" if self.failures == 1 else f"{self.failures} times"
        return Transient(
            f"{error} (tried {times} in {seconds:.0f} s)",
            operation=error.operation,
            code=error.code,
            status=error.status,
            request_id=error.request_id,
            unreachable=error.unreachable,
            once=error.once,
        )
