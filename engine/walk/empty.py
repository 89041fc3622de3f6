"""Interpret a walk that found no files: nothing to do, or a disk that is not mounted."""

from ..errors import UploadFailed
from .file_limits import FileLimits
from .spec import JobSpec
from .walk import DANGLING, EMPTY, GONE, SkippedEntry


def is_emptied(entry: SkippedEntry, spec: JobSpec) -> bool:
    """True for a source that is an empty directory, such as a mount point whose disk is not mounted."""
    return entry.reason == EMPTY and entry.path in spec.sources


def is_gone(entry: SkippedEntry, spec: JobSpec) -> bool:
    """True for a source that does not exist, such as the mount point of an unplugged removable disk."""
    return entry.reason in (GONE, DANGLING) and entry.path in spec.sources


def no_files_error(spec: JobSpec, job: str | None, *, emptied: bool, fail_if_empty: bool) -> UploadFailed | None:
    """The error for a walk without files; None for an empty list, and for filters that match nothing.

    Args:
        job: The ID of an open job, which stays open, since earlier runs found files.  None for a new job.
        emptied: True when a source is an empty directory.
        fail_if_empty: True makes every such walk an error.
    """
    if job is not None:
        return UploadFailed(
            f"none of the files of job {job} exists; restore them (is a disk not mounted?) and resume, or add "
            "--prune to end the job without them",
            resumable=True,
        )
    if emptied:
        return UploadFailed(
            "found no files to upload: the directory is empty (is a disk not mounted?)", resumable=False
        )
    if fail_if_empty:
        what = "the list" if spec.listed else "the directory"
        what += " and the filters" if spec.filters or spec.limits != FileLimits() else ""
        return UploadFailed(f"found no files to upload; check {what}", resumable=False)
    return None
