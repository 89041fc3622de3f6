"""What mkdocs calls while it builds the site: adds a page for each command, and the list of decisions.

The pages of the commands are made from their options.  mkdocs is imported when called: types are checked without it.
"""

import html
import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from partway.cli.main import cli


def on_config(config: Any) -> Any:
    """List the commands below their heading, in the order of ``partway --help``."""
    for entry in config.nav:
        if "Commands" in entry:
            entry["Commands"] = [{name: f"commands/{name}.md"} for name in pages()]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made from the commands."""
    generated = importlib.import_module("mkdocs.structure.files").File.generated
    for name, text in pages().items():
        files.append(generated(config, f"commands/{name}.md", content=text))
    files.append(generated(config, "decisions/index.md", content=_decisions()))
    return files


def _decisions() -> str:
    """A page with a link to each decision."""
    paths = sorted((Path(__file__).parent / "decisions").glob("0*.md"))
    titles = {path.name: path.read_text().partition("\n")[0] for path in paths}
    rows = [f"- [{re.sub(r'^# 0*', '', title)}]({name})" for name, title in titles.items()]
    return "\n".join(["# Decisions", "", "What may surprise a reader of the code, and why it is so.", "", *rows, ""])


class _Markdown(click.HelpFormatter):
    """Writes a command's options as Markdown: a heading per group, and a definition list."""

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        self.write(f"## {name}\n\n")
        yield

    def write_dl(self, rows: Any, *_: object, **__: object) -> None:
        for name, text in rows:
            self.write(f"`{name.strip()}`\n:   {_escaped(text)}\n\n")


def pages() -> dict[str, str]:
    """The text of each page, by the command's name."""
    parent = click.Context(cli, info_name="partway")
    found = {name: cli.get_command(parent, name) for name in cli.list_commands(parent)}
    return {name: page(command, parent) for name, command in found.items() if command is not None}


def page(command: click.Command, parent: click.Context) -> str:
    """The page of one command."""
    context = click.Context(command, info_name=command.name, parent=parent)
    options = _Markdown()
    command.format_options(context, options)
    usage = re.sub(r"\s+", " ", context.get_usage().removeprefix("Usage: "))
    parts = [f"# partway {command.name}", _code(usage), *_paragraphs(command.help or "")]
    if command.epilog:
        parts += _paragraphs(command.epilog)
    return "\n\n".join([*parts, options.getvalue()])


def _paragraphs(text: str) -> Iterator[str]:
    """The help text; click marks paragraphs whose lines are kept with a backspace."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        example = re.fullmatch(r"Examples?:\s+(.*)", paragraph, re.DOTALL)
        if example is not None:
            yield _code(example[1])
        elif paragraph.startswith("\b"):
            yield _code(paragraph.removeprefix("\b").strip("\n"))
        else:
            yield _escaped(paragraph)


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


def _escaped(text: str) -> str:
    """Plain text as Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
