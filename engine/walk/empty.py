"""What a walk that met no file means: a quiet night, or a disk that is not mounted."""

from ..errors import UploadFailed
from .spec import JobSpec
from .walk import EMPTY, GONE, SkippedEntry


def is_emptied(passed: SkippedEntry, spec: JobSpec) -> bool:
    """True for a source that is a folder without anything in it, as a mount point without its disk is."""
    return passed.reason == EMPTY and passed.path in spec.sources


def is_gone(passed: SkippedEntry, spec: JobSpec) -> bool:
    """True for a source that does not exist, as the mount point of a removable disk without it."""
    return passed.reason == GONE and passed.path in spec.sources


def nothing_met(spec: JobSpec, job: str | None, *, emptied: bool, fail_if_empty: bool) -> UploadFailed | None:
    """The error of a walk without files; None for a list without names, and for filters that match nothing.

    Args:
        job: The id of an open job, which stays: earlier runs met files.  None for a new job.
        emptied: A source is an empty folder.
        fail_if_empty: Every such walk is an error.
    """
    if job is not None:
        return UploadFailed(
            f"none of the files of job {job} is there; bring them back (is a disk not mounted?) and resume, or add "
            "--prune to end the job without them",
            resumable=True,
        )
    if emptied:
        return UploadFailed("no file is there to upload: the folder is empty (is a disk not mounted?)", resumable=False)
    if fail_if_empty:
        what = "the list" if spec.listed else "the folder"
        what += " and the filters" if spec.filters else ""
        return UploadFailed(f"no file is there to upload; check {what}", resumable=False)
    return None
