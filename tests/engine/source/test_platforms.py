"""Systems that are not at hand: Windows is refused in one sentence, and macOS's own refusals are explained."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from partway.engine.errors import SourceError
from partway.engine.source.identity import open_source
from partway.engine.walk.walk import SkippedEntry, walk_sources

ROOT = Path(__file__).parents[3]
ON_WINDOWS = """
import sys
import click
sys.platform = "win32"
for name in ("fcntl", "resource", "pwd", "termios", "pty"):
    sys.modules[name] = None
sys.argv = ["partway", *sys.argv[1:]]
from partway.cli.main import main
main()
"""


@pytest.mark.parametrize("command", [("list",), ("upload", "f", "s3://b/k"), ("--version",)], ids=" ".join)
def test_windows_is_refused_in_one_sentence(command: tuple[str, ...]) -> None:
    """Whatever the command, and before anything is imported that Python does not have there."""
    result = subprocess.run([sys.executable, "-c", ON_WINDOWS, *command], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: partway does not run on Windows itself; install and run it in WSL")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("platform", "number", "remedy"),
    [
        ("darwin", errno.EPERM, "allow Full Disk Access"),
        ("darwin", errno.EACCES, "check its permissions"),
        ("linux", errno.EPERM, "check its permissions"),
    ],
)
def test_a_folder_that_macos_protects_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, number: int, remedy: str
) -> None:
    """Its permissions look right, so to check them is no advice; for a single file and in a folder."""
    (tmp_path / "file").touch()

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(number, os.strerror(number))

    monkeypatch.setattr(sys, "platform", platform)
    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        (passed,) = walk_sources([(str(tmp_path), None)])
    with monkeypatch.context() as patched, pytest.raises(SourceError, match=remedy):
        patched.setattr(os, "open", refuse)
        open_source(str(tmp_path / "file"))

    assert isinstance(passed, SkippedEntry)
    assert remedy in passed.reason


GNU = r"^(?!.*systemd).*\b(flock|setsid|ionice|nproc|shuf|tac|readlink -f|stat -c|date -d)\b"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_recipes_need_no_program_that_macos_lacks(page: Path) -> None:
    """What is to be copied into a shell or a crontab works on both systems."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)

    assert [line for block in blocks for line in block.splitlines() if re.search(GNU, line)] == []
