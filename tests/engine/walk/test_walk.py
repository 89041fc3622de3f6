"""The walk through files and directories."""

import os
import tracemalloc
from pathlib import Path

import pytest

from partway.engine.walk.filters import Filter
from partway.engine.walk.walk import FileEntry, SkippedEntry, walk_sources
from tests.support.shell.unprivileged import unprivileged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a subdirectory."""
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "one").write_bytes(b"1")
    (root / "a" / "b" / "two").write_bytes(b"22")
    return root


def names(folder: Path, **how: object) -> list[str]:
    return sorted(each.name for each in walk_sources([(str(folder), None)], **how) if isinstance(each, FileEntry))  # type: ignore[arg-type]


def passed(folder: Path, **how: object) -> list[SkippedEntry]:
    return [each for each in walk_sources([(str(folder), None)], **how) if isinstance(each, SkippedEntry)]  # type: ignore[arg-type]


def open_files() -> int:
    """The number of open files of this process; 0 on systems that do not report it."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_names_are_below_the_folder(folder: Path) -> None:
    """They do not include the directory's own name, as with the AWS CLI."""
    found = {each.name: each for each in walk_sources([(str(folder), None)]) if isinstance(each, FileEntry)}

    assert sorted(found) == ["a/b/two", "one"]
    assert found["a/b/two"].path == str(folder / "a" / "b" / "two")
    assert found["a/b/two"].size == 2
    assert found["one"].mtime_ns == (folder / "one").stat().st_mtime_ns


def test_files_have_their_last_name_or_the_one_given(folder: Path) -> None:
    """Entries of a list have names, arguments do not."""
    sources = [(str(folder / "one"), None), (str(folder / "a/b/two"), "x/two")]

    assert [each.name for each in walk_sources(sources) if isinstance(each, FileEntry)] == ["one", "x/two"]


def test_filters_hide_files_and_what_is_wrong_with_them(folder: Path) -> None:
    """An excluded dangling link is not reported."""
    (folder / "broken.tmp").symlink_to("nowhere")
    hide = (Filter(include=False, pattern="*.tmp"), Filter(include=False, pattern="a/*"))

    assert names(folder, filters=hide) == ["one"]
    assert passed(folder, filters=hide) == []


def test_what_cannot_be_sent_is_told(folder: Path) -> None:
    """An empty directory and a pipe are skipped; a dangling link is a failure."""
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "broken").symlink_to("nowhere")

    told = {Path(each.path).name: (each.reason, each.failed) for each in passed(folder)}

    assert told == {
        "empty": ("an empty directory", False),
        "pipe": ("not a regular file", False),
        "broken": ("a symbolic link to a file that does not exist", True),
    }


def test_links_are_followed_or_not(folder: Path) -> None:
    """Links to files and directories are followed, unless that is disabled."""
    (folder / "link").symlink_to("one")
    (folder / "more").symlink_to("a")

    assert names(folder) == ["a/b/two", "link", "more/b/two", "one"]
    assert names(folder, follow_symlinks=False) == ["a/b/two", "one"]
    assert {each.reason for each in passed(folder, follow_symlinks=False)} == {"a symbolic link"}


def test_a_link_to_a_folder_above_ends_nowhere_else(folder: Path) -> None:
    """Otherwise the walk would never end."""
    (folder / "a" / "up").symlink_to("..")

    assert names(folder) == ["a/b/two", "one"]
    assert [each.reason for each in passed(folder)] == ["a symbolic link to a parent directory"]


def test_an_unreadable_folder_is_a_failure_and_the_rest_is_found(folder: Path) -> None:
    (folder / "a").chmod(0)

    assert unprivileged(lambda: names(folder)) == ["one"]
    assert unprivileged(lambda: [each.failed for each in passed(folder)]) == [True]


def hidden(*patterns: str) -> tuple[Filter, ...]:
    """Filters from short forms: ``-*.tmp`` excludes, ``+*.jpg`` includes."""
    return tuple(Filter(include=each[0] == "+", pattern=each[1:]) for each in patterns)


@pytest.mark.parametrize("patterns", [("-*", "+*.jpg"), ("-*", "+a/b/*"), ("-b", "-a"), ("-*.tmp",)])
@pytest.mark.parametrize("unreadable", ["a", "a/b"])
def test_an_unreadable_folder_that_may_have_files_that_are_wanted_is_a_failure(
    folder: Path, patterns: tuple[str, ...], unreadable: str
) -> None:
    """A match of the directory's own name does not decide about its files."""
    (folder / unreadable).chmod(0)

    failed = unprivileged(lambda: [each.path for each in passed(folder, filters=hidden(*patterns)) if each.failed])

    assert failed == [str(folder / unreadable)]


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
@pytest.mark.parametrize("patterns", [("-*",), ("-a/*",), ("+*.jpg", "-*"), ("-*", "+one")])
def test_an_unreadable_folder_in_which_nothing_is_wanted_is_no_failure(
    folder: Path, patterns: tuple[str, ...], mode: int
) -> None:
    """Even if its names can be read but its entries cannot."""
    (folder / "a").chmod(mode)

    assert unprivileged(lambda: [each for each in passed(folder, filters=hidden(*patterns)) if each.failed]) == []


def test_what_is_in_a_folder_that_cannot_be_entered_is_a_failure_each(folder: Path) -> None:
    """Its names can be read, and an entry may be a directory with files to upload."""
    (folder / "a" / "file.txt").write_bytes(b"")
    (folder / "a").chmod(0o600)

    failed = unprivileged(lambda: {Path(each.path).name for each in passed(folder, filters=hidden("-*", "+a/b/*"))})

    assert failed == {"b"}


def test_a_folder_in_which_nothing_is_wanted_is_not_walked_through(folder: Path) -> None:
    """An empty directory in it is not reported."""
    (folder / "a" / "empty").mkdir()

    assert passed(folder, filters=hidden("-a/*")) == []


def test_a_link_as_a_source_is_told_as_such(folder: Path) -> None:
    (folder / "link").symlink_to("one")
    walk = walk_sources([(str(folder / "link"), None)], follow_symlinks=False)

    assert [(each.reason, each.failed) for each in walk if isinstance(each, SkippedEntry)] == [
        ("a symbolic link", False)
    ]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    assert [
        each.failed for each in walk_sources([(str(tmp_path / "gone"), None)]) if isinstance(each, SkippedEntry)
    ] == [True]


def test_memory_is_flat(tmp_path: Path) -> None:
    """Ten times as many files in a directory take no more memory."""
    peaks = []
    for count in (500, 5_000):
        root = tmp_path / str(count)
        root.mkdir()
        for number in range(count):
            (root / f"{number}").touch()
        tracemalloc.start()
        found = sum(1 for _ in walk_sources([(str(root), None)]))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found == count

    assert peaks[1] < peaks[0] * 2


def test_it_is_lazy(folder: Path) -> None:
    """The walk is lazy, and leaves no directory open."""
    (folder / "many").mkdir()
    for number in range(100):
        (folder / "many" / str(number)).write_bytes(b"")
    before = open_files()
    walk = walk_sources([(str(folder), None)])
    next(iter(walk))
    walk.close()  # type: ignore[attr-defined]

    assert open_files() == before
