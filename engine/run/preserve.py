"""``--preserve``: the file's time and mode as user metadata, in the form of ``rclone copy --metadata``, which restores
them from the object.

https://rclone.org/s3/#metadata, https://rclone.org/local/#metadata
"""

import os
from contextlib import suppress
from dataclasses import replace

from ..backend.target import ObjectOptions

_NS = 10**9


def with_file_attributes(options: ObjectOptions, path: str, mtime_ns: int) -> ObjectOptions:
    """The options with the attributes of the file, if they ask for them.

    mtime: seconds since the epoch with their fraction; mode: type and permissions, in octal digits.  Metadata that the
    user set under these names stays.

    Args:
        mtime_ns: As the source was identified.
    """
    if not options.preserve:
        return options
    attributes = [("mtime", _seconds(mtime_ns))]
    with suppress(OSError):  # a file that is gone is reported when it is read
        attributes.append(("mode", f"{os.stat(path).st_mode:o}"))  # noqa: PTH116 - keeps undecodable names
    taken = {name.lower() for name, _ in options.metadata}
    return replace(options, file_attributes=tuple(pair for pair in attributes if pair[0] not in taken))


def _seconds(mtime_ns: int) -> str:
    whole, fraction = divmod(abs(mtime_ns), _NS)
    digits = f"{fraction:09d}".rstrip("0")
    return f"{'-' if mtime_ns < 0 else ''}{whole}{'.' if digits else ''}{digits}"
