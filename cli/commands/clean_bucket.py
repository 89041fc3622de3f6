"""The work of ``partway clean``: find, show, ask, remove."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from partway.engine.errors import StateLocked
from partway.engine.maintenance.history import History, expired_history
from partway.engine.maintenance.orphans import Orphan, Orphans, RemovalPolicy, RemovalResult
from partway.engine.plural import plural
from partway.engine.run.context import EngineContext
from partway.engine.run.stored_options import target_of
from partway.engine.s3.bucket import S3Uploads
from partway.engine.workers.channel import CancelToken
from partway.state.maintenance import StoreMaintenance

from ..options.groups import ServiceOptions
from ..output.clean_tables import print_history, print_orphans
from ..runtime import exit_codes
from ..runtime.backend import make_backend
from ..runtime.errors import print_error
from ..runtime.signals import handle_signals
from ..runtime.store import opened_store
from ..text.escape import printable
from ..text.units import format_size, format_span

_HISTORY = 30 * 86400.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the user confirms a removal.

    yes: remove without asking.
    dry_run: remove nothing.
    json: never ask.
    """

    yes: bool
    dry_run: bool
    json: bool

    def may(self, question: str) -> bool:
        """Ask on a terminal, otherwise print how to confirm; True if confirmed."""
        if self.yes:
            return True
        if self.dry_run:
            print("dry run: nothing was removed")
        elif not (sys.stdin.isatty() and sys.stdout.isatty()):
            print(f"nothing was removed; to confirm: partway {printable(shlex.join(sys.argv[1:]))} --yes")
        elif click.confirm(question):
            return True
        else:
            print("nothing was removed")
        return False


def clean_bucket(
    bucket: str,
    prefix: str,
    policy: RemovalPolicy,
    asking: Asking,
    service: ServiceOptions,
    state_dir: Path | None,
) -> int:
    """Find a bucket's orphans and remove those that may be removed; returns the exit code."""
    backend = make_backend(service, concurrency=None)
    cancel = CancelToken()
    with opened_store(state_dir) as store:
        orphans = Orphans(
            bucket,
            prefix,
            backend.endpoint,
            context=EngineContext(backend=backend, store=store, cancel=cancel),
            uploads=S3Uploads(backend.config),
            policy=policy,
        )
        with handle_signals(cancel):
            found = orphans.find()
        chosen = [each for each in found if each.kept is None]
        if asking.json:
            return _as_json(orphans, found, asking, cancel)
        print_orphans(f"s3://{bucket}/{prefix}", found, policy)
        if not found and prefix and backend.endpoint:
            print("some services find uploads only by their full key; without a prefix they may list more")
        if not chosen or not asking.may(f"Remove {_uploads(len(chosen))} for good?"):
            return exit_codes.OK
        with handle_signals(cancel):
            return _remove(orphans, chosen)


def _remove(orphans: Orphans, chosen: list[Orphan]) -> int:
    codes, count, size = [exit_codes.OK], 0, 0
    for removed in orphans.remove(chosen):
        key = printable(removed.orphan.upload.key)
        if removed.error is not None:
            codes.append(exit_codes.exit_code(removed.error))
            print(f"error: cannot remove {key}: {printable(str(removed.error))}", file=sys.stderr)
        elif removed.removal is None:
            print(f"kept: {key}: {removed.kept}", file=sys.stderr)
        else:
            count += removed.removal.existed
            size += removed.removal.bytes or 0
            word = "removed" if removed.removal.existed else "already gone"
            seen = "" if removed.removal.confirmed else "; the service does not show whether parts remain"
            print(f"{word}: {key} ({_size(removed)}){seen}", flush=True)
    print(f"{_uploads(count)} removed, {format_size(size)}")
    return exit_codes.worst(codes)


def _size(removed: RemovalResult) -> str:
    removal = removed.removal
    if removal is None or removal.bytes is None:
        return "size unknown"
    return format_size(removal.bytes)


