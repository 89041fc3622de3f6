"""The cursor is shown again after a kill, by the next command on that terminal and by no other."""

import os
import pty
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partway.cli.output.terminal import cursor
from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, Shell
from tests.support.shell.interrupted import UPLOAD

SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the terminals' files are."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / f"partway-{os.getuid()}"


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends: the emulator's, and that of programs."""
    ends = pty.openpty()
    yield ends
    for end in ends:
        os.close(end)


def shown(emulator: int) -> str:
    """What came since the last call; for programs that write no more."""
    text = ""
    while select.select([emulator], [], [], 0.2)[0]:
        text += os.read(emulator, 65536).decode(errors="replace")
    return text


def test_the_next_command_shows_it_once(
    shell: Shell, server: StrictS3, terminal: tuple[int, int], tmp_path: Path
) -> None:
    """A command on a terminal where nothing was killed writes nothing."""
    emulator, end = terminal
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(), times=None))
    variables = {**shell.variables, "TERM": "xterm", "XDG_RUNTIME_DIR": str(tmp_path)}

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        command = [*PARTWAY, *arguments]
        return subprocess.Popen(command, cwd=shell.folder, env=variables, stdin=end, stdout=end, stderr=end)

    upload = start(*UPLOAD)
    text = ""
    while HIDE not in text:
        text += os.read(emulator, 65536).decode(errors="replace")
    upload.kill()
    upload.wait()
    text += shown(emulator)
    seen = []
    for _ in range(2):
        start("list").wait()
        seen.append(shown(emulator))

    assert SHOW not in text
    assert seen[0].startswith(SHOW)
    assert SHOW not in seen[1]


def test_a_running_process_keeps_it_hidden(terminal: tuple[int, int]) -> None:
    """Only a process that is gone needs help."""
    emulator, end = terminal
    with os.fdopen(os.dup(end), "w") as stream, cursor.hidden_cursor(stream):
        cursor.restore_cursor([end])

        assert shown(emulator) == ""


def test_nothing_is_left_at_the_end(terminal: tuple[int, int], folder: Path) -> None:
    """The file goes with the bars."""
    with os.fdopen(os.dup(terminal[1]), "w") as stream:
        with cursor.hidden_cursor(stream):
            during = list(folder.iterdir())

        assert len(during) == 1
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.symlink_to("/"),
        lambda folder: folder.write_text("a file"),
        lambda folder: folder.parent.chmod(0o500),
    ],
    ids=["a link", "a file", "not writable"],
)
def test_bars_do_without_the_file(terminal: tuple[int, int], folder: Path, spoil: Callable[[Path], object]) -> None:
    """Nothing fails, and nothing is written elsewhere."""
    spoil(folder)
    with os.fdopen(os.dup(terminal[1]), "w") as stream, cursor.hidden_cursor(stream):
        cursor.restore_cursor([terminal[1]])

    folder.parent.chmod(0o700)
    assert shown(terminal[0]) == ""
