"""``--files-from``: read file names from a file or standard input."""

import codecs
import os
from collections.abc import Iterator
from typing import IO

from ..errors import PlanError, SourceError
from ..limits import KIB
from .spec import JobSpec

LISTED_ON_STDIN = "-"
_COMMENTS = ("#", ";")


def listed_names(chunks: Iterator[bytes], below: str) -> Iterator[str]:
    """The names in a list: one per line, or separated by NUL if the first 64 KiB contain a NUL.

    Empty names are skipped, as is the byte order mark that some editors write at the beginning.  A line that
    begins with ``#`` or ``;`` is a comment, as rclone has it, unless a file below ``below`` has this name: no file of a
    list is ever left out silently.

    Raises:
        PlanError: the list is UTF-16.
    """
    rest = b""
    while len(rest) < 64 * KIB and (chunk := next(chunks, None)) is not None:
        rest += chunk
    if rest.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PlanError("the list is UTF-16; write it as UTF-8")
    if b"\0" in rest[: 64 * KIB]:
        yield from filter(None, map(os.fsdecode, _split(rest, chunks, b"\0")))
        return
    for line in _split(rest.removeprefix(codecs.BOM_UTF8), chunks, b"\n"):
        name = os.fsdecode(line.removesuffix(b"\r"))
        is_comment = name.startswith(_COMMENTS) and not os.path.lexists(os.path.join(below, name))  # noqa: PTH118
        if name and not is_comment:
            yield name


def _split(rest: bytes, chunks: Iterator[bytes], separator: bytes) -> Iterator[bytes]:
    while True:
        *names, rest = rest.split(separator)
        yield from names
        chunk = next(chunks, None)
        if chunk is None:
            break
        rest += chunk
    yield rest


def listed_sources(spec: JobSpec, chunks: Iterator[bytes]) -> Iterator[tuple[str, str | None]]:
    """Paths and names of the files and directories in a list.

    A relative name is below the source directory; "" is the directory itself.

    Raises:
        PlanError: a relative name leads out of the directory, so it has no key; or the list is UTF-16.
    """
    (below,) = spec.sources
    for name in listed_names(chunks, below):
        path = os.path.normpath(os.path.join(below, name))  # noqa: PTH118 - keeps undecodable names
        if path == below:
            yield path, ""
        elif path.startswith(below.rstrip("/") + "/"):
            yield path, path.removeprefix(below.rstrip("/") + "/")
        elif os.path.isabs(name):  # noqa: PTH117
            yield path, path.lstrip("/")
        else:
            raise PlanError(f"{name!r} in the list is outside {below}; use a parent directory as SOURCE")


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, whatever its position is."""
    position = 0
    while chunk := os.pread(file.fileno(), 64 * KIB, position):
        position += len(chunk)
        yield chunk


def list_chunks(path: str) -> Iterator[bytes]:
    """The bytes of the list at this path.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - keeps undecodable names
            yield from chunks_of(file)
    except OSError as error:
        raise SourceError(f"the list {path} cannot be read: {error.strerror or error}") from error
