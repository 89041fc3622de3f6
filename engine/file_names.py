"""Decode file names.  Python represents bytes that are not UTF-8 as lone surrogates (PEP 383)."""

import os


def is_utf8(name: str) -> bool:
    """False for a name with bytes that are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode_name(name: str, encoding: str) -> str:
    """The name decoded: path components that are not UTF-8 are decoded with ``encoding``.

    Raises:
        UnicodeDecodeError: a component is in neither encoding.
    """
    return "/".join(part if is_utf8(part) else os.fsencode(part).decode(encoding) for part in name.split("/"))
