"""How a stream goes on: only its producer has the bytes, so people are told the command to run it with."""

import shlex
from pathlib import Path

from partway.engine.options import target_of
from partway.state.records import UploadRecord, UploadStatus

from .customer_key import AGAIN
from .text import printable


def needs_producer(record: UploadRecord) -> bool:
    """True for an unfinished stream whose bytes are not all on S3."""
    return record.is_stream and not (record.status is UploadStatus.COMPLETING and record.upload_id)


def stream_command(record: UploadRecord, folder: Path | None) -> str:
    """The command that goes on with a stream; ``folder``: the state folder, if the user named one."""
    words = ["partway", *([] if folder is None else ["--state-dir", str(folder.absolute())])]
    words += ["upload", "-", target_of(record).url]
    for flag, value in (
        ("--endpoint-url", record.endpoint),
        ("--profile", record.profile),
        ("--region", record.region),
    ):
        words += [flag, value] if value else []
    words += key_again(record)
    return f"PRODUCER | {printable(shlex.join(words))}"


def key_again(record: UploadRecord) -> list[str]:
    """What names the key again that an upload needs and nobody stored."""
    return list(AGAIN) if target_of(record).options.customer_key else []


def only_by_producer(record: UploadRecord, folder: Path | None) -> str:
    """Why such an upload cannot be resumed without its producer, and how it can."""
    return (
        f"upload {record.id} is of a stream, and only the program that wrote it can send it again; run it again: "
        f"{stream_command(record, folder)}"
    )
