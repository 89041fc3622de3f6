"""The doctor's look at the state directory, with whatever store it is given."""

from pathlib import Path

import pytest

from partway.engine.doctor.check import Health
from partway.engine.doctor.state import check_state
from partway.state.errors import StateError, StateLocked
from partway.state.sqlite.store import SqliteStore


def test_the_store_of_the_directory_is_opened(tmp_path: Path) -> None:
    """By the factory, which is given the directory; the store is closed afterwards."""
    opened: list[SqliteStore] = []

    def open_store(folder: Path) -> SqliteStore:
        opened.append(SqliteStore(folder))
        return opened[-1]

    (check,) = [check for check in check_state(tmp_path, open_store) if check.name == "state"]

    assert (check.health, [store.folder for store in opened]) == (Health.OK, [tmp_path])
    assert "0 unfinished, 0 finished" in check.fact


@pytest.mark.parametrize(
    ("error", "health"), [(StateLocked("in use"), Health.WARNING), (StateError("gone"), Health.FAILED)]
)
def test_a_store_that_does_not_open_is_a_check(tmp_path: Path, error: StateError, health: Health) -> None:
    """A store in use is a warning; any other trouble fails."""

    def open_store(folder: Path) -> SqliteStore:
        raise error

    (check,) = check_state(tmp_path, open_store)

    assert (check.health, check.fact) == (health, str(error))
