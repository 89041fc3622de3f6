"""What S3 and the services that speak S3 allow, each with the page that says so.  Sizes are bytes."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


# Hosts of services that want all parts but the last to be equal.
# R2: https://developers.cloudflare.com/r2/objects/upload-objects/#multipart-upload
_EQUAL_PARTS_AT = (".r2.cloudflarestorage.com",)


# Hosts of AWS: those of its VPC endpoints too, which are addresses of their own.
_AWS_AT = (".amazonaws.com", ".amazonaws.com.cn")
# Hosts of services that document If-None-Match for PutObject and for CompleteMultipartUpload.
# R2: https://developers.cloudflare.com/r2/api/s3/conditional-operations/
_CONDITIONS_AT = (".r2.cloudflarestorage.com",)


def is_aws(endpoint: str) -> bool:
    """True when the endpoint is AWS itself, whose documented behaviour can be relied on."""
    return not endpoint or _host(endpoint).endswith(_AWS_AT)


def honours_conditions(endpoint: str) -> bool:
    """True when the service at this address is known to refuse a write to a key that is taken, if it is asked to.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return is_aws(endpoint) or _host(endpoint).endswith(_CONDITIONS_AT)


def wants_equal_parts(endpoint: str) -> bool:
    """True when the service at this address is known to take only parts of one size (and a shorter last one)."""
    return _host(endpoint).endswith(_EQUAL_PARTS_AT)


def _host(endpoint: str) -> str:
    from urllib.parse import urlsplit  # only here: most uploads go to AWS, and need it not

    return urlsplit(endpoint).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Limits:
    """One service's rules.  The defaults are Amazon's.

    min_part_size: holds for every part but the last.
    max_put_size: the largest object that may go as one PutObject.
    max_key_bytes: of the key's UTF-8.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """

    min_part_size: int = 5 * MIB
    max_part_size: int = 5 * GIB
    max_parts: int = 10_000
    max_put_size: int = 5 * GIB
    max_key_bytes: int = 1024

    @property
    def max_object_size(self) -> int:
        """The largest object these rules allow: 48.8 TiB on AWS."""
        return self.max_parts * self.max_part_size


AWS = S3Limits()


MAX_CONCURRENCY = 32  # parts in flight where the number is adaptive
