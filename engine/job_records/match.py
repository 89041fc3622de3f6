"""Find the open job that a command resumes, and jobs that write the same objects."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace

from partway.state.jobs import JobRecord, JobStatus
from partway.state.store import StateStore

from ..backend.target import ObjectOptions
from ..errors import AlreadyEnded, PlanError, UploadFailed
from ..walk.spec import JobSpec

_FLAGS = {
    "filters": "--include/--exclude",
    "limits": "--min-size/--max-size/--newer-than/--older-than",
    "follow_symlinks": "--no-follow-symlinks",
    "key_encoding": "--key-encoding",
    "algorithm": "--checksum-algorithm",
    "guess_content_type": "--no-guess-mime-type",
}


def open_job(store: StateStore, spec: JobSpec, *, restart: bool) -> JobRecord | None:
    """The newest open job with these sources and this destination, or None.

    An open job with other options is rejected: resumed later, it would overwrite what this command sends.

    Args:
        restart: True returns the job whatever its options, because the caller starts over.

    Raises:
        PlanError: an open job sends the same files to the same keys with other options.
    """
    jobs = _open_jobs(store, spec)
    same = [record for record, other in jobs if other.identity == spec.identity]
    newest = same[-1] if same else None
    for record, other in jobs:
        flags = differing_flags(spec, other)
        if not flags or not writes_same_keys(spec, other):
            continue
        if record is not newest:
            raise PlanError(
                f"job {record.id} is unfinished, and would write the same objects to {spec.url} with other options "
                f"({', '.join(flags)}); finish it with partway resume {record.id}, or cancel it with partway cancel "
                f"{record.id}, then run this again"
            )
        if not restart:
            raise PlanError(
                f"job {record.id} of these sources to {spec.url} is unfinished and has other options "
                f"({', '.join(flags)}); finish it as it is with partway resume {record.id}, or add --restart to start "
                "over with these"
            )
    return newest


def check_open(store: StateStore, id: str) -> JobRecord:
    """The current record of the job.

    Raises:
        AlreadyEnded: it is no longer open.
    """
    record = store.jobs.get(id)
    if record is None or record.status is not JobStatus.OPEN:
        status = "removed" if record is None else record.status.label
        raise AlreadyEnded(f"job {id} is already {status}; there is nothing to resume")
    return record


def job_to_resume(store: StateStore, id: str, spec: JobSpec) -> JobRecord:
    """The open job of this ID; the caller holds the lock of its spec.

    Raises:
        AlreadyEnded: another process completed or cancelled it since its spec was read.
        UploadFailed: another process restarted it with other options since then.
    """
    record = check_open(store, id)
    if JobSpec.from_json(record.spec) != spec:
        raise UploadFailed(
            f"job {id} was restarted with other options in the meantime; resume it again", resumable=True
        )
    return record


def same_job(store: StateStore, spec: JobSpec) -> JobRecord | None:
    """The newest open job of these sources and this destination, whatever its options; None when there is none."""
    found = [record for record, other in _open_jobs(store, spec) if other.identity == spec.identity]
    return found[-1] if found else None


def with_encoding(spec: JobSpec, record: JobRecord) -> JobSpec:
    """The spec with the job's stored encoding of names, unless this command sets one: the default depends on the
    locale, which may have changed."""
    return replace(spec, key_encoding=spec.key_encoding or JobSpec.from_json(record.spec).key_encoding)


def differing_flags(spec: JobSpec, other: JobSpec) -> list[str]:
    """The flags that make the two jobs create different objects, or objects of different files.

    The part size and --skip-existing do not change the objects, and an encoding that only one job has only adds files.
    """
    encoding = spec.key_encoding or other.key_encoding
    spec, other = replace(spec, key_encoding=encoding), replace(other, key_encoding=other.key_encoding or encoding)
    flags = [flag for name, flag in _FLAGS.items() if getattr(spec, name) != getattr(other, name)]
    options = [
        "--sse-c-key" if field.name == "customer_key" else f"--{field.name.replace('_', '-')}"
        for field in fields(ObjectOptions)
        if getattr(spec.options, field.name) != getattr(other.options, field.name)
    ]
    return flags + options


def writes_same_keys(spec: JobSpec, other: JobSpec) -> bool:
    """True when the jobs have a source in common, or one below the other's, whose files have the same keys."""
    if spec.identity == other.identity:
        return True
    if spec.bucket != other.bucket:
        return False
    pairs = [(mine, theirs) for mine in spec.sources for theirs in other.sources]
    return any(
        _covers(mine, spec.prefix, theirs, other.prefix) or _covers(theirs, other.prefix, mine, spec.prefix)
        for mine, theirs in pairs
    )


def _covers(source: str, prefix: str, below: str, prefix_below: str) -> bool:
    """True when the files of ``below`` are in the directory ``source`` and have the same keys."""
    if below == source:
        return prefix == prefix_below
    if not below.startswith(source.rstrip("/") + "/"):
        return False
    name = os.path.relpath(below, source)
    if os.path.isfile(below):  # noqa: PTH113 - keeps undecodable names
        return prefix + name == prefix_below + os.path.basename(below)  # noqa: PTH119
    return f"{prefix}{name}/" == prefix_below


def _open_jobs(store: StateStore, spec: JobSpec) -> list[tuple[JobRecord, JobSpec]]:
    """The open jobs at the endpoint, oldest first."""
    found = readable_jobs(store.jobs.all(open_only=True))
    return [(record, other) for record, other in found if record.endpoint == spec.endpoint]


def readable_jobs(records: Iterable[JobRecord]) -> Iterator[tuple[JobRecord, JobSpec]]:
    """The jobs with their specs.  Omits jobs with an unreadable spec, which no command can resume."""
    for record in records:
        try:
            yield record, JobSpec.from_json(record.spec)
        except (ValueError, TypeError, KeyError):
            continue