def _as_json(orphans: Orphans, found: list[Orphan], asking: Asking, cancel: CancelToken) -> int:
    codes = [exit_codes.OK]
    for orphan in found:
        if orphan.kept is not None or not asking.yes:
            print(json.dumps(_facts(orphan, RemovalResult(orphan=orphan, kept=orphan.kept))))
    if asking.yes:
        with handle_signals(cancel):
            for removed in orphans.remove(found):
                print(json.dumps(_facts(removed.orphan, removed)), flush=True)
                if removed.error is not None:
                    print_error(removed.error)
                    codes.append(exit_codes.exit_code(removed.error))
    return exit_codes.worst(codes)


def _facts(orphan: Orphan, removed: RemovalResult) -> dict[str, object]:
    """The JSON fields of one orphan; times are in seconds."""
    return {
        "key": orphan.upload.key,
        "upload_id": orphan.upload.upload_id,
        "upload": orphan.record and orphan.record.id,
        "owner": orphan.owner.value,
        "initiator": orphan.upload.initiator,
        "initiated": orphan.upload.initiated,
        "last_part": orphan.parts and orphan.parts.last,
        "age": orphan.age,
        "parts": orphan.parts and orphan.parts.count,
        "bytes": orphan.parts and orphan.parts.bytes,
        "kept": removed.kept,
        "removed": removed.removal is not None,
        "confirmed": removed.removal and removed.removal.confirmed,
        "error": removed.error and str(removed.error),
    }


def clean_history(
    older_than: float | None, asking: Asking, state_dir: Path | None, now: Callable[[], float] = time.time
) -> int:
    """Delete old history; returns the exit code."""
    age = _HISTORY if older_than is None else older_than
    with opened_store(state_dir) as store:
        history = expired_history(store, age, now)
        if asking.yes or not (asking.dry_run or asking.json):
            _sweep(store.maintenance, asking)
        if asking.json:
            if asking.yes and history:
                _forget(store.maintenance, history)
            for record in history.uploads:
                facts = {"upload": record.id, "target": target_of(record).url, "status": record.status.label}
                print(json.dumps(facts | {"updated_at": record.updated_at, "forgotten": asking.yes}))
            for job in history.jobs:
                facts = {"job": job.id, "target": job.target, "status": job.status.label}
                print(json.dumps(facts | {"updated_at": job.updated_at, "forgotten": asking.yes}))
            return exit_codes.OK
        if not history:
            print(f"no history is older than {format_span(age)}")
            return exit_codes.OK
        print_history(history)
        before = store.maintenance.size()
        if asking.may(f"Forget {_counts(history)}?  Nothing on S3 is touched."):
            _forget(store.maintenance, history)
            after = store.maintenance.size()
            print(f"forgot {_counts(history)}; the state takes {format_size(after)} (before: {format_size(before)})")
    return exit_codes.OK


def _sweep(maintenance: StoreMaintenance, asking: Asking) -> None:
    """Remove files that killed processes and older versions left; they are unused, so it does not ask."""
    count = maintenance.remove_stale_files()
    if count and not asking.json:
        print(f"removed {plural(count, 'unused lock file')}")


def _forget(maintenance: StoreMaintenance, history: History) -> None:
    maintenance.delete([record.id for record in history.uploads], [job.id for job in history.jobs])
    maintenance.remove_stale_files()
    try:
        maintenance.vacuum()
    except StateLocked:
        print(
            "another process is writing, so the file keeps its size for now; the free space is reused", file=sys.stderr
        )


def _counts(history: History) -> str:
    uploads = [plural(len(history.uploads), "upload")] if history.uploads else []
    jobs = [plural(len(history.jobs), "job")] if history.jobs else []
    return " and ".join([*uploads, *jobs])


def _uploads(count: int) -> str:
    return "1 upload" if count == 1 else f"{count:,} uploads"
