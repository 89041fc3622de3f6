"""Which files of a directory to upload: ordered patterns, as in ``aws s3 cp``.

https://docs.aws.amazon.com/cli/latest/reference/s3/#use-of-exclude-and-include-filters
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One ``--include`` or ``--exclude``.

    pattern: ``*`` matches anything, including slashes, ``?`` one character, ``[abc]`` one of these, ``[!abc]`` any
        other; matched against the file's path below the source directory.
    """

    include: bool
    pattern: str

    @property
    def can_match(self) -> bool:
        """False for a pattern that no file can match: it starts or ends with a slash, or contains ``.`` or ``..``."""
        names = self.pattern.split("/")
        return all(name not in ("", ".", "..") for name in names)


def is_wanted(name: str, filters: Sequence[Filter]) -> bool:
    """True for a file to upload.  The last matching filter decides; a file that no filter matches is uploaded.

    Args:
        name: The path below the source directory, with slashes.
    """
    for each in reversed(filters):
        if fnmatchcase(name, each.pattern):
            return each.include
    return True


def may_be_wanted_below(directory: str, filters: Sequence[Filter]) -> bool:
    """False when the filters exclude every possible file in the directory.

    Args:
        directory: The path below the source directory, with slashes; "" for the source directory itself.
    """
    prefix = f"{directory}/" if directory else ""
    for each in reversed(filters):
        remainders = _remainders(each.pattern, prefix)
        if each.include and remainders:
            return True
        if not each.include and any(_matches_all(rest) for rest in remainders):
            return False
    return True


def _remainders(pattern: str, prefix: str) -> list[list[str]]:
    """The remainders of the pattern that can match the rest of a name with this prefix; empty when none can."""
    tokens = list(_tokens(pattern))
    # The positions in the pattern that can be reached by matching the prefix.
    positions = _past_stars({0}, tokens)
    for character in prefix:
        stays = {each for each in positions if tokens[each : each + 1] == ["*"]}
        moves = {each + 1 for each in positions - stays if each < len(tokens) and fnmatchcase(character, tokens[each])}
        positions = _past_stars(stays | moves, tokens)
    # The name is longer than the prefix, so some of the pattern must remain.
    return [tokens[each:] for each in sorted(positions) if each < len(tokens)]


def _past_stars(positions: set[int], tokens: Sequence[str]) -> set[int]:
    """The positions, and those after any stars at them, since a star also matches the empty string."""
    found = set(positions)
    for each in positions:
        while tokens[each : each + 1] == ["*"]:
            each += 1
            found.add(each)
    return found


def _tokens(pattern: str) -> Iterator[str]:
    """The pattern as tokens: a star, or an expression for one character."""
    position = 0
    while position < len(pattern):
        end = position + 1
        if pattern[position] == "[":
            # As in fnmatch, a bracket that comes first in a set is a member of it.
            first = position + (2 if pattern[position + 1 : position + 2] == "!" else 1)
            closing = pattern.find("]", first + 1)
            end = closing + 1 if closing != -1 else end
        yield pattern[position:end]
        position = end


def _matches_all(rest: Sequence[str]) -> bool:
    """True when any file name matches the remainder of a pattern: stars, or stars after one ``?``."""
    return "*" in rest and all(each == "*" for each in (rest[1:] if rest[0] == "?" else rest))
