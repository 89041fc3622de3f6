"""boto3's uploads, resumable: the names of ``boto3.s3.transfer``, with the same arguments and errors.

``install()`` gives all boto3 clients of this process resumable uploads, and ``uninstall()`` takes them back.  Downloads
and copies are boto3's own.  docs/python.md says what differs.

boto3 is imported when a name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._config import TransferConfig
    from ._install import install, uninstall
    from ._manager import TransferManager, create_transfer_manager
    from ._methods import S3Transfer, upload_file, upload_fileobj

__all__ = [
    "S3Transfer",
    "TransferConfig",
    "TransferManager",
    "create_transfer_manager",
    "install",
    "uninstall",
    "upload_file",
    "upload_fileobj",
]

_HOMES = {
    "S3Transfer": "_methods",
    "TransferConfig": "_config",
    "TransferManager": "_manager",
    "create_transfer_manager": "_manager",
    "install": "_install",
    "uninstall": "_install",
    "upload_file": "_methods",
    "upload_fileobj": "_methods",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
