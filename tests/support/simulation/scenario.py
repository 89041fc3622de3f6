"""A story: a file, a service, the upload's options, and how often something fails.  All from one seed."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from partway.engine.checksums import ChecksumAlgorithm
from tests.support.s3_model.quirks import NO_QUIRKS, ListAfterComplete, Quirks, RefuseChecksums

QUIRKS: dict[str, Quirks] = {
    "no checksums": Quirks(no_checksums=True),
    "checksums are not implemented": Quirks(refuse_checksums=RefuseChecksums.NOT_IMPLEMENTED),
    "checksums are an invalid request": Quirks(refuse_checksums=RefuseChecksums.INVALID_REQUEST),
    "silent checksums": Quirks(silent_checksums=True),
    "unverified checksums": Quirks(unverified_checksums=True),
    "a whole checksum is refused": Quirks(refuse_object_checksum=True),
    "HEAD has no checksum": Quirks(checksum_missing_on_head=True),
    "Content-MD5 is ignored": Quirks(content_md5_ignored=True, no_checksums=True),
    "ETags are no MD5": Quirks(opaque_etags=True),
    "neither checksums nor MD5s": Quirks(no_checksums=True, opaque_etags=True),
    "Complete has no ETag": Quirks(empty_complete_etag=True),
    "HEAD has another ETag": Quirks(head_etag_differs=True),
    "no ListParts": Quirks(list_parts_unsupported=True),
    "rows twice": Quirks(list_repeats=True),
    "rows sorted as text": Quirks(list_unsorted=True),
    "a row is missing": Quirks(list_drops=frozenset({2})),
    "a row is short": Quirks(list_truncates={1: 7}),
    "the marker is ignored": Quirks(list_ignores_marker=True),
    "one page has everything": Quirks(list_ignores_max_parts=True),
    "the marker is inclusive": Quirks(list_marker_inclusive=True),
    "parts stay after Complete": Quirks(list_after_complete=ListAfterComplete.ALL),
    "an empty list after Complete": Quirks(list_after_complete=ListAfterComplete.EMPTY),
    "vanished is NoSuchKey": Quirks(vanished_as=("NoSuchKey", 404)),
    "Complete names every part": Quirks(complete_names_all=True),
    "an unknown part is no upload": Quirks(unknown_part_is_no_upload=True),
    "a bad part destroys the upload": Quirks(bad_part_destroys_upload=True),
    "equal parts only": Quirks(equal_parts_only=True),
    "cut parts stay": Quirks(stores_cut_parts=True),
    "preconditions are ignored": Quirks(preconditions_ignored=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How likely something is: ``fault`` for each call to the service, the others for each moment of a run.

    crash: the process is gone.
    edit: the source changes in one of many ways.
    cancel: somebody asks to stop.
    twin: a second upload of the same source to the same target is started.
    server: the service loses or changes a part, expires the upload, or somebody else writes the key.
    store: a write to the store fails.
    """

    fault: float
    crash: float
    edit: float
    cancel: float
    twin: float
    server: float
    store: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story; equal seeds make equal stories.

    size, part_size, page_size: bytes, bytes, rows.
    algorithm: None means that the engine chooses.
    troubled: runs in which something may go wrong; calm ones follow until the end.
    exists: an object is under the key at the beginning.
    orphan: S3 has an unfinished upload of the key that no store knows.
    tick: seconds of the file system's clock; 0 shows every change.
    threads: the engine's own workers; False: an executor that it is given, which hears and says nothing meanwhile.
    """

    seed: int
    size: int
    part_size: int
    max_parts: int
    page_size: int
    concurrency: int | None
    algorithm: ChecksumAlgorithm | None
    no_overwrite: bool
    exists: bool
    orphan: bool
    sqlite: bool
    tick: float
    threads: bool
    completes_again: bool
    quirks: Quirks
    quirk_names: tuple[str, ...]
    troubled: int
    rates: Rates

    def __str__(self) -> str:
        facts = [
            f"{self.size} bytes in parts of {self.part_size} (at most {self.max_parts}), {self.concurrency} at a time",
            f"checksum {self.algorithm or 'of the engine'}, store {'SQLite' if self.sqlite else 'memory'}",
            f"{self.troubled} troubled runs, {self.rates}, times in ticks of {self.tick} s",
            f"the service: {', '.join(self.quirk_names) or 'as S3'}, pages of {self.page_size}"
            + (", completes again" if self.completes_again else ""),
        ]
        if self.orphan:
            facts.append("S3 has an unfinished upload that the store does not know")
        if self.no_overwrite:
            facts.append(f"no overwrite, the key is {'taken' if self.exists else 'free'}")
        return "\n".join(f"  {fact}" for fact in facts)


def make_story(seed: int) -> Story:
    """The story of this number."""
    rng = Random(f"story {seed}")
    part_size = rng.choice((16, 33, 64))
    parts = rng.choice((1, 2, 3, 5, 8, 11))
    size = max(0, rng.choices((0, 1, part_size * parts + rng.randint(-2, 2), part_size * parts), (1, 1, 4, 6))[0])
    names = tuple(rng.sample(sorted(QUIRKS), rng.choices((0, 1, 2), (4, 5, 1))[0]))
    quirks = NO_QUIRKS
    for name in names:
        quirks = replace(quirks, **changed(QUIRKS[name]))
    return Story(
        seed=seed,
        size=size,
        part_size=part_size,
        max_parts=rng.choice((10_000, 10_000, 12)),
        page_size=rng.choice((2, 3, 1000)),
        concurrency=rng.choice((1, 2, 3, 5, None)),
        algorithm=rng.choice((None, None, None, *ChecksumAlgorithm)),
        no_overwrite=rng.random() < 0.2,
        exists=rng.random() < 0.2,
        orphan=rng.random() < 0.2,
        sqlite=rng.random() < 0.04,
        tick=rng.choice((0.0, 0.0, 0.01, 1.0, 2.0)),
        threads=rng.random() < 0.8,
        completes_again=rng.random() < 0.3,
        quirks=quirks,
        quirk_names=names,
        troubled=rng.choice((1, 1, 2, 3, 5)),
        rates=Rates(
            fault=rng.choice((0, 0.05, 0.15, 0.4)),
            crash=rng.choice((0, 0.003, 0.01, 0.03)),
            edit=rng.choice((0, 0, 0.01, 0.04)),
            cancel=rng.choice((0, 0, 0.005)),
            twin=rng.choice((0, 0.01)),
            server=rng.choice((0, 0, 0.01)),
            store=rng.choice((0, 0, 0.01)),
        ),
    )


def changed(quirks: Quirks) -> dict[str, Any]:
    """The fields that are not as on S3."""
    return {
        name: getattr(quirks, name) for name in Quirks.__slots__ if getattr(quirks, name) != getattr(NO_QUIRKS, name)
    }
