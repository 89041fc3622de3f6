"""The rules of S3 as a state machine in memory: no HTTP, no threads of its own, safe to call from any thread.

Bodies are kept whole in memory; digests are computed outside the lock, so that parallel parts stay parallel.
"""

import itertools
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from tests.support.permissions.iam import Policy

from .buckets import BucketModel
from .checksums import Algorithm, Checksum, ChecksumType, choose_type
from .complete import check_parts, multipart_etag, object_checksum, type_mismatch
from .errors import S3Error, invalid_request
from .pages import parts_page, uploads_page
from .parts import UploadState, make_part
from .quirks import NO_QUIRKS, ListAfterComplete, Quirks
from .rules import ServiceRules, check_key, check_upload_key
from .values import NamedPart, ObjectOptions, PartsPage, StoredObject, StoredPart, UploadInfo, UploadsPage

MIB = 1024 * 1024
GIB = 1024 * MIB
DAY = 24 * 60 * 60


class S3Model(BucketModel):
    """One S3 service.

    Args:
        buckets: Names of the buckets that exist.
        min_part_size: Bytes; for every part but the last, checked at Complete.
        max_part_size: Bytes; also the largest PutObject.
        max_parts: Highest part number.
        page_size: Rows that a listing page has at most.
        max_object_size: Bytes.
        completes_again: A second Complete of a finished upload answers like the first, as S3 does for a while;
            False: it is gone.
        abort_after_days: A lifecycle rule of every bucket; None: no rule.  It is only told, nothing expires by it.
        quirks: How this store differs; may be replaced while it is in use.
        clock: Seconds since 1970.

    policy: what requests may not do; None: they may do everything.
    """

    def __init__(
        self,
        *,
        buckets: Iterable[str] = ("bucket",),
        min_part_size: int = 5 * MIB,
        max_part_size: int = 5 * GIB,
        max_parts: int = 10_000,
        page_size: int = 1000,
        max_object_size: int = 10_000 * 5 * GIB,
        completes_again: bool = False,
        abort_after_days: int | None = None,
        quirks: Quirks = NO_QUIRKS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        rules = ServiceRules(
            min_part_size=min_part_size,
            max_part_size=max_part_size,
            max_parts=max_parts,
            page_size=page_size,
            max_object_size=max_object_size,
            quirks=quirks,
        )
        super().__init__(rules=rules, buckets=buckets, clock=clock)
        self.completes_again = completes_again
        self.policy: Policy | None = None
        self._abort_after_days = abort_after_days
        self._uploads: dict[str, UploadState] = {}
        self._serial = itertools.count(1)

    @property
    def open_uploads(self) -> tuple[UploadInfo, ...]:
        """Every upload that was neither completed nor aborted, oldest first."""
        with self._lock:
            return tuple(upload.info for upload in self._uploads.values() if upload.finished is None)

    def stored_parts(self, upload_id: str) -> Mapping[int, StoredPart]:
        """A copy of an open or finished upload's parts by number; empty for one that is gone."""
        with self._lock:
            upload = self._uploads.get(upload_id)
            return dict(upload.parts) if upload else {}

    def expire_upload(self, upload_id: str) -> None:
        """Make an upload vanish, as a lifecycle rule does."""
        with self._lock:
            self._uploads.pop(upload_id, None)

    def create_multipart_upload(
        self,
        bucket: str,
        key: str,
        *,
        options: ObjectOptions | None = None,
        algorithm: Algorithm | None = None,
        checksum_type: ChecksumType | None = None,
    ) -> UploadInfo:
        """Open an upload; ``algorithm`` is what its parts' checksums must have, None: they must have none."""
        self._check_bucket(bucket)
        check_key(key)
        self._rules.refuse_checksums(algorithm and "x-amz-checksum-algorithm")
        if self._rules.quirks.no_checksums:
            algorithm = checksum_type = None
        if algorithm is None and checksum_type is not None:
            raise invalid_request("The x-amz-checksum-type header can only be used with x-amz-checksum-algorithm.")
        now = self._clock()
        days = self._abort_after_days
        info = UploadInfo(
            bucket=bucket,
            key=key,
            upload_id=f"{next(self._serial):04d}.{secrets.token_urlsafe(24)}",
            options=self._rules.kept_options(options),
            algorithm=algorithm,
            checksum_type=choose_type(algorithm, checksum_type) if algorithm else None,
            initiated=now,
            abort_time=None if days is None else now + days * DAY,
        )
        with self._lock:
            self._uploads[info.upload_id] = UploadState(info=info)
        return info

    def upload_part(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        number: int,
        data: bytes,
        *,
        checksum: Checksum | None = None,
        content_md5: str | None = None,
        customer_key_md5: str | None = None,
    ) -> StoredPart:
        """Store a part; one that was sent before under the same number is replaced."""
        info = self._open_upload(bucket, key, upload_id).info
        self._rules.check_number(number)
        self._rules.check_size(len(data))
        check_upload_key(info.options, customer_key_md5)
        checksum = self._rules.screen(checksum)
        if not self._rules.quirks.no_checksums:
            if checksum is not None and checksum.algorithm is not info.algorithm:
                raise type_mismatch(expected=info.algorithm, actual=checksum.algorithm)
            if checksum is None and info.checksum_type is ChecksumType.COMPOSITE:
                raise type_mismatch(expected=info.algorithm, actual=None)
        try:
            self._rules.check_digests(data, checksum, content_md5)
        except S3Error:
            if self._rules.quirks.bad_part_destroys_upload:
                self.expire_upload(upload_id)
            raise
        part = make_part(info, number=number, data=data, sent=checksum, rules=self._rules, now=self._clock())
        with self._lock:
            self._open_upload(bucket, key, upload_id).store(part)
        return part

    def store_cut_part(self, bucket: str, key: str, upload_id: str, number: int, data: bytes) -> None:
        """What the quirk ``stores_cut_parts`` does with a body that broke off: keep it, unchecked."""
        with self._lock:
            upload = self._open_upload(bucket, key, upload_id)
            upload.store(
                make_part(upload.info, number=number, data=data, sent=None, rules=self._rules, now=self._clock())
            )

    def list_parts(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        *,
        part_number_marker: int = 0,
        max_parts: int | None = None,
        customer_key_md5: str | None = None,
    ) -> PartsPage:
        """One page of parts; ``max_parts`` None or above ``page_size`` means ``page_size``."""
        if self._rules.quirks.list_parts_unsupported:
            raise S3Error("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        with self._lock:
            upload = self._listed_upload(bucket, key, upload_id)
            check_upload_key(upload.info.options, customer_key_md5)
            empty = upload.finished is not None and self._rules.quirks.list_after_complete is ListAfterComplete.EMPTY
            return parts_page(
                upload.info,
                parts=() if empty else upload.parts.values(),
                replaced=() if empty else upload.replaced,
                marker=part_number_marker,
                max_parts=self._rules.page_size if max_parts is None else min(max_parts, self._rules.page_size),
                quirks=self._rules.quirks,
            )

    def complete_multipart_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[NamedPart],
        *,
        checksum: Checksum | None = None,
        checksum_type: ChecksumType | None = None,
        object_size: int | None = None,
        if_none_match: str | None = None,
        customer_key_md5: str | None = None,
    ) -> StoredObject:
        """Make the object of the named parts; parts that are not named are dropped.

        Args:
            checksum: The whole object's; None: not sent.
            object_size: MpuObjectSize, bytes; None: not sent.
        """
        quirks = self._rules.quirks
        checksum = self._rules.screen(checksum)
        self._rules.refuse_checksums(next((p.checksum.algorithm.header for p in parts if p.checksum), None))
        with self._lock:
            self._check_bucket(bucket)
            known = self._uploads.get(upload_id)
            if self.completes_again and known and known.finished and known.belongs_to(bucket, key):
                return known.finished
            upload = self._open_upload(bucket, key, upload_id)
            info = upload.info
            if info.algorithm is not None:
                check_upload_key(info.options, customer_key_md5)
            chosen = check_parts(info, upload.parts, parts, rules=self._rules)
            size = sum(part.size for part in chosen)
            if object_size is not None and object_size != size:
                raise invalid_request(
                    f"The provided 'x-amz-mp-object-size' header value {object_size} does not match what was "
                    f"computed: {size}"
                )
            value, kind = object_checksum(
                info, chosen, checksum, None if quirks.no_checksums else checksum_type, quirks
            )
            self._check_precondition(bucket, key, if_none_match)
            made = StoredObject(
                bucket=bucket,
                key=key,
                chunks=tuple(part.data for part in chosen),
                etag=multipart_etag(chosen, is_md5=self._rules.etag_is_md5(info.options)),
                checksum=None if self._rules.hides_checksums else value,
                checksum_type=None if self._rules.hides_checksums else kind,
                options=info.options,
                modified=self._clock(),
                parts=len(chosen),
            )
            upload.finished = self._keep(made)
            return upload.finished

    def abort_multipart_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Drop an upload and its parts."""
        with self._lock:
            self._open_upload(bucket, key, upload_id)
            del self._uploads[upload_id]

    def list_multipart_uploads(
        self,
        bucket: str,
        *,
        prefix: str = "",
        key_marker: str = "",
        upload_id_marker: str = "",
        max_uploads: int | None = None,
    ) -> UploadsPage:
        """One page of open uploads; ``max_uploads`` None or above ``page_size`` means ``page_size``."""
        self._check_bucket(bucket)
        return uploads_page(
            [info for info in self.open_uploads if info.bucket == bucket],
            prefix=prefix,
            key_marker=key_marker,
            upload_id_marker=upload_id_marker,
            max_uploads=self._rules.page_size if max_uploads is None else min(max_uploads, self._rules.page_size),
            quirks=self._rules.quirks,
        )

    def _open_upload(self, bucket: str, key: str, upload_id: str) -> UploadState:
        self._check_bucket(bucket)
        with self._lock:
            upload = self._uploads.get(upload_id)
            if upload is None or upload.finished or not upload.belongs_to(bucket, key):
                code, status = self._rules.quirks.vanished_as
                raise S3Error(
                    code,
                    status,
                    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
                    "aborted or completed.",
                    details={"UploadId": upload_id},
                )
            return upload

    def _listed_upload(self, bucket: str, key: str, upload_id: str) -> UploadState:
        upload = self._uploads.get(upload_id)
        if self._rules.quirks.list_after_complete and upload and upload.finished and upload.belongs_to(bucket, key):
            return upload
        return self._open_upload(bucket, key, upload_id)
