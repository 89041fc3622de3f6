"""What a real story is: a file, a service, and for every run what happens to it and when.  All from one number."""

import signal
from dataclasses import dataclass, replace
from random import Random

from tests.support.s3_faults import responses as say
from tests.support.s3_faults.faults import (
    Action,
    Answer,
    CloseConnection,
    Fault,
    FlipBit,
    Garbage,
    Hang,
    ResetConnection,
    Stage,
)
from tests.support.s3_model.quirks import NO_QUIRKS, Quirks
from tests.support.shell.small_parts import PART_SIZE
from tests.support.simulation.resent_bytes import ignores_digests
from tests.support.simulation.scenario import QUIRKS

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP)
_OPERATIONS = (
    "UploadPart",
    "UploadPart",
    "UploadPart",
    "UploadPart",
    "CreateMultipartUpload",
    "ListParts",
    "CompleteMultipartUpload",
    "HeadObject",
    "PutObject",
)
_ANSWERS: tuple[Answer, ...] = (
    say.slow_down(),
    say.internal_error(),
    say.bad_gateway(),
    say.gateway_timeout(),
    say.too_many_requests(),
    say.request_timeout(),
    say.access_denied(),
    say.expired_token(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment of a run: of the ``skip``-th request after the first for an operation, or so many seconds after the
    start when ``seconds`` is not None."""

    operation: str
    stage: Stage
    skip: int
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What happens in one run; None: it does not.

    edit_before: the source changes before the run.
    """

    faults: tuple[Fault, ...]
    signal: tuple[Moment, signal.Signals] | None
    edit: Moment | None
    twin: Moment | None
    edit_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RealStory:
    """One story; sizes are bytes."""

    seed: int
    size: int
    concurrency: int | None
    algorithm: str | None
    quirk: str
    quirks: Quirks
    runs: tuple[RunPlan, ...]

    @property
    def undisturbed(self) -> bool:
        """True when nothing but signals and passing faults happens, so that every byte can be accounted for."""
        return not self.quirk and not any(run.edit or run.edit_before for run in self.runs)

    def __str__(self) -> str:
        return (
            f"  {self.size} bytes in parts of {PART_SIZE}, {self.concurrency} at a time, "
            f"checksum {self.algorithm or 'of the engine'}, the service: {self.quirk or 'as S3'}"
        )


def make_real_story(seed: int) -> RealStory:
    """The story of this number."""
    rng = Random(f"real story {seed}")
    parts = rng.choice((1, 2, 4, 7, 12))
    quirk = rng.choice(sorted(QUIRKS)) if rng.random() < 0.3 else ""
    edits = rng.random() < 0.4
    return RealStory(
        seed=seed,
        size=max(0, rng.choices((0, 1, parts * PART_SIZE + rng.randint(-1, 1)), (1, 1, 10))[0]),
        concurrency=rng.choice((1, 2, 4, None)),
        algorithm=None if quirk else rng.choice((None, None, "crc32c", "sha256", "md5")),
        quirk=quirk,
        quirks=replace(QUIRKS[quirk]) if quirk else NO_QUIRKS,
        runs=tuple(_run(rng, edits, flips=not ignores_digests({quirk})) for _ in range(rng.choice((1, 2, 3, 4)))),
    )


def _run(rng: Random, edits: bool, *, flips: bool) -> RunPlan:
    """flips: the service compares what arrives with its checksum; elsewhere nobody can notice a flipped bit."""
    hit = rng.choice(SIGNALS) if rng.random() < 0.75 else None
    return RunPlan(
        faults=tuple(fault(rng, flips=flips) for _ in range(rng.choice((0, 0, 1, 3)))),
        signal=(moment(rng), hit) if hit is not None else None,
        edit=moment(rng, timed=False) if edits and rng.random() < 0.4 else None,
        twin=moment(rng, timed=False) if hit is None and rng.random() < 0.4 else None,
        edit_before=edits and rng.random() < 0.4,
    )


def moment(rng: Random, *, timed: bool = True, longest: float = 0.3) -> Moment:
    """A moment of a run.  longest: seconds after its start."""
    return Moment(
        operation=rng.choice(_OPERATIONS),
        stage=rng.choice((Stage.BEFORE_READ, Stage.HALF_BODY, Stage.AFTER_BODY, Stage.AFTER_EFFECT)),
        skip=rng.choice((0, 0, 1, 2, 4)),
        seconds=rng.uniform(0.0, longest) if timed and rng.random() < 0.4 else None,
    )


def fault(rng: Random, *, flips: bool) -> Fault:
    """Something that passes."""
    stage = rng.choice(tuple(Stage))
    actions: list[Action] = [CloseConnection(), ResetConnection(), Garbage(), Hang(seconds=rng.uniform(0.05, 0.5))]
    if stage is not Stage.HALF_ANSWER:
        actions += rng.sample(_ANSWERS, 3)
    if stage is Stage.AFTER_BODY:
        flip = FlipBit(index=rng.randrange(PART_SIZE))
        actions.append(flip if flips else Garbage())
    return Fault(
        operation=rng.choice(_OPERATIONS), stage=stage, action=rng.choice(actions), skip=rng.choice((0, 0, 1, 3))
    )
