"""Proxies of the environment: which is used, which cannot be, and whose fault it is when nothing is reached."""

import os
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.aws_config.proxies import find_proxies
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import Refused, Transient
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import Uploading
from tests.support.s3_server.server import StrictS3
from tests.support.servers.process import free_ports

CRC = ChecksumAlgorithm.CRC64NVME
PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable about proxies."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("endpoint", "used"),
    [(None, True), ("https://s3.example", True), ("http://s3.example", False), ("https://10.1.2.3:9000", True)],
)
def test_the_proxy_of_the_scheme_is_used(monkeypatch: pytest.MonkeyPatch, endpoint: str | None, used: bool) -> None:
    """AWS's own endpoint has https."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)

    assert find_proxies(endpoint) == ({"https": PROXY} if used else {})


@pytest.mark.parametrize("value", ["proxy.example:3128", "//proxy.example:3128", "HTTP://proxy.example:3128", PROXY])
def test_a_proxy_may_be_written_without_its_scheme(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """As curl has it."""
    monkeypatch.setenv("https_proxy", value)

    assert find_proxies("https://s3.example") == {"https": PROXY}


@pytest.mark.parametrize(
    ("endpoint", "no_proxy", "direct"),
    [
        ("https://10.1.2.3:9000", "10.0.0.0/8", True),
        ("https://10.1.2.3:9000", "localhost, 10.1.0.0/16 ,x", True),
        ("https://10.1.2.3:9000", "10.1.2.7/8", True),
        ("https://10.1.2.3:9000", "192.168.0.0/16", False),
        ("https://10.1.2.3:9000", "10.1.2.3", True),
        ("https://[fd00::1]:9000", "fd00::/8", True),
        ("https://[fd00::1]:9000", "[fd00::1]", True),
        ("https://[fd00::1]:9000", "fe80::/10", False),
        ("https://s3.example", "10.0.0.0/8", False),
        ("https://s3.example", "example", True),
        ("https://s3.example", ".example,10.0.0.0/99", True),
        ("https://s3.example", "*", True),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, endpoint: str, no_proxy: str, direct: bool) -> None:
    """Names, addresses and networks."""
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert (find_proxies(endpoint) == {}) is direct


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            "socks5://user:secret@proxy:1080",
            "HTTPS_PROXY names a socks5:// proxy, which is not supported; use an http://",
        ),
        ("socks5h://proxy:1080", "a socks5h:// proxy"),
        ("ftp://proxy", "a ftp:// proxy"),
        ("http://user:secret@proxy:port", "HTTPS_PROXY is not a valid proxy address; use one like http://host:3128"),
        ("http://", "not a valid proxy address"),
        ("http://a b:3128", "not a valid proxy address"),
        ("proxy:99999", "not a valid proxy address"),
    ],
)
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, strict: StrictS3, value: str, words: str) -> None:
    """One sentence at once, which names the variable and no password."""
    monkeypatch.setenv("HTTPS_PROXY", value)

    with pytest.raises(Refused) as refused:
        _ = S3Backend(S3Config(endpoint_url="https://s3.example", region="us-east-1")).endpoint

    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
    assert exit_code(refused.value) == FAILED


def test_a_proxy_that_is_not_used_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint is in NO_PROXY."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1080")
    monkeypatch.setenv("NO_PROXY", "s3.example")

    assert find_proxies("https://s3.example") == {}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_reached_is_called_one(
    monkeypatch: pytest.MonkeyPatch, strict: StrictS3, scheme: str
) -> None:
    """It may come back, so that running again may help."""
    (port,) = free_ports(1)
    monkeypatch.setenv(f"{scheme}_proxy", f"http://user:secret@127.0.0.1:{port}")
    backend = S3Backend(S3Config(endpoint_url=f"{scheme}://s3.example", region="us-east-1"))
    try:
        with pytest.raises(Transient) as caught:
            backend.head_object(Target(bucket="bucket", key="key"), CRC)
    finally:
        backend.close()

    sentence = "connection refused; check the proxy, or list the host in NO_PROXY"
    assert str(caught.value) == f"cannot reach the proxy http://127.0.0.1:{port}: {sentence}"
    assert caught.value.unreachable
    assert exit_code(caught.value) == INCOMPLETE


def test_an_endpoint_in_a_network_of_no_proxy_is_reached(
    monkeypatch: pytest.MonkeyPatch, strict: StrictS3, backend: S3Backend, tmp_path: Path
) -> None:
    """Past the proxy, which is not there."""
    (port,) = free_ports(1)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "127.0.0.0/8")
    (tmp_path / "file").write_bytes(b"x")
    uploading = Uploading(path=tmp_path / "file", backend=backend, endpoint=strict.url)

    assert uploading.run().proof == "crc64nvme"
