"""Fixtures: files, a strict S3, and three servers that others wrote.  All of them listen on the loopback only."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.request import Request, urlopen

import pytest
from hypothesis import HealthCheck, settings

from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.service_files import read_service_files_once
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.servers.rclone import rclone
from tests.support.servers.seaweed import make_bucket, seaweed
from tests.support.shell.command import Shell
from tests.support.shell.forked import fork_server
from tests.support.shell.interrupted import make_source

KIB = 1024

read_service_files_once()

# The same examples in every run, and no clock over them; ``--hypothesis-profile=new`` looks for others.
settings.register_profile("new", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("new"), derandomize=True, database=None)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def no_ignored_signals() -> None:
    """Processes that tests start hear the signals that tests send: nohup and ``&`` would have them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def commands_end_with_the_tests() -> Iterator[None]:
    """The process whose forks are the commands of all tests ends after the last of them."""
    yield
    fork_server.close()


@pytest.fixture(autouse=True)
def no_real_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the user's AWS settings, nor his state folder."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PARTWAY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("PARTWAY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """Make a file of ``size`` random bytes, the same for the same seed."""

    def make(size: int, name: str = "source.bin", seed: int = 1) -> Path:
        path = tmp_path / name
        path.write_bytes(Random(seed).randbytes(size))
        return path

    return make


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictS3]:
    """A strict S3 with parts of 64 KiB or more, that this process's credentials fit."""
    with StrictS3(S3Model(min_part_size=64 * KIB)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def backend(strict: StrictS3) -> Iterator[S3Backend]:
    """The boto3 backend on the strict S3."""
    backend = S3Backend(S3Config(endpoint_url=strict.url))
    yield backend
    backend.close()


@pytest.fixture
def server() -> Iterator[StrictS3]:
    """A strict S3 with S3's own limits."""
    with StrictS3() as server:
        yield server


@pytest.fixture
def shell(server: StrictS3, tmp_path: Path) -> Shell:
    """A folder with a file of several parts."""
    shell = Shell(tmp_path, server)
    make_source(shell)
    return shell


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts, and the strict S3."""
    return Uploading(path=make_file(5 * PART + 10), backend=backend, endpoint=backend.endpoint)


@pytest.fixture
def hasty(backend: S3Backend) -> Iterator[S3Backend]:
    """A backend that does not wait: for calls that nobody answers, and for no others."""
    hasty = S3Backend(replace(backend.config, send_timeout=0.3, answer_timeout=0.3))
    yield hasty
    hasty.close()


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """moto's S3 over real HTTP, with a bucket named bucket."""
    process = subprocess.Popen(
        [sys.executable, "-m", "partway.cli.demo.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"S3_UPLOAD_PART_MIN_SIZE": str(64 * KIB)},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        urlopen(Request(f"{url}/bucket", method="PUT")).close()
        yield url
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def rclone_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``rclone serve s3``, with a bucket named bucket and the key ``test`` / ``testtest``."""
    folder = tmp_path_factory.mktemp("rclone")
    (folder / "bucket").mkdir()
    with rclone(folder) as url:
        yield url


@pytest.fixture(scope="session")
def seaweed_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SeaweedFS's S3, with a bucket named bucket and the key ``test`` / ``testtest``."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as url:
        make_bucket(url)
        yield url
