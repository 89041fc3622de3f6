"""Content types by a name's ending: one table for every machine, which loses nothing that Python knows."""

import mimetypes
import subprocess
import sys

import pytest

from partway.engine.backend import content_types
from partway.engine.backend.content_types import content_type
from partway.engine.backend.target import ObjectOptions
from partway.engine.run.stored_options import with_content_type

# What aws says in the same place differs, as docs/coming-from.md tells.
OTHER_THAN_PYTHON = {
    "3g2",
    "3gp",
    "3gpp",
    "3gpp2",
    "ass",
    "js",
    "mjs",
    "obj",
    "rdf",
    "rst",
    "srt",
    "vcf",
    "wsdl",
    "xml",
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.woff2", "font/woff2"),
        ("a.webp", "image/webp"),
        ("a.md", "text/markdown"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.mkv", "video/x-matroska"),
        ("a.7z", "application/x-7z-compressed"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.mjs", "text/javascript"),
        ("a.wasm", "application/wasm"),
        ("a.JPG", "image/jpeg"),
        ("some.folder/a.b.tar.gz", "application/gzip"),
        ("dump.sql.zst", "application/zstd"),
        ("dump.sql", "application/sql"),
        ("/etc/rc.d/name", None),
        ("name", None),
        (".md", None),
        ("a.", None),
        ("a.unknown", None),
        ("a.md/", None),
        ("caf\udce9.png", "image/png"),
        ("", None),
    ],
)
def test_the_last_ending_counts(name: str, kind: str | None) -> None:
    """In upper or lower case; a name without one has no type."""
    assert content_type(name) == kind


def test_the_machine_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither /etc/mime.types nor Python's own table changes a type."""
    mimetypes.init()
    for ending in (".md", ".unheard"):
        monkeypatch.setitem(mimetypes.types_map, ending, "text/other")

    assert mimetypes.guess_type("a.md")[0] == "text/other"
    assert (content_type("a.md"), content_type("a.unheard")) == ("text/markdown", None)


def test_no_ending_that_python_knows_is_lost() -> None:
    """What had a type on every machine has one still, the same but for a documented few."""
    pythons = {ending[1:]: kind for ending, kind in mimetypes.MimeTypes(filenames=()).types_map[True].items()}
    lost = {ending for ending in pythons if content_type(f"a.{ending}") is None}
    other = {ending for ending, kind in pythons.items() if content_type(f"a.{ending}") not in (kind, None)}

    assert other <= OTHER_THAN_PYTHON
    if sys.version_info < (3, 14):
        assert lost == set()


def test_no_ending_is_there_twice() -> None:
    """The table is sorted, and says one thing of each ending."""
    lines = content_types._TYPES.strip().splitlines()
    endings = [ending for line in lines for ending in line.split()[1:]]

    assert sorted(lines) == lines
    assert len(set(endings)) == len(endings)
    assert all(ending == ending.lower() for ending in endings)


def test_a_type_that_was_named_stays() -> None:
    """--content-type wins."""
    named = ObjectOptions(content_type="text/x-mine")

    assert with_content_type(named, "a.png") == named
    assert with_content_type(ObjectOptions(), "a.png").content_type == "image/png"


def test_no_file_of_the_machine_is_read() -> None:
    """Start-up does not parse /etc/mime.types: Python's module is not even imported."""
    program = "import sys, partway.engine.run.stored_options as o; print('mimetypes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)

    assert done.stdout == "False\n"
