"""Which files of a folder are wanted: ordered patterns, as ``aws s3 cp`` takes them.

https://docs.aws.amazon.com/cli/latest/reference/s3/#use-of-exclude-and-include-filters
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One ``--include`` or ``--exclude``.

    pattern: ``*`` matches anything, also a slash, ``?`` one character, ``[abc]`` one of those, ``[!abc]`` any other;
        compared with the file's path below the source folder.
    """

    include: bool
    pattern: str


def is_wanted(name: str, filters: Sequence[Filter]) -> bool:
    """True when the file is wanted: the last filter that matches decides, and without one everything is.

    Args:
        name: The path below the source folder, with slashes.
    """
    for each in reversed(filters):
        if fnmatchcase(name, each.pattern):
            return each.include
    return True
