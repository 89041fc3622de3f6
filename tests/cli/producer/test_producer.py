"""``--from-command`` in this process: what counts as a failure, and that no process remains."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from partway.cli.producer import shell
from partway.cli.producer.producer import Producer
from partway.cli.uploading.stream import StreamOptions
from partway.engine import process_family
from partway.engine.errors import UploadFailed
from partway.engine.process_family import running_processes
from partway.engine.workers.channel import null_context
from tests.support.shell.programs import eventually, member, pids_in, still_running

FAILURES = {
    "the first of a pipeline": ("(printf x; exit 3) | cat", "exit code 3,"),
    "the middle of a pipeline": ("printf x | (cat; exit 3) | cat", "exit code 3,"),
    "the last of a pipeline": ("printf x | (cat; exit 3)", "exit code 3,"),
    "a pipeline of both outputs": ("(printf x; exit 3) |& cat", "exit code 3,"),
    "a pipeline in a subshell": ("((printf x; exit 3) | cat)", "exit code 3,"),
    "a pipeline in a group": ("{ (printf x; exit 3) | cat; }", "exit code 3,"),
    "a pipeline in a function": ("f() { (printf x; exit 3) | cat; }; f", "exit code 3,"),
    "a pipeline with a here-document": ("cat <<'E' | (cat; exit 3)\nx\nE", "exit code 3,"),
    "a pipe in quotes": ("(printf 'a|b'; exit 3) | tr '|' x", "exit code 3,"),
    "before a semicolon": ("(exit 3); printf x", "exit code 3,"),
    "on the line before": ("(exit 3)\nprintf x", "exit code 3,"),
    "before &&": ("(exit 3) && printf x", "exit code 3,"),
    "after &&": ("printf x && (exit 3)", "exit code 3,"),
    "in a subshell with more to come": ("((exit 3); printf x) | cat", "exit code 3,"),
    "a program that does not exist": ("partway-no-such-program | cat", "exit code 127,"),
    "a syntax error": ("printf x |", "exit code"),
    "the shell by a signal": ("printf x; kill -9 $$", "signal 9 (SIGKILL)"),
    "a program by a signal": ("(printf x; kill -9 $BASHPID) | cat", "exit code 137 (SIGKILL)"),
    "a reader that stops reading": ("yes | head -c 10", "SIGPIPE: a program in the pipeline closed its input early"),
    "after it closed its output": ("printf x; exec >&-; sleep 0.2; exit 3", "exit code 3,"),
    "a background program that is waited for": ("(printf x; exit 3) & wait $!", "exit code 3,"),
    "a background program that goes on": ("(sleep 77; printf late) & printf x", "in the background"),
}
SUCCESSES = {
    "one program": "printf x",
    "a pipeline": "printf y | tr y x",
    "a failure that is allowed": "false || printf x",
    "a failure that is asked for": "if ! false; then printf x; fi",
    "a background program that was waited for": "printf x & wait $!",
    "options of the shell's own": "-x 2>/dev/null || printf x",
}


def produce(command: str) -> bytes:
    """The command's output; raises the error for its exit."""
    with Producer(command) as producer:
        written = b""
        while block := os.read(producer.descriptor, 65536):
            written += block
        producer.confirm(null_context())
    return written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory where programs record their pids."""
    (tmp_path / "pids").mkdir()
    return tmp_path / "pids"


@pytest.mark.parametrize(("command", "how"), FAILURES.values(), ids=FAILURES)
def test_a_failure_anywhere_in_the_command_counts(command: str, how: str) -> None:
    """The stream ends normally, and yet may be incomplete."""
    with pytest.raises(UploadFailed) as failure:
        produce(command)

    assert how in str(failure.value)
    assert failure.value.resumable


@pytest.mark.parametrize("command", SUCCESSES.values(), ids=SUCCESSES)
def test_what_ends_well_is_taken(command: str) -> None:
    """Failures that the command itself handles are accepted."""
    assert produce(command) == b"x"


PIPELINES = (
    "a | b",
    "a|b",
    "a |& b",
    "(a; b) | c",
    'a "|" | b',
    "cat <<E\na|b'\nE",
    "a # it's\na | b # it's",
    "a || b | c",
)
NO_PIPELINES = ("a", "a || b", "a ||b && c", "printf 'a|b'", 'printf "a|\\"b|"', "printf a\\|b")
SUBSTITUTIONS = ("cat <(pg_dump db)", "pg_dump db > >(gzip)", "cat 'a' <(b) 'c'", "cat < <(a)")


@pytest.mark.parametrize("command", PIPELINES)
def test_a_pipeline_is_refused_where_its_failure_would_go_unnoticed(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell without pipefail reports only the last program; if in doubt, the command counts as a pipeline."""
    shell.check_command(command)
    monkeypatch.setattr(shell, "strict_shell", lambda: None)

    with pytest.raises(click.UsageError, match=r"no pipefail option.*install bash"):
        shell.check_command(command)


