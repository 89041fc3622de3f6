"""The events of one upload, as facts in the past tense.  ``--json`` uses the same names and fields.

``upload`` is partway's ID of the upload, ``number`` is S3's 1-based part number; sizes are in bytes and times in
seconds.  The events of jobs are in engine/events/job.py.
"""

from dataclasses import dataclass

from .job import ComparisonFailed as ComparisonFailed
from .job import FileDone as FileDone
from .job import FileFailed as FileFailed
from .job import FileSkipped as FileSkipped
from .job import JobCounted as JobCounted
from .job import JobDone as JobDone
from .job import JobStarted as JobStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsChecked:
    """``bytes`` of ``total_bytes`` have been compared so far, to verify parts that S3 already has."""

    upload: str
    bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStarted:
    """Sending started.  ``resumed_*`` counts what earlier runs sent and is kept; a small file has one part.

    A second UploadStarted in the same run resets the counts: a PartDone follows for every part that is still valid.

    The length of a stream is unknown: ``total_bytes`` and ``part_count`` are None, ``part_size`` is that of the first
    part, and a PartKept follows for each part that is kept.
    expected_bytes: the length that the user gave for a stream; None when not given.
    most_bytes: the largest stream that the plan can hold; None for files.
    """

    upload: str
    source: str
    target: str
    total_bytes: int | None
    part_size: int
    part_count: int | None
    resumed_bytes: int
    resumed_parts: int
    expected_bytes: int | None = None
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartProgress:
    """``sent`` bytes of the part have been sent so far.  The number is absolute, so it drops when a part is retried."""

    upload: str
    number: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRetried:
    """A call failed and is retried after ``wait`` seconds.

    number: the part number, or 0 for a call that is about the whole upload.
    attempt: 1 for the first failure of this call.
    """

    upload: str
    number: int
    attempt: int
    wait: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLost:
    """The endpoint is unreachable; calls wait and are retried.

    upload: the job's ID instead, when the event is about files of a job that are each sent as one object.
    wait: seconds until the next probe.
    """

    upload: str
    reason: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkProbed:
    """A probe of the endpoint failed; the other calls keep waiting.

    upload: as in NetworkLost.
    seconds: since the endpoint became unreachable.
    wait: seconds until the next probe.
    """

    upload: str
    seconds: float
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRestored:
    """The endpoint is reachable again after ``seconds``.  upload: as in NetworkLost."""

    upload: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksumFellBack:
    """The service does not support the ``wanted`` checksum; parts are verified with ``used`` instead."""

    upload: str
    wanted: str
    used: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverwriteNotExcluded:
    """The service may not support conditional writes, so the key is checked right before the object is created.  An
    object that another client writes between the two is overwritten.  upload: as in NetworkLost.
    """

    upload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRenewed:
    """S3 no longer has the multipart upload, so every part is sent again, to a new one."""

    upload: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFound:
    """S3 has an unfinished upload of this key that the store does not know; it is not touched.

    initiated: seconds since the epoch.
    passed_over: True when --adopt was given but this upload has no more of the file than the one that is resumed.
    """

    source: str
    target: str
    parts: int
    bytes: int
    initiated: float
    passed_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanAdopted:
    """The run resumes an unfinished upload that the store did not know, because these parts of it match the file.

    left: ID of the upload that would have been resumed otherwise, of which S3 has fewer bytes; it is aborted once the
        new object is verified.  "" when there was none.
    """

    upload: str
    parts: int
    bytes: int
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCompared:
    """Earlier runs sent these parts of the stream.  Each is kept if the stream now has the same bytes there."""

    upload: str
    parts: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKept:
    """A part of the stream matches what an earlier run sent, so it is not sent again."""

    upload: str
    number: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDiffered:
    """This many parts of the stream differ from what an earlier run sent, and were sent again."""

    upload: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """S3 has the part, and its receipt is stored durably."""

    upload: str
    number: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCompleting:
    """All parts are on S3, which was asked to assemble the object."""

    upload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDone:
    """The object exists and was verified against the source.

    seconds: the duration of this run.
    retries: how many times calls were retried in this run.
    proof: what the verification is based on: a checksum's name in lower case; "etag" (the ETag is the MD5 of what was
        sent); "md5" (S3 checked the MD5 of each part, but of the whole object only the size was compared); "size" (the
        service reported nothing else).
    version_id: the object's version in a versioned bucket; None when the service reported none.
    """

    upload: str
    target: str
    bytes: int
    sent_bytes: int
    resumed_bytes: int
    seconds: float
    retries: int
    etag: str
    proof: str
    version_id: str | None = None


TAKEN = "the object already exists"  # the reason where nothing was sent


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSkipped:
    """No object was created: the key is taken and must not be overwritten.

    reason: also says what happened to parts that were sent.
    upload: "" when no upload had started.
    """

    source: str
    target: str
    reason: str
    upload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFailed:
    """The upload ended unfinished.  upload: "" when it has no ID yet."""

    upload: str
    error: str
    resumable: bool
