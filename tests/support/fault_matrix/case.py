"""The fault matrix's words: an operation meets a trouble a number of times, and that has one outcome."""

from dataclasses import dataclass
from enum import StrEnum

from tests.support.s3_faults.faults import Action, Stage
from tests.support.s3_model.quirks import Quirks


class Operation(StrEnum):
    """What the trouble happens to; all but the last as S3 names its calls."""

    LIST_UPLOADS = "ListMultipartUploads"
    CREATE = "CreateMultipartUpload"
    PART = "UploadPart"
    LIST = "ListParts"
    COMPLETE = "CompleteMultipartUpload"
    HEAD = "HeadObject"
    ABORT = "AbortMultipartUpload"
    PUT = "PutObject"
    CREDENTIALS = "Credentials refresh"


class Times(StrEnum):
    """How often it happens."""

    ONCE = "once"
    THREE = "three times"
    EVER = "for ever"

    @property
    def hits(self) -> int | None:
        """As a number; None: for ever."""
        return {Times.ONCE: 1, Times.THREE: 3, Times.EVER: None}[self]


class Outcome(StrEnum):
    """How a command ended.  BROKEN: in a way that no command may end."""

    DONE = "done"
    RESUMABLE = "75"
    FINAL = "1"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """The server does this at one moment of the request.

    region: where the bucket is from then on; None: where it was.
    """

    stage: Stage
    action: Action
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """Nobody listens on the port; ``times`` are refused calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The server lists parts in its own way; ``times`` are whole listings."""

    quirks: Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """The server forgets the upload and its parts just before the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program behind ``credential_process`` does this instead; ``times`` are calls that fail by it.

    script: for the shell; None: there is no program.
    """

    script: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotating:
    """S3 says that the credentials expired, long before their time; the program has new ones."""


How = Scripted | Refusing | Listing | Expiring | Program | Rotating


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trouble:
    """One thing that goes wrong.

    is_late: the answer comes later than the client waits.
    is_tls: it happens to an https endpoint.
    no_overwrite: the upload was told not to replace an object.
    """

    name: str
    how: How
    is_late: bool = False
    is_tls: bool = False
    no_overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a cell ends.  again: recorded parts that are sent once more, because S3 does not have them any more."""

    outcome: Outcome
    again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One field of the matrix."""

    operation: Operation
    trouble: Trouble
    times: Times
    expected: Expected

    def __str__(self) -> str:
        return f"{self.operation}-{self.trouble.name}-{self.times}".replace(" ", "_")
