"""Upload files to S3 in parts, and resume after any interruption.

The names in ``__all__`` and those of ``partway.transfer`` are public.  Everything else may change in any release,
including ``partway.engine``, ``partway.state`` and ``partway.cli``.

Each name is imported when first used, so ``import partway`` itself takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import aio, errors, events
    from ._client import Client
    from ._run.results import JobResult, UploadInfo, UploadResult
    from ._upload import open_writer, upload
    from .errors import PartwayError, RemoteError, SourceError, UploadCancelled, UploadFailed

__all__ = [
    "Client",
    "JobResult",
    "PartwayError",
    "RemoteError",
    "SourceError",
    "UploadCancelled",
    "UploadFailed",
    "UploadInfo",
    "UploadResult",
    "__version__",
    "aio",
    "errors",
    "events",
    "open_writer",
    "upload",
]

__version__ = "0.1.0"

# The module of each name; None: the name is a module itself.
_HOMES = {
    "Client": "_client",
    "JobResult": "_run.results",
    "PartwayError": "errors",
    "RemoteError": "errors",
    "SourceError": "errors",
    "UploadCancelled": "errors",
    "UploadFailed": "errors",
    "UploadInfo": "_run.results",
    "UploadResult": "_run.results",
    "aio": None,
    "errors": None,
    "events": None,
    "open_writer": "_upload",
    "upload": "_upload",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value: Any = import_module(f".{home or name}", __name__)
    if home is not None:
        value = getattr(value, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
