"""The events of a job, an upload of many files.  Units are as in engine/events/upload.py."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A job of many files started or resumed.

    done_files, done_bytes: files that earlier runs uploaded or skipped; they are not checked again.
    """

    job: str
    target: str
    done_files: int
    done_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounted:
    """How many files the sources of the job have, including those that need not be sent.  Emitted at most once a second
    while they are counted, at the end of the count, and again when the sources turn out to have changed since.

    total_files, total_bytes: found so far.
    counting: True while counting continues, so the numbers will rise.
    """

    job: str
    total_files: int
    total_bytes: int
    counting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDone:
    """A file of the job was uploaded, verified and durably recorded.  proof: as in UploadDone."""

    job: str
    source: str
    target: str
    bytes: int
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSkipped:
    """A file was not sent: the service already has the same, the key is taken, or it cannot be sent at all.

    bytes: 0 for what cannot be sent.
    """

    job: str
    source: str
    target: str
    reason: str
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFailed:
    """A file could not be compared with the existing object, so it is sent.  Emitted once for each reason in a job.

    source, target: the first file with this reason.
    """

    job: str
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFailed:
    """A file of the job was not uploaded; the others continue.

    resumable: True when running again may help.
    bytes: the size that was found; 0 when it is not known.
    """

    job: str
    source: str
    target: str
    error: str
    resumable: bool
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone:
    """The job has processed all its files.

    done, skipped, failed: files of this run; resumed: files that earlier runs uploaded.
    bytes: the size of the files uploaded in this run.
    empty_folders: empty directories found; S3 has no directories, so nothing is sent for them.
    missing: files of earlier runs that no longer exist; the job stays unfinished unless the user accepts that.
    seconds: the duration of this run.
    resumable: True when files failed or are missing, and running again may help with all of them.
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
