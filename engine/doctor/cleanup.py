"""What the doctor made and has not removed yet, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..backend.service import Probe
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ObjectMissing, PartwayError, RemoteError
from ..upload.abort import abort_upload
from .check import Check, Health, TimedCalls


@dataclass(slots=True, kw_only=True)
class Leftovers:
    """Of one key.

    uploads: S3's ids of multipart uploads.
    versions: of objects that were written; None is an object without one.
    versioned: the bucket keeps what is deleted without naming a version.
    stays: uploads cannot be removed, so no more are begun.
    """

    target: Target
    uploads: set[str] = field(default_factory=set)
    versions: list[str | None] = field(default_factory=list)
    versioned: bool = False
    stays: bool = False
    _unanswered_create: bool = False
    _unanswered_write: bool = False

    @contextmanager
    def creating(self) -> Iterator[None]:
        """A multipart upload is being created: until it is refused or answered there may be one without a known id."""
        self._unanswered_create = True
        try:
            yield
        except RemoteError as error:
            self._unanswered_create = not error.status
            raise
        self._unanswered_create = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """An object is being written: until that is refused or answered there may be one."""
        self._unanswered_write = True
        try:
            yield
        except RemoteError as error:
            self._unanswered_write = not 400 <= error.status < 500
            raise
        self._unanswered_write = False

    def remove_upload(self, calls: TimedCalls, upload_id: str) -> None:
        """Abort it, and see that its parts are gone.

        Raises:
            RemoteError, UploadFailed.
        """
        s3 = calls.backend
        calls(lambda: abort_upload(s3, self.target, upload_id, ChecksumAlgorithm.MD5, lambda _: None))
        self.uploads.discard(upload_id)

    def remove(self, probe: Probe, calls: TimedCalls) -> Iterator[Check]:
        """Remove all of it; a check for each thing that stays, with how to remove it."""
        if self._unanswered_create:
            with suppress(PartwayError):
                found = calls(lambda: calls.backend.list_uploads(self.target))
                self.uploads |= {each.upload_id for each in found or ()}
        for upload_id in sorted(self.uploads):
            try:
                self.remove_upload(calls, upload_id)
            except PartwayError as error:
                yield self._upload_stays(upload_id, error)
        if self._unanswered_write:
            self.versions.append(None)
        for version in dict.fromkeys(self.versions):
            try:
                calls(lambda v=version: probe.delete(self.target, v or ("null" if self.versioned else None)))  # type: ignore[misc]
            except PartwayError as error:
                yield self._object_stays(version, error)
        if self.versions:
            yield from self._look(calls)

    def _look(self, calls: TimedCalls) -> Iterator[Check]:
        try:
            calls(lambda: calls.backend.head_object(self.target, ChecksumAlgorithm.MD5))
        except ObjectMissing:
            yield Check(name="tidy", health=Health.OK, fact=f"{self.target.url} was removed again")
        except PartwayError:
            # Who may not look has only the word of the delete.
            return
        else:
            yield self._object_stays(None, None)

    def _upload_stays(self, upload_id: str, error: PartwayError) -> Check:
        return Check(
            name="left over",
            health=Health.WARNING,
            fact=f"an unfinished upload of a few bytes remains at {self.target.url}: {error}",
            advice="someone with the permission should run",
            command=f"aws s3api abort-multipart-upload --bucket {self.target.bucket} --key {self.target.key} "
            f"--upload-id {upload_id}",
        )

    def _object_stays(self, version: str | None, error: PartwayError | None) -> Check:
        return Check(
            name="left over",
            health=Health.WARNING,
            fact=f"a tiny object remains at {self.target.url}" + ("" if error is None else f": {error}"),
            advice="someone with the permission should run",
            command=f"aws s3api delete-object --bucket {self.target.bucket} --key {self.target.key}"
            + ("" if version is None else f" --version-id {version}"),
        )
