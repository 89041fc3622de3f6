"""The claim on one upload: an operating-system lock on a file, which dies with the process that holds it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import StateError, StateLocked


def claim_path(folder: Path, source: str, endpoint: str, bucket: str, key: str) -> Path:
    """The lock file of one upload: the same source to the same target always has the same name."""
    name = "\0".join((source, endpoint, bucket, key)).encode("utf-8", "surrogatepass")
    return folder / f"{hashlib.sha256(name).hexdigest()[:32]}.lock"


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock file while the block runs.  The file stays afterwards: removing it would race with others.

    Raises:
        StateLocked: another process holds it; this returns at once and does not wait.
        StateError: the folder or the file cannot be written.
    """
    lock = FileLock(path, mode=0o600, blocking=False, thread_local=False)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise StateLocked("another partway process is working on this upload") from None
    except OSError as error:
        raise StateError(f"cannot write the lock file {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
