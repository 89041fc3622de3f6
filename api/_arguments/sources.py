"""What can be uploaded: paths, bytes, and objects with read()."""

import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from partway.engine.errors import SourceError

from .errors import OptionError

_BLOCK = 256 * 1024


@runtime_checkable
class Readable(Protocol):
    """A binary file object; only read() is required."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


Source: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview[Any] | Readable"


@dataclass(frozen=True, slots=True)
class PathSource:
    """A file or directory; the path is absolute.  read_through: called when the upload has succeeded."""

    path: str
    read_through: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Bytes in order.  size: in bytes; None when unknown until the end."""

    read: Callable[[int], Any]
    size: int | None = None


def source_of(source: Source) -> PathSource | StreamSource:
    """How to read a caller's source.

    A file object is read from its position to its end.  A regular file opened at its start is read by its path
    instead: in parallel, and without a copy.

    Raises:
        OptionError: the source is of another kind, or opened as text.
        SourceError: the file object is closed.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _of_bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return _of_path(absolute(source))
    if isinstance(source, io.TextIOBase):
        raise OptionError("the source is opened as text; open it with 'rb'")
    if not isinstance(source, Readable):
        raise OptionError(f"{type(source).__name__} cannot be uploaded; use a path, bytes, or a binary file object")
    if getattr(source, "closed", False):
        raise SourceError("the source is a closed file")
    return _of_file(source)


def absolute(path: str | os.PathLike[str]) -> str:
    """The absolute path; symbolic links are not resolved.

    Raises:
        OptionError: it is not a path.
        SourceError: the current directory no longer exists.
    """
    try:
        text = os.fsdecode(path)
        if "\0" in text or not text:
            raise OptionError(f"{text!r} is not a path")
        return os.path.abspath(text)  # noqa: PTH100 - keeps undecodable names
    except TypeError:
        raise OptionError(f"{path!r} is not a path") from None
    except OSError as error:
        raise SourceError("the current directory no longer exists; use an absolute path") from error


def _of_bytes(source: "bytes | bytearray | memoryview[Any]") -> StreamSource:
    view = memoryview(source).cast("B")
    position = 0

    def read(size: int) -> memoryview:
        nonlocal position
        block = view[position : position + size]
        position += len(block)
        return block

    return StreamSource(read, len(view))


def _of_path(path: str) -> PathSource | StreamSource:
    try:
        is_pipe = stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116 - keeps undecodable names
    except OSError:
        is_pipe = False  # the upload reports what is wrong with it
    return StreamSource(_reader_of_pipe(path)) if is_pipe else PathSource(path)


def _reader_of_pipe(path: str) -> Callable[[int], bytes]:
    file: io.FileIO | None = None

    def read(size: int) -> bytes:
        nonlocal file
        if file is None:
            # Not earlier: opening a FIFO blocks until a writer opens it.
            file = io.FileIO(path)
        block = file.read(size) or b""
        if not block:
            file.close()
        return block

    return read


def _of_file(source: Any) -> PathSource | StreamSource:
    if isinstance(source, io.BytesIO):
        return StreamSource(source.read, max(0, source.getbuffer().nbytes - source.tell()))
    # Not subclasses, and not anything with a fileno(): that of a GzipFile belongs to the compressed file.
    raw = source if type(source) is io.FileIO else getattr(source, "raw", None)
    if type(source) not in (io.FileIO, io.BufferedReader, io.BufferedRandom) or type(raw) is not io.FileIO:
        return StreamSource(source.read)
    if source.writable():
        source.flush()
    found = os.fstat(raw.fileno())
    if not stat.S_ISREG(found.st_mode):
        return StreamSource(getattr(source, "read1", source.read))
    position = source.tell()
    if position == 0 and isinstance(raw.name, str) and _is_named(raw.name, found):
        return PathSource(absolute(raw.name), lambda: source.seek(0, io.SEEK_END))
    return StreamSource(source.read, max(0, found.st_size - position))


def _is_named(path: str, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(Path(path).stat(), found)
    except (OSError, ValueError):
        return False
