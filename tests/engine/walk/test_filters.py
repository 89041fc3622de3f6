"""``--include`` and ``--exclude``, with the semantics of the AWS CLI."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.walk.filters import Filter, is_wanted, may_be_wanted_below

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
    """A star also matches slashes; case matters."""
    filters = [Filter(include=each[0] == "+", pattern=each[1:]) for each in typed.split()]

    assert [name for name in ("a.txt", "a.jpg", "b/c.txt") if is_wanted(name, filters)] == wanted


FOLDERS = [
    # filters, a folder, whether a file in it may be wanted
    ("", "sub", True),
    ("-*", "sub", False),
    ("-* +*.jpg", "sub", True),
    ("+*.jpg -*", "sub", False),
    ("-* +sub/*.jpg", "sub", True),
    ("-* +sub/*.jpg", "other", False),
    ("-* +sub/deep/*", "sub", True),
    ("-* +sub/deep/*", "sub/deep", True),
    ("-* +sub/deep/*", "sub/deeper", False),
    ("-sub", "sub", True),
    ("-sub/", "sub", True),
    ("-sub/*", "sub", False),
    ("-sub/?*", "sub", False),
    ("-sub/??*", "sub", True),
    ("-sub/*", "subway", True),
    ("-sub*", "subway", False),
    ("-*/*", "sub", False),
    ("-*.tmp", "a.tmp", True),
    ("-s[tu]b/**", "sub", False),
    ("-s[!u]b/*", "sub", True),
    ("-s[]u]b/*", "sub", False),
    ("-s[u/*", "s[u", False),
    ("-s[!]]b/*", "sub", False),
    ("-*/keep/* +x", "sub", True),
    ("-*", "", False),
    ("-* +*", "", True),
]


@pytest.mark.parametrize(("typed", "folder", "expected"), FOLDERS)
def test_folders_in_which_nothing_is_wanted(typed: str, folder: str, expected: bool) -> None:
    filters = [Filter(include=each[0] == "+", pattern=each[1:]) for each in typed.split()]

    assert may_be_wanted_below(folder, filters) is expected


PIECES = st.lists(st.sampled_from(["a", "b", "/", "*", "?", "[ab]", "[!a]", "["]), max_size=5).map("".join)
NAMES = ["".join(each) for size in (1, 2, 3) for each in product("ab[/", repeat=size)]


@settings(max_examples=300)
@given(filters=st.lists(st.builds(Filter, include=st.booleans(), pattern=PIECES), max_size=3), folder=PIECES)
def test_no_file_is_wanted_in_a_folder_that_is_passed_over(filters: list[Filter], folder: str) -> None:
    """A file in such a directory would be skipped silently."""
    if not may_be_wanted_below(folder, filters):
        beginning = f"{folder}/" if folder else ""
        assert not any(is_wanted(beginning + name, filters) for name in NAMES)


@pytest.mark.parametrize("pattern", ["/data/*", "./a", "../a", "a/", "a//b", "a/./b", "a/../b", "", ".", "/"])
def test_patterns_that_can_match_no_file(pattern: str) -> None:
    """No path below a directory starts or ends with a slash, or contains an empty name, ``.`` or ``..``."""
    assert not Filter(include=True, pattern=pattern).can_match


@pytest.mark.parametrize("pattern", ["*", "a/b", ".a", "..a", "a.", "a/*", "*/..*", "[/]"])
def test_patterns_that_may_match(pattern: str) -> None:
    assert Filter(include=True, pattern=pattern).can_match
