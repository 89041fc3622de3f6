"""Defaults from the ``s3 =`` block of the AWS configuration.

https://docs.aws.amazon.com/cli/latest/topic/s3-config.html; addressing_style, use_accelerate_endpoint,
use_dualstack_endpoint and payload_signing_enabled are botocore's own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import click

from partway.engine.bandwidth import LEAST_BANDWIDTH

from .units import parse_size

_MOST_CONCURRENT = 256
_RATE = re.compile(r"(.*?)(B|b)/s")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDefaults:
    """What the user's profile says about transfers; None where it says nothing.

    part_size: bytes; concurrency: parts in flight; bandwidth: bytes a second.
    """

    part_size: int | None
    concurrency: int | None
    bandwidth: int | None


def transfer_defaults(settings: Mapping[str, str]) -> TransferDefaults:
    """Read the block.

    Raises:
        click.UsageError: a value is not readable; names the setting.
    """

    def read(name: str, parse: Callable[[str], int]) -> int | None:
        if name not in settings:
            return None
        try:
            return parse(settings[name])
        except ValueError as error:
            raise click.UsageError(f"{name} in the s3 block of the AWS configuration: {error}") from error

    return TransferDefaults(
        part_size=read("multipart_chunksize", parse_size),
        concurrency=read("max_concurrent_requests", _count),
        bandwidth=read("max_bandwidth", _rate),
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_CONCURRENT:
        raise ValueError(f"{text!r} is no number from 1 to {_MOST_CONCURRENT}")
    return int(text)


def _rate(text: str) -> int:
    """Bytes a second of ``50MB/s``, or ``400Mb/s``, which are bits."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no rate; write it like 50MB/s, or 400Mb/s for bits")
    rate = parse_size(match[1]) // (8 if match[2] == "b" else 1)
    if rate < LEAST_BANDWIDTH:
        raise ValueError(f"{text} is {rate:,} bytes a second; it must be at least {LEAST_BANDWIDTH:,}")
    return rate
