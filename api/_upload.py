"""``partway.upload`` and ``partway.open_writer``: single calls, each with its own client."""

import os
from collections.abc import Sequence
from typing import Any, Literal, Unpack, cast, overload

from ._arguments.options import ClientOptions, JobOptions, UploadOptions
from ._arguments.sources import Source
from ._client import Client
from ._run.results import JobResult, UploadResult
from ._writer import Writer


class Upload(ClientOptions, UploadOptions, total=False):
    """The options of a client and of an upload."""


class UploadMany(ClientOptions, JobOptions, total=False):
    """The options of a client and of an upload of many files."""


@overload
def upload(
    source: Source, destination: str, *, recursive: Literal[False] = False, **options: Unpack[Upload]
) -> UploadResult: ...


@overload
def upload(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    destination: str,
    *,
    recursive: Literal[True],
    **options: Unpack[UploadMany],
) -> JobResult: ...


def upload(source: Any, destination: str, *, recursive: bool = False, **options: Any) -> Any:
    """As ``Client.upload``, with a temporary client.  Accepts the options of both ``Client`` and the upload.

    For several uploads, make one Client: they then share connections and limits.
    """
    own, rest = split_options(options)
    with Client(**own) as client:
        return client.upload(source, destination, recursive=cast(Any, recursive), **rest)


def open_writer(destination: str, **options: Unpack[Upload]) -> Writer:
    """As ``Client.open_writer``, with a temporary client.  Accepts the options of both ``Client`` and the upload."""
    own, rest = split_options(dict(options))
    client = Client(**own)
    writer = client.open_writer(destination, **rest)
    writer.on_end(client.close)
    return writer


def split_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of the client, and those of the upload."""
    own = {name: options.pop(name) for name in ClientOptions.__optional_keys__ & set(options)}
    return own, options
