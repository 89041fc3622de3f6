"""Count the files of a job on a worker, ahead of the walk that sends them."""

from dataclasses import dataclass

from ..workers.channel import WorkerContext
from .file_limits import FileLimits
from .filters import Filter
from .walk import FileEntry, walk_sources

_STEP = 200  # files between two checks of the clock and the cancel token
_REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCount:
    """The number of files found, and their total bytes.  complete: False while more may be found."""

    files: int
    bytes: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTask:
    """Count the files of directories; the arguments are those of the walk that sends them.

    limits: without ages.
    """

    sources: tuple[str, ...]
    filters: tuple[Filter, ...]
    limits: FileLimits
    follow_symlinks: bool


def count_files(task: CountTask, worker: WorkerContext) -> FileCount:
    """Count all files.  Emits the FileCount so far from time to time.

    Raises:
        UploadCancelled: the job was cancelled, or no longer needs the count.
    """
    files = size = 0
    next_report = worker.clock.monotonic() + _REPORT_SECONDS
    sources = ((path, None) for path in task.sources)
    for each in walk_sources(sources, filters=task.filters, follow_symlinks=task.follow_symlinks):
        if not isinstance(each, FileEntry) or not task.limits.allow(each):
            continue
        files += 1
        size += each.size
        if files % _STEP == 0:
            worker.raise_if_cancelled()
            if (now := worker.clock.monotonic()) >= next_report:
                next_report = now + _REPORT_SECONDS
                worker.emit(FileCount(files=files, bytes=size, complete=False))
    return FileCount(files=files, bytes=size, complete=True)
