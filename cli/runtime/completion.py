"""Upload IDs for shell completion, with descriptions.  Creates no store; errors result in no IDs."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import click

from partway.state.errors import PartwayError
from partway.state.uploads import UNFINISHED, UploadRecord

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from partway.state.store import StateStore


def all_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """The IDs of all uploads and jobs."""

    def known(store: "StateStore") -> Iterator[tuple[str, str]]:
        yield from _uploads(store.uploads(incomplete))
        yield from _jobs(store, incomplete, open_only=False)

    return _items(ctx, known)


def unfinished_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """The IDs of uploads and jobs that can be cancelled."""

    def known(store: "StateStore") -> Iterator[tuple[str, str]]:
        yield from _uploads(store.uploads(incomplete, statuses=UNFINISHED))
        yield from _jobs(store, incomplete)

    return _items(ctx, known)


def resumable_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """The IDs of uploads and jobs that ``resume`` can finish: not streams that need their producer."""
    from .resume_hint import needs_producer

    def known(store: "StateStore") -> Iterator[tuple[str, str]]:
        unfinished = store.uploads(incomplete, statuses=UNFINISHED)
        yield from _uploads([record for record in unfinished if not needs_producer(record)])
        yield from _jobs(store, incomplete)

    return _items(ctx, known)


def _items(ctx: click.Context, known: "Callable[[StateStore], Iterator[tuple[str, str]]]") -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem

    from .store import state_folder

    typed = ctx.params.get("ids") or ()
    try:
        folder = state_folder(ctx.params.get("state_dir"), ctx)
        if not (folder / "partway.db").is_file():
            return []
        from partway.state.sqlite.file import is_writable
        from partway.state.sqlite.store import SqliteStore

        with closing(SqliteStore(folder, read_only=not is_writable(folder))) as store:
            return [CompletionItem(id, help=what) for id, what in known(store) if id not in typed]
    except (PartwayError, OSError):
        return []


def _uploads(records: list[UploadRecord]) -> Iterator[tuple[str, str]]:
    from partway.engine.run.stored_options import url_of

    from ..text.escape import printable

    for record in records:
        yield record.id, f"{record.status.label} {printable(url_of(record))}"


def _jobs(store: "StateStore", prefix: str, *, open_only: bool = True) -> Iterator[tuple[str, str]]:
    from ..text.escape import printable

    for job in store.jobs.all(prefix, open_only=open_only):
        yield job.id, f"job to {printable(job.target)}"
