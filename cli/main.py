"""The ``partway`` command.  Subcommands are imported on use, so that ``--version`` is fast."""

import contextlib
import gc
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .runtime.typed import note_typed
from .text.encoding import output_encoding, restart_in_utf8
from .text.escape import printable
from .verbosity.levels import read_variable
from .verbosity.options import add_general_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "upload": ("Upload files, or resume an interrupted upload.", "partway.cli.commands.upload"),
    "run": ("Run many upload commands from a file or pipe.", "partway.cli.commands.run"),
    "resume": ("Resume unfinished uploads, from any directory.", "partway.cli.commands.resume"),
    "list": ("List unfinished uploads and jobs, or all of them.", "partway.cli.commands.list"),
    "show": ("Show one upload with its part map, or one job.", "partway.cli.commands.show"),
    "watch": ("Watch the uploads of other terminals, cron and services.", "partway.cli.commands.watch"),
    "pace": ("Make a running upload or job slower or faster.", "partway.cli.commands.pace"),
    "verify": ("Compare files with objects, without downloading.", "partway.cli.commands.verify"),
    "cancel": ("Cancel uploads: remove their parts from S3 and forget them.", "partway.cli.commands.cancel"),
    "clean": ("Remove abandoned uploads from a bucket, or old history.", "partway.cli.commands.clean"),
    "doctor": ("Check credentials, permissions and what the service supports.", "partway.cli.commands.doctor"),
    "demo": ("See an interruption and a resume, with nothing to set up.", "partway.cli.demo.demo"),
    "help": ("Show the help of a command.", "partway.cli.help.command"),
}
# What other tools call them.
_OTHER_NAMES = {"cp": "upload", "put": "upload", "ls": "list", "status": "list", "abort": "cancel"}

_HELP = """Upload files to S3 in parts, and resume after any interruption.
  partway upload video.mkv s3://bucket/video.mkv     run it again to resume
  partway upload -r photos s3://bucket/photos/       a directory
  pg_dump db | partway upload - s3://bucket/db.sql   a stream
"""
_EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 usage, 75 run again to resume, 130 interrupted.\n"


class _Commands(click.Group):
    """A group that knows its commands' names and summaries, and imports a command when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name][1]).command
        add_general_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command, whose words are kept as they were typed.

        Raises:
            click.UsageError: there is no such command.
        """
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no such command {args[0]!r}{_suggestion(args[0])}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        note_typed(ctx, rest)
        return name, command, rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Command names for shell completion, without importing any command."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=line) for name, (line, _) in _COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first, and everything on one screen."""
        formatter.write(_HELP)
        self.format_commands(ctx, formatter)
        # Without -h: the command help is among the others.
        options = [param.get_help_record(ctx) for param in self.get_params(ctx) if "--help" not in param.opts]
        with formatter.section("Options"):
            formatter.write_dl([record for record in options if record])
        formatter.write(_EXIT_CODES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (line, _) in _COMMANDS.items()])


def _suggestion(word: str) -> str:
    """What may have been meant; "" when nothing is like it."""
    from difflib import get_close_matches  # only here: few commands are mistyped

    meant = _OTHER_NAMES.get(word) or next(iter(get_close_matches(word, _COMMANDS, 1)), None)
    return f"; did you mean {meant!r}?" if meant else "; see `partway help`"


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from partway import __version__

        click.echo(f"partway {__version__}")
        ctx.exit()


@click.group(cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PARTWAY_STATE_DIR",
    metavar="DIR",
    help="Directory of the upload state.  [env: PARTWAY_STATE_DIR]",
)
@click.pass_context
def cli(ctx: click.Context, state_dir: Path | None) -> None:
    read_variable(ctx)


add_general_options(cli, hidden=True)


def main() -> None:
    """Run the command and end the process with its exit code."""
    restart_in_utf8()
    # Objects from start-up stay alive; scanning them repeatedly would take a tenth of a small upload's time.
    gc.disable()
    _make_streams_safe()
    _treat_signals_as_interrupts()
    if sys.stderr.isatty() or sys.stdout.isatty():
        from .output.terminal.cursor import restore_cursor  # needed only on terminals

        restore_cursor()
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    if "partway.engine.last_acts" in sys.modules:  # else no program was started
        from partway.engine.last_acts import last_acts

        last_acts.do()
    # Not sys.exit: it would wait for a worker that is blocked in a system call after a cancel.
    os._exit(code)


def _make_streams_safe() -> None:
    """Keep output from causing failures: a closed stream is replaced by the null device, and characters that the
    encoding lacks are escaped.  A closed standard input stays closed, but its descriptor is taken: a file of ours
    there would be read as the stream."""
    if sys.stdin is None:
        with contextlib.suppress(OSError):
            if (descriptor := os.open(os.devnull, os.O_RDONLY)) != 0:
                os.close(descriptor)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # open() returns the lowest free number; these are taken so that no file of ours receives output.
            while (descriptor := os.open(os.devnull, os.O_RDWR)) < number:
                pass
            setattr(sys, name, os.fdopen(descriptor, "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=output_encoding() or stream.encoding, errors="backslashreplace")


def _treat_signals_as_interrupts() -> None:
    """Handle SIGTERM and a closed terminal like Ctrl-C in commands without handlers: a process that dies at once
    leaves the programs that it started behind."""
    for number in (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ():
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _run() -> int:
    from partway.state.errors import PartwayError

    if sys.platform == "win32":
        # File locks and signals are POSIX's everywhere.
        print(
            "error: partway does not run on Windows itself; install and run it in WSL: "
            "https://learn.microsoft.com/windows/wsl/install",
            file=sys.stderr,
        )
        return 1
    try:
        code = cli.main(prog_name="partway", standalone_mode=False)
    except click.ClickException as error:
        from .help.usage_errors import show

        show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):
            # Click raises Abort for this, too: a prompt read the end of standard input, without an interrupt.
            print("error: cannot prompt: standard input has ended", file=sys.stderr)
            return 1
        print("interrupted", file=sys.stderr)
        return 130
    except PartwayError as error:
        from .runtime import exit_codes
        from .runtime.errors import print_error

        print_error(error)
        return exit_codes.exit_code(error)
    except BrokenPipeError:
        # The reader of our output has exited; nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("PARTWAY_DEBUG") or "--debug" in sys.argv:
            raise
        print(
            f"error: this is a bug in partway: {type(error).__name__}: {printable(str(error))[:300]}\n"
            "  nothing was removed from S3; add --debug to get the traceback, and please report it",
            file=sys.stderr,
        )
        return 1
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
