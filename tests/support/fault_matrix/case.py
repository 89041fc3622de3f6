"""The vocabulary of the fault matrix: a fault hits an operation a number of times, with one expected outcome."""

from dataclasses import dataclass
from enum import StrEnum

from tests.support.s3_faults.faults import Action, Stage
from tests.support.s3_model.quirks import Quirks


class Operation(StrEnum):
    """The operation that the fault hits; all but the last are named as in S3's API."""

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
    """How often the fault occurs."""

    ONCE = "once"
    THREE = "three times"
    EVER = "always"

    @property
    def hits(self) -> int | None:
        """The number of times; None means always."""
        return {Times.ONCE: 1, Times.THREE: 3, Times.EVER: None}[self]


class Outcome(StrEnum):
    """How a command ended.  BROKEN: in a way that must never occur."""

    DONE = "done"
    RESUMABLE = "75"
    FINAL = "1"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """The server performs an action at one stage of the request.

    region: the bucket's region from then on; None leaves it unchanged.
    """

    stage: Stage
    action: Action
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """No process listens on the port; ``times`` counts refused calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The server lists parts with these quirks; ``times`` counts whole listings."""

    quirks: Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """The server forgets the upload and its parts just before the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The program of ``credential_process`` is replaced; ``times`` counts the calls that fail because of it.

    script: run by the shell; None means that the program does not exist.
    """

    script: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotating:
    """S3 reports the credentials as expired, long before their expiry; the program has new ones."""


How = Scripted | Refusing | Listing | Expiring | Program | Rotating


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trouble:
    """One fault.

    is_late: the response comes after the client's timeout.
    is_tls: the endpoint uses https.
    no_overwrite: the upload must not replace an object.
    """

    name: str
    how: How
    is_late: bool = False
    is_tls: bool = False
    no_overwrite: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The outcome of a cell.  again: recorded parts that are sent again because S3 no longer has them."""

    outcome: Outcome
    again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of the matrix."""

    operation: Operation
    trouble: Trouble
    times: Times
    expected: Expected

    def __str__(self) -> str:
        return f"{self.operation}-{self.trouble.name}-{self.times}".replace(" ", "_")
