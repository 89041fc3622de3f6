"""The limits of S3 and of S3-compatible services, with their sources.  Sizes are in bytes."""

from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


# Hosts of services that require all parts but the last to have the same size.
# R2: https://developers.cloudflare.com/r2/objects/upload-objects/#multipart-upload
_EQUAL_PARTS_AT = (".r2.cloudflarestorage.com",)


# The maximum number of parts, by the service's host, where it is below 10,000.
# Scaleway: https://www.scaleway.com/en/docs/storage/object/api-cli/multipart-uploads/
_MAX_PARTS_AT = {".scw.cloud": 1_000}

# The preferred part size, by the service's host, where smaller parts cost more.
# Storj stores segments of 64 MiB: https://storj.dev/dcs/api/s3/multipart-upload/multipart-part-size
_PART_SIZE_AT = {".storjshare.io": 64 * MIB}


# Hosts of AWS, including those of its VPC endpoints.
_AWS_AT = (".amazonaws.com", ".amazonaws.com.cn")
# Hosts of services that document If-None-Match for PutObject and CompleteMultipartUpload.
# R2: https://developers.cloudflare.com/r2/api/s3/conditional-operations/
_CONDITIONS_AT = (".r2.cloudflarestorage.com",)


def is_aws(endpoint: str) -> bool:
    """True when the endpoint is AWS itself, whose documented behaviour can be relied on."""
    return not endpoint or _host(endpoint).endswith(_AWS_AT)


def honours_conditions(endpoint: str) -> bool:
    """True when the service at this address is known to support conditional writes (If-None-Match).

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return is_aws(endpoint) or _host(endpoint).endswith(_CONDITIONS_AT)


def wants_equal_parts(endpoint: str) -> bool:
    """True when the service at this address is known to require parts of equal size (the last may be smaller)."""
    return _host(endpoint).endswith(_EQUAL_PARTS_AT)


def _host(endpoint: str) -> str:
    from urllib.parse import urlsplit  # imported here: not needed for uploads to AWS

    return urlsplit(endpoint).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Limits:
    """The limits of one service.  The defaults are Amazon's.

    min_part_size: for every part but the last.
    preferred_part_size: what is chosen where the file's size allows it.
    max_put_size: the largest object for a single PutObject.
    max_key_bytes: for the key in UTF-8.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """

    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    preferred_part_size: int = 16 * MIB
    max_parts: int = 10_000
    max_put_size: int = 5 * GIB
    max_key_bytes: int = 1024

    @property
    def max_object_size(self) -> int:
        """The largest possible object: 48.8 TiB on AWS."""
        return self.max_parts * self.max_part_size


AWS = S3Limits()


def limits_at(endpoint: str, limits: S3Limits = AWS) -> S3Limits:
    """The limits of the service at this address if they are known; others, and the user's choices, stay as they are."""
    if not endpoint:
        return limits
    host = _host(endpoint)
    max_parts, part_size = limits.max_parts, limits.preferred_part_size
    if max_parts == AWS.max_parts:
        max_parts = next((value for name, value in _MAX_PARTS_AT.items() if host.endswith(name)), max_parts)
    if part_size == AWS.preferred_part_size:
        part_size = next((value for name, value in _PART_SIZE_AT.items() if host.endswith(name)), part_size)
    return replace(limits, max_parts=max_parts, preferred_part_size=part_size)


MAX_CONCURRENCY = 32  # parts in flight when the number is adaptive
MAX_SMALL_FILES = 128  # files in flight that are sent as one object each, likewise
