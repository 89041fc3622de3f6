"""Later jobs that have written the objects of an unfinished job, which a resume would overwrite."""

import os
from collections.abc import Iterator

from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore

from ..walk.spec import JobSpec
from .match import differing_flags, readable_jobs, writes_same_keys

_Location = tuple[str, str, str, str]  # endpoint, bucket, source, prefix
_Found = list[tuple[JobRecord, JobSpec]]


class LaterJobs:
    """The jobs of a store that were not cancelled, indexed by source and destination.  Read once, for many queries.

    A job is compared only with jobs that have the same keys and the same source, or one above or below it.
    """

    def __init__(self, store: StateStore) -> None:
        self._at: dict[_Location, _Found] = {}
        self._below: dict[_Location, _Found] = {}
        for record, spec in readable_jobs(store.jobs.all()):
            if record.status is JobStatus.ABORTED:
                continue
            for location in _locations(spec):
                self._at.setdefault(location, []).append((record, spec))
                for above in _above(location):
                    self._below.setdefault(above, []).append((record, spec))

    def after(self, record: JobRecord, spec: JobSpec) -> tuple[JobRecord, list[str]] | None:
        """The newest job that was created after this one and writes the same keys with other options, with the flags
        that differ; None when there is none."""
        later = {
            other.id: (other, other_spec)
            for other, other_spec in self._candidates(spec)
            if other.created_at > record.created_at
        }
        for other, other_spec in sorted(
            later.values(), key=lambda pair: (pair[0].created_at, pair[0].id), reverse=True
        ):
            flags = differing_flags(other_spec, spec)
            if flags and writes_same_keys(spec, other_spec):
                return other, flags
        return None

    def _candidates(self, spec: JobSpec) -> Iterator[tuple[JobRecord, JobSpec]]:
        for location in _locations(spec):
            yield from self._at.get(location, ())
            yield from self._below.get(location, ())
            for above in _above(location):
                yield from self._at.get(above, ())


def _locations(spec: JobSpec) -> list[_Location]:
    return [(spec.endpoint, spec.bucket, source, spec.prefix) for source in spec.sources]


def _above(location: _Location) -> Iterator[_Location]:
    """The parent directories, each with the prefix that gives the files of the source the same keys.

    Whether the source is a file or a directory is unknown, so both cases are yielded.  The wrong one matches no job."""
    endpoint, bucket, source, prefix = location
    name_of_file = os.path.basename(source)  # noqa: PTH119 - keeps undecodable names
    for keys, slash in ((prefix, "/"), (prefix + name_of_file, "")):
        directory = source
        while (parent := os.path.dirname(directory)) != directory:  # noqa: PTH120
            ending = source[len(parent.rstrip("/")) + 1 :] + slash
            if not keys.endswith(ending):
                break
            yield endpoint, bucket, parent, keys.removesuffix(ending)
            directory = parent
