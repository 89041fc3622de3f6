"""How often one call has failed, and when to stop retrying it.  Pure: the clock is given."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import WEB_PAGE, CredentialsExpired, ForeignResponse, ObjectMissing, Refused, RemoteError, Transient
from .circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from .policy import RetryPolicy


class CallAttempts:
    """Counts the failures of one call.

    answered: those that got a response.
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
        """Count refusals anew when the service took another call since the last one: it is as fast as it may be, and
        this call's turn comes.  ``accepted``: how many calls it took in this run."""
        if isinstance(error, Transient) and error.throttled:
            if self._accepted is not None and accepted > self._accepted:
                self.responses = 0
            self._accepted = accepted

    def should_stop(self, error: BaseException, wait: float, breaker: CircuitBreaker) -> bool:
        """Count the failure; True when the call should not be tried again after ``wait`` seconds."""
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
        """The error that goes to the user, with how long it was tried.

        Where the service never responded in the run, the web page is what the address leads to.

        A refusal without S3's code may be one that was cut off; one that comes again is what the endpoint, or something
        in front of it, says to this request, and will say again.
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
    """The error for a response that is not the service's, in a run in which the service responded before: it is out of
    reach for as long as something else is in its place."""
    return Transient(
        f"a proxy or login page now responds instead of the service; {error}",
        operation=error.operation,
        code=error.code,
        status=error.status,
        unreachable=True,
    )


def is_of_service(error: RemoteError) -> bool:
    """True for a refusal in S3's own words.  That there is no object is said by the status alone."""
    if isinstance(error, (ObjectMissing, ForeignResponse)):
        return isinstance(error, ObjectMissing)
    return error.status > 0 and error.code != str(error.status)


def is_unreachable(error: BaseException) -> bool:
    return isinstance(error, Transient) and error.unreachable


def _is_head(error: Transient) -> bool:
    """True for a call whose answer has no place for a code."""
    return error.operation in ("HeadObject", "HeadBucket")
