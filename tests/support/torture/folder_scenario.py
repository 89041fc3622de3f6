"""What a story of a folder is: files of all sizes, a service, and for every run what happens to it.  All from one
number."""

import signal
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.support.s3_faults.faults import Fault
from tests.support.s3_model.quirks import NO_QUIRKS, Quirks
from tests.support.shell.small_parts import PART_SIZE
from tests.support.simulation.resent_bytes import ignores_digests
from tests.support.simulation.scenario import QUIRKS

from .scenario import Moment, fault, moment

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# Services on which every part can be accounted for.
_QUIRKS = (
    "no checksums",
    "checksums are not implemented",
    "silent checksums",
    "HEAD has no checksum",
    "ETags are no MD5",
    "Complete has no ETag",
    "no ListParts",
)


class Edit(StrEnum):
    """What happens to a file between two runs.

    HIDDEN: other bytes in place, and the old mtime is set back.  REPLACED: another file of that size and mtime.
    CHMOD: nothing but ctime moves.
    """

    PLAIN = "edited"
    HIDDEN = "edited, with its old mtime"
    REPLACED = "replaced, with its old mtime"
    CHMOD = "chmod"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRun:
    """What happens in one run; None: it does not.

    signal: when, which, and whether it comes a second time.
    away: when the server cuts its connections, and for how many seconds it refuses new ones.
    options: further options, which are part of no job's spec.
    edits: what happens to files before the run: how, and a number that chooses the file.
    """

    faults: tuple[Fault, ...]
    signal: tuple[Moment, signal.Signals, bool] | None
    away: tuple[Moment, float] | None
    options: tuple[str, ...]
    edits: tuple[tuple[Edit, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderStory:
    """One story.  sizes: bytes of each file, by name; options: of every run."""

    seed: int
    sizes: dict[str, int]
    concurrency: int | None
    options: tuple[str, ...]
    quirk: str
    quirks: Quirks
    runs: tuple[FolderRun, ...]

    @property
    def keeps_receipts(self) -> bool:
        """True when the service lets nothing be sent twice that was recorded."""
        return self.quirk in ("", "HEAD has no checksum", "Complete has no ETag")

    def __str__(self) -> str:
        large = sum(size > PART_SIZE for size in self.sizes.values())
        options = f", {' '.join(self.options)}" if self.options else ""
        return (
            f"  {len(self.sizes)} files, {large} of several parts, {sum(self.sizes.values())} bytes, "
            f"{self.concurrency} at a time, {len(self.runs)} troubled runs, "
            f"the service: {self.quirk or 'as S3'}{options}"
        )


def make_folder_story(seed: int) -> FolderStory:
    """The story of this number."""
    rng = Random(f"folder story {seed}")
    quirk = rng.choice(_QUIRKS) if rng.random() < 0.25 else ""
    options = rng.choice(((), (), (), ("--no-overwrite",), ("--skip-existing",), ("--bwlimit", "20M")))
    # What is there stays as it is with --no-overwrite, also when its file changed.
    edits = rng.random() < 0.4 and "--no-overwrite" not in options
    return FolderStory(
        seed=seed,
        sizes={_name(rng, number): _size(rng) for number in range(rng.choice((2, 8, 25, 25, 60)))},
        concurrency=rng.choice((1, 2, 4, 8, 32, None, None)),
        options=options,
        quirk=quirk,
        quirks=QUIRKS[quirk] if quirk else NO_QUIRKS,
        runs=tuple(
            _run(rng, flips=not ignores_digests({quirk}), edits=edits and number > 0)
            for number in range(rng.choice((1, 2, 3, 4)))
        ),
    )


def _name(rng: Random, number: int) -> str:
    return f"{rng.choice(('', '', 'a/', 'a/b/', 'c d/'))}{number}"


def _size(rng: Random) -> int:
    parts = rng.randint(2, 5) * PART_SIZE
    sizes = (0, 1, rng.randint(2, 500), PART_SIZE - 1, PART_SIZE, PART_SIZE + 1, parts, parts - rng.randint(1, 9999))
    return rng.choice(sizes)


def _run(rng: Random, *, flips: bool, edits: bool) -> FolderRun:
    hit = (moment(rng, longest=1.0), rng.choice(SIGNALS), rng.random() < 0.2) if rng.random() < 0.8 else None
    return FolderRun(
        faults=tuple(fault(rng, flips=flips) for _ in range(rng.choice((0, 0, 0, 1, 3, 6)))),
        signal=hit,
        away=(moment(rng, timed=False), rng.uniform(0.0, 1.0)) if rng.random() < 0.3 else None,
        options=("--fail-fast",) if rng.random() < 0.1 else (),
        edits=tuple((rng.choice(list(Edit)), rng.randrange(1000)) for _ in range(rng.choice((1, 2, 5))))
        if edits
        else (),
    )
