"""Names in every locale: equal bytes make equal keys, messages show the key, and no output fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from partway.cli.options.s3_uri import parse_target
from partway.cli.text import encoding
from partway.cli.text.escape import printable
from partway.engine.file_names import decode_name
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell

UTF8, LATIN1 = "grün.txt".encode(), "grün.txt".encode("latin-1")
# Python's ASCII mode, as a locale has that Python cannot turn into UTF-8.
ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture(scope="module")
def latin1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a locale whose encoding is ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locale")
    compiler = shutil.which("localedef")
    if compiler is None:
        pytest.skip("no localedef, which makes the locale")
    made = subprocess.run([compiler, "-i", "de_DE", "-f", "ISO-8859-1", folder / "de_DE.ISO-8859-1"], check=False)
    if made.returncode:
        pytest.skip("localedef has no sources of locales")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.ISO-8859-1"}


@pytest.fixture
def latin1_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are read as in an ISO-8859-1 locale."""
    monkeypatch.setattr(encoding, "locale_encoding", lambda: "iso8859-1")


def upload(shell: Shell, variables: dict[str, str], *words: str | bytes) -> Result:
    result = shell.run("upload", *words, variables=variables)
    assert result.code == 0, result
    assert "Traceback" not in result.err
    return result


def keys(server: StrictS3) -> list[str]:
    return sorted(key for _, key in server.model.objects)


@pytest.mark.parametrize("name", [UTF8, LATIN1])
def test_a_latin1_locale(shell: Shell, server: StrictS3, latin1: dict[str, str], name: bytes) -> None:
    """The key is the name decoded in this locale, in UTF-8; the message is in the locale's encoding."""
    (Path(os.fsdecode(bytes(shell.folder) + b"/" + name))).write_bytes(b"content")
    result = upload(shell, latin1, name, "s3://bucket/")

    assert keys(server) == ["grün.txt"]
    # The shell of the tests reads UTF-8 and keeps what is not.
    assert "grün.txt".encode("latin-1") in os.fsencode(result.out)
    assert "grün.txt".encode() not in os.fsencode(result.out)


def test_a_latin1_locale_names_the_key(shell: Shell, server: StrictS3, latin1: dict[str, str]) -> None:
    """A key typed in the locale's encoding has the same characters."""
    upload(shell, latin1, "source.bin", b"s3://bucket/" + LATIN1, "-p", "16MiB")

    assert keys(server) == ["grün.txt"]


def test_a_folder_in_a_latin1_locale(shell: Shell, server: StrictS3, latin1: dict[str, str]) -> None:
    """Files of both encodings in one folder have readable keys, with no --key-encoding."""
    folder = shell.folder / "some"
    folder.mkdir()
    (folder / "blau-ä.txt").write_bytes(b"1")
    (folder / os.fsdecode(LATIN1)).write_bytes(b"2")
    upload(shell, latin1, "-r", "some", "s3://bucket/p/")

    assert keys(server) == ["p/blau-ä.txt", "p/grün.txt"]


def test_the_state_is_the_same_in_every_locale(shell: Shell, server: StrictS3, latin1: dict[str, str]) -> None:
    """An upload started in one locale is found in another: the same path, the same key."""
    (shell.folder / "grün.bin").write_bytes(b"x" * 1000)
    upload(shell, latin1, "grün.bin".encode(), "s3://bucket/")
    listed = shell.run("list", "--all", "--json")

    assert "gr\\u00fcn.bin" in listed.out
    assert "\\u00c3" not in listed.out


@pytest.mark.parametrize("variables", [ASCII, {"LC_ALL": "C"}])
def test_a_locale_without_letters(shell: Shell, server: StrictS3, variables: dict[str, str]) -> None:
    """In the C locale a name in UTF-8 is that key, and the message never fails."""
    (shell.folder / "grün.txt").write_bytes(b"content")
    upload(shell, variables, UTF8, "s3://bucket/")

    assert keys(server) == ["grün.txt"]


@pytest.mark.parametrize("variables", [ASCII, {}])
def test_bytes_of_no_meaning_are_refused(shell: Shell, server: StrictS3, variables: dict[str, str]) -> None:
    """A name that is not UTF-8, in a locale without an encoding for it: an error, not a guess."""
    (Path(os.fsdecode(bytes(shell.folder) + b"/" + LATIN1))).write_bytes(b"content")
    result = shell.run("upload", LATIN1, "s3://bucket/", variables=variables)

    assert result.code == 2
    assert r"gr\xfcn.txt is not valid UTF-8" in result.err
    assert keys(server) == []


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_output_that_an_encoding_does_not_have(shell: Shell, server: StrictS3, encoding: str) -> None:
    """PYTHONIOENCODING is honoured, and other characters are escaped."""
    (shell.folder / "映画.txt").write_bytes(b"content")
    result = upload(shell, {"PYTHONIOENCODING": encoding}, "映画.txt", "s3://bucket/")

    assert ("映画.txt" if encoding == "utf-8" else "\\u6620\\u753b.txt") in result.out


def test_a_name_of_two_encodings() -> None:
    """Each path component is decoded separately: as UTF-8 if valid."""
    assert decode_name(os.fsdecode("ä/".encode() + LATIN1), "latin-1") == "ä/grün.txt"


def test_names_are_shown_as_their_key(latin1_names: None) -> None:
    """Names are printed like their keys."""
    name = os.fsdecode(LATIN1)

    assert printable(name) == "grün.txt"
    assert parse_target("s3://bucket/p/", f"/somewhere/{name}") == ("bucket", "p/grün.txt")
