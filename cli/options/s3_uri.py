"""Addresses as users write them: ``s3://bucket/key``, and ``s3://ARN/key`` with the ARN of an access point.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
"""

import os
import re

import click

from ..text.encoding import as_text
from ..text.escape import printable

# As in aws: its parts may be separated by colons, too.
_ACCOUNT = r"arn:aws[a-z-]*:{service}:[a-z0-9-]*:\d{{12}}:"
_END = r"(?=/|$)"
# A Multi-Region Access Point has a dot in its name, and no region.
_ACCESS_POINT = re.compile(_ACCOUNT.format(service="s3") + r"accesspoint[:/][A-Za-z0-9.-]{1,63}" + _END)
_OUTPOST = re.compile(
    _ACCOUNT.format(service="s3-outposts")
    + r"outpost[:/][A-Za-z0-9-]{1,63}[:/]accesspoint[:/][A-Za-z0-9-]{1,63}"
    + _END
)
_REFUSED = (
    (
        re.compile(_ACCOUNT.format(service="s3-object-lambda")),
        "an S3 Object Lambda access point does not accept multipart uploads; use its supporting "
        "access point or the bucket",
    ),
    (
        re.compile(_ACCOUNT.format(service="s3-outposts") + r"outpost[:/][A-Za-z0-9-]+[:/]bucket[:/]"),
        "a bucket on Outposts is reached through an access point; use "
        "s3://arn:aws:s3-outposts:REGION:ACCOUNT:outpost/ID/accesspoint/NAME/key",
    ),
)


def split_address(text: str, example: str) -> tuple[str, str | None]:
    """Bucket, or ARN, and what comes after its slash; None without a slash.

    Args:
        text: As it was typed.
        example: What it should look like, for the message.

    Raises:
        click.UsageError: it is no s3:// address, names no bucket, or has an ARN that nothing can be uploaded to.
    """
    if not text.startswith("s3://"):
        raise click.UsageError(f"{printable(text)!r} is not a valid S3 address; use {example}")
    rest = as_text(text).removeprefix("s3://")
    if rest.startswith("arn:"):
        bucket = _arn(rest)
        following = rest[len(bucket) :]
        return bucket, following[1:] if following else None
    bucket, slash, key = rest.partition("/")
    if not bucket:
        raise click.UsageError(f"{printable(text)!r} has no bucket; use {example}")
    return bucket, key if slash else None


def _arn(text: str) -> str:
    """The ARN that the text begins with; what follows is a slash or nothing."""
    for pattern, sentence in _REFUSED:
        if pattern.match(text):
            raise click.UsageError(sentence)
    if found := _ACCESS_POINT.match(text) or _OUTPOST.match(text):
        return found[0]
    raise click.UsageError(
        f"{printable(text)!r} is not the ARN of an access point; use "
        "s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/key"
    )


def parse_target(target: str, source: str) -> tuple[str, str]:
    """Bucket and key; the name of ``source``, an absolute path, is appended to a target that ends in ``/``.

    Raises:
        click.UsageError: it is no s3:// address of an object.
    """
    bucket, key = split_address(target, "s3://bucket/key")
    if key is None:
        raise click.UsageError(
            f"the destination {target!r} has no key; use {target}/ to keep the file's name, or {target}/key"
        )
    if not key or key.endswith("/"):
        key += as_text(os.path.basename(source))  # noqa: PTH119 - keeps undecodable names
    try:
        f"{bucket}/{key}".encode()
    except UnicodeEncodeError:
        raise click.UsageError(
            f"the key {printable(key)} is not valid UTF-8; set the key in the destination, or rename the file"
        ) from None
    return bucket, key


def parse_destination(target: str) -> tuple[str, str]:
    """Bucket and prefix of a target that many files go below; the prefix is empty or ends in ``/``.

    Raises:
        click.UsageError: it is no s3:// address, or names one object.
    """
    bucket, prefix = split_address(target, "s3://bucket/prefix/")
    if prefix and not prefix.endswith("/"):
        raise click.UsageError(f"several files need a destination that ends in /; use {printable(target)}/")
    return bucket, _checked(prefix or "", target)


def parse_bucket(text: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``; the prefix may be empty.

    Raises:
        click.UsageError: it is no such address.
    """
    bucket, prefix = split_address(text, "s3://bucket or s3://bucket/prefix")
    return bucket, _checked(prefix or "", text)


def _checked(prefix: str, text: str) -> str:
    try:
        prefix.encode()
    except UnicodeEncodeError:
        raise click.UsageError(f"{printable(text)} is not valid UTF-8") from None
    return prefix


def absolute(source: str) -> str:
    """The path from /, as it was typed otherwise.

    Raises:
        click.UsageError: the current folder is gone.
    """
    try:
        return os.path.abspath(source)  # noqa: PTH100 - keeps undecodable names
    except OSError as error:
        raise click.UsageError(
            "the current directory no longer exists; change to another, or use an absolute path"
        ) from error
