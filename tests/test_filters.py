"""``--include`` and ``--exclude``, as aws means them."""

import pytest

from partway.engine.filters import Filter, is_wanted

# The examples of https://docs.aws.amazon.com/cli/latest/reference/s3/#use-of-exclude-and-include-filters and more.
CASES = [
    ("", ["a.txt", "a.jpg", "b/c.txt"]),
    ("-*", []),
    ("-* +*.txt", ["a.txt", "b/c.txt"]),
    ("+*.txt -*", []),
    ("-* +*.txt +*.jpg", ["a.txt", "a.jpg", "b/c.txt"]),
    ("-b/*", ["a.txt", "a.jpg"]),
    ("-b", ["a.txt", "a.jpg", "b/c.txt"]),
    ("-[ab].txt", ["a.jpg", "b/c.txt"]),
    ("-[!a]*", ["a.txt", "a.jpg"]),
    ("-?.jpg", ["a.txt", "b/c.txt"]),
    ("-A*", ["a.txt", "a.jpg", "b/c.txt"]),
]


@pytest.mark.parametrize(("typed", "wanted"), CASES)
def test_the_last_that_matches_decides(typed: str, wanted: list[str]) -> None:
    """A star matches a slash too; letters are what they are."""
    filters = [Filter(include=each[0] == "+", pattern=each[1:]) for each in typed.split()]

    assert [name for name in ("a.txt", "a.jpg", "b/c.txt") if is_wanted(name, filters)] == wanted
