"""For asyncio: ``await partway.aio.upload(...)``.

With a ``partway.Client``, ``await asyncio.wrap_future(client.submit(...))`` does the same.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Literal, Unpack, cast, overload

from ._arguments.sources import Source
from ._client import Client
from ._run.results import JobResult, UploadResult
from ._upload import Upload, UploadMany, split_options

__all__ = ["upload"]


@overload
async def upload(
    source: Source, destination: str, *, recursive: Literal[False] = False, **options: Unpack[Upload]
) -> UploadResult: ...


@overload
async def upload(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    destination: str,
    *,
    recursive: Literal[True],
    **options: Unpack[UploadMany],
) -> JobResult: ...


async def upload(source: Any, destination: str, *, recursive: bool = False, **options: Any) -> Any:
    """As ``partway.upload``, in a thread: the event loop is not blocked.

    Cancelling the task cancels the upload: finished parts are kept, and the task ends when the upload has, within a
    second.  ``on_event`` and ``callback`` are called in the upload's thread, not in that of the event loop.

    Raises:
        asyncio.CancelledError: the task was cancelled; the same call resumes.
        PartwayError: as ``partway.upload``.
    """
    own, rest = split_options(options)
    client = Client(**own)
    future = client.submit(source, destination, recursive=cast(Any, recursive), **rest)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        future.cancel()
        await asyncio.shield(asyncio.to_thread(future.settle))
        raise
    finally:
        client.close(cancel=True)
