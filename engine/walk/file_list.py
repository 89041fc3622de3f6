"""``--files-from``: the names of a list, from a file or standard input."""

import codecs
import os
from collections.abc import Iterator

from ..errors import PlanError
from ..limits import KIB
from .spec import JobSpec

LISTED_ON_STDIN = "-"


def listed_names(chunks: Iterator[bytes]) -> Iterator[str]:
    """The names in a list: one a line, or separated by NUL when the first 64 KiB contain a NUL.

    Empty names are skipped, and so is the byte order mark that some editors write before the first line.

    Raises:
        PlanError: the list is UTF-16.
    """
    rest = b""
    while len(rest) < 64 * KIB and (chunk := next(chunks, None)) is not None:
        rest += chunk
    if rest.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PlanError("the list is UTF-16; write it as UTF-8")
    separator = b"\0" if b"\0" in rest[: 64 * KIB] else b"\n"
    if separator == b"\n":
        rest = rest.removeprefix(codecs.BOM_UTF8)
    while True:
        *names, rest = rest.split(separator)
        for name in names:
            if name := name if separator == b"\0" else name.removesuffix(b"\r"):
                yield os.fsdecode(name)
        chunk = next(chunks, None)
        if chunk is None:
            break
        rest += chunk
    if rest := rest if separator == b"\0" else rest.removesuffix(b"\r"):
        yield os.fsdecode(rest)


def listed_sources(spec: JobSpec, chunks: Iterator[bytes]) -> Iterator[tuple[str, str | None]]:
    """Paths and names of the files and folders in a list.

    A relative name is below the source folder; "" is the folder itself.

    Raises:
        PlanError: a name leads out of the folder and has no key, or the list is UTF-16.
    """
    (below,) = spec.sources
    for name in listed_names(chunks):
        path = os.path.normpath(os.path.join(below, name))  # noqa: PTH118 - keeps undecodable names
        if path == below:
            yield path, ""
        elif path.startswith(below.rstrip("/") + "/"):
            yield path, path.removeprefix(below.rstrip("/") + "/")
        elif os.path.isabs(name):  # noqa: PTH117
            yield path, path.lstrip("/")
        else:
            raise PlanError(f"{name!r} in the list is outside {below}; use a parent directory as SOURCE")
