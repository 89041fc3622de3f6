"""progress=True: bars in a terminal and in Jupyter."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from partway import Client
from partway._run.bars import Bars
from partway.errors import SourceError
from tests.support.engine.upload_case import PART
from tests.support.s3_server.server import StrictS3


@pytest.fixture
def screen(client: Client) -> io.StringIO:
    """A terminal on which the client's bars are drawn."""
    text = io.StringIO()
    client._bars = Bars(Console(file=text, force_terminal=True, width=100, color_system=None))
    return text


def last(screen: io.StringIO) -> str:
    """What the bars look like at the end."""
    return screen.getvalue().replace("\r", "\n").rpartition("\x1b[2K")[2]


def test_a_file(client: Client, strict: StrictS3, screen: io.StringIO, tmp_path: Path) -> None:
    """Its name, and all of its bytes at the end."""
    (tmp_path / "[bold]film.mkv").write_bytes(os.urandom(3 * PART))
    client.upload(tmp_path / "[bold]film.mkv", "s3://bucket/key", progress=True)

    assert "[bold]film.mkv" in last(screen)
    assert f"{3 * PART // 1024}.0/{3 * PART // 1024}.0 KiB" in last(screen)


@pytest.mark.parametrize("source", [b"", b"x" * 1000])
def test_bytes(client: Client, strict: StrictS3, screen: io.StringIO, source: bytes) -> None:
    """By their destination; also no bytes at all end full."""
    client.upload(source, "s3://bucket/key", progress=True)

    size = max(1, len(source))
    assert "s3://bucket/key" in last(screen)
    assert f"{size:,}/{size:,} byte" in last(screen)


def test_a_directory(client: Client, strict: StrictS3, screen: io.StringIO, tmp_path: Path) -> None:
    """One bar for all of its files."""
    (tmp_path / "many").mkdir()
    for name, size in {"a": 100, "b": 200, "c": 2 * PART}.items():
        (tmp_path / "many" / name).write_bytes(os.urandom(size))
    client.upload(tmp_path / "many", "s3://bucket/x/", recursive=True, progress=True)

    assert last(screen).count("s3://bucket/x/") == 1
    assert "128.3/128.3 KiB" in last(screen)


def test_several_at_once_share_the_screen(client: Client, strict: StrictS3, screen: io.StringIO) -> None:
    """A line for each; one without has none."""
    futures = [client.submit(b"x" * 1000, f"s3://bucket/{name}", progress=name != "c") for name in "abc"]
    for future in futures:
        future.result()

    assert "s3://bucket/a" in screen.getvalue() and "s3://bucket/b" in screen.getvalue()
    assert "s3://bucket/c" not in screen.getvalue()


def test_the_cursor_comes_back(client: Client, strict: StrictS3, screen: io.StringIO) -> None:
    """Also after an error, and the next upload has bars again."""
    with pytest.raises(SourceError):
        client.upload("/none", "s3://bucket/key", progress=True)
    client.upload(b"x", "s3://bucket/key", progress=True)

    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h") == 2


def test_nothing_where_there_is_no_terminal(
    client: Client, strict: StrictS3, capfd: pytest.CaptureFixture[str]
) -> None:
    """A log file is not filled with bars."""
    client.upload(b"x", "s3://bucket/key", progress=True)

    assert capfd.readouterr() == ("", "")
