"""The doctor's calls, implemented with botocore."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from ..aws_config.errors import reading_credentials
from ..backend.responses import PartReceipt
from ..backend.service import AbortRules, CredentialFacts, EndpointFacts, EndpointResponse, Probe, Retention
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import AccessRefused, ObjectMissing, Refused, RemoteError, Transient
from ..limits import is_aws
from ..responses.error_translation import translate_errors
from ..responses.values import checksum_name, etag_in
from .client import client_for
from .config import S3Config
from .parameters import address, checksum_argument
from .session import clock_skew_for, endpoint_for, region_for, session_for

_DENIED = ("AccessDenied", "AllAccessDisabled", "403", "UnauthorizedAccess")
# The codes of a service that does not know the credentials.
_STRANGERS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidSecurity")
_END = 4  # characters of a key's ID that may be shown


@dataclass(frozen=True, slots=True)
class S3Probe(Probe):
    """The doctor's calls through botocore; a plain value, like S3Backend."""

    config: S3Config = field(default_factory=S3Config)

    def credentials(self) -> CredentialFacts | None:
        session = session_for(self.config)
        with reading_credentials(worked=False):
            own = self.config.client is not None
            found: Any = clock_skew_for(self.config).credentials if own else session.get_credentials()
            if found is None:
                return None
            frozen = found.get_frozen_credentials()
            expires = getattr(found, "_expiry_time", None)
            return CredentialFacts(
                method=str(found.method),
                profile=session.get_config_variable("profile"),
                key_end=str(frozen.access_key)[-_END:] if len(str(frozen.access_key)) > 2 * _END else "",
                temporary=bool(frozen.token),
                expires=None if expires is None else float(expires.timestamp()),
            )

    def endpoint(self) -> EndpointFacts:
        url = str(client_for(self.config).meta.endpoint_url)
        region = region_for(self.config)
        return EndpointFacts(
            url=url,
            source=endpoint_for(self.config).source or "the AWS configuration",
            region=region.name,
            region_source=region.source,
            is_aws=is_aws(url),
        )

    def reach(self) -> EndpointResponse:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
        answered, error = self._timed("ListBuckets", lambda client: client.list_buckets())
        if error is not None and (isinstance(error, Transient) or not error.status or error.code in _STRANGERS):
            raise error
        # Listing buckets may be denied: any response is enough.
        return answered

    def look_at_bucket(self, bucket: str) -> EndpointResponse:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html"""
        answered, error = self._timed("HeadBucket", lambda client: client.head_bucket(Bucket=bucket))
        # A response to HEAD has only a status, no error code.
        if error is not None and error.status == 404:
            raise ObjectMissing(f"there is no bucket {bucket}", operation="HeadBucket", code="NoSuchBucket", status=404)
        if error is not None and error.status != 403:
            raise error
        return answered

    def _timed(self, operation: str, call: Callable[[Any], Any]) -> tuple[EndpointResponse, RemoteError | None]:
        """The response's time, headers and outcome, and the error if the call was refused."""
        client = client_for(self.config)
        headers: dict[str, str] = {}
        refusal: RemoteError | None = None

        def note(parsed: Any, **_: Any) -> None:
            headers.update((parsed.get("ResponseMetadata") or {}).get("HTTPHeaders") or {})

        event = f"after-call.s3.{operation}"
        client.meta.events.register(event, note)
        began = time.monotonic()
        try:
            with translate_errors(operation):
                call(client)
        except RemoteError as error:
            refusal = error
        finally:
            client.meta.events.unregister(event, note)
        return EndpointResponse(
            seconds=time.monotonic() - began,
            ahead=_ahead(headers.get("date")),
            region=headers.get("x-amz-bucket-region"),
            permitted=refusal is None,
        ), refusal

    def keeping(self, bucket: str) -> Retention:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html and
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html"""
        versioned = self._known("GetBucketVersioning", bucket, lambda answer: "Status" in answer)
        if not versioned:
            # Only a versioned bucket has locks.
            return Retention(versioned=versioned, locked=versioned)
        locked = self._known(
            "GetObjectLockConfiguration",
            bucket,
            lambda answer: "DefaultRetention" in ((answer.get("ObjectLockConfiguration") or {}).get("Rule") or {}),
        )
        return Retention(versioned=True, locked=locked)

    def _known(self, operation: str, bucket: str, read: Callable[[Any], bool]) -> bool | None:
        """The setting in the response; False when there is no such setting, None when it may not be read."""
        client = client_for(self.config)
        calls = {
            "GetBucketVersioning": client.get_bucket_versioning,
            "GetObjectLockConfiguration": client.get_object_lock_configuration,
        }
        try:
            with translate_errors(operation):
                return read(calls[operation](Bucket=bucket))
        except AccessRefused as error:
            if error.code not in _DENIED:
                raise
            return None
        except Refused:
            return False

    def abort_rules(self, bucket: str) -> AbortRules:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html"""
        client = client_for(self.config)
        with translate_errors("GetBucketLifecycleConfiguration"):
            try:
                answer = client.get_bucket_lifecycle_configuration(Bucket=bucket)
            except client.exceptions.ClientError as error:
                if error.response.get("Error", {}).get("Code") != "NoSuchLifecycleConfiguration":
                    raise
                answer = {**error.response, "Rules": []}
            # A service without this call responds with a list of objects.
            rules = answer["Rules"]
            found = [
                (_prefix(rule), int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]))
                for rule in rules
                if rule.get("Status") == "Enabled" and "AbortIncompleteMultipartUpload" in rule
            ]
        server = answer["ResponseMetadata"]["HTTPHeaders"].get("server", "")
        # https://github.com/minio/minio/issues/19115
        return AbortRules(rules=len(rules), aborting=tuple(found), dropped=server.lower().startswith("minio"))

    def send_part(
        self, target: Target, upload_id: str, number: int, data: bytes, algorithm: ChecksumAlgorithm, checksum: str
    ) -> PartReceipt:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
        with translate_errors("UploadPart", checksum=algorithm):
            answer = client_for(self.config).upload_part(
                **address(target),
                UploadId=upload_id,
                PartNumber=number,
                Body=data,
                **checksum_argument(algorithm, checksum),
            )
        return PartReceipt(
            number=number,
            size=len(data),
            etag=etag_in(answer),
            checksum=answer.get(checksum_name(algorithm)),
        )

    def complete(
        self, target: Target, upload_id: str, parts: Sequence[PartReceipt], algorithm: ChecksumAlgorithm, *, size: int
    ) -> str | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"""
        named = [
            {"PartNumber": part.number, "ETag": part.etag}
            | ({checksum_name(algorithm): part.checksum} if part.checksum else {})
            for part in parts
        ]
        condition = {"IfNoneMatch": "*"} if target.options.no_overwrite else {}
        with translate_errors("CompleteMultipartUpload"):
            answer = client_for(self.config).complete_multipart_upload(
                **address(target),
                UploadId=upload_id,
                MultipartUpload={"Parts": named},
                MpuObjectSize=size,
                **condition,
            )
        return answer.get("VersionId")  # type: ignore[no-any-return]

    def put(self, target: Target, data: bytes) -> str | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        condition = {"IfNoneMatch": "*"} if target.options.no_overwrite else {}
        with translate_errors("PutObject"):
            answer = client_for(self.config).put_object(**address(target), Body=data, **condition)
        return answer.get("VersionId")  # type: ignore[no-any-return]

    def delete(self, target: Target, version: str | None) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html"""
        which = {} if version is None else {"VersionId": version}
        try:
            with translate_errors("DeleteObject"):
                client_for(self.config).delete_object(**address(target), **which)
        except RemoteError as error:
            if error.status != 404 or error.code == "NoSuchBucket":
                raise


def _ahead(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date or "").timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None


def _prefix(rule: Any) -> str:
    """The prefix of a rule's keys.  Rules about tags or sizes do not apply to uploads, which have neither."""
    filter = rule.get("Filter") or {}
    return str(filter.get("Prefix") or (filter.get("And") or {}).get("Prefix") or rule.get("Prefix") or "")
