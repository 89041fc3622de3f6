"""The lock on one upload: a lock file whose name is derived from the upload's source and destination."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import StateLocked, state_error
from . import file_lock


def lock_path(folder: Path, source: str, endpoint: str, bucket: str, key: str) -> Path:
    """The lock file of one upload: equal source and destination give an equal path."""
    name = "\0".join((source, endpoint, bucket, key)).encode("utf-8", "surrogatepass")
    return folder / f"{hashlib.sha256(name).hexdigest()[:32]}.lock"


@contextmanager
def acquire(path: Path, *, wait: float) -> Iterator[None]:
    """Hold the lock while the block runs; the file is removed afterwards.

    wait: seconds to wait for another process to release it.

    Raises:
        StateLocked: another process holds it.
        StateError: the directory or the file cannot be written.
        LocksUnsupported: the filesystem has no file locks.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(file_lock.acquire(path, wait=wait))
        except StateLocked:
            raise StateLocked("another partway process is working on this upload") from None
        except OSError as error:
            raise state_error(f"cannot write the lock file {path}", error) from error
        yield
