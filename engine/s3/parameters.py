"""Convert the engine's values to the parameters of botocore's calls."""

from typing import Any

from ..backend.target import ObjectOptions, Target
from ..checksums import ChecksumAlgorithm
from ..responses.values import checksum_name


def address(target: Target) -> dict[str, Any]:
    """The parameters that are sent with every call about the object."""
    return bucket(target) | {"Key": target.key}


def bucket(target: Target) -> dict[str, Any]:
    """The parameters that are sent with every call about the bucket."""
    options = target.options
    address = {
        "Bucket": target.bucket,
        "RequestPayer": options.request_payer,
        "ExpectedBucketOwner": options.expected_bucket_owner,
    }
    return {name: value for name, value in address.items() if value}


def checksum_type(algorithm: ChecksumAlgorithm, options: ObjectOptions | None = None) -> str:
    """S3's name for the type of the whole object's checksum: the one in the options, or the algorithm's usual one."""
    chosen = None if options is None else options.checksum_type
    return chosen or ("FULL_OBJECT" if algorithm.full_object else "COMPOSITE")


def checksum_argument(algorithm: ChecksumAlgorithm, value: str) -> dict[str, Any]:
    """The parameters with a checksum; an MD5 has its own parameter.

    The algorithm's name becomes the header ``x-amz-sdk-checksum-algorithm``, which every SDK sends: some services
    require it for object lock, and moto returns checksums only with it.
    """
    if algorithm is ChecksumAlgorithm.MD5:
        return {"ContentMD5": value}
    return {"ChecksumAlgorithm": algorithm.value, checksum_name(algorithm): value}


def object_options(options: ObjectOptions) -> dict[str, Any]:
    """The parameters of CreateMultipartUpload and PutObject that describe the object."""
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
        "Metadata": dict(options.file_attributes) | dict(options.metadata),
        "ServerSideEncryption": options.sse,
        "SSEKMSKeyId": options.sse_kms_key_id,
        "SSEKMSEncryptionContext": options.sse_kms_context,
        "BucketKeyEnabled": options.sse_bucket_key,
        "ObjectLockMode": options.object_lock_mode,
        "ObjectLockRetainUntilDate": options.object_lock_retain_until_date,
        "ObjectLockLegalHoldStatus": options.object_lock_legal_hold,
        **dict(options.grants),
    }
    return {name: value for name, value in arguments.items() if value}
