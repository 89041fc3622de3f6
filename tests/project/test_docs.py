"""The pages are correct: their commands parse, their tables match the code, and the picture needs no fonts."""

import ast
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from docs import hooks
from partway.cli.main import cli
from partway.cli.runtime import exit_codes
from tests.support.pages import events
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
NAMES = "|".join(cli.list_commands(click.Context(cli)))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(rf"\bpartway (?:{NAMES})\b[^|;>#\n]*")


def commands_of(page: Path) -> list[str]:
    """The partway commands in the page's blocks, without what follows a pipe or a redirection."""
    found: list[str] = []
    for language, block in _BLOCK.findall(page.read_text()):
        if language not in ("", "sh", "ini"):
            continue
        found += [match[0].partition("&&")[0].strip() for match in _COMMAND.finditer(block)]
    return found


@pytest.mark.parametrize(("page", "line"), [(page.name, line) for page in PAGES for line in commands_of(page)])
def test_every_command_parses(page: str, line: str) -> None:
    """Command, arguments and options of each example, those of cron and systemd too."""
    words = shlex.split(line)
    command = cli.get_command(click.Context(cli), words[1])

    assert command is not None
    command.make_context(words[1], words[2:], resilient_parsing=False)


def test_there_are_commands() -> None:
    """The test above sees cron's and systemd's lines."""
    found = commands_of(DOCS / "scripting.md")

    assert sum("/var/log/partway/backup.log" in line for line in found) == 2
    assert sum(line.startswith("partway resume --all --quiet") for line in found) == 2


def test_the_page_of_events_is_fresh() -> None:
    """Every event and every field, as the code has them."""
    assert (DOCS / "events.md").read_text() == events.page(), (
        "run: python -m tests.support.pages.events > docs/events.md"
    )


def test_every_exit_code_is_told() -> None:
    """The table has the codes that the code has."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", (DOCS / "scripting.md").read_text(), re.MULTILINE)}

    assert told == {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}


def test_every_field_of_json_is_told(server: StrictS3, shell: Shell) -> None:
    """The page has every field that list, show and verify print."""
    (shell.folder / "many").mkdir()
    (shell.folder / "many" / "a").write_bytes(b"x")
    shell.run("upload", "-r", "many", "s3://bucket/")
    shell.run("upload", "source.bin", "s3://bucket/key", "-p", "5MiB")
    listed = shell.run("list", "--all", "--json").events
    (id,) = [row["upload"] for row in listed if "upload" in row]
    rows = [
        *listed,
        *shell.run("show", id, "--json").events,
        *shell.run("verify", "source.bin", "s3://bucket/key", "--json").events,
    ]

    page = (DOCS / "scripting.md").read_text()
    assert len(rows) == 4
    assert {name for row in rows for name in row if f"`{name}`" not in page} == set()


def texts_of_the_code() -> list[str]:
    """Every string in the code, and the fixed pieces of those with variables."""
    paths = [path for folder in ("api", "cli", "engine", "state") for path in (DOCS.parent / folder).rglob("*.py")]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text())))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


@pytest.mark.parametrize("page", ["troubleshooting.md", "proxies.md"])
def test_every_error_sentence_is_real(page: str) -> None:
    """The errors in the blocks are those of the code: each piece between ellipses and semicolons."""
    blocks = re.findall(r"```text\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    pieces = {piece.strip() for piece in re.split("…|;|\n", "\n".join(blocks))} - {""}
    code = texts_of_the_code()

    assert len(pieces) > 2
    assert {piece for piece in pieces if not any(piece in text for text in code)} == set()


def test_every_option_is_in_the_reference() -> None:
    """Each command has a page with all its visible options."""
    context = click.Context(cli)
    pages = hooks.pages()

    assert list(pages) == cli.list_commands(context)
    for name, page in pages.items():
        command = cli.get_command(context, name)
        assert command is not None
        shown = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
        assert [option.name for option in shown if option.opts[-1] not in page] == []


def test_every_variable_is_told() -> None:
    """The page of environment variables has those that the code names."""
    page = (DOCS / "environment.md").read_text()
    named = {text for text in texts_of_the_code() if re.fullmatch(r"(AWS|PARTWAY)_[A-Z0-9_]*[A-Z0-9]", text)}

    assert len(named) > 10
    assert {name for name in named if f"`{name}`" not in page} == set()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """With the program where the installation page puts it."""
    text = (DOCS / "scripting.md").read_text()
    units = dict(re.findall(r"`/etc/systemd/system/([\w.-]+)`[^`]*:\n\n```ini\n(.*?)```", text, re.DOTALL))
    assert len(units) == 3 and "/usr/local/bin/partway" in (DOCS / "install.md").read_text()
    for name, unit in units.items():
        (tmp_path / name).write_text(unit.replace("/usr/local/bin/partway", "/bin/true"))

    checked = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name in units)], capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_link_to_a_page_leads_somewhere() -> None:
    """Those of the decisions too; some pages exist only in the site."""
    made = {DOCS / "decisions" / "index.md", *(DOCS / "commands" / f"{name}.md" for name in hooks.pages())}
    links = [
        page.parent / link
        for page in (*PAGES, *(DOCS / "decisions").glob("*.md"))
        for link in re.findall(r"\]\(([\w./-]+\.md)", page.read_text())
    ]

    assert len(links) > 40
    assert [link for link in links if link not in made and not link.exists()] == []


def test_decisions_are_numbered() -> None:
    """From 1, without a gap, and the title has the number of the file."""
    paths = sorted((DOCS / "decisions").glob("0*.md"))
    titles = [re.match(r"# (\d+)[.:] ", path.read_text()) for path in paths]

    assert [int(path.name[:4]) for path in paths] == list(range(1, len(paths) + 1))
    assert [int(title[1]) for title in titles if title] == list(range(1, len(paths) + 1))


def test_the_picture_fetches_nothing() -> None:
    """No font and no image comes from elsewhere."""
    picture = (DOCS / "picture.svg").read_text()

    assert "url(http" not in picture and "<image" not in picture
    assert "@font-face" not in picture
