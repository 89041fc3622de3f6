"""Buckets and whole objects: the half of the model of S3 that knows no multipart uploads."""

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from .checksums import Algorithm, Checksum, ChecksumType, digest, encode
from .errors import S3Error, not_implemented
from .quirks import Quirks
from .rules import ServiceRules, check_customer_key, check_key
from .values import ObjectOptions, StoredObject


class BucketModel:
    """Buckets with objects in them.  Safe to call from any thread; digests are computed outside the lock.

    keeps_versions: every bucket keeps all versions of an object; may be set at any time.
    """

    def __init__(self, *, rules: ServiceRules, buckets: Iterable[str], clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._lock = threading.RLock()
        self._buckets = set(buckets)
        self._objects: dict[tuple[str, str], StoredObject] = {}
        self._versions: dict[tuple[str, str, str], StoredObject] = {}
        self.keeps_versions = False

    @property
    def quirks(self) -> Quirks:
        """How this store differs from S3; may be set at any time."""
        return self._rules.quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        self._rules.quirks = quirks

    @property
    def page_size(self) -> int:
        """Rows that a listing page has at most."""
        return self._rules.page_size

    @property
    def objects(self) -> Mapping[tuple[str, str], StoredObject]:
        """For tests: a copy of everything stored, by (bucket, key), untouched by reading quirks."""
        with self._lock:
            return dict(self._objects)

    def replace_object(self, stored: StoredObject) -> None:
        """For tests: have exactly this object under its key."""
        with self._lock:
            self._objects[stored.bucket, stored.key] = stored

    def create_bucket(self, bucket: str) -> None:
        with self._lock:
            if bucket in self._buckets:
                raise S3Error("BucketAlreadyOwnedByYou", 409, "The bucket you tried to create already exists.")
            self._buckets.add(bucket)

    def head_bucket(self, bucket: str) -> None:
        self._check_bucket(bucket)

    def put_object(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        options: ObjectOptions | None = None,
        checksum: Checksum | None = None,
        content_md5: str | None = None,
        if_none_match: str | None = None,
    ) -> StoredObject:
        """Store an object in one go.  Without a checksum it gets a CRC64NVME, as on S3."""
        options = self._rules.kept_options(options)
        self._check_bucket(bucket)
        check_key(key)
        self._rules.check_size(len(data))
        checksum = self._rules.screen(checksum)
        self._rules.check_digests(data, checksum, content_md5)
        kept = checksum
        if kept is None or not self._rules.quirks.unverified_checksums:
            algorithm = checksum.algorithm if checksum else Algorithm.CRC64NVME
            kept = Checksum(algorithm=algorithm, value=encode(digest(algorithm, data)))
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        stored = StoredObject(
            bucket=bucket,
            key=key,
            chunks=(data,),
            etag=f'"{md5 if self._rules.etag_is_md5(options) else secrets.token_hex(16)}"',
            checksum=None if self._rules.hides_checksums else kept,
            checksum_type=None if self._rules.hides_checksums else ChecksumType.FULL_OBJECT,
            options=options,
            modified=self._clock(),
        )
        with self._lock:
            self._check_precondition(bucket, key, if_none_match)
            return self._keep(stored)

    def head_object(
        self, bucket: str, key: str, *, customer_key_md5: str | None = None, version: str | None = None
    ) -> StoredObject:
        """What HEAD tells, quirks included; ``version`` None: of the current version."""
        self._check_bucket(bucket)
        with self._lock:
            current = self._objects.get((bucket, key))
            found = current if version is None else self._versions.get((bucket, key, version))
        if found is None:
            raise S3Error("NoSuchKey", 404, "The specified key does not exist.", details={"Key": key})
        check_customer_key(found.options, customer_key_md5)
        if self._rules.quirks.checksum_missing_on_head:
            found = replace(found, checksum=None, checksum_type=None)
        if self._rules.quirks.head_etag_differs:
            found = replace(found, etag=f'"{hashlib.sha256(found.etag.encode()).hexdigest()[:32]}"')
        return found

    def get_object(
        self, bucket: str, key: str, *, customer_key_md5: str | None = None, version: str | None = None
    ) -> StoredObject:
        """As ``head_object``: the value has both the headers and the bytes."""
        return self.head_object(bucket, key, customer_key_md5=customer_key_md5, version=version)

    def delete_object(self, bucket: str, key: str) -> None:
        """Delete; a key that does not exist is fine."""
        self._check_bucket(bucket)
        with self._lock:
            self._objects.pop((bucket, key), None)

    def _keep(self, stored: StoredObject) -> StoredObject:
        """Make it the current version, with the lock held."""
        if self.keeps_versions:
            stored = replace(stored, version=secrets.token_urlsafe(12))
            self._versions[stored.bucket, stored.key, stored.version or ""] = stored
        self._objects[stored.bucket, stored.key] = stored
        return stored

    def _check_bucket(self, bucket: str) -> None:
        with self._lock:
            if bucket not in self._buckets:
                raise S3Error(
                    "NoSuchBucket", 404, "The specified bucket does not exist", details={"BucketName": bucket}
                )

    def _check_precondition(self, bucket: str, key: str, if_none_match: str | None) -> None:
        if if_none_match is None or self._rules.quirks.preconditions_ignored:
            return
        if if_none_match != "*":
            raise not_implemented("A header you provided implies functionality that is not implemented")
        if (bucket, key) in self._objects:
            raise S3Error(
                "PreconditionFailed",
                412,
                "At least one of the pre-conditions you specified did not hold",
                details={"Condition": "If-None-Match"},
            )
