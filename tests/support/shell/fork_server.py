"""Runs the ``partway`` command as forks of one process that has everything imported.

Most of what a command costs is the import of boto3.  A fork is a process like any other, with signals, files, directory
and environment of its own; it only starts later, in ``partway.cli.main.main``.  ``forked.py`` is the other side.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import TextIO


def serve(control: socket.socket) -> None:
    """Fork for every byte that comes, and return in the fork, where the order came with; exit when no more can come.

    With the byte come four file descriptors: the fork's standard input, output and error, and a socket.  The socket
    has the order as a line; the answers, lines too, are the pid, and each status as ``waitpid`` has it.
    """
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    answers: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report(answers)
        if control.fileno() not in ready:
            continue
        order, descriptors, _, _ = socket.recv_fds(control, 1, 4)
        if not order:
            break
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            control.close()
            for descriptor in (woken, wake, *answers.values()):
                os.close(descriptor)
            _become(descriptors)
            return
        *files, answers[pid] = descriptors
        for descriptor in files:
            os.close(descriptor)
        _answer(answers[pid], pid)
    for pid in answers:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _report(answers: dict[int, int]) -> None:
    """Tell of every process that ended or was stopped."""
    while answers:
        pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        if not pid:
            break
        _answer(answers[pid], status)
        if not os.WIFSTOPPED(status):
            os.close(answers.pop(pid))


def _answer(descriptor: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the test has lost its interest
        os.write(descriptor, b"%d\n" % number)


def _become(descriptors: list[int]) -> None:
    """Have this process be as the order says."""
    with os.fdopen(descriptors[3]) as lines:
        order = json.loads(lines.readline())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, ignored in order["signals"]:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if ignored else default)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = _open_like(getattr(sys, name), number)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(order["variables"])
    os.chdir(order["folder"])
    sys.path[0] = order["folder"]
    sys.argv[1:] = order["arguments"]


def _open_like(stream: TextIO, number: int) -> TextIO:
    """Open a descriptor in the way of this standard stream: whether it is a pipe is determined when it is opened."""
    opened = os.fdopen(number, "w" if number else "r", encoding=stream.encoding, errors=stream.errors, closefd=False)
    opened.reconfigure(line_buffering=number == 2)
    return opened


def import_everything() -> None:
    """Import and read what every command needs."""
    import partway.cli.main
    import partway.state.sqlite.store
    from partway.engine.s3.backend import S3Backend, S3Config
    from tests.support.engine.service_files import read_service_files_once

    for _, module in partway.cli.main._COMMANDS.values():
        __import__(module)
    read_service_files_once()
    backend = S3Backend(S3Config(endpoint_url="http://127.0.0.1:9", region="us-east-1"))
    _ = backend.endpoint
    backend.close()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest, which closes the socket
    import_everything()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from partway.cli.main import main

    main()
