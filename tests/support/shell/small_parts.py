"""The ``partway`` command with parts from 16 KiB and short waits: small files have many parts, and stories are quick.

``python -m tests.support.shell.small_parts upload ...`` is the command itself.  ``... --serve`` starts it again and
again, as forks of one process that has everything imported: a command a line on stdin, what became of it on stdout.
"""

import json
import os
import select
import signal
import sys
from functools import partial
from typing import Any

import partway.cli.options.shared as options
from partway.cli.main import main
from partway.engine.limits import S3Limits
from partway.engine.retry.policy import RetryPolicy

PART_SIZE = 16 * 1024


def make_small() -> None:
    """Have the command accept small parts and wait shortly."""
    options.AWS = S3Limits(min_part_size=PART_SIZE)  # type: ignore[attr-defined]
    quick = partial(RetryPolicy, attempts=5, first_wait=0.01, max_wait=0.2)
    options.RetryPolicy = quick  # type: ignore[assignment,attr-defined]


def serve() -> None:
    """Fork for every line of stdin until it ends.

    Answers are lines, too: ``{"pid": ..}`` at a start, ``{"pid": .., "code": ..}`` at an end.
    """
    _warm_up()
    orders, answers = os.dup(0), os.dup(1)
    running: set[int] = set()
    buffer = b""
    while True:
        ready, _, _ = select.select([orders], [], [], 0.005)
        if ready:
            got = os.read(orders, 65536)
            if not got:
                break
            *lines, buffer = (buffer + got).split(b"\n")
            for line in lines:
                pid = _start(json.loads(line))
                running.add(pid)
                os.write(answers, json.dumps({"pid": pid}).encode() + b"\n")
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.discard(pid)
                code = os.waitstatus_to_exitcode(status)
                os.write(answers, json.dumps({"pid": pid, "code": code}).encode() + b"\n")
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.environ.clear()
    os.environ.update(order["variables"])
    for number, (path, flags) in enumerate(
        [(os.devnull, os.O_RDONLY), (order["out"], os.O_WRONLY | os.O_CREAT), (order["err"], os.O_WRONLY | os.O_CREAT)]
    ):
        os.dup2(os.open(path, flags, 0o600), number)
    os.closerange(3, 64)
    os.chdir(order["folder"])
    sys.stdout, sys.stderr = os.fdopen(1, "w", encoding="utf-8"), os.fdopen(2, "w", encoding="utf-8")
    sys.argv = ["partway", *order["arguments"]]
    main()
    raise AssertionError("main() ends the process")


def _warm_up() -> None:
    """Import and read what every command needs."""
    import partway.engine.s3.backend
    import partway.state.sqlite.store
    from partway.engine.s3.backend import S3Backend, S3Config
    from tests.support.engine.service_files import read_service_files_once

    read_service_files_once()
    backend = S3Backend(S3Config(endpoint_url="http://127.0.0.1:9", region="us-east-1"))
    _ = backend.endpoint
    backend.close()
    assert partway.engine.s3 and partway.state.sqlite


if __name__ == "__main__":
    make_small()
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        main()
