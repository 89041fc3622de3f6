"""The description of S3 that comes with botocore, read once for all the clients of a process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import JSONFileLoader

from partway.engine.s3.session import _Files

DATA = str(Path(botocore.__file__).parent / "data")


def read_service_files_once() -> None:
    """Keep what was read from botocore's files: half of the time of a client goes into reading them again.

    The clients of a session share the description, too; nothing changes it.
    """
    JSONFileLoader.load_file = _kept(JSONFileLoader.load_file)  # type: ignore[method-assign,assignment]
    _Files.load_file = _kept(_Files.load_file)  # type: ignore[method-assign,assignment]


def _kept(load_file: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    known: dict[str, Any] = {}

    def load(loader: Any, path: str) -> Any:
        if not path.startswith(DATA):
            return load_file(loader, path)
        if path not in known:
            known[path] = load_file(loader, path)
        return known[path]

    return load
