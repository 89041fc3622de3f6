"""The state directory and its store."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from partway.engine.errors import StateError
from partway.state.files.place import default_directory
from partway.state.store import StateStore

from ..options.groups import StateOptions
from ..text.escape import printable

if TYPE_CHECKING:
    from partway.state.sqlite.store import SqliteStore


def state_folder(chosen: Path | None, context: click.Context | None = None) -> Path:
    """The state directory: from the command's option, ``partway --state-dir`` or its variable, or the default.

    Raises:
        StateError: none is given, and the user has no home directory.
    """
    folder = named_folder(chosen, context) or default_directory()
    if folder is None:
        raise StateError(
            "this user has no home directory for the state (neither HOME nor a passwd entry); "
            "choose a directory with --state-dir or PARTWAY_STATE_DIR"
        )
    return folder


def named_folder(chosen: Path | None, context: click.Context | None = None) -> Path | None:
    """The state directory that the user gave; None means the default.  context: None means the current one."""
    context = context or click.get_current_context(silent=True)
    outer: Path | None = context.find_root().params.get("state_dir") if context else None
    return chosen or outer


@contextmanager
def opened_store(chosen: Path | None) -> "Iterator[SqliteStore]":
    """The store in the chosen directory; created if missing."""
    from partway.state.sqlite.store import SqliteStore

    with closing(SqliteStore(state_folder(chosen))) as store:
        for sentence in store.exposed:
            print(f"warning: {printable(sentence)}", file=sys.stderr)
        yield store


def store_for(options: StateOptions) -> AbstractContextManager[StateStore]:
    """The store of a command that uploads; a dry run does not change it."""
    return read_only_store(options.state_dir) if options.dry_run else opened_store(options.state_dir)


@contextmanager
def read_only_store(chosen: Path | None) -> Iterator[StateStore]:
    """The store for reading only: an empty one in memory if the directory has none.

    A directory that is not writable is read unchanged.
    """
    from partway.state.memory.store import MemoryStore
    from partway.state.sqlite.file import exists, is_writable

    folder = state_folder(chosen)
    if not exists(folder):
        yield MemoryStore()
    elif is_writable(folder):
        with opened_store(chosen) as store:
            yield store
    else:
        from partway.state.sqlite.store import SqliteStore

        with closing(SqliteStore(folder, read_only=True)) as store:
            yield store
