"""The backend over botocore.

Clients come from engine/s3/client.py; errors leave translate_errors (engine/responses/error_translation.py).
"""

import time
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from ..backend.protocol import MultipartBackend, ObjectPart
from ..backend.responses import CreatedUpload, FoundUpload, ObjectDetails, ObjectFacts, PartReceipt
from ..backend.sse_c import NOT_ENCRYPTED
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import ObjectMissing, Refused
from ..limits import is_aws
from ..responses.error_translation import bad_response, translate_errors
from ..responses.missing_headers import checked_object, etag_of_part, size_of
from ..responses.values import answered_at, checksum_name, etag_in, object_facts
from ..source.part_reader import PartReader
from ..upload.overwrite import check_free
from . import listings, object_details
from .client import client_for, forget_clients, repeated_calls, with_complete_timeout
from .config import S3Config
from .parameters import address, checksum_argument, checksum_type, object_options
from .session import profile_for, transfer_settings

__all__ = ["S3Backend", "S3Config"]


@dataclass(frozen=True, slots=True)
class S3Backend(MultipartBackend):
    """S3 by boto3.  A value: what is open lives in one client a process, so it may be sent to another process, unless a
    session or a client is handed in.

    session: a ``boto3.Session``, in place of the one of ``config``.
    client: a boto3 client for S3, in place of the one of ``config``; it stays as it is and is not closed.
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
            RemoteError: the AWS configuration is not usable (no such profile, an address that is none).
        """
        url = str(client_for(self.config).meta.endpoint_url)
        parts = urlsplit(url)
        if parts.username or parts.password:
            raise Refused(
                f"the endpoint {parts.scheme}://{parts.hostname} contains a user name or password; "
                "remove it: credentials come from the AWS configuration",
                code="InvalidEndpoint",
            )
        return "" if _is_public_aws(url) else url

    def close(self) -> None:
        """Close the connections of this process and forget its credentials; the next call begins anew."""
        for client in forget_clients(self.config, entirely=True):
            client.close()

    def renew_credentials(self) -> None:
        # Other threads may be in the middle of a call: their client is let go of, not closed.
        forget_clients(self.config)

    @property
    def transfer_settings(self) -> dict[str, str]:
        """What the profile's ``s3 =`` block says, as it is written there.

        https://docs.aws.amazon.com/cli/latest/topic/s3-config.html
        """
        return transfer_settings(self.config)

    @property
    def region(self) -> str | None:
        """The region that the configuration resolves to, or None."""
        return client_for(self.config).meta.region_name or None

    @property
    def profile(self) -> str | None:
        """The profile that a resume in another shell has to name, or None."""
        return profile_for(self.config)

    def customer_key(self, bucket: str) -> str | None:
        key = self.config.customer_key
        return None if key is None else key.fingerprint(bucket)

    def _object_arguments(self, target: Target) -> dict[str, Any]:
        """The object, and what goes with every call about what is in it."""
        key = self.config.customer_key
        return address(target) | ({} if key is None else key.arguments())

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html"""
        declared: dict[str, Any] = {}
        if algorithm is not ChecksumAlgorithm.MD5:
            declared = {"ChecksumAlgorithm": algorithm.value, "ChecksumType": checksum_type(algorithm)}
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
                # The upload may be as old as the request.
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
        """The ETag of a part whose response had none."""
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
            proof = {"ChecksumType": checksum_type(algorithm), "MpuObjectSize": size}
            if algorithm.full_object:
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
        """What HEAD says, when the response to PutObject has no ETag."""
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
                # Rare, and no two are alike: there is nothing to repeat.
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


def _is_public_aws(url: str) -> bool:
    """True where AWS's own rules give the address again.  A VPC's interface endpoint is reached only by its name:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html
    """
    return is_aws(url) and ".vpce." not in url


def _body(body: PartReader) -> PartReader | bytes:
    # botocore leaves Content-Length away for a file-like body of no bytes.
    return body if body.spec.size else b""
