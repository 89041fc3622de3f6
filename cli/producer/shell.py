"""The shell of ``--from-command``: its exit code must show a failure of any program, not only of the last.

A plain ``sh -c 'pg_dump db | gzip'`` ends with gzip's exit code, so half a dump would become an object.  Bash stops at
the first failure (``-e``) and supports ``pipefail``; some other shells do, but dash does not.
"""

import os
import re
import shutil
import subprocess
from functools import cache

import click

_STRICT = ("-e", "-o", "pipefail", "-c", "--")
_SH = "/bin/sh"
# Text that the shell takes literally; "||" does not start a pipeline.
_QUOTED = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|\|\|""", re.DOTALL)
_PIPELINE = re.compile(r"\|")
_PROCESS_SUBSTITUTION = re.compile(r"[<>]\(")


def shell_words(command: str) -> list[str]:
    """The program and arguments to run a command that ``check_command`` has accepted."""
    shell = strict_shell()
    return [_SH, "-e", "-c", "--", command] if shell is None else [shell, *_STRICT, command]


@cache
def strict_shell() -> str | None:
    """A shell with ``pipefail``: bash, or /bin/sh if it has the option; otherwise None."""
    found = shutil.which("bash") or next(filter(os.path.exists, ("/bin/bash", "/usr/bin/bash")), None)
    return found or (_SH if _has_pipefail(_SH) else None)


def _has_pipefail(shell: str) -> bool:
    try:
        tried = subprocess.run([shell, *_STRICT, ":"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return False
    return tried.returncode == 0


def check_command(command: str) -> None:
    """Refuse a command whose failure could go unnoticed.

    Raises:
        click.UsageError
    """
    if not command.strip():
        raise click.UsageError("--from-command is empty; give the command whose output to upload")
    if "\0" in command:
        raise click.UsageError("--from-command cannot contain a NUL byte")
    bare = _without_quotes(command)
    if _PROCESS_SUBSTITUTION.search(bare):
        raise click.UsageError(
            "--from-command cannot contain <(...) or >(...): no shell reports the exit code of a program in there, so "
            "its failure would go unnoticed; use a pipeline or a file instead"
        )
    if _PIPELINE.search(bare) and strict_shell() is None:
        raise click.UsageError(
            f"--from-command contains a pipeline, and {_SH} has no pipefail option: a failure of any program but the "
            "last would go unnoticed; install bash, or write the first program's output to a file and upload that"
        )


def _without_quotes(command: str) -> str:
    """The command without its quoted text.  A comment or a here-document may contain an unmatched quote, so such a
    command is checked unchanged."""
    return command.replace("||", "") if "#" in command or "<<" in command else _QUOTED.sub("", command)
