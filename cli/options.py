"""The options that several commands share, and how their values are read."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from partway.engine.bandwidth import LEAST_BANDWIDTH
from partway.engine.endpoint import is_address
from partway.engine.limits import AWS, S3Limits

from .units import parse_duration, parse_size

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

ACLS = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
)
STORAGE_CLASSES = (
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
    "OUTPOSTS",
    "SNOW",
    "EXPRESS_ONEZONE",
)
_MOST_METADATA = 2048  # bytes of names and values
_METADATA_NAME = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")  # what the name of an HTTP header may be made of


def size_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A click callback: 16MiB, 16M, or bytes."""
    return None if value is None else _read(parse_size, value)


def bandwidth_value(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """A click callback: 20M, 512KiB, or bytes, a second."""
    return None if value is None else _read(_parse_bandwidth, value)


def time_value(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A click callback: 90, 90s, 15min, 2h."""
    return None if value is None else _read(parse_duration, value)


def metadata_value(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[tuple[str, str], ...]:
    """A click callback: aws's map, ``name=value,name=value``, or a JSON object."""
    return () if value is None else _read(_parse_metadata, value)


def header_value(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A click callback: what an HTTP header can carry."""
    return None if value is None else _read(_check_header, value)


def url_value(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A click callback: an address with http or https."""
    return None if value is None else _read(_check_url, value)


def _parse_bandwidth(text: str) -> int:
    try:
        rate = parse_size(text)
    except ValueError:
        raise ValueError(f"{text[:30]!r} is no rate; write bytes a second like 20M, 512KiB or 1000000") from None
    if rate < LEAST_BANDWIDTH:
        raise ValueError(f"{text} is {rate:,} bytes a second; it must be at least {LEAST_BANDWIDTH // 1024}KiB")
    return rate


def _check_header(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{text!r} cannot be sent; only printable ASCII can")
    return text


def _check_url(text: str) -> str:
    if not is_address(text):
        raise ValueError(f"{text!r} is no address; it must look like http://host or https://host:port")
    if "@" in text:
        raise ValueError("an address has no user name or password here: credentials come from the AWS configuration")
    return text


def _read(parse: Callable[[str], T], value: str) -> T:
    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _parse_metadata(text: str) -> tuple[tuple[str, str], ...]:
    problem = ValueError(f"{text!r} is no map; write it like name=value,other=value")
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
            raise ValueError(f"{name!r} is no name for metadata; use letters, digits, - and _")
        found.append((name, _check_header(value)))
    names = [name.lower() for name, _ in found]
    if len(set(names)) < len(names):
        raise ValueError("a name of the metadata is there twice; S3 does not tell upper and lower case apart")
    size = sum(len(name) + len(value) for name, value in found)
    if size > _MOST_METADATA:
        raise ValueError(f"the metadata has {size:,} bytes; S3 takes at most {_MOST_METADATA:,}")
    return tuple(found)


def state_dir_option(command: F) -> F:
    """--state-dir, for every command that looks into the store."""
    return click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where unfinished uploads are remembered.  [env: PARTWAY_STATE_DIR]",
    )(command)


def profile_option(command: F) -> F:
    """--profile, for commands that go on with a stored upload."""
    return click.option(
        "--profile", metavar="NAME", help="Of the AWS configuration.  [default: the one it was begun with]"
    )(command)


def service_options(command: F) -> F:
    """--endpoint-url, --profile and --region, for commands that are told of a bucket."""
    for option in (
        click.option("--region", metavar="NAME", help="Of the bucket."),
        click.option("--profile", metavar="NAME", help="Of the AWS configuration."),
        click.option("--endpoint-url", callback=url_value, metavar="URL", help="Of a service other than AWS."),
    ):
        command = option(command)
    return command


def dry_run_option(command: F) -> F:
    """--dry-run, by the names that other tools have for it."""
    return click.option(
        "-n",
        "--dry-run",
        "--dryrun",
        "dry_run",
        is_flag=True,
        help="Say what would be done, and do nothing; S3 is asked at most whether objects exist.",
    )(command)


def prune_option(command: F) -> F:
    """--prune, for jobs whose files are gone."""
    return click.option(
        "--prune",
        is_flag=True,
        help="Accept that files of an unfinished job are gone: forget them, and remove their parts from S3.",
    )(command)


def output_options(command: F) -> F:
    """--quiet, --no-progress and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Write events to stdout, one JSON object a line."),
        click.option("--no-progress", is_flag=True, help="No bars; the summary stays."),
        click.option("--quiet", "--only-show-errors", "quiet", is_flag=True, help="Print nothing but errors."),
    ):
        command = option(command)
    return command


def log_option(command: F) -> F:
    """--log-file, as ``log_file``."""
    return click.option(
        "--log-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Add a line for every event, with the time in UTC.",
    )(command)


def source_options(command: F) -> F:
    """--verify-source and --local-no-check-updated, as ``verify_source`` and ``check_updated``."""
    for option in (
        click.option(
            "--local-no-check-updated",
            "check_updated",
            is_flag=True,
            flag_value=False,
            default=True,
            help="Upload the file as it is at the start, even if it grows or is touched meanwhile (log files).",
        ),
        click.option(
            "--verify-source",
            is_flag=True,
            help="Read the file once more at the end and compare every part before the object is made.",
        ),
    ):
        command = option(command)
    return command


def max_parts_option(command: F) -> F:
    """--max-parts, as ``max_parts``."""
    return click.option(
        "--max-parts", type=click.IntRange(1, 10_000), metavar="N", help="For services that take fewer parts."
    )(command)


def limits_of(max_parts: int | None) -> S3Limits:
    """The service's limits, with the number of parts that --max-parts named."""
    return AWS if max_parts is None else replace(AWS, max_parts=max_parts)


def pace_options(command: F) -> F:
    """--concurrency, --bwlimit and --retry-for."""
    for option in (
        click.option(
            "--retry-for",
            callback=time_value,
            metavar="TIME",
            help="How long to wait for an endpoint that is away, like 90s or 2h.  "
            "[default: 15min; 20s for one that never answered]",
        ),
        click.option(
            "--bwlimit",
            callback=bandwidth_value,
            metavar="SIZE",
            help="Bytes a second over all connections, like 20M or 512KiB.",
        ),
        click.option(
            "-c",
            "--concurrency",
            type=click.IntRange(1, 256),
            metavar="N",
            help="Parts in flight at the same time.  [default: as many as make it faster, up to 32]",
        ),
    ):
        command = option(command)
    return command
