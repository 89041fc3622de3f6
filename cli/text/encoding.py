"""Names are bytes on disk, and UTF-8 on S3, whatever the locale is.

In a locale such as ISO-8859-1 Python reads the bytes of ``ü`` in UTF-8 as ``Ã¼``: the key would be wrong, and the state
would hold a path that only runs in the same locale can open.  So the command always runs in Python's UTF-8 mode, as
every Python from 3.15 on does (https://peps.python.org/pep-0686/).  Bytes that are not UTF-8 are then read by the
locale's encoding, where it has one that is neither UTF-8 nor ASCII.
"""

import codecs
import locale
import os
import sys
from functools import cache


def restart_in_utf8() -> None:
    """Replace the process with one in UTF-8 mode, with the same arguments and files; return if already in that mode."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "utf-8" or not sys.executable:
        return
    # The first of the original arguments is the interpreter.
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


@cache
def locale_encoding() -> str | None:
    """The locale's encoding; None if it is UTF-8, ASCII, or unknown to Python."""
    try:
        name = codecs.lookup(locale.getencoding()).name
    except LookupError:
        return None
    return None if name in ("utf-8", "ascii") else name


def output_encoding() -> str | None:
    """The encoding for a terminal of this locale; None leaves the streams unchanged."""
    chosen = os.environ.get("PYTHONUTF8") == "1" or "PYTHONIOENCODING" in os.environ
    return None if chosen else locale_encoding()


def as_text(name: str) -> str:
    """A file name as text: unchanged if it is UTF-8 or cannot be decoded in this locale."""
    encoding = locale_encoding()
    if encoding is None:
        return name
    from partway.engine.file_names import decode_name  # few locales need it

    try:
        return decode_name(name, encoding)
    except (UnicodeDecodeError, UnicodeEncodeError):
        return name
