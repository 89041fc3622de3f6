"""Files that would overwrite each other: found before the first byte."""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from .errors import KeysCollide, PlanError
from .job_spec import JobSpec
from .scan import Found, scan

_SHOWN = 10  # keys that are named


def check_overlap(spec: JobSpec, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> None:
    """Refuse files that would overwrite each other.  One folder has no two of one name; for more, eight bytes a file
    are kept, and the walk is repeated only when two of them are equal.

    Raises:
        KeysCollide: names the first few.
    """
    if len(spec.sources) < 2 and spec.listed is None and spec.key_encoding is None:
        return
    hashes = array("Q", (_hash(key) for key, _ in _keys(spec, sources)))
    ordered = array("Q", sorted(hashes))
    suspects = {a for a, b in zip(ordered, islice(ordered, 1, None), strict=False) if a == b}
    if not suspects:
        return
    by_key: dict[str, list[str]] = {}
    for key, path in _keys(spec, sources):
        if _hash(key) in suspects:
            by_key.setdefault(key, []).append(path)
    doubles = {key: list(dict.fromkeys(paths)) for key, paths in by_key.items() if len(paths) > 1}
    if doubles:
        shown = [f"s3://{spec.bucket}/{key}: {', '.join(paths)}" for key, paths in islice(doubles.items(), _SHOWN)]
        if len(doubles) > _SHOWN:
            shown.append(f"and {len(doubles) - _SHOWN:,} more")
        keys = "1 key" if len(doubles) == 1 else f"{len(doubles):,} keys"
        raise KeysCollide(f"{keys} would be written by several files; nothing was sent", tuple(shown))


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def _keys(spec: JobSpec, sources: Callable[[], Iterable[tuple[str, str | None]]]) -> Iterator[tuple[str, str]]:
    for each in scan(sources(), filters=spec.filters, follow_symlinks=spec.follow_symlinks):
        if isinstance(each, Found):
            try:
                yield spec.key(each.name), each.path
            except PlanError:
                continue
