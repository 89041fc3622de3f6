"""A user without a home directory, as in a container with a random uid: the error says what to set."""

import io
import os
import pwd
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from partway.cli import main
from tests.support.shell.unprivileged import as_unknown_user

HOMES = [None, "", "relative"]


@pytest.fixture
def partway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Runs a command as a user whom no passwd file knows, in an empty folder where anybody may write."""
    tmp_path.chmod(0o777)
    monkeypatch.chdir(tmp_path)
    for name in ("PARTWAY_STATE_DIR", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if os.geteuid():
        monkeypatch.setattr(pwd, "getpwuid", lambda uid: {}[uid])

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["partway", *words])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main._run()
        return code, out.getvalue(), err.getvalue()

    return lambda *words: as_unknown_user(lambda: run(*words))


@pytest.mark.parametrize("home", HOMES, ids=repr)
@pytest.mark.parametrize("command", [("list",), ("clean",), ("upload", "file", "s3://bucket/key")], ids=" ".join)
def test_the_state_folder_has_to_be_named(
    partway: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    home: str | None,
    command: tuple[str, ...],
) -> None:
    """Nothing is created, in particular no directory named ~."""
    if home is not None:
        monkeypatch.setenv("HOME", home)
    (tmp_path / "file").write_bytes(b"content")
    code, out, err = partway(*command)

    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith("error: this user has no home directory")
    assert "--state-dir or PARTWAY_STATE_DIR" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_named_is_used(partway: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """No other use of a home directory is needed."""
    code, _, err = partway("clean", "--state-dir", str(tmp_path / "state"))

    assert (code, err) == (0, "")
    assert (tmp_path / "state" / "partway.db").exists()


def test_the_doctor_goes_on(partway: Callable[..., tuple[int, str, str]]) -> None:
    """The state is one of its checks."""
    code, out, _ = partway("doctor", "--endpoint-url", "http://127.0.0.1:9")

    assert code == 1
    assert "this user has no home directory" in " ".join(out.split())
    assert "endpoint" in out


@pytest.mark.parametrize("home", ["/nonexistent", "/"])
def test_a_home_that_cannot_be_written(
    partway: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """As for service users: the error names the directory and a remedy."""
    monkeypatch.setenv("HOME", home)
    code, _, err = partway("clean")

    assert (code, len(err.splitlines())) == (1, 1)
    assert "cannot use the state directory /" in err
    assert "choose another with --state-dir or PARTWAY_STATE_DIR" in err
