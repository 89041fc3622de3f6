"""File names as text.  Python keeps the bytes of a name that are not UTF-8 as lone surrogates (PEP 383)."""

import os


def is_utf8(name: str) -> bool:
    """False for a name with bytes that are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode_name(name: str, encoding: str) -> str:
    """The name, whose parts between slashes are in ``encoding`` where they are not UTF-8.

    Raises:
        UnicodeDecodeError: one is in neither.
    """
    return "/".join(part if is_utf8(part) else os.fsencode(part).decode(encoding) for part in name.split("/"))