@pytest.mark.parametrize("command", NO_PIPELINES)
def test_what_is_no_pipeline_needs_no_pipefail(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alternatives and quoted bars are not refused."""
    monkeypatch.setattr(shell, "strict_shell", lambda: None)

    shell.check_command(command)


@pytest.mark.parametrize("command", SUBSTITUTIONS)
def test_a_program_whose_exit_code_no_shell_tells_is_refused(command: str) -> None:
    """Bash ignores the exit code of a process substitution."""
    with pytest.raises(click.UsageError, match="use a pipeline or a file instead"):
        shell.check_command(command)


@pytest.mark.parametrize("command", ["printf '<(a)'", "", "  ", "a\0b"])
def test_the_command_is_looked_at_before_anything_else(command: str) -> None:
    """Also with --dry-run; text that only resembles a substitution is accepted."""
    piped = StreamOptions(expected_size=None, equal_parts=False, allow_empty=False, from_command=command, dry_run=True)
    if "(" in command:
        assert piped.check("-", "s3://bucket/key")
        return

    with pytest.raises(click.UsageError, match="--from-command"):
        piped.check("-", "s3://bucket/key")


def test_a_shell_without_pipefail_stops_at_the_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that need no pipefail are as strict there."""
    monkeypatch.setattr(shell, "strict_shell", lambda: None)

    assert produce("printf x") == b"x"
    with pytest.raises(UploadFailed, match="exit code 3,"):
        produce("(exit 3); printf x")


def test_a_shell_is_asked_whether_it_knows_pipefail(tmp_path: Path) -> None:
    """By trying it; a missing shell does not."""
    bash = shell.strict_shell()

    assert bash is not None
    assert shell._has_pipefail(bash)
    assert not shell._has_pipefail("/bin/false")
    assert not shell._has_pipefail(str(tmp_path / "missing"))


def test_every_process_of_a_pipeline_ends_with_the_block(folder: Path) -> None:
    """Not only the shell: its children hold the terminal and the database connection."""
    command = f"{member(folder, 'a', 'exec sleep 77')} | {member(folder, 'b', 'exec cat')}"
    with Producer(command):
        pids = pids_in(folder, 2)
        assert still_running(pids) == pids

    assert still_running(pids) == []


def test_a_process_whose_parent_has_ended_ends_too(folder: Path) -> None:
    """It is found by its process group."""
    with Producer(f"(({member(folder, 'a', 'exec sleep 77')}) & ); sleep 77"):
        pids = pids_in(folder, 1)

    assert still_running(pids) == []


def test_who_does_not_heed_the_first_signal_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM, then SIGKILL after a grace."""
    monkeypatch.setattr("partway.engine.process_family.GRACE", 0.3)
    stubborn = 'trap "" TERM; while :; do sleep 0.1; done'
    with Producer(f"{member(folder, 'a', stubborn)} | cat"):
        pids = pids_in(folder, 1)

    assert still_running(pids) == []


def test_the_first_signal_lets_programs_clean_up(folder: Path, tmp_path: Path) -> None:
    """A program that removes its temporary files at SIGTERM has the time to."""
    tidy = f'trap "echo done > {tmp_path}/tidied; exit" TERM; while :; do sleep 0.1; done'
    with Producer(f"{member(folder, 'a', tidy)} | cat"):
        pids_in(folder, 1)

    assert (tmp_path / "tidied").read_text() == "done\n"


def test_a_failed_shell_takes_what_it_left_behind_with_it(folder: Path) -> None:
    """Background programs of a failed producer are terminated."""
    with Producer(f"{member(folder, 'a', 'exec sleep 77')} & sleep 0.1; exit 3") as producer:
        pids = pids_in(folder, 1)
        with pytest.raises(UploadFailed, match="exit code 3"):
            producer.confirm(null_context())

        assert still_running(pids) == []


def test_what_a_successful_command_left_running_on_purpose_stays(folder: Path) -> None:
    """A tunnel or an agent that does not hold the output belongs to the user."""
    tunnel = f"{member(folder, 'a', 'exec sleep 77')} > /dev/null"
    until_it_runs = f"while [ ! -s {folder}/a ]; do sleep 0.02; done"
    with Producer(f"{tunnel} & {until_it_runs}; printf x") as producer:
        producer.confirm(null_context())
    (pid,) = pids_in(folder, 1)
    running = still_running([pid])
    os.kill(pid, 9)

    assert running == [pid]


def test_a_producer_that_shares_the_terminal_is_found_without_a_group(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the foreground of a terminal the group is that of partway itself, which must not be signalled."""
    monkeypatch.setattr("partway.cli.producer.producer.is_in_foreground", lambda: True)
    command = f"{member(folder, 'a', 'exec sleep 77')} | {member(folder, 'b', 'exec cat')}"
    with Producer(command) as producer:
        pids = pids_in(folder, 2)
        groups = {running_processes()[pid].group for pid in pids}
        producer.kill()

        assert still_running(pids) == []
    assert groups == {os.getpgrp()}


def test_processes_are_found_in_the_same_way_without_proc() -> None:
    """By ps, as on macOS."""
    by_ps = {pid: (parent, group) for pid, parent, group, _, _ in process_family._from_ps()}
    by_proc = {pid: (parent, group) for pid, parent, group, _, _ in process_family._from_proc()}
    this = str(os.getpid())

    assert by_ps[this] == by_proc[this] == (str(os.getppid()), str(os.getpgrp()))


def test_a_zombie_is_no_running_process() -> None:
    """It cannot be terminated; its parent has to reap it."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert eventually(lambda: child.pid not in running_processes())

    assert child.wait() == 0


def test_many_producers_do_not_disturb_each_other() -> None:
    """Each waits only for its own program."""
    codes: dict[int, str] = {}

    def run(number: int) -> None:
        try:
            produce(f"(exit {number}) | cat")
        except UploadFailed as error:
            codes[number] = str(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(f"exit code {number}," in text for number, text in codes.items())
    assert len(codes) == 4
