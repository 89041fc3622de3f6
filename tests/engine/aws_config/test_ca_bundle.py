"""Certificates that are trusted: a file that cannot be used is named at once, whatever names it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, exit_code
from partway.engine.aws_config.ca_bundle import find_bundle
from partway.engine.errors import Refused
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import Uploading
from tests.support.s3_server.server import StrictS3

Name = Callable[[str], S3Config]


@pytest.fixture(params=["--ca-bundle", "AWS_CA_BUNDLE", "ca_bundle in ", "REQUESTS_CA_BUNDLE"])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, strict: StrictS3) -> Name:
    """Name a file of certificates in one of the ways; ``strict`` has the credentials."""
    source = request.param

    def named(path: str) -> S3Config:
        config = S3Config(endpoint_url="https://s3.example", region="us-east-1", verify=path)
        if source == "--ca-bundle":
            return config
        if source == "ca_bundle in ":
            (tmp_path / "config").write_text(f"[default]\nca_bundle = {path}\n")
            monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        else:
            monkeypatch.setenv(source, path)
        return S3Config(endpoint_url="https://s3.example", region="us-east-1")

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    named.__name__ = source
    return named


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "no such file or directory"),
        ("a directory", "it is a directory; use a file"),
        ("no PEM", "it contains no certificates in PEM format"),
        ("empty", "it contains no certificates in PEM format"),
    ],
)
def test_a_file_that_cannot_be_used(name: Name, tmp_path: Path, kind: str, words: str) -> None:
    """Before anything is sent; connecting would fail for ever, and nobody would know why."""
    path = tmp_path / "bundle"
    if kind == "a directory":
        path.mkdir()
    elif kind != "missing":
        path.write_text("x" if kind == "no PEM" else "")
    backend = S3Backend(name(str(path)))

    with pytest.raises(Refused) as refused:
        _ = backend.endpoint
    backend.close()

    assert str(refused.value).startswith(f"the certificates in {path} ({name.__name__}")
    assert str(refused.value).endswith(f" cannot be used: {words}")
    assert exit_code(refused.value) == FAILED


def test_the_order_is_the_sdks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command, its variable, the profile, and what requests reads; empty ones count as not set."""
    with StrictS3(tls=True) as server:
        assert server.ca_file is not None
        pem = server.ca_file.read_bytes()
    paths = [str(tmp_path / each) for each in "abcd"]
    for path in paths:
        Path(path).write_bytes(pem)
    command, variable, profile, requests = paths
    monkeypatch.setenv("AWS_CA_BUNDLE", variable)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests)

    assert find_bundle(command, {"ca_bundle": profile}) == command
    assert find_bundle(None, {"ca_bundle": profile}) == variable
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    assert find_bundle(None, {"ca_bundle": profile}) == profile
    assert find_bundle(None, {}) == requests
    os.environ.pop("REQUESTS_CA_BUNDLE")
    assert find_bundle(None, {}) is True
    assert find_bundle(False, {"ca_bundle": profile}) is False


def test_a_good_file_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the variable."""
    (tmp_path / "file").write_bytes(b"x")
    with StrictS3(tls=True) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        backend = S3Backend(S3Config())
        uploading = Uploading(path=tmp_path / "file", backend=backend, endpoint=server.url)
        done = uploading.run()
        backend.close()

    assert done.proof == "crc64nvme"


def test_without_tls_no_file_is_read(
    monkeypatch: pytest.MonkeyPatch, strict: StrictS3, backend: S3Backend, tmp_path: Path
) -> None:
    """It cannot be what fails."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/none")
    (tmp_path / "file").write_bytes(b"x")
    uploading = Uploading(path=tmp_path / "file", backend=backend, endpoint=strict.url)

    assert uploading.run().proof == "crc64nvme"
