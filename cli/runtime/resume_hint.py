"""The commands that messages suggest: to resume an unfinished upload, and to cancel it.

They repeat every option that was typed and is not stored, so that running them literally loses nothing.
"""

import json
from collections.abc import Collection
from pathlib import Path

from partway.engine.run.stored_options import target_of
from partway.state.jobs import JobRecord
from partway.state.uploads import UploadRecord, UploadStatus

from ..options.sse_c import AGAIN
from ..text.escape import quoted
from .typed import typed

_CONNECTION = ("ca_bundle", "no_verify_ssl", "no_sign_request", "cli_connect_timeout", "cli_read_timeout")
# Options that `resume` accepts, too, and that are not stored.
_RESUME = (
    *_CONNECTION,
    "concurrency",
    "bwlimit",
    "max_duration",
    "retry_for",
    "max_parts",
    "verify_source",
    "verify_each",
    "check_updated",
    "prune",
)
# Not repeated in the command of a stream: --restart would abort the upload to be resumed, the key is never shown,
# and the state directory is placed before the subcommand.
_NOT_AGAIN = ("restart", "sse_c_key", "state_dir", "dry_run")


def needs_producer(record: UploadRecord) -> bool:
    """True for an unfinished stream whose bytes are not all on S3."""
    return record.is_stream and not (record.status is UploadStatus.COMPLETING and record.upload_id)


def typed_stream() -> str | None:
    """The stored form of a stream's command: its arguments as JSON; None if unknown."""
    words = [word for each in typed() if each.name not in _NOT_AGAIN for word in each.words]
    return json.dumps(words) if words else None


def stream_command(record: UploadRecord, folder: Path | None) -> str:
    """The command that resumes a stream.  folder: the state directory, if the user named one."""
    target = target_of(record)
    words = _stored_words(record) or ["-", target.url]
    for flag, value in (
        ("--endpoint-url", record.endpoint),
        ("--profile", record.profile),
        ("--region", record.region),
    ):
        words += [flag, value] if value and not _is_named(flag, words) else []
    command = _joined([*_partway(folder), "upload", *words, *key_again(record)])
    return command if _is_named("--from-command", words) else f"PRODUCER | {command}"


def _stored_words(record: UploadRecord) -> list[str]:
    try:
        words = json.loads(record.command or "[]")
    except ValueError:
        return []
    return [str(word) for word in words] if isinstance(words, list) else []


def _is_named(flag: str, words: Collection[str]) -> bool:
    return any(word == flag or word.startswith(f"{flag}=") for word in words)


def resume_command(id: str, folder: Path | None, key: Collection[str] = ()) -> str:
    """The command that resumes the upload of a file, or a job.  key: from ``key_again``."""
    return _joined([*_partway(folder), "resume", id, *_typed(_RESUME), *key])


def resume_job(record: JobRecord, folder: Path | None) -> str:
    """How to resume a job.  A list from a pipe is not stored, so the job's own command has to read it again."""
    from partway.engine.walk.file_list import LISTED_ON_STDIN  # not needed for a single file

    try:
        by_pipe = json.loads(record.spec).get("listed") == LISTED_ON_STDIN
    except (ValueError, AttributeError):
        by_pipe = False
    return "the same command, fed with the same list" if by_pipe else resume_command(record.id, folder)


def cancel_command(id: str, folder: Path | None) -> str:
    """The command that cancels an upload or a job."""
    return _joined([*_partway(folder), "cancel", id, *_typed(_CONNECTION)])


def key_again(record: UploadRecord) -> list[str]:
    """The option for the customer-provided key, which is not stored; empty if the upload needs none."""
    return list(AGAIN) if target_of(record).options.customer_key else []


def only_by_producer(record: UploadRecord, folder: Path | None) -> str:
    """Why a stream cannot be resumed without its producer, and the command to run."""
    return (
        f"upload {record.id} is a stream, so only its producer can send the rest; run it again: "
        f"{stream_command(record, folder)}"
    )


def _partway(folder: Path | None) -> list[str]:
    return ["partway"] if folder is None else ["partway", "--state-dir", str(folder.absolute())]


def _typed(names: Collection[str]) -> list[str]:
    """These options as typed; file paths become absolute, since the current directory may differ later."""
    words: list[str] = []
    for each in typed():
        if each.name == "ca_bundle":
            words += ["--ca-bundle", str(Path(each.words[-1].removeprefix("--ca-bundle=")).absolute())]
        elif each.name in names:
            words += each.words
    return words


def _joined(words: Collection[str]) -> str:
    return " ".join(map(quoted, words))
