"""What happened, as facts in the past tense.  Names and fields are also those of ``--json``.

``upload`` is our id of the upload, ``number`` S3's 1-based part number, sizes are bytes, times seconds.  What is about
jobs comes from engine/events/job.py.
"""

from dataclasses import dataclass

from .job import ComparisonFailed as ComparisonFailed
from .job import FileDone as FileDone
from .job import FileFailed as FileFailed
from .job import FileSkipped as FileSkipped
from .job import JobDone as JobDone
from .job import JobStarted as JobStarted


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsChecked:
    """Local bytes were compared with parts that are on S3 but not proven; ``bytes`` of ``total_bytes`` so far."""

    upload: str
    bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStarted:
    """Sending begins.  ``resumed_*`` is what earlier runs had sent and is kept; a small file has one part.

    A second one in the same run begins the count anew: every part that is still good follows as PartDone.

    Of a stream nobody knows ``total_bytes`` and ``part_count``: both are None, ``part_size`` is that of the first part,
    and what is kept follows as PartKept.
    expected_bytes: what the user said of a stream; None: nothing.
    most_bytes: the longest stream that has part numbers; None for files.
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
    """``sent`` bytes of the part are on their way; absolute, so a retry starts with a smaller number."""

    upload: str
    number: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRetried:
    """A call failed and is tried again after ``wait`` seconds.

    number: the part, or 0 for a call that is about the whole upload.
    attempt: 1 for the first failure of this call.
    """

    upload: str
    number: int
    attempt: int
    wait: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLost:
    """The endpoint cannot be reached; calls wait and are tried again.

    upload: or the job's id, when it is about its files that go as one object.
    wait: seconds until it is probed.
    """

    upload: str
    reason: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkProbed:
    """One call tried the endpoint again and did not reach it; the others wait.

    upload: as in NetworkLost.
    seconds: since it was lost.
    wait: seconds until the next probe.
    """

    upload: str
    seconds: float
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRestored:
    """The endpoint answers again after ``seconds``.  upload: as in NetworkLost."""

    upload: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksumFellBack:
    """The service gives no ``wanted`` checksum; parts are proven with ``used`` instead."""

    upload: str
    wanted: str
    used: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverwriteNotExcluded:
    """This service is not known to refuse an overwrite: the key is looked at right before the object is made, and what
    somebody else writes there in that moment is overwritten.  upload: as in NetworkLost.
    """

    upload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRenewed:
    """S3 no longer has the multipart upload, so every part goes to a new one."""

    upload: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFound:
    """S3 has an unfinished upload of this key that the store does not know; it is left alone.

    initiated: seconds since the epoch.
    passed_over: True with --adopt: it has no more of the file's bytes than what the run continues.
    """

    source: str
    target: str
    parts: int
    bytes: int
    initiated: float
    passed_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanAdopted:
    """The run goes on with an unfinished upload that only S3 knew, because these parts of it are the file's.

    left: the upload that the run would have resumed, and of which S3 has less; it is removed once the
        object is proven to be the file.  "": there was none.
    """

    upload: str
    parts: int
    bytes: int
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCompared:
    """Earlier runs sent so much of a stream; each part is kept when the same bytes come again."""

    upload: str
    parts: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKept:
    """These bytes of the stream are on S3 already: an earlier run sent them."""

    upload: str
    number: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDiffered:
    """So many parts of the stream were not what an earlier run had sent, and were sent again."""

    upload: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDone:
    """The part is on S3 and its receipt is durable."""

    upload: str
    number: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCompleting:
    """Every part is there; S3 was asked to make the object of them."""

    upload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDone:
    """The object is there and was compared with the source.

    seconds: of this run.
    retries: calls that were tried again in this run.
    proof: what the comparison rests on: a checksum's name in lower case; "etag" (the ETag is the MD5 of what was
        sent); "md5" (S3 checked every part's MD5, the whole object only by size); "size" (nothing else was to be had).
    version_id: of the object, where the bucket keeps versions; None where the service did not name one.
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
    """No object was made: the key is taken and must not be overwritten.  reason: also what became of parts.

    upload: "" when none had begun.
    """

    source: str
    target: str
    reason: str
    upload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFailed:
    """The upload ended unfinished.  upload: "" when it has no id yet."""

    upload: str
    error: str
    resumable: bool
