"""Care for a store that is a file: its health, its size, and forgetting what is over."""

from collections.abc import Iterable
from typing import Protocol


class StoreMaintenance(Protocol):
    """Called from one thread.  Every method raises StateError when the store cannot be read or written."""

    def size(self) -> int:
        """Bytes on disk, with the log."""
        ...

    def check_integrity(self) -> str | None:
        """What is wrong with the file, or None; reads all of it."""
        ...

    def delete(self, uploads: Iterable[str], jobs: Iterable[str]) -> None:
        """Remove uploads and jobs by their ids, with all that belongs to them.  All or none."""
        ...

    def vacuum(self) -> None:
        """Give the space of what was removed back to the disk.

        Raises:
            StateLocked: another process is writing; nothing happened.
        """
        ...

    def remove_stale_files(self) -> int:
        """Remove the lock files and live records that no process holds and no upload or job needs; how many."""
        ...
