"""Sort files by size, name or time.  Memory does not depend on their number: an external merge sort, whose sorted runs
are temporary files."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from heapq import merge
from typing import Any

from ..errors import SourceError
from .walk import FileEntry, SkippedEntry

_RUN = 50_000  # files in memory at a time


class OrderBy(StrEnum):
    """The sort key.  NAME: the bytes of the path below the source."""

    SIZE = "size"
    NAME = "name"
    MTIME = "mtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order in which files are sent.  Ties are broken by name."""

    by: OrderBy
    descending: bool = False

    def key(self, found: FileEntry) -> tuple[Any, ...]:
        """The sort key of a file."""
        name = os.fsencode(found.name)
        if self.by is OrderBy.NAME:
            return (name,)
        return (found.size if self.by is OrderBy.SIZE else found.mtime_ns, name)


def in_order(walk: Iterable[FileEntry | SkippedEntry], order: Order | None) -> Iterator[FileEntry | SkippedEntry]:
    """Sort the walk; None leaves it unsorted.  Skipped entries come first, as they are found.

    Raises:
        SourceError: the temporary files cannot be written.
    """
    if order is None:
        yield from walk
        return
    with ExitStack() as stack:
        runs: list[Iterable[FileEntry]] = []
        found: list[FileEntry] = []
        for each in walk:
            if isinstance(each, SkippedEntry):
                yield each
                continue
            found.append(each)
            if len(found) == _RUN:
                runs.append(_stored(_sorted(found, order), stack))
                found = []
        runs.append(_sorted(found, order))
        yield from merge(*runs, key=order.key, reverse=order.descending)


def _sorted(found: list[FileEntry], order: Order) -> list[FileEntry]:
    return sorted(found, key=order.key, reverse=order.descending)


def _stored(found: list[FileEntry], stack: ExitStack) -> Iterator[FileEntry]:
    from tempfile import TemporaryFile  # imported here, because it is slow to load

    try:
        file = stack.enter_context(TemporaryFile("w+", encoding="ascii"))  # noqa: SIM115 - the stack closes it
        file.writelines(json.dumps(asdict(each)) + "\n" for each in found)
        file.seek(0)
    except OSError as error:
        raise SourceError(f"the files cannot be sorted: {error.strerror or error}") from error
    return (FileEntry(**json.loads(line)) for line in file)
