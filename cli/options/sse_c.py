"""``--sse-c`` and ``--sse-c-key``: the customer-provided key.  No message repeats it."""

import base64
import binascii
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from partway.engine.backend.sse_c import KEY_SIZE, CustomerKey

from .bundle import gathered

F = TypeVar("F", bound=Callable[..., Any])

VARIABLE = "PARTWAY_SSE_C_KEY"
AGAIN = ("--sse-c-key", "fileb://FILE")  # in suggested commands
_FORMS = f"{KEY_SIZE} bytes, raw or in base64, or fileb://FILE with either"
_MAX_FILE_SIZE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SseCOptions:
    """The options.  wanted: True encrypts the object with such a key; typed: the key, if given."""

    wanted: bool
    typed: CustomerKey | None

    def key(self, *, needed: bool = False, what: str = "the object") -> CustomerKey | None:
        """The key from the option, the variable, or a prompt on the terminal.

        needed: True for an upload that was started with a key.  Returns None if no key is needed, or none is available.

        Raises:
            click.UsageError: the variable does not contain a valid key.
        """
        if not needed and not self.wanted:
            return None
        if self.typed is not None:
            return self.typed
        if value := os.environ.get(VARIABLE):
            try:
                return parse_key(value)
            except ValueError as error:
                raise click.UsageError(f"{VARIABLE} is not a valid key: {error}") from None
        if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        return _asked(what)


def customer_key_options(command: F) -> F:
    """Add the options; the command receives ``key_options``, an SseCOptions that wants a key if either is given."""
    return gathered(command, (_ALGORITHM, _KEY), "key_options", _make)  # type: ignore[no-any-return]


def again_options(command: F) -> F:
    """Only --sse-c-key, for commands that know from the store whether a key is needed."""
    return gathered(command, (_KEY_AGAIN,), "key_options", _make)  # type: ignore[no-any-return]


def parse_key(text: str) -> CustomerKey:
    """The key from a text that contains it, or the path of its file.

    Raises:
        ValueError: the text has no valid key; the message never repeats it.
    """
    for scheme in ("fileb://", "file://"):
        if text.startswith(scheme):
            return _of(_read(text.removeprefix(scheme)), "the key file")
    return _of(os.fsencode(text), "it")


def _read(path: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_MAX_FILE_SIZE)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"the key file cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _of(found: bytes, what: str) -> CustomerKey:
    if len(found) == KEY_SIZE:
        return CustomerKey(found)
    try:
        return CustomerKey(base64.b64decode(found.rstrip(b"\r\n"), validate=True))
    except (binascii.Error, ValueError):
        raise ValueError(f"{what} has {len(found):,} bytes; use {_FORMS}") from None


def _asked(what: str) -> CustomerKey:
    while True:
        text = click.prompt(f"Key for {what} ({_FORMS})", hide_input=True, err=True)
        try:
            return parse_key(text)
        except ValueError as error:
            click.echo(f"error: {error}", err=True)


def _value(ctx: click.Context, param: click.Parameter, value: str | None) -> CustomerKey | None:
    try:
        return None if value is None else parse_key(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _make(values: dict[str, Any]) -> SseCOptions:
    typed: CustomerKey | None = values["sse_c_key"]
    return SseCOptions(wanted=bool(typed or values.get("sse_c")), typed=typed)


_ALGORITHM = click.option(
    "--sse-c",
    is_flag=False,
    flag_value="AES256",
    type=click.Choice(["AES256"]),
    help="Encrypt on the server with a customer-provided key (SSE-C), never stored.",
)
_KEY = click.option(
    "--sse-c-key",
    callback=_value,
    metavar="KEY",
    help=f"Key for --sse-c: {_FORMS}.  [env: {VARIABLE}; prompted for on a terminal]",
)
_KEY_AGAIN = click.option(
    "--sse-c-key",
    callback=_value,
    metavar="KEY",
    help=f"Key of an upload with --sse-c: {_FORMS}.  [env: {VARIABLE}; prompted for on a terminal]",
)
