"""Track and remove what the doctor created, whatever happens in between."""

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
    """The leftovers under one key.

    uploads: S3's IDs of multipart uploads.
    versions: of objects that were written; None for an object without a version.
    versioned: True when the bucket retains objects that are deleted without a version.
    stays: True when uploads cannot be removed, so no more are started.
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
        """While a multipart upload is being created, and until a response arrives, one with an unknown ID may exist."""
        self._unanswered_create = True
        try:
            yield
        except RemoteError as error:
            self._unanswered_create = not error.status
            raise
        self._unanswered_create = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While an object is being written, and until a response arrives, it may exist."""
        self._unanswered_write = True
        try:
            yield
        except RemoteError as error:
            self._unanswered_write = not 400 <= error.status < 500
            raise
        self._unanswered_write = False

    def remove_upload(self, calls: TimedCalls, upload_id: str) -> None:
        """Abort the upload, and make sure that its parts are gone.

        Raises:
            RemoteError, UploadFailed.
        """
        s3 = calls.backend
        calls(lambda: abort_upload(s3, self.target, upload_id, ChecksumAlgorithm.MD5, lambda _: None))
        self.uploads.discard(upload_id)

    def remove(self, probe: Probe, calls: TimedCalls) -> Iterator[Check]:
        """Remove everything, and yield a check for each leftover that stays, with the command that removes it."""
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
            # Without permission for HEAD, the response to the delete must do.
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
