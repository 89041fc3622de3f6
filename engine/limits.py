"""What S3 and the services that speak S3 allow, each with the page that says so.  Sizes are bytes."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
TIB = 1024 * GIB


# Hosts of services that want all parts but the last to be equal.
# R2: https://developers.cloudflare.com/r2/objects/upload-objects/#multipart-upload
_EQUAL_PARTS_AT = (".r2.cloudflarestorage.com",)


def is_aws(endpoint: str) -> bool:
    """True when the endpoint is AWS itself, whose documented behaviour can be relied on."""
    return not endpoint


def wants_equal_parts(endpoint: str) -> bool:
    """True when the service at this address is known to take only parts of one size (and a shorter last one)."""
    from urllib.parse import urlsplit  # only here: of a file all parts are equal anyway

    return (urlsplit(endpoint).hostname or "").endswith(_EQUAL_PARTS_AT)


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
