"""Where uploads and receipts are remembered: the protocol, and the store that forgets at exit."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from .jobs import JobStore
from .live import LiveStore
from .uploads import PartRecord, UploadRecord, UploadStatus


class StateStore(Protocol):
    """Remembers uploads and their finished parts.  Called from one thread.

    When a method that writes returns, what it wrote survives a crash of the process and of the machine.
    Every method raises StateError when the store cannot be read or written.
    """

    @property
    def jobs(self) -> JobStore:
        """The jobs, which uploads may belong to."""
        ...

    @property
    def live(self) -> LiveStore:
        """What runs say of themselves while they are at work."""
        ...

    def lock(self, source: str, endpoint: str, bucket: str, key: str) -> AbstractContextManager[None]:
        """Hold one upload, so that no other process sends it.  The claim dies with the process.

        Raises:
            StateLocked: another process (or another claim in this one) holds it.
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
        """Forget the upload, its parts and what it said; nothing happens when it is unknown."""
        ...

    def save_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Remember finished parts; a part of the same number is replaced.  All of them or none.

        Raises:
            StateError: there is no such upload.
        """
        ...

    def parts(self, id: str) -> list[PartRecord]:
        """The finished parts of an upload, by number."""
        ...

    def part_totals(self, id: str) -> tuple[int, int]:
        """How many parts are finished, and how many bytes they hold."""
        ...

    def all_part_totals(self, *, statuses: Iterable[UploadStatus] | None = None) -> dict[str, tuple[int, int]]:
        """The same of all uploads with one of the statuses (None: all), by id; those without parts are left out."""
        ...

    def replace_parts(self, id: str, parts: Iterable[PartRecord]) -> None:
        """Forget every part of the upload and remember these instead, in one step."""
        ...

    def save_endpoint_algorithm(self, endpoint: str, algorithm: str, at: float) -> None:
        """Remember which checksum an endpoint proved to need; ``at`` is seconds since the epoch."""
        ...

    def get_endpoint_algorithm(self, endpoint: str, *, since: float) -> str | None:
        """What was learned about the endpoint at or after ``since``, or None."""
        ...

    def close(self) -> None:
        """Let go of files; the store is not used afterwards."""
        ...
