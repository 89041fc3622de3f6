"""The command as typed: split into options, and repeated in suggested commands."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import pytest

from partway.cli.commands import resume, upload
from partway.cli.runtime import resume_hint
from partway.cli.runtime.typed import note_typed, split
from partway.cli.text.escape import printable, quoted
from tests.support.engine.records import UPLOAD as RECORD
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.interrupted import UPLOAD, refuse_parts

SPLIT = {
    "long with a value": ("--part-size 5MiB", ["part_size: --part-size 5MiB"]),
    "long with =": ("--part-size=5MiB x", ["part_size: --part-size=5MiB", ": x"]),
    "short with a value": ("-p 5MiB x", ["part_size: -p 5MiB", ": x"]),
    "short and joined": ("-p5MiB x", ["part_size: -p5MiB", ": x"]),
    "short flags in one": ("-rn x", ["recursive: -r", "dry_run: -n", ": x"]),
    "short flag and value in one": ("-rc 4", ["recursive: -r", "concurrency: -c 4"]),
    "flags": ("--restart - x", ["restart: --restart", ": -", ": x"]),
    "the other name of a flag": ("--no-follow-symlinks x", ["follow_symlinks: --no-follow-symlinks", ": x"]),
    "a value that may be left out": ("--sse-c --restart", ["sse_c: --sse-c", "restart: --restart"]),
    "a value that was not left out": ("--sse-c AES256 x", ["sse_c: --sse-c AES256", ": x"]),
    "a value that looks like an option": (
        "--from-command --restart x",
        ["from_command: --from-command --restart", ": x"],
    ),
    "after --": ("-- --restart -p", [": --", ": --restart", ": -p"]),
    "nobody's": ("--no-such-option x", [": --no-such-option", ": x"]),
}


@contextmanager
def typing(command: click.Command, *words: str) -> Iterator[None]:
    """These words were typed after the command's name."""
    ctx = click.Context(command)
    note_typed(ctx, words)
    with ctx.scope():
        yield


@pytest.mark.parametrize(("line", "expected"), SPLIT.values(), ids=SPLIT)
def test_words_are_told_apart_as_click_does(line: str, expected: list[str]) -> None:
    """Each option with its value, in the order in which they were typed."""
    found = split(shlex.split(line), upload.command.params)

    assert [f"{each.name}: {' '.join(each.words)}" for each in found] == expected


def value_of(param: click.Option) -> list[str]:
    return [] if param.is_flag else ["5"]


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {param.name or "": param for param in command.params if isinstance(param, click.Option)}


def test_every_option_of_a_stream_is_repeated() -> None:
    """Including future options: an omitted one could create a different object."""
    every = {name: [param.opts[0], *value_of(param)] for name, param in options_of(upload.command).items()}
    line = ["-", "s3://bucket/key", *(word for words in every.values() for word in words)]
    with typing(upload.command, *line):
        stored = json.loads(resume_hint.typed_stream() or "")

    left_away = {name for name, words in every.items() if words[0] not in stored}
    assert left_away == {"restart", "sse_c_key", "state_dir", "dry_run"}
    assert stored[:2] == ["-", "s3://bucket/key"]


def test_every_option_that_a_resume_takes_is_repeated_or_stored() -> None:
    """Of a file or a job; a new option has to be in one of the two lists."""
    stored = {"profile", "sse_c_key", "state_dir"}
    of_every_command = {"color", "debug", "verbose"}  # added when the command is looked up
    only_about_output = {"dry_run", "quiet", "no_progress", "progress_interval", "as_json", "log_file"}

    assert set(options_of(resume.command)) - {"everything", *of_every_command} == {
        *resume_hint._RESUME,
        *stored,
        *only_about_output,
    }


def test_the_key_is_never_repeated() -> None:
    """Neither stored nor shown: a placeholder stands for it."""
    key = "A" * 43 + "="
    with typing(upload.command, "-", "s3://bucket/key", "--sse-c", f"--sse-c-key={key}", "--sse-c-key", key):
        stored = resume_hint.typed_stream()
    record = replace(RECORD, source="-", key="key", command=stored, options='{"customer_key": true}')

    assert key not in (stored or "")
    assert "--sse-c --" in resume_hint.stream_command(record, None)
    assert resume_hint.stream_command(record, None).endswith("--sse-c-key fileb://FILE")


@pytest.mark.parametrize("command", [None, "", "no JSON", "{}", "[]"])
def test_a_stream_of_an_earlier_version_is_named_by_what_is_stored(command: str | None) -> None:
    """Its destination and service, with the producer in front."""
    record = replace(RECORD, source="-", endpoint="http://host", region=None, profile="work", command=command)

    assert resume_hint.stream_command(record, Path("/state")) == (
        f"PRODUCER | partway --state-dir /state upload - s3://{record.bucket}/{record.key} "
        "--endpoint-url http://host --profile work"
    )


def test_what_was_typed_is_not_named_twice() -> None:
    """Values from variables are added, since another shell may not have them."""
    words = ["-", "s3://bucket/key", "--endpoint-url=http://typed", "--from-command", "pg_dump db | gzip"]
    record = replace(RECORD, source="-", endpoint="http://typed", region="r", profile=None, command=json.dumps(words))

    assert resume_hint.stream_command(record, None) == (
        "partway upload - s3://bucket/key --endpoint-url=http://typed --from-command 'pg_dump db | gzip' --region r"
    )


def test_how_to_connect_is_repeated_for_files_and_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder; cancel takes only what it knows."""
    monkeypatch.chdir(tmp_path)
    with typing(
        upload.command, *shlex.split("a s3://b/ --ca-bundle=ca.pem --max-parts 9 -c4 -p 5MiB --json --no-sign-request")
    ):
        resumed, cancelled = resume_hint.resume_command("id", None), resume_hint.cancel_command("id", None)

    assert resumed == f"partway resume id --ca-bundle {tmp_path}/ca.pem --max-parts 9 -c4 --no-sign-request"
    assert cancelled == f"partway cancel id --ca-bundle {tmp_path}/ca.pem --no-sign-request"


def test_the_end_of_an_upload_names_the_options(server: StrictS3, shell: Shell) -> None:
    """As a whole: a file whose parts are refused."""
    refuse_parts(server)
    result = shell.run(*UPLOAD, "--retry-for", "2h", "--max-parts", "500", "--cli-read-timeout", "70")
    (line,) = [line for line in result.err.splitlines() if "to resume:" in line]

    assert line.endswith(" -c 2 --retry-for 2h --max-parts 500 --cli-read-timeout 70")


WORDS = ("plain", "two words", "it's", "a\nb", "tab\tand\\back'slash", "\x1b[31m", "\u202eabc", "ü", "\x9f", "a\udcffb")


@pytest.mark.parametrize("word", WORDS)
def test_a_word_comes_back_as_it_was(word: str) -> None:
    """Through a shell; and it contains nothing that a terminal would interpret."""
    text = quoted(word)
    back = subprocess.run(["bash", "-c", f"printf %s {text}".encode()], capture_output=True, check=True).stdout

    assert back == word.encode("utf-8", "surrogateescape")
    assert printable(text) == text
