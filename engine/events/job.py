"""What happened to a job of many files; part of engine/events/upload.py, which has the rules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A job of many files begins, or goes on.  done_files: those of earlier runs, that are not looked at again."""

    job: str
    target: str
    done_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDone:
    """A file of the job is there, was compared with its source, and that is durable.  proof: as in UploadDone."""

    job: str
    source: str
    target: str
    bytes: int
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSkipped:
    """Nothing was sent of this: the service has the same, the key is taken, or it is nothing that can be sent."""

    job: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFailed:
    """Whether the object is the file already could not be said, so it is sent; told once for each reason of a job.

    source, target: the first file that it was found out with.
    """

    job: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailed:
    """A file of the job was not uploaded; the others go on.  resumable: True when running again may help."""

    job: str
    source: str
    target: str
    error: str
    resumable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """The job went through all its files.

    done, skipped, failed: files of this run; resumed: those of earlier runs.
    bytes: of the files that were done in this run.
    empty_folders: that were met; S3 has no folders, so nothing is sent of them.
    missing: files of earlier runs that were not found any more; such a job is not completed unless that is accepted.
    seconds: of this run.
    resumable: True when files failed or are missing, and running again may help all of them.
    """

    job: str
    target: str
    done: int
    skipped: int
    failed: int
    resumed: int
    bytes: int
    empty_folders: int
    missing: int
    seconds: float
    resumable: bool
