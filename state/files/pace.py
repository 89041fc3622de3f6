"""Requests for another pace as files beside the snapshots: ``partway pace`` writes them, the run reads them."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..live import PaceRequest

SUFFIX = ".pace"
_LONGEST = 4096  # bytes


def write(folder: Path, id: str, request: PaceRequest) -> None:
    """Replace the request as a whole, so that a reader never sees half of it; the file has mode 0600.

    Raises:
        OSError
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f"{id}.{os.getpid()}{SUFFIX}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(request), file)
        temporary.replace(folder / f"{id}{SUFFIX}")
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def read(folder: Path, id: str) -> PaceRequest | None:
    """The request; None when there is none, or none that this version knows.

    Raises:
        OSError
    """
    try:
        with (folder / f"{id}{SUFFIX}").open(encoding="utf-8") as file:
            values = json.loads(file.read(_LONGEST))
        request = PaceRequest(**values)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    is_known = isinstance(request.bandwidth, str | None) and isinstance(request.concurrency, int | None)
    return request if is_known and (request.concurrency is None or request.concurrency > 0) else None


def remove(folder: Path, id: str) -> None:
    """Withdraw the request.

    Raises:
        OSError
    """
    (folder / f"{id}{SUFFIX}").unlink(missing_ok=True)
