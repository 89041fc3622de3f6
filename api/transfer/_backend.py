"""The engine's calls, made by the caller's own client with the parameters that boto3 would have passed."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import CreatedUpload, FoundUpload, ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.responses.error_translation import bad_response, translate_errors
from partway.engine.responses.missing_headers import size_of
from partway.engine.responses.values import checksum_name, etag_in, object_facts
from partway.engine.s3 import listings
from partway.engine.source.part_reader import PartReader

from ._body import Body
from ._extra_args import ExtraArgs


class ClientBackend(MultipartBackend):
    """The calls of one upload.  Any thread may use it.

    The client retries as it is configured to; nothing here changes it.

    Args:
        client: The caller's boto3 client for S3.
        slots: Bounds the requests that all uploads of a manager make at the same time.
    """

    def __init__(self, client: Any, extra: ExtraArgs, slots: threading.BoundedSemaphore) -> None:
        self._client = client
        self._extra = extra
        self._slots = slots
        self._rows: dict[int, dict[str, Any]] = {}  # of CompleteMultipartUpload, by part, as S3 answered
        self._has_checksums = False
        self._running = threading.Condition()
        self._calls = 0

    def wait(self, timeout: float) -> None:
        """Wait until no call runs, for so many seconds at most."""
        with self._running:
            self._running.wait_for(lambda: not self._calls, timeout)

    def customer_key(self, bucket: str) -> str | None:
        return self._extra.options.customer_key

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        with self._call("CreateMultipartUpload"):
            answer = self._client.create_multipart_upload(**_address(target), **self._extra.create)
            if not answer["UploadId"]:
                raise bad_response("CreateMultipartUpload")
            return CreatedUpload(upload_id=answer["UploadId"], algorithm=algorithm, keyed=True)

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        number = body.spec.number
        with self._call("UploadPart"):
            about = _address(target) | {"UploadId": upload_id, "PartNumber": number} | self._extra.part
            answer = self._client.upload_part(**about, Body=self._body(target, body))
            name = checksum_name(body.algorithm)
            row = {"ETag": answer["ETag"], "PartNumber": number}
        if name in answer:
            self._has_checksums = True
            row[name] = answer[name]
        self._rows[number] = row
        return PartReceipt(number=number, size=body.spec.size, etag=etag_in(answer), checksum=answer.get(name))

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        about = _address(target) | self._extra.of_content
        with self._slots:
            found = listings.list_parts(self._client, about, upload_id, algorithm)
        self._has_checksums = self._has_checksums or any(row.checksum for row in found or ())
        return found

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        return None  # boto3 makes no such request

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        rows = [self._rows.get(part.number) or self._row(part, algorithm) for part in parts]
        with self._call("CompleteMultipartUpload"):
            answer = self._client.complete_multipart_upload(
                **_address(target), UploadId=upload_id, MultipartUpload={"Parts": rows}, **self._extra.complete
            )
        return _facts(answer, size, algorithm)

    def abort_upload(self, target: Target, upload_id: str) -> None:
        with self._call("AbortMultipartUpload"):
            self._client.abort_multipart_upload(**_address(target), UploadId=upload_id, **self._extra.of_key)

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        with self._call("PutObject"):
            answer = self._client.put_object(**_address(target), Body=self._body(target, body), **self._extra.put)
        return _facts(answer, body.spec.size, body.algorithm)

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        about = _address(target) | self._extra.of_content
        named = {} if version is None else {"VersionId": version}
        with self._call("HeadObject"):
            answer = self._client.head_object(**about, ChecksumMode="ENABLED", **named)
            return _facts(answer, size_of(self._client, about, answer), algorithm)

    @contextmanager
    def _call(self, operation: str) -> Iterator[None]:
        with self._running:
            self._calls += 1
        try:
            with self._slots, translate_errors(operation):
                yield
        finally:
            with self._running:
                self._calls -= 1
                self._running.notify_all()

    def _body(self, target: Target, body: PartReader) -> Body | bytes:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-optimizing-performance.html
        is_express = body.algorithm is ChecksumAlgorithm.MD5 and target.bucket.endswith("--x-s3")
        # botocore omits Content-Length for an empty file-like body.
        return Body(body, computed=not self._extra.is_own and not is_express) if body.spec.size else b""

    def _row(self, part: PartReceipt, algorithm: ChecksumAlgorithm) -> dict[str, Any]:
        """The row of a part that an earlier run sent."""
        row: dict[str, Any] = {"ETag": f'"{part.etag}"', "PartNumber": part.number}
        if self._has_checksums and algorithm is not ChecksumAlgorithm.MD5:
            row[checksum_name(algorithm)] = part.checksum
        return row


def _address(target: Target) -> dict[str, Any]:
    return {"Bucket": target.bucket, "Key": target.key}


def _facts(answer: dict[str, Any], size: int, algorithm: ChecksumAlgorithm) -> ObjectFacts:
    # Responses of botocore's Stubber have no metadata.
    whole = {"ResponseMetadata": {"HTTPHeaders": {}}} | answer
    return object_facts(whole, size=size, etag=etag_in(answer), algorithm=algorithm)
