"""Detect files that would overwrite each other, before anything is sent and again for each window of files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from partway.state.jobs import FileRecord, FileStatus, JobStore

from ..errors import KeyCollision, PlanError
from ..plural import plural
from .count import FileCount
from .spec import JobSpec
from .walk import FileEntry, walk_sources

_MAX_SHOWN = 10  # keys listed in the error
_WINDOW = 1000  # files in memory at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """``found`` has the same key as another file, which the walk found earlier or an earlier run sent.

    path: of the other file, for messages.
    """

    key: str
    path: str
    found: FileEntry


def may_collide(spec: JobSpec) -> bool:
    """True when two files may have the same key, which is impossible in a single directory."""
    return len(spec.sources) > 1 or spec.listed is not None or spec.key_encoding is not None


def check_key_collisions(
    spec: JobSpec,
    sources: Callable[[], Iterable[tuple[str, str | None]]],
    jobs: JobStore,
    job: str | None,
    *,
    prune: bool,
) -> FileCount | None:
    """Reject files that would overwrite each other, or the object of another file that an earlier run sent.

    Args:
        job: The ID of the resumed job, or None.
        prune: True accepts that a file of an earlier run is gone and that another one has its key.

    Returns:
        The number and size of the files; None when no two can have the same key, so that they were not walked.

    Raises:
        KeyCollision: lists the first few keys with their files.
        StateError.
    """
    if not may_collide(spec):
        return None
    paths: dict[str, dict[str, None]] = {}  # by key; the inner dict is an ordered set
    count = files = size = 0
    jobs.begin_walk()
    walk = _keyed(spec, sources)
    while window := list(islice(walk, _WINDOW)):
        fresh, collisions = distinct(window, jobs)
        files += len(fresh)
        size += sum(each.size for each in fresh.values())
        if job is not None and not prune:
            rows = jobs.files(job, list(fresh))
            collisions += [each for each in collisions_with_rows(fresh, rows) if each.key not in paths]
        for each in collisions:
            count += each.key not in paths
            if each.key in paths or len(paths) < _MAX_SHOWN:
                paths.setdefault(each.key, {}).update({each.path: None, each.found.path: None})
    if count:
        shown = [f"s3://{spec.bucket}/{key}: {', '.join(each)}" for key, each in paths.items()]
        if count > len(shown):
            shown.append(f"and {count - len(shown):,} more")
        raise KeyCollision(f"{plural(count, 'key')} would be written by several files; nothing was sent", tuple(shown))
    return FileCount(files=files, bytes=size, complete=True)


def distinct(files: Iterable[tuple[str, FileEntry]], jobs: JobStore) -> tuple[dict[str, FileEntry], list[Collision]]:
    """The files that the walk finds for the first time, by key, and those with the key of another file.

    A file that is found again is in neither: a list may repeat a name, or name a directory and a file in it.

    Raises:
        StateError.
    """
    fresh: dict[str, FileEntry] = {}
    collisions: list[Collision] = []
    for key, found in files:
        first = fresh.setdefault(key, found)
        if first.path != found.path:
            collisions.append(Collision(key=key, path=first.path, found=found))
    for key, path in jobs.record_walked({key: found.path for key, found in fresh.items()}).items():
        found = fresh.pop(key)
        if path != found.path:
            collisions.append(Collision(key=key, path=path, found=found))
    return fresh, collisions


def collisions_with_rows(files: Mapping[str, FileEntry], rows: Mapping[str, FileRecord]) -> list[Collision]:
    """Files with the key of another file that an earlier run sent.

    A file that was renamed since then, so that only its path differs, counts as the same file.
    """
    found = []
    for key, row in rows.items():
        now = files[key]
        is_ours = row.status is not FileStatus.FAILED and row.path is not None
        is_moved = (row.size, row.mtime_ns, row.inode) == (now.size, now.mtime_ns, now.inode)
        if is_ours and row.path != now.path and not is_moved:
            path = f"{row.path} (sent by an earlier run; --prune accepts that it is gone)"
            found.append(Collision(key=key, path=path, found=now))
    return found


def _keyed(spec: JobSpec, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> Iterator[tuple[str, FileEntry]]:
    for each in walk_sources(sources(), filters=spec.filters, follow_symlinks=spec.follow_symlinks):
        if isinstance(each, FileEntry) and spec.limits.allow(each):
            try:
                yield spec.key(each.name), each
            except PlanError:
                continue
