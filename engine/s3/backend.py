"""The backend for uploads, implemented with botocore.

Clients come from engine/s3/client.py; translate_errors (engine/responses/error_translation.py) translates errors.
"""

import time
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

from ..backend.protocol import MultipartBackend, ObjectPart
from ..backend.responses import CreatedUpload, FoundUpload, ObjectDetails, ObjectFacts, PartReceipt
from ..backend.sse_c import NOT_ENCRYPTED
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ObjectMissing, Refused
from ..responses.error_translation import bad_response, translate_errors
from ..responses.missing_headers import checked_object, etag_of_part, size_of
from ..responses.values import answered_at, checksum_name, etag_in, object_facts
from ..source.part_reader import PartReader
from ..upload.overwrite import check_free
from . import listings, object_details
from .client import client_for, endpoint_of, forget_clients, repeated_calls, with_complete_timeout
from .config import S3Config
from .parameters import address, checksum_argument, checksum_type, object_options
from .session import profile_for, transfer_settings

__all__ = ["S3Backend", "S3Config"]


@dataclass(frozen=True, slots=True)
class S3Backend(MultipartBackend):
    """S3 through boto3.  A plain value: each process keeps its own client, so it can be sent to another process, unless
    a session or a client is given.

    session: a ``boto3.Session``, which replaces that of ``config``.
    client: a boto3 client for S3, which replaces that of ``config``; it is neither modified nor closed.
    """

    config: S3Config = field(default_factory=S3Config)
    session: InitVar[Any] = None
    client: InitVar[Any] = None

    def __post_init__(self, session: Any, client: Any) -> None:
        if session is not None or client is not None:
            object.__setattr__(self, "config", replace(self.config, session=session, client=client))

    @property
    def endpoint(self) -> str:
        """The service's address as the AWS configuration resolves it; "" for AWS itself.

        Raises:
            RemoteError: the AWS configuration is not usable (an unknown profile, an invalid address).
        """
        return endpoint_of(client_for(self.config))

    def close(self) -> None:
        """Close the connections of this process and forget its credentials; the next call opens new ones."""
        for client in forget_clients(self.config, entirely=True):
            client.close()

    def renew_credentials(self) -> None:
        # Other threads may be in the middle of a call: their client is dropped, not closed.
        forget_clients(self.config)

    @property
    def transfer_settings(self) -> dict[str, str]:
        """The settings in the profile's ``s3 =`` block, as written there.

        https://docs.aws.amazon.com/cli/latest/topic/s3-config.html
        """
        return transfer_settings(self.config)

    @property
    def region(self) -> str | None:
        """The region that the configuration resolves to, or None."""
        return client_for(self.config).meta.region_name or None

    @property
    def profile(self) -> str | None:
        """The profile that a resume in another shell must name, or None."""
        return profile_for(self.config)

    def customer_key(self, bucket: str) -> str | None:
        key = self.config.customer_key
        return None if key is None else key.fingerprint(bucket)

    def _object_arguments(self, target: Target) -> dict[str, Any]:
        """The parameters that are sent with every call about the object's content."""
        key = self.config.customer_key
        return address(target) | ({} if key is None else key.arguments())

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html"""
        declared: dict[str, Any] = {}
        if algorithm is not ChecksumAlgorithm.MD5:
            declared = {"ChecksumAlgorithm": algorithm.value, "ChecksumType": checksum_type(algorithm, target.options)}
        began = time.monotonic()
        with translate_errors("CreateMultipartUpload", checksum=algorithm, options=target.options):
            answer = client_for(self.config).create_multipart_upload(
                **self._object_arguments(target), **object_options(target.options), **declared
            )
            if not answer["UploadId"]:
                raise bad_response("CreateMultipartUpload")
            agreed, told_at = answer.get("ChecksumAlgorithm"), answered_at(answer)
            return CreatedUpload(
                upload_id=answer["UploadId"],
                algorithm=ChecksumAlgorithm(agreed) if agreed in set(ChecksumAlgorithm) else None,
                abort_date=answer["AbortDate"].timestamp() if "AbortDate" in answer else None,
                keyed="SSECustomerAlgorithm" in answer,
                # The upload may have been created as early as the request was sent.
                created_at=None if told_at is None else told_at - (time.monotonic() - began),
            )

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
        proof = checksum_argument(body.algorithm, body.checksum)
        with translate_errors("UploadPart", checksum=body.algorithm, options=target.options):
            about = self._object_arguments(target) | {
                "UploadId": upload_id,
                "PartNumber": body.spec.number,
                "Body": _body(body),
            }
            answer = repeated_calls(self.config).call("UploadPart", about | proof)
        etag = etag_in(answer) or self._etag_by_list(target, upload_id, body)
        return PartReceipt(
            number=body.spec.number,
            size=body.spec.size,
            etag=etag,
            checksum=answer.get(checksum_name(body.algorithm)),
        )

    def _etag_by_list(self, target: Target, upload_id: str, body: PartReader) -> str:
        """The ETag of a part whose response had none, from ListParts."""
        client, about = client_for(self.config), self._object_arguments(target)
        return etag_of_part(listings.page_of_parts(client, about, upload_id, body.spec.number - 1) or {}, body)

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
        return listings.list_parts(client_for(self.config), self._object_arguments(target), upload_id, algorithm)

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""
        return listings.list_uploads(client_for(self.config), target)

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
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        proof: dict[str, Any] = {}
        if algorithm is not ChecksumAlgorithm.MD5:
            name = checksum_name(algorithm)
            named = [row | {name: part.checksum} for row, part in zip(named, parts, strict=True)]
            kind = checksum_type(algorithm, target.options)
            proof = {"ChecksumType": kind, "MpuObjectSize": size}
            if kind == "FULL_OBJECT":
                proof[name] = checksum
        check_free(self, target, algorithm)
        if target.options.no_overwrite:
            proof["IfNoneMatch"] = "*"
        with translate_errors("CompleteMultipartUpload", checksum=algorithm, options=target.options):
            answer = client_for(with_complete_timeout(self.config)).complete_multipart_upload(
                **self._object_arguments(target), UploadId=upload_id, MultipartUpload={"Parts": named}, **proof
            )
            if not answer.keys() & {"ETag", "Key", "Bucket", "Location"}:
                raise bad_response("CompleteMultipartUpload")
        return object_facts(answer, size=size, etag=etag_in(answer), algorithm=algorithm)

    def abort_upload(self, target: Target, upload_id: str) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html"""
        with translate_errors("AbortMultipartUpload"):
            client_for(self.config).abort_multipart_upload(**address(target), UploadId=upload_id)

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        arguments = object_options(target.options) | checksum_argument(body.algorithm, body.checksum)
        check_free(self, target, body.algorithm)
        if target.options.no_overwrite:
            arguments["IfNoneMatch"] = "*"
        with translate_errors("PutObject", checksum=body.algorithm, options=target.options):
            about = self._object_arguments(target) | {"Body": _body(body)}
            answer = repeated_calls(self.config).call("PutObject", about | arguments)
        if not etag_in(answer):
            return self._checked_object(target, body)
        if self.config.customer_key is not None and "SSECustomerAlgorithm" not in answer:
            raise Refused(f"the service stored {target.url} and ignored the key of --sse-c; {NOT_ENCRYPTED}")
        return object_facts(answer, size=body.spec.size, etag=etag_in(answer), algorithm=body.algorithm)

    def _checked_object(self, target: Target, body: PartReader) -> ObjectFacts:
        """The facts from HEAD, when the response to PutObject has no ETag."""
        if self.config.customer_key is not None:
            raise bad_response("PutObject")  # nor does it say whether the object is encrypted
        try:
            return checked_object(self.head_object(target, body.algorithm), body)
        except ObjectMissing as error:
            raise bad_response("PutObject") from error

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""
        with translate_errors("HeadObject"):
            about = self._object_arguments(target) | {"ChecksumMode": "ENABLED"}
            if version is None:
                answer = repeated_calls(self.config).call("HeadObject", about)
            else:
                # Rare, and no two are alike: a template would not help.
                answer = client_for(self.config).head_object(**about, VersionId=version)
            if not answer.keys() & {"ETag", "LastModified"}:
                raise bad_response("HeadObject")
            size = size_of(client_for(self.config), self._object_arguments(target), answer)
            return object_facts(answer, size=size, etag=etag_in(answer), algorithm=algorithm)

    def object_details(self, target: Target) -> ObjectDetails:
        return object_details.object_details(client_for(self.config), self._object_arguments(target))

    def object_part(self, target: Target, number: int) -> ObjectPart | None:
        return object_details.object_part(client_for(self.config), self._object_arguments(target), number)

    def part_sizes(self, target: Target) -> tuple[int, ...] | None:
        return object_details.part_sizes(client_for(self.config), self._object_arguments(target))


def _body(body: PartReader) -> PartReader | bytes:
    # botocore omits Content-Length for an empty file-like body.
    return body if body.spec.size else b""
