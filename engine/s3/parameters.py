"""Our values as the parameters of botocore's calls."""

from typing import Any

from ..backend.target import ObjectOptions, Target
from ..checksums import ChecksumAlgorithm
from ..responses.values import checksum_name


def address(target: Target) -> dict[str, Any]:
    """The object, and what goes with every call about it."""
    return bucket(target) | {"Key": target.key}


def bucket(target: Target) -> dict[str, Any]:
    """The bucket, and what goes with every call about it."""
    options = target.options
    address = {
        "Bucket": target.bucket,
        "RequestPayer": options.request_payer,
        "ExpectedBucketOwner": options.expected_bucket_owner,
    }
    return {name: value for name, value in address.items() if value}


def checksum_type(algorithm: ChecksumAlgorithm) -> str:
    """S3's name for what the checksum of the whole is."""
    return "FULL_OBJECT" if algorithm.full_object else "COMPOSITE"


def checksum_argument(algorithm: ChecksumAlgorithm, value: str) -> dict[str, Any]:
    """The parameters that carry a checksum; an MD5 has its own.

    The algorithm's name becomes the header ``x-amz-sdk-checksum-algorithm``, which every SDK sends: object lock needs
    it on some services, and moto answers with checksums only then.
    """
    if algorithm is ChecksumAlgorithm.MD5:
        return {"ContentMD5": value}
    return {"ChecksumAlgorithm": algorithm.value, checksum_name(algorithm): value}


def object_options(options: ObjectOptions) -> dict[str, Any]:
    """What CreateMultipartUpload and PutObject are told about the object."""
    arguments: dict[str, Any] = {
        "ACL": options.acl,
        "StorageClass": options.storage_class,
        "ContentType": options.content_type,
        "ContentEncoding": options.content_encoding,
        "ContentDisposition": options.content_disposition,
        "ContentLanguage": options.content_language,
        "CacheControl": options.cache_control,
        "Expires": options.expires,
        "WebsiteRedirectLocation": options.website_redirect,
        "Tagging": options.tagging,
        "Metadata": dict(options.metadata),
        "ServerSideEncryption": options.sse,
        "SSEKMSKeyId": options.sse_kms_key_id,
        "BucketKeyEnabled": options.sse_bucket_key,
        "ObjectLockMode": options.object_lock_mode,
        "ObjectLockRetainUntilDate": options.object_lock_retain_until_date,
        "ObjectLockLegalHoldStatus": options.object_lock_legal_hold,
        **dict(options.grants),
    }
    return {name: value for name, value in arguments.items() if value}
