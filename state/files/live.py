"""Progress snapshots as files: one per run, overwritten in place, and locked by its process until the process dies."""

import fcntl
import json
import os
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import LocksUnsupported, StateError, StateLocked, state_error
from ..live import LivePhase, LiveSnapshot, PaceRequest, ProgressSnapshot, RunOutcome
from . import pace
from .file_lock import try_lock

_TRIES = 5  # a check of the lock takes microseconds
_UPDATED_AT = "told_at"  # the key in the file, which earlier versions read and write


class LiveFiles:
    """Stores snapshots in ``folder``, which is created on demand; files have mode 0600.

    The lock of a file is not the lock of the upload: a liveness check takes it briefly, and must never block a process
    that is acquiring its upload lock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}  # descriptors by id

    def publish(self, record: ProgressSnapshot) -> None:
        try:
            descriptor = self._held.get(record.id)
            if descriptor is None:
                descriptor = self._held[record.id] = self._begin(record.id)
            # In place and never shorter: no new block and no rename, so there is no wait for the disk.
            os.pwrite(descriptor, _to_bytes(record).ljust(os.fstat(descriptor).st_size), 0)
            if record.ended is not None:
                self._release(record.id)
        except OSError as error:
            raise self._trouble(error) from error

    def _begin(self, id: str) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / id, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(_TRIES):
                if try_lock(descriptor, self._folder):
                    return descriptor
        except (StateError, OSError):
            os.close(descriptor)
            raise
        os.close(descriptor)
        raise StateLocked(f"another process is checking {self._folder / id}")

    def remove(self, id: str) -> None:
        try:
            # Under the lock, or the file would pass for the last snapshot of a process that died.
            (self._folder / id).unlink(missing_ok=True)
            self._release(id)
            pace.remove(self._folder, id)
        except OSError as error:
            raise self._trouble(error) from error

    def _release(self, id: str) -> None:
        if (descriptor := self._held.pop(id, None)) is not None:
            os.close(descriptor)

    def get(self, id: str) -> LiveSnapshot | None:
        return self._snapshot(id)

    def _snapshot(self, id: str, *, only_alive: bool = False) -> LiveSnapshot | None:
        """only_alive: True returns None for a run that has ended, without reading its file."""
        try:
            descriptor = os.open(self._folder / id, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble(error) from error
        try:
            # The lock is checked first: a process publishes its last snapshot before it releases the lock.
            alive = self._is_held(descriptor)
            if only_alive and not alive:
                return None
            record = _read(descriptor)
            # The file was removed between open and check: the run ended well.
            gone = not alive and os.fstat(descriptor).st_nlink == 0
        except OSError as error:
            raise self._trouble(error) from error
        finally:
            os.close(descriptor)
        if record is None and alive:
            record = ProgressSnapshot(id=id, pid=0, host="", began_at=0.0, updated_at=0.0)
        if record is None or record.id != id or gone:
            return None
        return LiveSnapshot(record=record, alive=alive and record.ended is None)

    def all(self) -> list[LiveSnapshot]:
        return [row for name in self._names() if (row := self._snapshot(name)) is not None]

    def running(self) -> list[LiveSnapshot]:
        rows = (self._snapshot(name, only_alive=True) for name in self._names())
        return [row for row in rows if row is not None and row.alive]

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._folder) if not name.endswith(pace.SUFFIX))  # noqa: PTH208
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._trouble(error) from error

    def request_pace(self, id: str, request: PaceRequest | None) -> None:
        try:
            if request is None:
                pace.remove(self._folder, id)
            else:
                pace.write(self._folder, id, request)
        except OSError as error:
            raise self._trouble(error) from error

    def requested_pace(self, id: str) -> PaceRequest | None:
        try:
            return pace.read(self._folder, id)
        except OSError as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Release the files; the snapshots stay."""
        for id in list(self._held):
            self._release(id)

    def _is_held(self, descriptor: int) -> bool:
        """True when a process holds the lock.

        The check takes a shared lock, so that two checks do not mistake each other for a run.
        """
        try:
            free = try_lock(descriptor, self._folder, shared=True)
        except LocksUnsupported:
            return False  # nothing runs here: a run starts by taking a lock
        if free:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        return not free

    def _trouble(self, error: OSError) -> StateError:
        return state_error(f"cannot use {self._folder}", error)


def _to_bytes(record: ProgressSnapshot) -> bytes:
    values = asdict(record)
    values[_UPDATED_AT] = values.pop("updated_at")
    text = json.dumps(values).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(descriptor: int) -> ProgressSnapshot | None:
    """The snapshot; None for an empty file, or one in a format that this version does not know."""
    for _ in range(_TRIES):
        digest, _, text = os.pread(descriptor, os.fstat(descriptor).st_size, 0).partition(b" ")
        text = text.rstrip()
        # Otherwise the file was read in the middle of a write.
        if digest == b"%08x" % zlib.crc32(text):
            return _from_text(text)
    return None


def _from_text(text: bytes) -> ProgressSnapshot | None:
    try:
        values: dict[str, Any] = json.loads(text)
        values["updated_at"] = values.pop(_UPDATED_AT)
        values["phase"] = LivePhase(values["phase"])
        values["ended"] = None if values["ended"] is None else RunOutcome(values["ended"])
        for name in ("parts", "files"):
            values[name] = tuple((which, sent) for which, sent in values[name])
        return ProgressSnapshot(**values)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
