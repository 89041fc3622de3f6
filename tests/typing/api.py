"""Read by type checkers alone: what programs write, with the types that an editor shows.  Not run."""

import asyncio
import io
from concurrent.futures import Future
from pathlib import Path
from typing import assert_type

import partway
from partway import Client, JobResult, UploadInfo, UploadResult
from partway.events import Event, JobPlanned, UploadPlanned


def results(client: Client) -> None:
    """The type of a result depends on ``recursive``."""
    assert_type(partway.upload("a", "s3://b/k"), UploadResult)
    assert_type(partway.upload(Path("a"), "s3://b/k", recursive=True, exclude=["*"]), JobResult)
    assert_type(client.upload(b"x", "s3://b/k", metadata={"a": "b"}, part_size="8MiB"), UploadResult)
    assert_type(client.upload(io.BytesIO(), "s3://b/k", callback=print), UploadResult)
    assert_type(client.upload(["a", Path("b")], "s3://b/", recursive=True), JobResult)
    assert_type(client.resume("abc"), UploadResult | JobResult)
    assert_type(client.uploads(), list[UploadInfo])
    assert_type(client.plan("a", "s3://b/k"), UploadPlanned)
    assert_type(client.plan("a", "s3://b/", recursive=True, files_from=["x"]), JobPlanned)


def futures(client: Client) -> None:
    """``submit`` returns a Future of the result."""
    future: Future[UploadResult] = client.submit("a", "s3://b/k")
    many: Future[JobResult] = client.submit("a", "s3://b/", recursive=True)
    assert_type(future.result().etag, str)
    assert_type(many.result().done, int)


def writers() -> None:
    """A writer is a binary file object, also below a text wrapper."""
    with partway.open_writer("s3://b/k", content_type="text/plain") as out:
        io.TextIOWrapper(out, encoding="utf-8").write("text")
    assert_type(out.result, UploadResult | None)


def mistakes(client: Client) -> None:
    """Each is an error of the type checker: strict mode reports a comment that is not needed."""
    client.upload("a", "s3://b/k", storage_clas="GLACIER")  # type: ignore[call-overload]
    client.upload("a", "s3://b/k", metadata="a=b")  # type: ignore[call-overload]
    client.upload("a", "s3://b/k", include=["*"])  # type: ignore[call-overload]
    client.upload(3, "s3://b/k")  # type: ignore[call-overload]


def listeners() -> None:
    """Events are matched by class."""

    def on_event(event: Event) -> None:
        match event:
            case partway.events.PartDone():
                assert_type(event.number, int)
            case _:
                pass

    partway.upload("a", "s3://b/k", on_event=on_event)


async def tasks() -> None:
    """asyncio."""
    assert_type(await partway.aio.upload("a", "s3://b/k"), UploadResult)
    task: asyncio.Task[JobResult] = asyncio.create_task(partway.aio.upload("a", "s3://b/", recursive=True))
    assert_type((await task).done, int)
