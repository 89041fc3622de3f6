"""What boto3 uploads: a path, or an object with read()."""

import io
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from s3transfer.compat import seekable

from .._arguments.sources import PathSource, StreamSource, source_of

_BLOCK = 256 * 1024
_TICK = 0.05  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is uploaded, from its position to its end.

    name: for messages.
    path: of a regular file that is uploaded as a whole; None for a stream.
    read: of a stream.
    size: bytes; None when only reading tells.
    rewind: goes back to where a stream began; None when it cannot.
    close: what boto3 does with a file object that it sent by one PutObject.
    read_through: leaves a file object at its end.
    """

    name: str
    path: str | None = None
    read: Callable[[int], Any]
    size: int | None
    rewind: Callable[[], object] | None
    close: Callable[[], object] = lambda: None
    read_through: Callable[[], object] = lambda: None

    @property
    def is_repeatable(self) -> bool:
        """True when its bytes can be read twice."""
        return self.path is not None or self.rewind is not None

    def with_known_size(self, least: int) -> "Source":
        """The source, with its size if it has fewer than ``least`` bytes.  A stream is read up to there."""
        if self.size is not None:
            return self
        head = _read_up_to(self.read, least)
        if len(head) < least:
            return replace(self, read=io.BytesIO(head).read, size=len(head))
        return replace(self, read=_chained(head, self.read))


def open_source(given: Any) -> Source:
    """The source.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is closed.
        PartwayError: it is no binary file object.
    """
    if getattr(given, "closed", False):
        raise ValueError("I/O operation on closed file")
    found = source_of(given)
    if isinstance(found, PathSource):
        with Path(found.path).open("rb"):
            size = Path(found.path).stat().st_size
        is_object = not isinstance(given, str)
        return Source(
            name=found.path if is_object else given,
            path=found.path,
            read=lambda _: b"",
            size=size,
            rewind=None,
            close=getattr(given, "close", lambda: None),
            read_through=found.read_through,
        )
    return _stream(given, found)


def _stream(given: Any, found: StreamSource) -> Source:
    name = given if isinstance(given, str) else f"<{type(given).__name__}>"
    if isinstance(given, str) or not seekable(given):
        return Source(name=name, read=found.read, size=found.size, rewind=None)
    start = given.tell()
    size = found.size
    if size is None:
        given.seek(0, io.SEEK_END)
        size = max(0, given.tell() - start)
        given.seek(start)
    return Source(
        name=name,
        read=found.read,
        size=size,
        rewind=lambda: given.seek(start),
        close=getattr(given, "close", lambda: None),
    )


def _read_up_to(read: Callable[[int], Any], most: int) -> bytes:
    blocks: list[bytes] = []
    left = most
    while left > 0:
        block = read(left)
        if block is None:
            time.sleep(_TICK)  # a non-blocking file has no data yet
            continue
        if not block:
            break
        blocks.append(bytes(block))
        left -= len(block)
    return b"".join(blocks)


def _chained(head: bytes, read: Callable[[int], Any]) -> Callable[[int], Any]:
    first = io.BytesIO(head)
    blocks = itertools.chain.from_iterable((iter(lambda: first.read(_BLOCK), b""), iter(lambda: read(_BLOCK), b"")))
    return lambda _: next(blocks, b"")
