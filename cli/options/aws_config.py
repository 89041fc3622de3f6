"""Transfer options: from the command, or else from the ``s3 =`` block of the AWS configuration.

https://docs.aws.amazon.com/cli/latest/topic/s3-config.html; addressing_style, use_accelerate_endpoint,
use_dualstack_endpoint and payload_signing_enabled are handled by botocore.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from partway.engine.flow.bandwidth import MIN_BANDWIDTH
from partway.engine.flow.pace import Limit
from partway.engine.limits import AWS
from partway.engine.quantities import parse_size
from partway.engine.run.settings import UploadSettings

from ..text.units import format_size

_MAX_CONCURRENT = 256
_MAX_BANDWIDTH = 1 << 50  # bytes per second; more than any link has
_RATE = re.compile(r"(.*?)(B|b)/s")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOptions:
    """How much is sent at once; None means not set.

    part_size: bytes; concurrency: parts in flight; bandwidth: bytes a second, or a timetable.
    """

    part_size: int | None = None
    concurrency: int | None = None
    bandwidth: Limit = None


def transfer_options(
    given: TransferOptions, settings: Mapping[str, str], warn: Callable[[str], None]
) -> TransferOptions:
    """The command's options, completed from the block.

    The block is written for ``aws`` and only concerns speed, so none of its values stops an upload: a value outside
    our range is clamped, as ``aws`` itself does with chunk sizes, and an invalid one is
    ignored.  A setting that an option overrides is not read at all.

    Args:
        settings: The raw values of the block.
        warn: Called with a sentence for every value that was replaced or ignored.
    """

    def read(name: str, parse: Callable[[str], int], least: int, most: int, text: Callable[[int], str]) -> int | None:
        if name not in settings:
            return None
        try:
            value = parse(settings[name].strip())
        except ValueError as error:
            warn(f"{name} in the s3 block of the AWS configuration is ignored: {error}")
            return None
        used = min(max(value, least), most)
        if used != value:
            bound = f"less than {text(least)}" if value < least else f"more than {text(most)}"
            warn(f"{name} in the s3 block of the AWS configuration is {bound}; using {text(used)}")
        return used

    def rate(value: int) -> str:
        return f"{format_size(value)}/s"

    return TransferOptions(
        part_size=given.part_size
        or read("multipart_chunksize", _size, AWS.min_part_size, AWS.max_part_size, format_size),
        concurrency=given.concurrency or read("max_concurrent_requests", _count, 1, _MAX_CONCURRENT, str),
        bandwidth=given.bandwidth or read("max_bandwidth", _rate, MIN_BANDWIDTH, _MAX_BANDWIDTH, rate),
    )


def with_profile_limits(
    settings: UploadSettings, region: str | None, profile: str | None, warn: Callable[[str], None]
) -> UploadSettings:
    """The settings for a resumed upload or job, with the limits of its profile unless the command sets them.

    Raises:
        RemoteError: the AWS configuration is not usable.
    """
    block = profile_transfer_settings(region, profile)
    # The part size was chosen at the start of the upload.
    block.pop("multipart_chunksize", None)
    given = TransferOptions(concurrency=settings.concurrency, bandwidth=settings.bandwidth)
    limits = transfer_options(given, block, warn)
    return replace(settings, concurrency=limits.concurrency, bandwidth=limits.bandwidth)


def _size(text: str) -> int:
    return _positive(parse_size(text), text)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{text[:30]!r} is not a number; use one from 1 to {_MAX_CONCURRENT}")
    return _positive(int(text), text)


def _rate(text: str) -> int:
    """Bytes per second from ``50MB/s``, or ``400Mb/s``, which is in bits."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:30]!r} is not a valid rate; use 50MB/s, or 400Mb/s for bits")
    return _positive(parse_size(match[1]), text) // (8 if match[2] == "b" else 1)


def _positive(value: int, text: str) -> int:
    if value < 1:
        raise ValueError(f"{text[:30]!r} must be greater than 0")
    return value


def profile_transfer_settings(region: str | None, profile: str | None) -> dict[str, str]:
    """The ``s3 =`` block of the user's profile."""
    from partway.engine.s3.backend import S3Backend, S3Config

    return S3Backend(S3Config(region=region, profile=profile)).transfer_settings
