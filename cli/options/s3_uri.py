"""Parse addresses: ``s3://bucket/key``, and ``s3://ARN/key`` with the ARN of an access point.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
"""

import os
from collections.abc import Sequence

import click

from partway.engine.backend import address

from ..text.encoding import as_text
from ..text.escape import printable


def split_address(text: str, example: str) -> tuple[str, str | None]:
    """The bucket or ARN, and the text after its slash; None without a slash.

    Args:
        text: As typed.
        example: A valid address, for the error message.

    Raises:
        click.UsageError: it is not an s3:// address, has no bucket, or has an ARN that cannot be uploaded to.
    """
    try:
        return address.split_address(as_text(text), example, shown=printable(text))
    except address.InvalidAddress as error:
        raise click.UsageError(str(error)) from None


def check_destination(sources: Sequence[str], target: str, source: str) -> None:
    """Refuse a command whose last word is a source, because the destination was left out.

    Args:
        sources: What stands before the last word.
        target: The last word.
        source: How the command's usage line names a source.

    Raises:
        click.UsageError
    """
    if any(word.lower().startswith("s3:") for word in (*sources, target)):
        return
    if not sources or os.path.lexists(target):
        raise click.UsageError(f"s3://BUCKET/KEY is missing: name the destination after {source}")


def parse_target(target: str, source: str) -> tuple[str, str]:
    """Bucket and key; the name of ``source``, an absolute path, is appended to a bucket and to what ends in ``/``.

    Raises:
        click.UsageError: it is not the s3:// address of an object.
    """
    bucket, key = split_address(target, "s3://bucket/key")
    key = key or ""
    if not key or key.endswith("/"):
        key += as_text(os.path.basename(source))  # noqa: PTH119 - keeps undecodable names
    try:
        f"{bucket}/{key}".encode()
    except UnicodeEncodeError:
        raise click.UsageError(
            f"the key {printable(key)} is not valid UTF-8; set the key in the destination, or rename the file"
        ) from None
    return bucket, key


def parse_destination(target: str, *, add_slash: bool = False) -> tuple[str, str]:
    """Bucket and prefix of a target that many files go below; the prefix is empty or ends in ``/``.

    add_slash: True completes a prefix without one, as ``aws s3 cp --recursive`` does.

    Raises:
        click.UsageError: it is not an s3:// address, or it names a single object.
    """
    bucket, prefix = split_address(target, "s3://bucket/prefix/")
    if prefix and not prefix.endswith("/") and add_slash:
        prefix += "/"
    if prefix and not prefix.endswith("/"):
        raise click.UsageError(f"several files need a destination that ends in /; use {printable(target)}/")
    return bucket, _checked(prefix or "", target)


def parse_bucket(text: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``; the prefix may be empty.

    Raises:
        click.UsageError: it is not such an address.
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
    """The absolute path; symbolic links are not resolved.

    Raises:
        click.UsageError: the current directory no longer exists.
    """
    try:
        return os.path.abspath(source)  # noqa: PTH100 - keeps undecodable names
    except OSError as error:
        raise click.UsageError(
            "the current directory no longer exists; change to another, or use an absolute path"
        ) from error
