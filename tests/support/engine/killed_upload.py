"""An upload that kills its own process with SIGKILL at a chosen moment, as a power cut would.

``python -m tests.support.engine.killed_upload '{"path": .., "url": .., "state": .., "moment": ...}'``
A moment is ``object.method:before|after:count``: at the count-th call (1-based) of the method on the store or the
backend, before it runs or after it returned.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, cast

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.target import Target
from partway.engine.limits import S3Limits
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.upload.file import upload_file
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore

PART_SIZE = 64 * 1024
CONCURRENCY = 2
LIMITS = S3Limits(min_part_size=PART_SIZE)


class Deadly:
    """Passes calls on to another object, and kills the process at one of them."""

    def __init__(self, inner: object, name: str, moment: str) -> None:
        method, when, count = moment.removeprefix(f"{name}.").split(":")
        self._inner = inner
        self._method = method if moment.startswith(f"{name}.") else None
        self._when = when
        self._left = int(count)
        self._lock = threading.Lock()

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._inner, method)
        if method != self._method:
            return attribute

        def deadly(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._left -= 1
                now = self._left == 0
            if now and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = attribute(*args, **kwargs)
            if now:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return deadly


def settings() -> UploadSettings:
    """Small parts, so that a small file has several."""
    return UploadSettings(part_size=PART_SIZE, limits=LIMITS, concurrency=CONCURRENCY)


def main() -> None:
    """Upload until killed."""
    wish = json.loads(sys.argv[1])
    backend = S3Backend(S3Config(endpoint_url=wish["url"]))
    store = SqliteStore(Path(wish["state"]))
    upload_file(
        wish["path"],
        Target(bucket="bucket", key="key", endpoint=backend.endpoint),
        EngineContext(
            backend=cast(MultipartBackend, Deadly(backend, "backend", wish["moment"])),
            store=cast(StateStore, Deadly(store, "store", wish["moment"])),
            settings=settings(),
        ),
    )


if __name__ == "__main__":
    main()
