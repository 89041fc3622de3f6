"""All errors of the engine.  The class says what the caller can do::

PartwayError                the base class; its text is one sentence for the user
├── StateError              see partway.state.errors
│   └── StateLocked
│       └── AlreadyRunning  another process is sending it: nothing to do here
├── PlanError               the part size or the options are invalid: choose others
│   └── KeyCollision        several files would be written to one key: choose other sources
├── SourceError             the source cannot be read, or cannot be uploaded
│   └── SourceChanged       it changed while it was sent: run again, parts that still match are kept
├── RemoteError             the service refused, or could not be reached
│   ├── Transient           a retry may help; engine/retry/backend.py retries
│   └── Refused             a retry will not help
│       ├── UploadVanished          S3 no longer knows the multipart upload
│       ├── AccessRefused           credentials are missing, wrong, or not allowed to do this
│       │   └── CredentialsExpired  they have expired: renew them and resume
│       ├── ChecksumUnsupported     the service does not support this checksum algorithm
│       ├── ForeignResponse         something other than the service responded, such as a login page
│       ├── OptionRefused           the service does not accept an option of the upload: omit it
│       ├── PartsRefused            Complete does not accept the listed parts
│       ├── ObjectExists            the key is taken and must not be overwritten
│       ├── ObjectMissing           there is no such object
│       └── Conflict                another write to the key won: start over
├── UploadFailed            some parts could not be sent; it says whether running again may help
│   └── AlreadyEnded        another process completed or cancelled it: nothing to resume
├── ProofFailed             the finished object is not the source
└── UploadCancelled         the caller asked to stop; resumable
"""

from partway.state.errors import PartwayError, StateDamaged, StateError, StateFull, StateLocked, StateTooNew

__all__ = [
    "AccessRefused",
    "AlreadyEnded",
    "AlreadyRunning",
    "ChecksumUnsupported",
    "Conflict",
    "CredentialsExpired",
    "ForeignResponse",
    "KeyCollision",
    "ObjectExists",
    "ObjectMissing",
    "OptionRefused",
    "PartsRefused",
    "PartwayError",
    "PlanError",
    "ProofFailed",
    "Refused",
    "RemoteError",
    "SourceChanged",
    "SourceError",
    "StateDamaged",
    "StateError",
    "StateFull",
    "StateLocked",
    "StateTooNew",
    "Transient",
    "UploadCancelled",
    "UploadFailed",
    "UploadVanished",
]


# The code of a Transient whose successful response was a web page; the call may have reached S3.
WEB_PAGE = "WebPage"


class PlanError(PartwayError):
    """The part size or the options are invalid."""


class KeyCollision(PlanError):
    """Several files would be written to one key.

    sentence: what is wrong, for callers that print the lines below it.
    lines: one key and its files each, for the first few keys.
    """

    def __init__(self, sentence: str, lines: tuple[str, ...]) -> None:
        super().__init__(f"{sentence}: {'; '.join(lines)}")
        self.sentence = sentence
        self.lines = lines


class SourceError(PartwayError):
    """The source cannot be read, or cannot be uploaded."""


class SourceChanged(SourceError):
    """The source changed while it was being sent; the text says whether an object was created."""


class RemoteError(PartwayError):
    """The service refused a call, or could not be reached.

    operation: S3's name for the call, such as UploadPart.
    code: S3's error code, or the name of the network error.
    status: the HTTP status; 0 when there was no response.
    request_id: the ID that the service's support asks for; "" when there was no response.
    """

    def __init__(
        self, message: str, *, operation: str = "", code: str = "", status: int = 0, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.status = status
        self.request_id = request_id


class Transient(RemoteError):
    """A retry may help.

    unreachable: True when there was no response at all: the network or the endpoint is down.
    never_reached: True when no call of the run got a response: nothing was sent, and the address may be wrong.
    once: True when a retry helps only once; a second failure of this kind is final (a wrong digest, a wrong clock).
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        code: str = "",
        status: int = 0,
        request_id: str = "",
        unreachable: bool = False,
        once: bool = False,
        never_reached: bool = False,
    ) -> None:
        super().__init__(message, operation=operation, code=code, status=status, request_id=request_id)
        self.unreachable = unreachable
        self.never_reached = never_reached
        self.once = once

    @property
    def throttled(self) -> bool:
        """True when the service asks the client to slow down."""
        return self.status in (429, 503) or self.code in ("SlowDown", "Throttling", "ThrottlingException")

    @property
    def is_lost_answer(self) -> bool:
        """True when the call may have taken effect: it was sent, but S3's own response did not arrive completely."""
        unsaid = self.status in (500, 502, 504) and self.code == str(self.status)
        return not self.unreachable and (self.status == 0 or unsaid)

    @property
    def timed_out(self) -> bool:
        """True when the service did not respond in time, or hardly accepted any data."""
        return self.code in ("ReadTimeoutError", "ConnectTimeoutError", "RequestTimeout", "Stalled")


class Refused(RemoteError):
    """Retrying the same call will not help."""


class UploadVanished(Refused):
    """S3 does not know the multipart upload: completed, aborted, or expired."""


class AccessRefused(Refused):
    """Credentials are missing, wrong, or not allowed to do this."""


class CredentialsExpired(AccessRefused):
    """The credentials have expired."""


class ChecksumUnsupported(Refused):
    """The service does not know, does not return, or does not accept this checksum algorithm."""


class ForeignResponse(Refused):
    """Something other than the service responded: a redirect, a proxy or the login page of a network."""


class OptionRefused(Refused):
    """The service does not accept an option of the object, such as an ACL or tags."""


class PartsRefused(Refused):
    """CompleteMultipartUpload does not accept the listed parts."""


class ObjectExists(Refused):
    """The key is taken, and the upload must not overwrite it."""


class ObjectMissing(Refused):
    """There is no such object."""


class Conflict(Refused):
    """Another write to the same key won; every part must be sent again, to a new multipart upload."""


class ProofFailed(PartwayError):
    """The finished object is not the source."""


class UploadFailed(PartwayError):
    """The upload could not be finished.

    resumable: True when running again may finish it; finished parts are kept either way.
    starts_over: True when the upload can never be finished as it is, so only --restart or a cancel helps.
    """

    def __init__(self, message: str, *, resumable: bool = True, starts_over: bool = False) -> None:
        super().__init__(message)
        self.resumable = resumable and not starts_over
        self.starts_over = starts_over


class AlreadyEnded(UploadFailed):
    """The upload or job cannot be resumed: another process has completed, cancelled or removed it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, resumable=False)


class AlreadyRunning(StateLocked):
    """Another process holds the lock of the upload or job."""


class UploadCancelled(PartwayError):
    """The caller asked to stop; finished parts are kept."""


def is_resumable(error: PartwayError) -> bool:
    """True when running the same command again may finish the upload.  Determines exit codes and ``resumable``."""
    if isinstance(error, UploadFailed):
        return error.resumable
    return isinstance(error, (Transient, CredentialsExpired, SourceChanged, StateLocked, StateFull, UploadCancelled))
