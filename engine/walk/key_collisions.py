"""Files that would overwrite each other: found before the first byte, and again when a file's turn comes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from partway.state.jobs import FileRecord, FileStatus, JobStore

from ..errors import KeyCollision, PlanError
from ..plural import plural
from .spec import JobSpec
from .walk import FileEntry, scan

_SHOWN = 10  # keys that are named
_WINDOW = 1000  # files that are known at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """``found`` has the key of another file, which the walk met before it or an earlier run sent.

    path: of the other file, for messages.
    """

    key: str
    path: str
    found: FileEntry


def may_collide(spec: JobSpec) -> bool:
    """False for one folder: no two of its files have one key."""
    return len(spec.sources) > 1 or spec.listed is not None or spec.key_encoding is not None


def check_key_collisions(
    spec: JobSpec,
    sources: Callable[[], Iterable[tuple[str, str | None]]],
    jobs: JobStore,
    job: str | None,
    *,
    prune: bool,
) -> None:
    """Refuse files that would overwrite each other, or an object that an earlier run made of another file.

    Args:
        job: The id of the job that is resumed, or None.
        prune: True accepts that the file of an earlier run is gone, and that another one has its key.

    Raises:
        KeyCollision: names the first few.
        StateError.
    """
    if not may_collide(spec):
        return
    paths: dict[str, dict[str, None]] = {}  # by key; a dict keeps their order
    count = 0
    jobs.begin_walk()
    walk = _keyed(spec, sources)
    while window := list(islice(walk, _WINDOW)):
        fresh, collisions = distinct(window, jobs)
        if job is not None and not prune:
            rows = jobs.files(job, list(fresh))
            collisions += [each for each in with_rows(fresh, rows) if each.key not in paths]
        for each in collisions:
            count += each.key not in paths
            if each.key in paths or len(paths) < _SHOWN:
                paths.setdefault(each.key, {}).update({each.path: None, each.found.path: None})
    if count:
        shown = [f"s3://{spec.bucket}/{key}: {', '.join(each)}" for key, each in paths.items()]
        if count > len(shown):
            shown.append(f"and {count - len(shown):,} more")
        raise KeyCollision(f"{plural(count, 'key')} would be written by several files; nothing was sent", tuple(shown))


def distinct(files: Iterable[tuple[str, FileEntry]], jobs: JobStore) -> tuple[dict[str, FileEntry], list[Collision]]:
    """The files that the walk did not meet before, by key, and those whose key is another file's.

    A file that is met twice is neither: names may be listed twice, or a folder beside a file in it.

    Raises:
        StateError.
    """
    fresh: dict[str, FileEntry] = {}
    collisions: list[Collision] = []
    for key, found in files:
        first = fresh.setdefault(key, found)
        if first.path != found.path:
            collisions.append(Collision(key=key, path=first.path, found=found))
    for key, path in jobs.meet({key: found.path for key, found in fresh.items()}).items():
        found = fresh.pop(key)
        if path != found.path:
            collisions.append(Collision(key=key, path=path, found=found))
    return fresh, collisions


def with_rows(files: Mapping[str, FileEntry], rows: Mapping[str, FileRecord]) -> list[Collision]:
    """Files whose key has an object that an earlier run made of another file.

    A file that was renamed since, so that only its path differs, is the one that was sent.
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
    for each in scan(sources(), filters=spec.filters, follow_symlinks=spec.follow_symlinks):
        if isinstance(each, FileEntry):
            try:
                yield spec.key(each.name), each
            except PlanError:
                continue
