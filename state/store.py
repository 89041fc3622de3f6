"""The store protocol: uploads, the receipts of their parts, and what is known about endpoints."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from .jobs import JobStore
from .live import LiveStore
from .uploads import PartRecord, UploadRecord, UploadStatus


class StateStore(Protocol):
    """Stores uploads and their finished parts.  Called from one thread.

    When a method that writes returns, its changes survive a crash of the process and of the machine.
    Every method raises StateError when the store cannot be read or written.
    """

    @property
    def jobs(self) -> JobStore:
        """The jobs that uploads may belong to."""
        ...

    @property
    def live(self) -> LiveStore:
        """The progress snapshots of running uploads and jobs."""
        ...

    def lock(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        """Lock one upload, so that no other process sends it.  The lock is released when the process dies.

        Raises:
            StateLocked: another process, or another block in this one, holds the lock.
        """
        ...

    def save_upload(self, record: UploadRecord) -> None:
        """Add the upload, or replace the row of the same id.  Its parts stay."""
        ...

    def upload(self, id: str) -> UploadRecord | None:
        """The upload with exactly this id, or None."""
        ...

    def uploads(self, prefix: str = "", *, statuses: Iterable[UploadStatus] | None = None) -> list[UploadRecord]:
        """Uploads whose id starts with ``prefix``, oldest first; ``statuses`` None means all."""
        ...

    def uploads_in(
        self,
        endpoint: str,
        bucket: str,
        *,
        statuses: Iterable[UploadStatus],
        job: str | None = None,
        created_after: float | None = None,
    ) -> list[UploadRecord]:
        """Uploads to the bucket with one of the statuses, oldest first.

        Args:
            job: Only those of this job; None means of any job and of none.
            created_after: Only those created later than so many seconds since the epoch; None means at any time.
        """
        ...

    def uploads_to(self, bucket: str, key: str) -> list[UploadRecord]:
        """Uploads to this key, at any endpoint, oldest first."""
        ...

    def unfinished(self, source: str, endpoint: str, bucket: str, key: str) -> UploadRecord | None:
        """The newest unfinished upload of this source to this target, or None."""
        ...

    def unfinished_to(self, endpoint: str, bucket: str, key: str) -> list[UploadRecord]:
        """Every unfinished upload to this target, of whatever source; the newest first."""
        ...

    def delete_upload(self, id: str) -> None:
        """Delete the upload, its parts and its snapshot; an unknown id is ignored."""
        ...

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Add finished parts or replace those with the same number: all of them or none.

        Raises:
            StateError: there is no such upload.
        """
        ...

    def parts(self, id: str) -> list[PartRecord]:
        """The finished parts of an upload, by number."""
        ...

    def part_totals(self, id: str) -> tuple[int, int]:
        """The number of finished parts, and their bytes."""
        ...

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        """``part_totals`` of every upload by id, without uploads that have no parts.  ``statuses`` None means all."""
        ...

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Delete every part of the upload and save these instead, in one transaction.

        Raises:
            StateError: there is no such upload, and ``parts`` is not empty.
        """
        ...

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        """Save the checksum algorithm that an endpoint requires.  at: seconds since the epoch."""
        ...

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        """The algorithm saved for the endpoint at or after ``since`` (seconds since the epoch), or None."""
        ...

    def close(self) -> None:
        """Close the files.  The store cannot be used afterwards."""
        ...
