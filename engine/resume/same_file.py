"""Recognize a file under another path: a symlinked directory, a second mount, another Unicode form, or a rename."""

import os
from dataclasses import replace

from partway.state.store import StateStore

from ..backend.target import Target
from ..source.identity import SourceIdentity
from .lock import locked


def under_stored_path(store: StateStore, source: SourceIdentity, target: Target) -> SourceIdentity:
    """The source under the path that an unfinished upload of it to this destination is stored with.

    The source is returned unchanged if no such upload exists, or if its own path has one.  If the stored path no
    longer leads to the file, the upload is stored under the new path.

    Raises:
        StateLocked: another process is sending the file under its other path.
        StateError.
    """
    if store.unfinished(source.path, target.endpoint, target.bucket, target.key) is not None:
        return source
    for record in store.unfinished_to(target.endpoint, target.bucket, target.key):
        if (record.inode, record.size, record.mtime_ns) != (source.inode, source.size, source.mtime_ns):
            continue
        if record.is_stream:
            continue
        if _leads_to(record.source, source):
            return replace(source, path=record.source)
        with locked(store, record.source, target):
            store.save_upload(replace(record, source=source.path))
        return source
    return source


def _leads_to(path: str, source: SourceIdentity) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116 - keeps undecodable names
    except (OSError, ValueError):
        return False
    return (found.st_ino, found.st_dev) == (source.inode, source.device)
