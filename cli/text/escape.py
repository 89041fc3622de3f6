"""Names are data: make any text safe to print on a terminal."""

import shlex
import unicodedata

from .encoding import as_text


def printable(text: str) -> str:
    """``text`` with everything escaped that a terminal would interpret: control characters, escape sequences, line
    breaks, direction marks, and bytes that are valid neither in UTF-8 nor in the locale's encoding."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _escape(char) for char in as_text(text))


def _is_harmless(char: str) -> bool:
    return char == " " or (char.isprintable() and unicodedata.category(char) != "Cf")


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        # An undecodable byte of a file name, kept as a surrogate escape.
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(word: str) -> str:
    """``word`` quoted for a shell, with nothing that a terminal would interpret.  Unprintable characters use the
    ``$'...'`` quotes of bash, zsh and ksh."""
    if printable(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(_ansi_c(char) for char in word) + "'"


def _ansi_c(char: str) -> str:
    code = ord(char)
    if char in "\\'":
        return f"\\{char}"
    if _is_harmless(char):
        return char
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, width: int, *, ascii_only: bool = False) -> str:
    """The text shortened in the middle to ``width`` terminal cells.  A wide character takes two cells.

    ascii_only: for terminals whose encoding has no ellipsis.
    """
    from rich.cells import cell_len  # not needed by every command

    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    head = (width - 1) // 2
    return _start(text, head) + ("~" if ascii_only else "…") + _start(text[::-1], width - 1 - head)[::-1]


def _start(text: str, width: int) -> str:
    """As many characters as fit into ``width`` cells."""
    from rich.cells import cell_len

    cells = 0
    for index, char in enumerate(text):
        cells += cell_len(char)
        if cells > width:
            return text[:index]
    return text
