"""Maintenance of a store that is a file: integrity, size, and deletion of old history."""

from collections.abc import Iterable
from typing import Protocol


class StoreMaintenance(Protocol):
    """Called from one thread.  Every method raises StateError when the store cannot be read or written."""

    def size(self) -> int:
        """Bytes on disk, including the write-ahead log."""
        ...

    def check_integrity(self) -> str | None:
        """What is wrong with the file, or None.  Reads the whole file."""
        ...

    def delete(self, uploads: Iterable[str], jobs: Iterable[str]) -> None:
        """Delete uploads and jobs with their parts and files: all of them or none."""
        ...

    def vacuum(self) -> None:
        """Return the space of deleted rows to the disk.

        Raises:
            StateLocked: another process is writing; nothing was changed.
        """
        ...

    def remove_stale_files(self) -> int:
        """Remove lock files that no process holds and snapshots of unknown uploads and jobs.

        Returns:
            The number of files removed.
        """
        ...
