"""boto3's ExtraArgs: which call sends which of them, and what the store remembers."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.utils import parse_to_aware_datetime
from s3transfer.constants import FULL_OBJECT_CHECKSUM_ARGS

from partway.engine.backend.sse_c import CustomerKey
from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.s3.parameters import checksum_type

_OF_EVERY_CALL = ("RequestPayer", "ExpectedBucketOwner")
_OF_CONTENT = (*_OF_EVERY_CALL, "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")
_OF_COMPLETE = (*_OF_CONTENT, "ChecksumType", "MpuObjectSize", *FULL_OBJECT_CHECKSUM_ARGS)
_NOT_OF_PUT = ("ChecksumType", "MpuObjectSize")
_NOT_OF_CREATE = ("MpuObjectSize", *FULL_OBJECT_CHECKSUM_ARGS)
_TEXTS = {
    "ACL": "acl",
    "CacheControl": "cache_control",
    "ContentDisposition": "content_disposition",
    "ContentEncoding": "content_encoding",
    "ContentLanguage": "content_language",
    "ContentType": "content_type",
    "ExpectedBucketOwner": "expected_bucket_owner",
    "ObjectLockLegalHoldStatus": "object_lock_legal_hold",
    "ObjectLockMode": "object_lock_mode",
    "RequestPayer": "request_payer",
    "SSEKMSEncryptionContext": "sse_kms_context",
    "SSEKMSKeyId": "sse_kms_key_id",
    "ServerSideEncryption": "sse",
    "StorageClass": "storage_class",
    "Tagging": "tagging",
    "WebsiteRedirectLocation": "website_redirect",
}
_DATES = {"Expires": "expires", "ObjectLockRetainUntilDate": "object_lock_retain_until_date"}
_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraArgs:
    """The parameters of each call besides those that name the object and carry bytes.

    algorithm: of the checksum that is sent with every body; MD5 when there is none that partway computes.
    of_content: of calls about bytes that are stored, for which botocore does not encode the customer's key.
    is_own: True when botocore computes the checksum, because partway does not know its algorithm.
    options: what the store remembers of them.
    """

    put: dict[str, Any]
    create: dict[str, Any]
    part: dict[str, Any]
    complete: dict[str, Any]
    of_key: dict[str, Any]
    of_content: dict[str, Any]
    algorithm: ChecksumAlgorithm
    is_own: bool
    options: ObjectOptions

    @classmethod
    def of(cls, given: Mapping[str, Any], bucket: str, *, multipart: bool) -> "ExtraArgs":
        """What an upload was called with, with boto3's default checksum."""
        wanted = dict(given)
        for name in FULL_OBJECT_CHECKSUM_ARGS:
            if multipart and name in wanted:
                wanted |= {"ChecksumType": "FULL_OBJECT", "ChecksumAlgorithm": name.removeprefix("Checksum")}
        chosen = _algorithm_name(wanted)
        is_known = chosen in set(ChecksumAlgorithm) - {ChecksumAlgorithm.MD5}
        algorithm = ChecksumAlgorithm(str(chosen)) if is_known else ChecksumAlgorithm.MD5
        key = customer_key(wanted)
        return cls(
            put=_without(wanted, _NOT_OF_PUT),
            create=_without(wanted, _NOT_OF_CREATE),
            part=_only(wanted, ("ChecksumAlgorithm", *_OF_CONTENT)),
            complete=_only(wanted, _OF_COMPLETE),
            of_key=_only(wanted, _OF_EVERY_CALL),
            of_content=_only(wanted, _OF_CONTENT) | ({} if key is None else key.arguments()),
            algorithm=algorithm,
            is_own=chosen is not None and not is_known,
            options=_options(wanted, algorithm, None if key is None else key.fingerprint(bucket), multipart=multipart),
        )


def customer_key(given: Mapping[str, Any]) -> CustomerKey | None:
    """The key of SSE-C; None without one that S3 could use."""
    key = given.get("SSECustomerKey")
    try:
        if "SSECustomerKeyMD5" in given:
            key = base64.b64decode(key or "", validate=True)  # botocore encodes only a key without its MD5
        return None if key is None else CustomerKey(key.encode() if isinstance(key, str) else bytes(key))
    except (TypeError, ValueError):
        return None


def _algorithm_name(wanted: Mapping[str, Any]) -> str | None:
    if wanted.get("ChecksumAlgorithm"):
        return str(wanted["ChecksumAlgorithm"]).upper()
    computed = [name for name in FULL_OBJECT_CHECKSUM_ARGS if name in wanted]
    return computed[0].removeprefix("Checksum") if computed else None


def _options(
    wanted: Mapping[str, Any], algorithm: ChecksumAlgorithm, customer_key: str | None, *, multipart: bool
) -> ObjectOptions:
    fields: dict[str, Any] = {field: str(wanted[name]) for name, field in _TEXTS.items() if wanted.get(name)}
    fields |= {field: _date(wanted[name]) for name, field in _DATES.items() if wanted.get(name)}
    metadata = wanted.get("Metadata")
    if isinstance(metadata, Mapping):
        fields["metadata"] = tuple(sorted((str(name), str(value)) for name, value in metadata.items()))
    fields["grants"] = tuple((name, str(wanted[name])) for name in _GRANTS if wanted.get(name))
    fields["customer_key"] = customer_key
    if multipart and algorithm is not ChecksumAlgorithm.MD5:
        # S3's own choice for CRC32 and CRC32C is not the one that partway makes.
        chosen = "FULL_OBJECT" if algorithm is ChecksumAlgorithm.CRC64NVME else "COMPOSITE"
        kind = str(wanted.get("ChecksumType") or chosen)
        fields["checksum_type"] = None if kind == checksum_type(algorithm) else kind
    return ObjectOptions(**fields)


def _date(value: Any) -> str:
    try:
        return str(parse_to_aware_datetime(value).isoformat())
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return str(value)  # botocore refuses it


def _only(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}


def _without(given: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}
