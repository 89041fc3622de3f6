"""Find the files of a job lazily: memory depends on the depth of the tree, not on the number of files."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..source.identity import SourceIdentity
from ..source.permission import permission_remedy
from .filters import Filter, is_wanted, may_be_wanted_below

EMPTY = "an empty directory"
GONE = "no such file"
DANGLING = "a symbolic link to a file that does not exist"
_LINK = "a symbolic link"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file to upload.

    path: absolute.
    name: the path below its source, with slashes; the key is the prefix of the destination followed by it.
    size, mtime_ns, ctime_ns, inode: from ``os.stat``; may be outdated by the time the file is read.
    """

    path: str
    name: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @property
    def identity(self) -> SourceIdentity:
        """The file as the walk found it."""
        return SourceIdentity(
            path=self.path,
            size=self.size,
            mtime_ns=self.mtime_ns,
            ctime_ns=self.ctime_ns,
            inode=self.inode,
            device=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedEntry:
    """An entry that is not uploaded.

    failed: True when the user may expect it to be uploaded, because it is missing or cannot be read.
    """

    path: str
    reason: str
    failed: bool


def walk_sources(
    sources: Iterable[tuple[str, str | None]], *, filters: Sequence[Filter] = (), follow_symlinks: bool = True
) -> Iterator[FileEntry | SkippedEntry]:
    """Yield the files and the skipped entries of the sources, lazily and in no particular order.

    Args:
        sources: Absolute paths, each with its name, or None: then a file is named by the last component of its path,
            and the files of a directory by their path below it.  A directory with a name comes from a list, which may
            also contain files in it; each file is yielded once.
        filters: See ``filters.is_wanted``.
        follow_symlinks: False skips symbolic links.
    """
    walked: set[str] = set()
    for path, name in sources:
        if walked and name is not None and not walked.isdisjoint(_with_parents(path)):
            continue
        try:
            found = os.stat(path) if follow_symlinks else os.lstat(path)  # noqa: PTH116 - keeps undecodable names
        except (OSError, ValueError) as error:
            yield SkippedEntry(path=path, reason=_reason(path, error), failed=True)
            continue
        if stat.S_ISDIR(found.st_mode):
            if name is not None:
                walked.add(path)
            below = f"{name}/" if name else ""
            yield from _walk(path, below, filters, follow_symlinks, (found.st_dev, found.st_ino))
            continue
        name = os.path.basename(path) if name is None else name  # noqa: PTH119
        if is_wanted(name, filters):
            yield _classify(path, name, found)


def _with_parents(path: str) -> Iterator[str]:
    """The path and all its parent directories."""
    yield path
    while (above := os.path.dirname(path)) != path:  # noqa: PTH120 - keeps undecodable names
        path = above
        yield path


def _walk(
    root: str, below: str, filters: Sequence[Filter], follow_symlinks: bool, identity: tuple[int, int]
) -> Iterator[FileEntry | SkippedEntry]:
    # One open directory per level; its other entries are not in memory.
    levels: list[_Level] = []
    try:
        levels.append(_Level(root, below, identity))
    except OSError as error:
        yield SkippedEntry(path=root, reason=_reason(root, error), failed=True)
        return
    try:
        while levels:
            level = levels[-1]
            entry = level.next_entry()
            if entry is None:
                levels.pop().close()
                if level.error is not None:
                    yield SkippedEntry(path=level.path, reason=_reason(level.path, level.error), failed=True)
                elif level.empty:
                    yield SkippedEntry(path=level.path, reason=EMPTY, failed=False)
                continue
            name = level.below + entry.name
            classified: FileEntry | SkippedEntry | None = None
            try:
                if entry.is_symlink() and not follow_symlinks:
                    classified = SkippedEntry(path=entry.path, reason=_LINK, failed=False)
                else:
                    found = entry.stat(follow_symlinks=follow_symlinks)
                    identity = (found.st_dev, found.st_ino)
                    if not stat.S_ISDIR(found.st_mode):
                        classified = _classify(entry.path, name, found)
                    elif any(identity == each.identity for each in levels):
                        classified = SkippedEntry(
                            path=entry.path, reason="a symbolic link to a parent directory", failed=False
                        )
                    elif may_be_wanted_below(name, filters):
                        levels.append(_Level(entry.path, f"{name}/", identity))
            except OSError as error:
                # It may be a directory with files to upload, unless it is a dangling link.
                may_be_directory = not isinstance(error, FileNotFoundError) and may_be_wanted_below(name, filters)
                if may_be_directory or is_wanted(name, filters):
                    yield SkippedEntry(path=entry.path, reason=_reason(entry.path, error), failed=True)
            if classified is not None and is_wanted(name, filters):
                yield classified
    finally:
        for level in levels:
            level.close()


class _Level:
    """An open directory.  below: the prefix of the names in it; empty: True while no entry has been found."""

    def __init__(self, path: str, below: str, identity: tuple[int, int]) -> None:
        self.path, self.below, self.identity = path, below, identity
        self.empty = True
        self.error: OSError | None = None
        self._entries = os.scandir(path)
        self.close = self._entries.close

    def next_entry(self) -> "os.DirEntry[str] | None":
        """The next entry; None at the end, or when the directory cannot be read further, which sets ``error``."""
        try:
            entry = next(self._entries, None)
        except OSError as error:
            self.error = error
            return None
        self.empty = self.empty and entry is None
        return entry


def _classify(path: str, name: str, found: os.stat_result) -> FileEntry | SkippedEntry:
    if stat.S_ISLNK(found.st_mode):
        return SkippedEntry(path=path, reason=_LINK, failed=False)
    if stat.S_ISREG(found.st_mode):
        return FileEntry(
            path=path,
            name=name,
            size=found.st_size,
            mtime_ns=found.st_mtime_ns,
            ctime_ns=found.st_ctime_ns,
            inode=found.st_ino,
        )
    return SkippedEntry(path=path, reason="not a regular file", failed=False)


def _reason(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return f"it is not readable by this user; {permission_remedy(error)}"
    if isinstance(error, FileNotFoundError):
        return DANGLING if os.path.islink(path) else GONE  # noqa: PTH114 - keeps undecodable names
    return getattr(error, "strerror", None) or "its name is not valid"
