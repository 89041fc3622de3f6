"""The examples of docs/python.md run as they stand."""

import re
from pathlib import Path

import pytest

from partway.transfer import uninstall
from tests.support.s3_server.server import StrictS3

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGE = "docs/python.md"
EXAMPLES = BLOCK.findall((ROOT / PAGE).read_text())


@pytest.mark.parametrize("code", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_an_example(strict: StrictS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Against a server, in a directory with the files that it names."""
    strict.model.create_bucket("my-bucket")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    (tmp_path / "video.mkv").write_bytes(bytes(1000))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")

    try:
        exec(compile(code, PAGE, "exec"), {"__name__": "example"})
    finally:
        uninstall()

    assert strict.calls or "missing" in code
