"""The retry policy: attempts, delays, and time limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and for how long, one call is tried.  Times are in seconds.

    attempts: maximum attempts that got an error response; connection failures do not count, nor does throttling while
        other calls succeed.
    first_wait, max_wait: each wait is random between 0 and a bound that doubles from the first to the second
        (full jitter, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    budget: how long an endpoint may stay unreachable after it has responded in this run.
    first_contact: the same before it has responded: a mistyped address should fail soon.
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
    """A failed attempt that will be retried.

    number: the part's 1-based number; 0 for a call about the whole upload.
    attempt: 1 for the first failure of the call.
    wait: seconds until the next attempt.
    unreachable: True when the call did not reach the endpoint.
    throttled: True when the service asked for fewer requests.
    timed_out: True when the service did not respond in time, or the part stalled.
    is_lost_answer: True when the response was lost, so the call may have taken effect.
    is_probe: True when the call probed an unreachable endpoint.
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
