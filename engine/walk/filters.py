"""Which files of a folder are wanted: ordered patterns, as ``aws s3 cp`` takes them.

https://docs.aws.amazon.com/cli/latest/reference/s3/#use-of-exclude-and-include-filters
"""

from collections.abc import Iterator, Sequence
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

    @property
    def can_match(self) -> bool:
        """False for a pattern that no file below a folder matches: from /, of a folder, or with dots for names."""
        names = self.pattern.split("/")
        return all(name not in ("", ".", "..") for name in names)


def is_wanted(name: str, filters: Sequence[Filter]) -> bool:
    """True when the file is wanted: the last filter that matches decides, and without one everything is.

    Args:
        name: The path below the source folder, with slashes.
    """
    for each in reversed(filters):
        if fnmatchcase(name, each.pattern):
            return each.include
    return True


def may_be_wanted_below(folder: str, filters: Sequence[Filter]) -> bool:
    """False when no file in the folder, whatever its name is, would be wanted.

    Args:
        folder: The path below the source folder, with slashes; "" for that folder itself.
    """
    beginning = f"{folder}/" if folder else ""
    for each in reversed(filters):
        rests = _rests(each.pattern, beginning)
        if each.include and rests:
            return True
        if not each.include and any(_matches_all(rest) for rest in rests):
            return False
    return True


def _rests(pattern: str, beginning: str) -> list[list[str]]:
    """What is left of the pattern to match the rest of a name that begins so; empty when no such name matches."""
    tokens = list(_tokens(pattern))
    # The positions in the pattern that the beginning of the name can lead to.
    positions = _past_stars({0}, tokens)
    for character in beginning:
        stays = {each for each in positions if tokens[each : each + 1] == ["*"]}
        moves = {each + 1 for each in positions - stays if each < len(tokens) and fnmatchcase(character, tokens[each])}
        positions = _past_stars(stays | moves, tokens)
    # A name goes on behind the beginning, so something of the pattern must be left.
    return [tokens[each:] for each in sorted(positions) if each < len(tokens)]


def _past_stars(positions: set[int], tokens: Sequence[str]) -> set[int]:
    """The positions, and those behind the stars at them, which also match nothing."""
    found = set(positions)
    for each in positions:
        while tokens[each : each + 1] == ["*"]:
            each += 1
            found.add(each)
    return found


def _tokens(pattern: str) -> Iterator[str]:
    """The pattern in pieces: a star, or what matches one character."""
    position = 0
    while position < len(pattern):
        end = position + 1
        if pattern[position] == "[":
            # As fnmatch reads it: a bracket that is first in the set is one of its characters.
            first = position + (2 if pattern[position + 1 : position + 2] == "!" else 1)
            closing = pattern.find("]", first + 1)
            end = closing + 1 if closing != -1 else end
        yield pattern[position:end]
        position = end


def _matches_all(rest: Sequence[str]) -> bool:
    """True when every name of a file matches what is left of a pattern: a star, or a star behind one character."""
    return "*" in rest and all(each == "*" for each in (rest[1:] if rest[0] == "?" else rest))
