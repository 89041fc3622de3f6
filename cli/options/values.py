"""Values of options: parsed, or refused with a valid example."""

import json
import os
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from partway.engine.aws_config.endpoint import is_address
from partway.engine.flow.timetable import Timetable, parse_bandwidth
from partway.engine.quantities import parse_duration, parse_size

T = TypeVar("T")


_MAX_METADATA = 2048  # bytes of names and values
_MAX_FILE_SIZE = 64 * 1024  # characters of a file with metadata


_METADATA_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")  # the characters of an HTTP header's name


def size_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A click callback: 16MiB, 16M, or bytes."""
    return None if value is None else read(parse_size, value)


def bandwidth_value(ctx: click.Context, param: click.Parameter, value: str | None) -> Timetable | None:
    """A click callback: 20M, 512KiB, or bytes, a second; off; or a timetable."""
    return None if value is None else read(parse_bandwidth, value)


def time_value(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A click callback: 90, 90s, 15min, 2h."""
    return None if value is None else read(parse_duration, value)


def metadata_value(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[tuple[str, str], ...]:
    """A click callback: aws's map, ``name=value,name=value``, or a JSON object, or ``file://FILE`` with either."""
    return () if value is None else read(_parse_metadata, read(_file_text, value))


def header_value(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A click callback: text that an HTTP header can carry."""
    return None if value is None else read(_check_header, value)


def url_value(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A click callback: an http or https URL."""
    return None if value is None else read(_check_url, value)


def _check_header(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{text!r} cannot be sent in a header; use printable ASCII")
    return text


def _check_url(text: str) -> str:
    if not is_address(text):
        raise ValueError(f"{text!r} is not a valid endpoint; use http://host or https://host:port")
    if "@" in text:
        raise ValueError(
            "an endpoint cannot contain a user name or password; credentials come from the AWS configuration"
        )
    return text


def read(parse: Callable[[str], T], value: str) -> T:
    """The value that ``parse`` makes of a text.

    Raises:
        click.BadParameter: it raised ValueError.
    """
    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _file_text(text: str) -> str:
    """The text itself, or that of the file that it names."""
    if not text.startswith("file://"):
        return text
    path = os.path.expanduser(text.removeprefix("file://"))  # noqa: PTH111 - keeps undecodable names
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            return file.read(_MAX_FILE_SIZE).strip()
    except (OSError, ValueError) as error:
        raise ValueError(f"the file {path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _parse_metadata(text: str) -> tuple[tuple[str, str], ...]:
    problem = ValueError(f"{text!r} is not a valid map; use name=value,other=value")
    if text.lstrip().startswith("{"):
        try:
            pairs: list[tuple[Any, ...]] = list(json.loads(text).items())
        except (ValueError, RecursionError):
            raise problem from None
    else:
        pairs = [tuple(item.split("=", 1)) for item in text.split(",")]
    found: list[tuple[str, str]] = []
    for pair in pairs:
        if len(pair) != 2 or not isinstance(pair[1], str):
            raise problem
        name, value = pair
        if not _METADATA_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid metadata name; use letters, digits, - and _")
        found.append((name, _check_header(value)))
    names = [name.lower() for name, _ in found]
    if len(set(names)) < len(names):
        raise ValueError("a metadata name is given twice; S3 does not distinguish upper and lower case")
    size = sum(len(name) + len(value) for name, value in found)
    if size > _MAX_METADATA:
        raise ValueError(f"the metadata has {size:,} bytes; S3 accepts at most {_MAX_METADATA:,}")
    return tuple(found)
