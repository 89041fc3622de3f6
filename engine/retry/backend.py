"""Retries, as a backend around another backend.  Only this module uses tenacity, and nothing else retries calls."""

from collections.abc import Callable, Sequence
from random import random
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from ..backend.protocol import MultipartBackend, ObjectPart
from ..backend.responses import CreatedUpload, FoundUpload, ObjectDetails, ObjectFacts, PartReceipt
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..clock import SYSTEM_CLOCK
from ..errors import CredentialsExpired, ForeignResponse, RemoteError, Transient
from ..source.part_reader import PartReader
from .attempts import CallAttempts, is_of_service, is_unreachable, network_changed
from .circuit_breaker import CircuitBreaker
from .policy import Retry, RetryPolicy

T = TypeVar("T")


class RetryingBackend(MultipartBackend):
    """Retries each call under the policy if a retry may help.  A body is rewound before each attempt.

    Args:
        inner: The backend that makes the calls.
        sleep: Waits for some seconds; an exception, such as a cancel, ends the retries.
        on_retry: Called with each failure that will be retried, before the wait.
        breaker: Shared by all calls of the run, so that only one probes an unreachable endpoint.
        random: Returns a number from 0 to 1, for the jitter.
    """

    def __init__(
        self,
        inner: MultipartBackend,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], None] = SYSTEM_CLOCK.sleep,
        clock: Callable[[], float] = SYSTEM_CLOCK.monotonic,
        on_retry: Callable[[Retry], None] = lambda retry: None,
        breaker: CircuitBreaker | None = None,
        random: Callable[[], float] = random,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._sleep = sleep
        self._clock = clock
        self._on_retry = on_retry
        self._breaker = breaker or CircuitBreaker(clock)
        self._random = random

    def _call(self, call: Callable[[], T], body: PartReader | None = None) -> T:
        attempts = CallAttempts(self._policy, self._clock)

        def attempt() -> T:
            is_probe = attempts.is_probe = self._breaker.acquire(self._sleep)
            began = self._clock()
            if body is not None and attempts.failures:
                body.rewind()
            try:
                answer = self._call_once(call)
            except RemoteError as error:
                if isinstance(error, Transient) and error.unreachable:
                    self._breaker.record_failure(is_probe, began)
                else:
                    self._breaker.record_response(served=is_of_service(error))
                    attempts.reset_if_served(error, self._breaker.accepted)
                raise
            except BaseException:
                self._breaker.release(is_probe)
                raise
            self._breaker.record_success()
            return answer

        def wait(state: RetryCallState) -> float:
            error = _error_of(state)
            if isinstance(error, CredentialsExpired):
                return 0.0
            policy, longest, failures = self._policy, self._policy.max_wait, attempts.responses + 1
            if is_unreachable(error):
                longest, failures = min(policy.max_probe_wait, longest), self._breaker.probes
            return self._random() * min(longest, policy.first_wait * 2.0 ** min(failures - 1, 60))

        def before_sleep(state: RetryCallState) -> None:
            error = _error_of(state)
            if isinstance(error, CredentialsExpired):
                self._inner.renew_credentials()
            if is_unreachable(error):
                self._breaker.open_for(state.upcoming_sleep)
            self._on_retry(
                Retry(
                    number=0 if body is None else body.spec.number,
                    attempt=attempts.failures,
                    wait=state.upcoming_sleep,
                    reason=str(error),
                    unreachable=is_unreachable(error),
                    throttled=isinstance(error, Transient) and error.throttled,
                    timed_out=isinstance(error, Transient) and error.timed_out,
                    is_lost_answer=isinstance(error, Transient) and error.is_lost_answer,
                    is_probe=attempts.is_probe and is_unreachable(error),
                )
            )

        def sleep(seconds: float) -> None:
            # While the endpoint is unreachable, the breaker makes every call wait, and a nudge ends that wait.
            if not attempts.unreachable:
                self._sleep(seconds)

        retrying = Retrying(
            retry=retry_if_exception_type((Transient, CredentialsExpired)),
            wait=wait,
            stop=lambda state: attempts.should_stop(_error_of(state), state.upcoming_sleep, self._breaker),
            before_sleep=before_sleep,
            sleep=sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except Transient as error:
            final_error = attempts.final_error(error, self._breaker)
            if isinstance(final_error, Transient) and final_error.unreachable:
                self._breaker.trip(final_error)
            raise final_error from error

    def _call_once(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except ForeignResponse as error:
            if not self._breaker.served:
                raise  # the address may be wrong, or the network requires a login: retrying cannot help
            raise network_changed(error) from error

    def retry(self, call: Callable[[], T]) -> T:
        """Retry an arbitrary call under the same policy."""
        return self._call(call)

    def renew_credentials(self) -> None:
        self._inner.renew_credentials()

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        return self._call(lambda: self._inner.create_upload(target, algorithm))

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        return self._call(lambda: _check_receipt(self._inner.upload_part(target, upload_id, body), body), body)

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        return self._call(lambda: self._inner.list_parts(target, upload_id, algorithm))

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        return self._call(lambda: self._inner.list_uploads(target))

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

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        return self._call(lambda: self._inner.head_object(target, algorithm, version=version))

    def object_details(self, target: Target) -> ObjectDetails:
        return self._call(lambda: self._inner.object_details(target))

    def object_part(self, target: Target, number: int) -> ObjectPart | None:
        return self._call(lambda: self._inner.object_part(target, number))

    def part_sizes(self, target: Target) -> tuple[int, ...] | None:
        return self._call(lambda: self._inner.part_sizes(target))


def _check_receipt(receipt: PartReceipt, body: PartReader) -> PartReceipt:
    """The receipt, unless its checksum contradicts the bytes that were sent."""
    if receipt.checksum in (None, body.checksum):
        return receipt
    raise Transient(
        f"S3 stored part {receipt.number} with a checksum that differs from the one that was sent",
        operation="UploadPart",
        code="BadDigest",
        once=True,
    )


def _error_of(state: RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    return error
