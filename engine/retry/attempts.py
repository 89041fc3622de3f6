"""Count the failures of one call, and decide when to stop retrying it.  Pure: the clock is a parameter."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import WEB_PAGE, CredentialsExpired, ForeignResponse, ObjectMissing, Refused, RemoteError, Transient
from .circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from .policy import RetryPolicy


class CallAttempts:
    """The failed attempts of one call.

    failures: all of them.
    responses: those that got a response.
    unreachable: the last one did not reach the endpoint.
    is_probe: the last one was a probe of an unreachable endpoint.
    """

    def __init__(self, policy: "RetryPolicy", clock: Callable[[], float]) -> None:
        self.failures = 0
        self.responses = 0
        self.unreachable = False
        self.is_probe = False
        self._policy = policy
        self._clock = clock
        self._began = clock()
        self._kinds: Counter[str] = Counter()
        self._accepted: int | None = None

    def reset_if_served(self, error: RemoteError, accepted: int) -> None:
        """Restart the count when a throttled call fails although the service accepted other calls since its last
        failure: the service is busy but working, and will accept this call later.

        accepted: the number of calls that succeeded in this run.
        """
        if isinstance(error, Transient) and error.throttled:
            if self._accepted is not None and accepted > self._accepted:
                self.responses = 0
            self._accepted = accepted

    def should_stop(self, error: BaseException, wait: float, breaker: CircuitBreaker) -> bool:
        """Count the failure.  Returns True when the call should not be retried after ``wait`` seconds."""
        assert isinstance(error, RemoteError)
        self.failures += 1
        self.unreachable = is_unreachable(error)
        self._kinds[error.code] += 1
        if (isinstance(error, CredentialsExpired) or (isinstance(error, Transient) and error.once)) and (
            self._kinds[error.code] > 1
        ):
            return True
        if not self.unreachable:
            self.responses += 1
            return self.responses >= self._policy.attempts
        budget = self._policy.budget if breaker.contacted else self._policy.first_contact
        return breaker.unreachable_for() + wait > budget

    def final_error(self, error: Transient, breaker: CircuitBreaker) -> RemoteError:
        """The error for the user, with the number of attempts and their duration.

        A web page is reported as a foreign response if the service itself has never responded in this run: then the
        address leads to something else.  A refusal without S3's error code may be a truncated response; the second one
        in a row is treated as the endpoint's, or a proxy's, final response to this request.
        """
        if not self.failures:
            return error
        if error.code == WEB_PAGE and not breaker.served:
            return ForeignResponse(str(error), operation=error.operation, code=error.code)
        if self._kinds[error.code] > 1 and error.code == str(error.status) and error.once and not _is_head(error):
            return Refused(
                f"{error}, twice and without a reason; check the endpoint and any proxy in front of it",
                operation=error.operation,
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            )
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
            never_reached=error.unreachable and not breaker.contacted,
        )


def network_changed(error: ForeignResponse) -> Transient:
    """The error for a foreign response in a run in which the service has responded before: the service is unreachable
    as long as something else responds in its place."""
    return Transient(
        f"a proxy or login page now responds instead of the service; {error}",
        operation=error.operation,
        code=error.code,
        status=error.status,
        unreachable=True,
    )


def is_of_service(error: RemoteError) -> bool:
    """True for a refusal in S3's own format.  A missing object is reported by the status alone."""
    if isinstance(error, (ObjectMissing, ForeignResponse)):
        return isinstance(error, ObjectMissing)
    return error.status > 0 and error.code != str(error.status)


def is_unreachable(error: BaseException) -> bool:
    return isinstance(error, Transient) and error.unreachable


def _is_head(error: Transient) -> bool:
    """True for a call whose response has no body, and so no error code."""
    return error.operation in ("HeadObject", "HeadBucket")
