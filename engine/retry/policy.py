"""When a failed call is tried again: attempts, delays, and the time limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and for how long one call is tried.  Times are seconds.

    attempts: maximum attempts that got an error response; connection failures do not count, nor does throttling while
        other calls succeed.
    first_wait, max_wait: the wait is random between 0 and a bound that doubles from the one to the other
        (full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    budget: how long an endpoint that responded before may stay unreachable.
    first_contact: the same for one that never responded in this run; a mistyped address should fail soon.
    max_probe_wait: the maximum wait between two probes of an unreachable endpoint.
    """

    attempts: int = 10
    first_wait: float = 0.5
    max_wait: float = 30.0
    budget: float = 900.0
    first_contact: float = 20.0
    max_probe_wait: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A failure that will be tried again.

    number: the part's 1-based number, 0 for calls about the whole upload.
    attempt: 1 for the first failure of the call.
    wait: seconds until the next try.
    unreachable: the call did not reach the endpoint.
    throttled: the service asked for fewer requests.
    timed_out: it did not respond in time, or the part stalled.
    is_lost_answer: the call may have taken effect.
    is_probe: it was the one call that probes an unreachable endpoint.
    """

    number: int
    attempt: int
    wait: float
    reason: str
    unreachable: bool
    throttled: bool
    timed_out: bool = False
    is_lost_answer: bool = False
    is_probe: bool = False
