"""Retries: which failures are retried, how often, for how long, and with which body."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import CreatedUpload, ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm, checksum
from partway.engine.errors import (
    AccessRefused,
    CredentialsExpired,
    Refused,
    SourceChanged,
    Transient,
    UploadCancelled,
    UploadVanished,
)
from partway.engine.retry.backend import RetryingBackend
from partway.engine.retry.circuit_breaker import CircuitBreaker, Nudge
from partway.engine.retry.policy import Retry, RetryPolicy
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec

CRC = ChecksumAlgorithm.CRC64NVME
TARGET = Target(bucket="bucket", key="key")
CONTENT = bytes(range(200))
SPEC = PartSpec(number=7, offset=10, size=100)
PART = CONTENT[10:110]


class Clock:
    """Time that passes only in sleeps and in slow calls."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Script(MultipartBackend):
    """Answers calls from a script: exceptions are raised, other values returned.  Records every call."""

    def __init__(self, *answers: object, clock: Clock | None = None, takes: float = 0.0) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.bodies: list[bytes] = []
        self.renewed = 0
        self._answers: Iterator[object] = iter(answers)
        self._clock = clock
        self._takes = takes

    def _answer(self, *call: Any) -> Any:
        self.calls.append(call)
        if self._clock:
            self._clock.now += self._takes
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _read(self, body: PartReader) -> None:
        """As in restic's tests: half of the body is consumed before the call fails."""
        body.begin_sending()
        half = bytes(body.read(len(body) // 2))
        self.bodies.append(half)

    def renew_credentials(self) -> None:
        self.renewed += 1

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        return self._answer("create_upload", target, algorithm)  # type: ignore[no-any-return]

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        self._read(body)
        answer = self._answer("upload_part", target, upload_id)
        while block := bytes(body.read()):
            self.bodies[-1] += block
        return answer  # type: ignore[no-any-return]

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        return self._answer("list_parts", target, upload_id, algorithm)  # type: ignore[no-any-return]

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
        return self._answer("complete_upload", target, upload_id, tuple(parts), algorithm, checksum, size)  # type: ignore[no-any-return]

    def abort_upload(self, target: Target, upload_id: str) -> None:
        self._answer("abort_upload", target, upload_id)

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        self._read(body)
        answer = self._answer("put_object", target)
        while block := bytes(body.read()):
            self.bodies[-1] += block
        return answer  # type: ignore[no-any-return]

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        return self._answer("head_object", target, algorithm)  # type: ignore[no-any-return]


def slow_down() -> Transient:
    return Transient("slow down", operation="HeadObject", code="SlowDown", status=503, request_id="R1")


def away() -> Transient:
    return Transient("no route", operation="HeadObject", code="ConnectTimeout", unreachable=True)


def bad_digest() -> Transient:
    return Transient("wrong digest", code="BadDigest", status=400, once=True)


FACTS = ObjectFacts(size=1, etag="e")
RECEIPT = PartReceipt(number=7, size=100, etag="e", checksum=checksum(CRC, PART))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def body(tmp_path: Path) -> Iterator[PartReader]:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with PartReader(str(path), SPEC, algorithm=CRC, block=SPEC.size // 2) as reader:
        yield reader


def contacted(clock: Clock) -> CircuitBreaker:
    """A breaker whose endpoint has responded before."""
    breaker = CircuitBreaker(clock)
    breaker.record_response()
    return breaker


def retrying(
    inner: MultipartBackend,
    clock: Clock,
    *,
    told: list[Retry] | None = None,
    contacted: bool = True,
    policy: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
) -> RetryingBackend:
    told = [] if told is None else told
    breaker = CircuitBreaker(clock)
    if contacted:
        breaker.record_response()
    return RetryingBackend(inner, policy, sleep=clock.sleep, clock=clock, on_retry=told.append, breaker=breaker)


# --- which failures, and which calls ---

CALLS: list[tuple[Callable[[MultipartBackend], object], tuple[Any, ...]]] = [
    (lambda s3: s3.create_upload(TARGET, CRC), ("create_upload", TARGET, CRC)),
    (lambda s3: s3.list_parts(TARGET, "U", CRC), ("list_parts", TARGET, "U", CRC)),
    (
        lambda s3: s3.complete_upload(TARGET, "U", [RECEIPT], algorithm=CRC, checksum="c", size=9),
        ("complete_upload", TARGET, "U", (RECEIPT,), CRC, "c", 9),
    ),
    (lambda s3: s3.head_object(TARGET, CRC), ("head_object", TARGET, CRC)),
]


@pytest.mark.parametrize(("call", "expected"), CALLS, ids=[expected[0] for _, expected in CALLS])
def test_a_call_is_made_again_with_the_same_arguments(
    clock: Clock, call: Callable[[MultipartBackend], object], expected: tuple[Any, ...]
) -> None:
    """Every call is passed on unchanged and retried, and its result is returned."""
    inner = Script(slow_down(), slow_down(), FACTS)

    assert call(retrying(inner, clock)) is FACTS
    assert inner.calls == [expected] * 3


def test_abort_is_tried_again(clock: Clock) -> None:
    """It returns nothing, and is retried until it succeeds."""
    inner = Script(away(), slow_down(), None)
    retrying(inner, clock).abort_upload(TARGET, "U")

    assert inner.calls == [("abort_upload", TARGET, "U")] * 3


def test_a_call_that_succeeds_is_made_once(clock: Clock) -> None:
    """Without a wait or a retry event."""
    told: list[Retry] = []
    inner = Script(FACTS)
    retrying(inner, clock, told=told).head_object(TARGET, CRC)

    assert (len(inner.calls), clock.waits, told) == (1, [], [])


@pytest.mark.parametrize(
    "error",
    [
        Refused("no", code="NoSuchBucket", status=404),
        AccessRefused("no", code="AccessDenied", status=403),
        UploadVanished("no", code="NoSuchUpload", status=404),
        SourceChanged("shorter"),
        UploadCancelled("stop"),
        KeyboardInterrupt(),
        ZeroDivisionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_pass_untouched_at_once(clock: Clock, error: BaseException) -> None:
    """Only Transient is retried; other errors are raised as they are, not as copies."""
    inner = Script(error)

    with pytest.raises(type(error)) as raised:
        retrying(inner, clock).head_object(TARGET, CRC)
    assert raised.value is error
    assert (len(inner.calls), clock.waits) == (1, [])


def test_a_refusal_after_a_failure_passes_untouched_too(clock: Clock) -> None:
    """The last error is the one that the caller gets."""
    refusal = Refused("no", code="NoSuchBucket")
    inner = Script(slow_down(), refusal)

    with pytest.raises(Refused) as raised:
        retrying(inner, clock).head_object(TARGET, CRC)
    assert raised.value is refusal
    assert len(clock.waits) == 1


# --- how often, how long ---


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_service_in_trouble_is_asked_as_often_as_the_policy_says(clock: Clock, attempts: int) -> None:
    """``attempts`` includes the first one; no wait follows the last one."""
    inner = Script(*[slow_down() for _ in range(9)])

    with pytest.raises(Transient):
        retrying(inner, clock, policy=RetryPolicy(attempts=attempts)).head_object(TARGET, CRC)
    assert (len(inner.calls), len(clock.waits)) == (attempts, attempts - 1)


def test_each_call_has_its_own_count(clock: Clock) -> None:
    """Each call has its own attempts."""
    inner = Script(slow_down(), FACTS, slow_down(), FACTS)
    s3 = retrying(inner, clock, policy=RetryPolicy(attempts=2))
    s3.head_object(TARGET, CRC)
    s3.head_object(TARGET, CRC)

    assert len(inner.calls) == 4


def test_tries_that_reach_nobody_do_not_count(clock: Clock) -> None:
    """While the network is down, only the time counts: a laptop may be closed for a while."""
    inner = Script(*[away() for _ in range(12)], FACTS)

    assert retrying(inner, clock, policy=RetryPolicy(attempts=2)).head_object(TARGET, CRC) is FACTS


def test_answers_are_counted_apart_from_tries_that_reach_nobody(clock: Clock) -> None:
    """Attempts without a network do not count as attempts of the service."""
    inner = Script(away(), away(), away(), slow_down(), FACTS)

    assert retrying(inner, clock, policy=RetryPolicy(attempts=2)).head_object(TARGET, CRC) is FACTS


def test_an_endpoint_that_answered_before_may_be_away_for_the_budget(clock: Clock) -> None:
    """It is retried until the next attempt would exceed the budget, and not much shorter."""
    policy = RetryPolicy(budget=900.0, max_wait=30.0)

    with pytest.raises(Transient):
        retrying(Script(*[away() for _ in range(10_000)]), clock, policy=policy).head_object(TARGET, CRC)
    assert 900.0 - 30.0 <= clock.now - 1000.0 <= 900.0


def test_the_time_away_begins_with_the_call_that_got_no_answer(clock: Clock) -> None:
    """The time of an attempt that ended in a timeout counts as unreachable."""
    inner = Script(*[away() for _ in range(100)], clock=clock, takes=60.0)

    with pytest.raises(Transient):
        retrying(inner, clock, policy=RetryPolicy(budget=50.0)).head_object(TARGET, CRC)
    assert len(inner.calls) == 1


def test_an_endpoint_that_never_answered_is_given_up_soon(clock: Clock) -> None:
    """A mistyped address fails soon, not after a quarter of an hour."""
    policy = RetryPolicy(budget=900.0, first_contact=20.0)

    with pytest.raises(Transient):
        retrying(Script(*[away() for _ in range(1000)]), clock, policy=policy, contacted=False).head_object(TARGET, CRC)
    assert clock.now - 1000.0 <= 20.0


@pytest.mark.parametrize("answer", [FACTS, slow_down()], ids=["an answer", "trouble"])
def test_any_answer_is_a_contact(clock: Clock, answer: object) -> None:
    """After any response, even an error, the longer budget applies."""
    inner = Script(answer, *[away() for _ in range(40)], FACTS)
    s3 = retrying(inner, clock, contacted=False, policy=RetryPolicy(first_contact=0.0, first_wait=10.0))
    if answer is FACTS:
        s3.head_object(TARGET, CRC)

    assert s3.head_object(TARGET, CRC) is FACTS


def test_an_answer_begins_the_time_away_anew(clock: Clock) -> None:
    """A response resets the budget."""
    half_an_hour = [away(), away()]
    inner = Script(*half_an_hour, slow_down(), *half_an_hour, FACTS, clock=clock, takes=200.0)

    assert retrying(inner, clock, policy=RetryPolicy(budget=500.0, max_wait=1.0)).head_object(TARGET, CRC) is FACTS


def test_what_helps_at_most_once_is_tried_once_more(clock: Clock) -> None:
    """A wrong digest may be a flipped bit in transit, so it is retried once."""
    inner = Script(bad_digest(), bad_digest(), FACTS)

    with pytest.raises(Transient, match="wrong digest"):
        retrying(inner, clock).head_object(TARGET, CRC)
    assert len(inner.calls) == 2


def test_once_is_counted_for_each_kind(clock: Clock) -> None:
    """Each kind of error is retried once: a wrong clock after a wrong digest is retried."""
    skewed = Transient("wrong clock", code="RequestTimeTooSkewed", status=403, once=True)
    inner = Script(bad_digest(), slow_down(), skewed, FACTS)

    assert retrying(inner, clock).head_object(TARGET, CRC) is FACTS


def test_what_helps_at_most_once_helps_once(clock: Clock) -> None:
    """The second attempt may succeed."""
    assert retrying(Script(bad_digest(), FACTS), clock).head_object(TARGET, CRC) is FACTS


# --- the waits ---


def test_waits_are_within_the_bounds_of_full_jitter(clock: Clock) -> None:
    """Between 0 and a bound that doubles from the first wait up to the maximum."""
    inner = Script(*[slow_down() for _ in range(12)])
    policy = RetryPolicy(attempts=12, first_wait=0.5, max_wait=30.0)

    with pytest.raises(Transient):
        retrying(inner, clock, policy=policy).head_object(TARGET, CRC)
    bounds = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0, 30.0]
    assert len(clock.waits) == len(bounds)
    assert all(0 <= wait <= bound for wait, bound in zip(clock.waits, bounds, strict=True))


def test_waits_are_spread_over_the_whole_range(clock: Clock) -> None:
    """Workers that failed together do not retry together: of 200 first waits, some are short and some long."""
    for _ in range(200):
        retrying(Script(slow_down(), FACTS), clock, policy=RetryPolicy(first_wait=10.0)).head_object(TARGET, CRC)

    assert min(clock.waits) < 2.0
    assert max(clock.waits) > 8.0
    assert len(set(clock.waits)) > 100


def test_a_sleep_that_raises_ends_it(clock: Clock) -> None:
    """A cancel during the wait is raised unchanged, and no further attempt is made."""

    def cancelled(_: float) -> None:
        raise UploadCancelled("stop")

    inner = Script(slow_down(), FACTS)

    with pytest.raises(UploadCancelled):
        RetryingBackend(inner, RetryPolicy(), sleep=cancelled, clock=clock).head_object(TARGET, CRC)
    assert len(inner.calls) == 1


def test_an_endpoint_that_is_away_is_probed_every_five_seconds(clock: Clock) -> None:
    """However long the outage and whatever the jitter, a reachable endpoint is detected this soon."""
    calls: list[float] = []

    def answer() -> ObjectFacts:
        calls.append(clock.now)
        assert len(calls) < 1000
        if clock.now < 1600.0:
            raise away()
        return FACTS

    s3 = RetryingBackend(
        Script(),
        RetryPolicy(max_wait=30.0),
        sleep=clock.sleep,
        clock=clock,
        random=lambda: 1.0,
        breaker=contacted(clock),
    )
    s3.retry(answer)

    assert max(after - before for before, after in itertools.pairwise(calls)) <= 5.2
    assert 1600.0 <= clock.now <= 1605.2


def test_a_nudge_ends_the_wait_for_an_endpoint_that_is_away(clock: Clock) -> None:
    """The user knows that the network is back."""
    nudge = Nudge()
    breaker = CircuitBreaker(clock, nudge=nudge)
    breaker.record_response()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        nudge()

    policy = RetryPolicy(first_wait=5.0)
    RetryingBackend(
        Script(away(), FACTS), policy, sleep=sleep, clock=clock, random=lambda: 1.0, breaker=breaker
    ).head_object(TARGET, CRC)

    assert clock.now - 1000.0 <= 0.25


def test_a_nudge_does_not_hurry_a_service_in_trouble(clock: Clock) -> None:
    """It asked for fewer requests."""
    nudge = Nudge()

    def sleep(seconds: float) -> None:
        nudge()
        clock.sleep(seconds)

    breaker = CircuitBreaker(clock, nudge=nudge)
    RetryingBackend(
        Script(slow_down(), FACTS),
        RetryPolicy(first_wait=5.0),
        sleep=sleep,
        clock=clock,
        random=lambda: 1.0,
        breaker=breaker,
    ).head_object(TARGET, CRC)

    assert clock.now - 1000.0 == 5.0


def test_the_wait_of_one_call_is_that_of_all(clock: Clock) -> None:
    """Calls that wait for the endpoint do not each probe it."""
    breaker = contacted(clock)

    def cancelled(_: float) -> None:
        raise UploadCancelled("stop")

    with pytest.raises(UploadCancelled):
        RetryingBackend(
            Script(away()),
            RetryPolicy(first_wait=5.0),
            sleep=cancelled,
            clock=clock,
            random=lambda: 1.0,
            breaker=breaker,
        ).head_object(TARGET, CRC)
    RetryingBackend(Script(FACTS), RetryPolicy(), sleep=clock.sleep, clock=clock, breaker=breaker).head_object(
        TARGET, CRC
    )

    assert 5.0 <= clock.now - 1000.0 <= 5.2


# --- what is told ---


def test_each_failure_is_told_before_its_wait(clock: Clock) -> None:
    """The number of the attempt, the reason, whether the endpoint responded, and the wait."""
    told: list[tuple[Retry, int]] = []
    s3 = RetryingBackend(
        Script(slow_down(), away(), FACTS),
        RetryPolicy(),
        sleep=clock.sleep,
        clock=clock,
        on_retry=lambda retry: told.append((retry, len(clock.waits))),
    )
    s3.head_object(TARGET, CRC)

    assert told == [
        (Retry(number=0, attempt=1, wait=clock.waits[0], reason="slow down", unreachable=False, throttled=True), 0),
        (Retry(number=0, attempt=2, wait=told[1][0].wait, reason="no route", unreachable=True, throttled=False), 1),
    ]
    assert sum(clock.waits[1:]) == pytest.approx(told[1][0].wait, abs=0.01)


def test_a_failed_probe_is_told_as_one(clock: Clock) -> None:
    """The first call was in flight when the outage started; those after it are probes."""
    told: list[Retry] = []
    retrying(Script(away(), away(), away(), slow_down(), FACTS), clock, told=told).head_object(TARGET, CRC)

    assert [retry.is_probe for retry in told] == [False, True, True, False]


def test_a_failure_of_a_part_names_its_number(clock: Clock, body: PartReader) -> None:
    """S3's number of the part whose body was sent."""
    told: list[Retry] = []
    retrying(Script(slow_down(), RECEIPT), clock, told=told).upload_part(TARGET, "U", body)

    assert [retry.number for retry in told] == [7]


def test_the_last_failure_is_not_told_as_a_retry(clock: Clock) -> None:
    """It is raised instead."""
    told: list[Retry] = []

    with pytest.raises(Transient):
        retrying(
            Script(*[slow_down() for _ in range(3)]), clock, told=told, policy=RetryPolicy(attempts=3)
        ).head_object(TARGET, CRC)
    assert [retry.attempt for retry in told] == [1, 2]


def test_the_last_error_says_how_often_and_how_long(clock: Clock) -> None:
    """The time spent in calls and waits; the attributes of the last failure are kept."""
    inner = Script(*[slow_down() for _ in range(3)], clock=clock, takes=20.0)

    with pytest.raises(Transient) as raised:
        retrying(inner, clock, policy=RetryPolicy(attempts=3)).head_object(TARGET, CRC)
    error = raised.value
    assert str(error) == f"slow down (tried 3 times in {clock.now - 1000.0:.0f} s)"
    assert (error.operation, error.code, error.status, error.request_id) == ("HeadObject", "SlowDown", 503, "R1")
    assert not error.unreachable


def test_the_last_error_keeps_whether_anybody_answered(clock: Clock) -> None:
    """The caller reports an unreachable network differently; the cause is the last failure."""
    failure = away()

    with pytest.raises(Transient) as raised:
        retrying(Script(failure), clock, policy=RetryPolicy(budget=-1.0)).head_object(TARGET, CRC)
    assert str(raised.value) == "no route (tried once in 0 s)"
    assert raised.value.unreachable
    assert raised.value.__cause__ is failure


# --- the body ---


def test_a_body_that_was_half_read_is_sent_whole_the_next_time(clock: Clock, body: PartReader) -> None:
    """The first attempt consumes half the body and fails; the second must not send only the other half."""
    inner = Script(slow_down(), RECEIPT)
    retrying(inner, clock).upload_part(TARGET, "U", body)

    assert inner.bodies == [PART[:50], PART]


def test_a_whole_object_is_rewound_too(clock: Clock, body: PartReader) -> None:
    """PutObject has a body as well."""
    inner = Script(slow_down(), away(), FACTS)
    retrying(inner, clock).put_object(TARGET, body)

    assert inner.bodies == [PART[:50], PART[:50], PART]


def test_the_checksum_is_taken_anew_for_the_next_try(clock: Clock, body: PartReader, tmp_path: Path) -> None:
    """A file that changed between two attempts is sent with the checksum of the bytes that are sent."""
    before = body.checksum

    def change(_: float) -> None:
        (tmp_path / "file").write_bytes(bytes(200))

    receipt = PartReceipt(number=7, size=100, etag="e", checksum=checksum(CRC, bytes(100)))
    s3 = RetryingBackend(Script(slow_down(), receipt), RetryPolicy(), sleep=change, clock=clock)

    assert s3.upload_part(TARGET, "U", body) == receipt
    assert body.checksum == receipt.checksum != before


def test_a_receipt_that_contradicts_what_was_sent_is_not_believed(clock: Clock, body: PartReader) -> None:
    """S3 stored other bytes: the part is sent again, once."""
    wrong = PartReceipt(number=7, size=100, etag="e", checksum=checksum(CRC, b"other"))

    assert retrying(Script(wrong, RECEIPT), clock).upload_part(TARGET, "U", body) == RECEIPT
    with pytest.raises(Transient, match="part 7 with a checksum that differs") as raised:
        retrying(Script(wrong, wrong, RECEIPT), clock).upload_part(TARGET, "U", body)
    assert (raised.value.code, raised.value.once) == ("BadDigest", True)


def test_a_receipt_without_a_checksum_is_passed_on(clock: Clock, body: PartReader) -> None:
    """The caller decides how to handle it."""
    silent = PartReceipt(number=7, size=100, etag="e")

    assert retrying(Script(silent), clock).upload_part(TARGET, "U", body) == silent


# --- credentials that expire ---


def test_expired_credentials_are_renewed_once(clock: Clock) -> None:
    """The next attempt uses the new credentials, without a wait."""
    expired = CredentialsExpired("expired", code="ExpiredToken")
    inner = Script(expired, FACTS)

    assert retrying(inner, clock).head_object(TARGET, CRC) is FACTS
    assert (inner.renewed, clock.waits) == (1, [0.0])


def test_credentials_that_stay_expired_end_the_call(clock: Clock) -> None:
    """Static credentials do not change when they are read again: the user must renew them."""
    expired = [CredentialsExpired("expired", code="ExpiredToken") for _ in range(3)]
    inner = Script(*expired)

    with pytest.raises(CredentialsExpired):
        retrying(inner, clock).head_object(TARGET, CRC)
    assert (inner.renewed, len(inner.calls)) == (1, 2)


def test_a_busy_service_that_takes_others_is_asked_on(clock: Clock) -> None:
    """A call that is throttled while other calls succeed uses up no attempts, and its waits stay short."""
    breaker, policy = CircuitBreaker(clock), RetryPolicy(attempts=3, first_wait=0.5)

    def rest(seconds: float) -> None:
        clock.sleep(seconds)
        breaker.record_success()

    inner = Script(*[slow_down() for _ in range(20)], FACTS)
    s3 = RetryingBackend(inner, policy, sleep=rest, clock=clock, breaker=breaker, random=lambda: 1.0)

    assert s3.head_object(TARGET, CRC) is FACTS
    assert max(clock.waits) <= 1.0


def test_other_trouble_is_counted_whatever_others_do(clock: Clock) -> None:
    """A part that always fails is not retried forever."""
    breaker = CircuitBreaker(clock)
    trouble = [Transient("broken", code="InternalError", status=500) for _ in range(3)]
    s3 = RetryingBackend(
        Script(*trouble),
        RetryPolicy(attempts=3),
        sleep=lambda _: breaker.record_success(),
        clock=clock,
        breaker=breaker,
    )

    with pytest.raises(Transient, match="tried 3 times"):
        s3.head_object(TARGET, CRC)
