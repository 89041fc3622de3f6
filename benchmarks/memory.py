"""Peak memory of an upload, for several part sizes and worker counts, to ``rclone serve s3`` on the loopback.

``python benchmarks/memory.py [--size 2GiB]``

The peak is the kernel's (ru_maxrss of the uploading process), so it has the interpreter and every import in it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kills import make_file
from relay import Relay

from partway.cli.units import format_size, parse_size

CASES = [("5MiB", 4), ("16MiB", 4), ("512MiB", 4), ("5MiB", 32)]


def peak(command: list[str], environment: dict[str, str]) -> int:
    """The process's peak resident memory in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"exit code {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss * 1024


def main() -> None:
    """One line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=parse_size, default=parse_size("2GiB"))
    wish = parser.parse_args()
    rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "root" / "bucket").mkdir(parents=True)
        make_file(folder / "file.bin", wish.size)
        make_file(folder / "small.bin", 1024)
        probe = Relay()
        server = subprocess.Popen(
            [
                rclone,
                "serve",
                "s3",
                "--addr",
                f"127.0.0.1:{probe.inner_port}",
                "--auth-key",
                "test,testtest",
                str(folder / "root"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        probe.wait_for_server()
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "testtest",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "PARTWAY_STATE_DIR": str(folder / "state"),
        }
        base = [sys.executable, "-m", "partway.cli.main", "upload", "--quiet"]
        base += ["--endpoint-url", f"http://127.0.0.1:{probe.inner_port}"]
        try:
            small = peak([*base, str(folder / "small.bin"), "s3://bucket/small"], environment)
            print(f"1 KiB, one PutObject: peak {format_size(small)}", flush=True)
            for part_size, workers in CASES:
                used = peak(
                    [*base, str(folder / "file.bin"), "s3://bucket/file", "-p", part_size, "-c", str(workers)],
                    environment,
                )
                print(
                    f"{format_size(wish.size)}, parts of {part_size}, {workers} workers: peak {format_size(used)}",
                    flush=True,
                )
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
