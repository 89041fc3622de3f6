"""Parse destinations: ``s3://bucket/key``, or a prefix that ends in a slash."""

import os

from partway.engine.backend.address import InvalidAddress, split_address

from .errors import OptionError


def object_address(url: str, name: str | None) -> tuple[str, str]:
    """Bucket and key.  name: appended to a bucket or to a destination that ends in a slash; None if it has none.

    Raises:
        OptionError: it is not the address of an object.
    """
    bucket, key = _split(url, "s3://bucket/key")
    key = key or ""
    if not key or key.endswith("/"):
        if not name:
            raise OptionError(f"the destination {url!r} has no object name; use {url.rstrip('/')}/name")
        key += name
    return bucket, _utf8(key)


def prefix_address(url: str, *, add_slash: bool) -> tuple[str, str]:
    """Bucket and prefix for many files; the prefix is empty or ends in a slash.

    add_slash: True completes a prefix without one.

    Raises:
        OptionError: it is not such an address.
    """
    bucket, prefix = _split(url, "s3://bucket/prefix/")
    if prefix and not prefix.endswith("/"):
        if not add_slash:
            raise OptionError(f"single files need a destination that ends in /; use {url}/")
        prefix += "/"
    return bucket, _utf8(prefix or "")


def _split(url: object, example: str) -> tuple[str, str | None]:
    if not isinstance(url, str):
        raise OptionError(f"the destination {url!r} is not a str such as {example!r}")
    try:
        return split_address(url, example)
    except InvalidAddress as error:
        raise OptionError(str(error)) from None


def _utf8(key: str) -> str:
    try:
        key.encode()
    except UnicodeEncodeError:
        raise OptionError(f"the key {os.fsencode(key)!r} is not valid UTF-8; use another destination") from None
    return key
