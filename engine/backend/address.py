"""Addresses as users write them: ``s3://bucket/key``, and ``s3://ARN/key`` with the ARN of an access point.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
"""

import re

# As in the AWS CLI: the parts may also be separated by colons.
_ACCOUNT = r"arn:aws[a-z-]*:{service}:[a-z0-9-]*:\d{{12}}:"
_END = r"(?=/|$)"
# A Multi-Region Access Point has a dot in its name, and no region.
_ACCESS_POINT = re.compile(_ACCOUNT.format(service="s3") + r"accesspoint[:/][A-Za-z0-9.-]{1,63}" + _END)
_OUTPOST = re.compile(
    _ACCOUNT.format(service="s3-outposts")
    + r"outpost[:/][A-Za-z0-9-]{1,63}[:/]accesspoint[:/][A-Za-z0-9-]{1,63}"
    + _END
)
# What botocore accepts: other services than AWS allow more names than AWS does.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_REFUSED = (
    (
        re.compile(_ACCOUNT.format(service="s3-object-lambda")),
        "an S3 Object Lambda access point does not accept multipart uploads; use its supporting access point or the "
        "bucket",
    ),
    (
        re.compile(_ACCOUNT.format(service="s3-outposts") + r"outpost[:/][A-Za-z0-9-]+[:/]bucket[:/]"),
        "a bucket on Outposts is reached through an access point; use "
        "s3://arn:aws:s3-outposts:REGION:ACCOUNT:outpost/ID/accesspoint/NAME/key",
    ),
)


class InvalidAddress(ValueError):
    """The text is not an S3 address; the message says how to write one."""


def split_address(text: str, example: str, *, shown: str | None = None) -> tuple[str, str | None]:
    """Split an address into the bucket or ARN, and what follows the slash; None without a slash.

    Args:
        text: The address.
        example: What it should look like, for the message.
        shown: The address as messages show it; None: as it is.

    Raises:
        InvalidAddress: it does not start with s3://, has no bucket or one whose name cannot be, or has an ARN that does
            not accept uploads.
    """
    shown = text if shown is None else shown
    if not text.startswith("s3://"):
        raise InvalidAddress(f"{shown!r} is not a valid S3 address; use {example}")
    rest = text.removeprefix("s3://")
    if rest.startswith("arn:"):
        bucket = _arn(rest, shown.removeprefix("s3://"))
        following = rest[len(bucket) :]
        return bucket, following[1:] if following else None
    bucket, slash, key = rest.partition("/")
    if not bucket:
        raise InvalidAddress(f"{shown!r} has no bucket; use {example}")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidAddress(
            f"{shown!r} has no valid name of a bucket, which has letters, digits, dots and hyphens; use {example}"
        )
    return bucket, key if slash else None


def _arn(text: str, shown: str) -> str:
    """The ARN at the start of the text, followed by a slash or the end."""
    for pattern, sentence in _REFUSED:
        if pattern.match(text):
            raise InvalidAddress(sentence)
    if found := _ACCESS_POINT.match(text) or _OUTPOST.match(text):
        return found[0]
    raise InvalidAddress(
        f"{shown!r} is not the ARN of an access point; use s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/key"
    )
