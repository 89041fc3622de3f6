"""The way in which tests of permissions run as root: it binds, and it tells what happened."""

import os
from pathlib import Path

import pytest

from .command import Shell
from .unprivileged import unprivileged


def test_permissions_bind(tmp_path: Path) -> None:
    """A folder that is not writable is not written, whoever runs the tests."""
    tmp_path.chmod(0o500)

    with pytest.raises(PermissionError):
        unprivileged((tmp_path / "file").touch)
    assert not unprivileged(lambda: os.access(tmp_path, os.W_OK))
    tmp_path.chmod(0o700)
    unprivileged((tmp_path / "file").touch)
    assert (tmp_path / "file").exists()


def test_permissions_bind_programs_too(tmp_path: Path) -> None:
    """What is started from there."""
    (tmp_path / "secret").touch(mode=0)
    result = unprivileged(lambda: Shell(tmp_path).run_command(["cat", "secret"]))

    assert result.code == 1
    assert "Permission denied" in result.err


def test_what_fails_is_told() -> None:
    """An assertion that fails in the child fails here, with the place where it did."""

    def fail() -> None:
        assert os.getpid() == 0, "not the first process"

    with pytest.raises(AssertionError, match="not the first process") as raised:
        unprivileged(fail)
    assert os.geteuid() or "in fail" in raised.value.__notes__[0]
