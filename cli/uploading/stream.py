"""``partway upload - s3://bucket/key``: the command-line options of a stream."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from partway.engine.events.dry_run import UploadPlanned
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.state.uploads import STREAM

from ..options.s3_uri import split_address
from ..options.values import size_value
from ..runtime.resume_hint import typed_stream

F = TypeVar("F", bound=Callable[..., Any])

_STDIN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """The options of a stream; all have their defaults for a file.

    from_command: a shell command whose output is read instead of standard input.
    dry_run: True reads nothing.
    """

    expected_size: int | None
    equal_parts: bool
    allow_empty: bool
    from_command: str | None
    dry_run: bool = False

    def check(self, source: str, target: str) -> bool:
        """True when ``source`` is a stream.

        Raises:
            click.UsageError: options that contradict each other or the source.
        """
        if source != STREAM:
            for name in ("expected_size", "equal_parts", "allow_empty", "from_command"):
                if getattr(self, name) not in (None, False):
                    flag = name.replace("_", "-")
                    raise click.UsageError(
                        f"--{flag} applies to a stream: `partway upload - s3://bucket/key --{flag} ...`"
                    )
            return False
        key = split_address(target, "s3://bucket/key")[1]
        if not key or key.endswith("/"):
            raise click.UsageError("a stream has no file name; give the key, as in s3://bucket/key")
        if self.from_command is not None:
            from ..producer.shell import check_command

            check_command(self.from_command)
        if self.dry_run:
            return True
        if self.from_command is None and sys.stdin is None:
            # The descriptor may belong to another file by now.
            raise click.UsageError("standard input is closed; pipe a program's output into it")
        if self.from_command is None and os.isatty(_STDIN):
            raise click.UsageError(
                "standard input is a terminal; pipe a program's output into it, as in "
                "`pg_dump db | partway upload - s3://bucket/key`"
            )
        return True

    def check_none(self, sources: tuple[str, ...]) -> None:
        """Check that many files do not include a stream, and that no stream option is used with them.

        Raises:
            click.UsageError
        """
        if STREAM in sources:
            raise click.UsageError("- (a stream) cannot be combined with other sources")
        self.check("", "")

    def plan(self, *arguments: Any, **keywords: Any) -> UploadPlanned:
        """``plan_piped`` with these options and arguments."""
        from partway.engine.dry_run.stream import plan_stream_upload
        from partway.engine.stream.settings import StreamSettings

        stream = StreamSettings(expected_size=self.expected_size, equal_parts=self.equal_parts)
        return plan_stream_upload(*arguments, stream=stream, **keywords)

    def upload(self, *arguments: Any, folder: Path, **keywords: Any) -> UploadDone | UploadSkipped:
        """``upload_stream`` with these options and arguments.

        folder: holds the parts in flight, unless TMPDIR is set.
        """
        # Not needed for the upload of a file.
        from partway.engine.stream.settings import StreamSettings
        from partway.engine.stream.upload import upload_stream

        with ExitStack() as stack:
            descriptor, confirm = _STDIN, None
            if self.from_command is not None:
                from ..producer.producer import Producer

                producer = stack.enter_context(Producer(self.from_command))
                descriptor, confirm = producer.descriptor, producer.confirm
            stream = StreamSettings(
                expected_size=self.expected_size,
                equal_parts=self.equal_parts,
                allow_empty=self.allow_empty,
                # Not /tmp by default: where that is in memory, parts would fill it.
                directory=None if os.environ.get("TMPDIR") else folder,
                confirm=confirm,
                command=typed_stream(),
            )
            return upload_stream(descriptor, *arguments, stream=stream, **keywords)


def stream_options(command: F) -> F:
    """The options of ``upload -``."""
    for option in (
        click.option("--allow-empty", is_flag=True, help="Stream: upload it even if it is empty."),
        click.option(
            "--equal-parts", is_flag=True, help="Stream: make all parts the same size, as some services require."
        ),
        click.option(
            "--expected-size",
            callback=size_value,
            metavar="SIZE",
            help="Stream: approximate size, to choose a part size and show a progress bar.",
        ),
        click.option(
            "--from-command",
            metavar="COMMAND",
            help="Upload this command's output; create the object only if it exits 0.  SOURCE is -.",
        ),
    ):
        command = option(command)
    return command
