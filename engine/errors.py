"""Every error of the engine.  The class says what the caller can do::

PartwayError                the root; its text is one sentence for the user
├── StateError              see partway.state.errors
│   └── StateLocked
│       └── AlreadyRunning  another process is sending it: nothing to do here
├── PlanError               the wanted cut is not legal: choose another part size or other options
│   └── KeyCollision        several files would be written to one key: choose other sources
├── SourceError             the source cannot be read, or is nothing that can be uploaded
│   └── SourceChanged       it changed while it was sent: run again, equal parts are kept
├── RemoteError             the service refused, or could not be reached
│   ├── Transient           trying again may help; engine/retry/backend.py does
│   └── Refused             trying the same again will not help
│       ├── UploadVanished          S3 no longer knows the multipart upload
│       ├── AccessRefused           credentials are missing, wrong, or not allowed to do this
│       │   └── CredentialsExpired  they were good and are not any more: renew them and resume
│       ├── ChecksumUnsupported     the service does not know this checksum algorithm
│       ├── ForeignResponse         something else answered in the place of the service, such as a login page
│       ├── OptionRefused           the service does not take an option of the upload: leave it away
│       ├── PartsRefused            Complete does not accept the named parts
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


# The code of a Transient: a web page came with a status of success; S3 may have taken the call.
WEB_PAGE = "WebPage"


class PlanError(PartwayError):
    """The wanted cut or the wanted options are not legal."""


class KeyCollision(PlanError):
    """Several files would be written to one key.

    sentence: what is wrong, for who shows the lines below it.
    lines: a key and its files each, of the first few.
    """

    def __init__(self, sentence: str, lines: tuple[str, ...]) -> None:
        super().__init__(f"{sentence}: {'; '.join(lines)}")
        self.sentence = sentence
        self.lines = lines


class SourceError(PartwayError):
    """The source cannot be read, or is nothing that can be uploaded."""


class SourceChanged(SourceError):
    """The source changed while it was being sent; the text says whether an object was made of it."""


class RemoteError(PartwayError):
    """The service refused a call, or could not be reached.

    operation: S3's name of the call, such as UploadPart.
    code: S3's error code, or the name of the network trouble.
    status: the HTTP status; 0 when there was no answer.
    request_id: what support asks for; "" when there was no answer.
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
    """Trying again may help.

    unreachable: no answer came at all, so the network or the endpoint is away.
    never_reached: nor did one to any other call of the run: nothing was sent, and the address may be wrong.
    once: a second failure of this kind means that trying on is useless (a wrong digest, a wrong clock).
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
        """True when the service asks for fewer requests."""
        return self.status in (429, 503) or self.code in ("SlowDown", "Throttling", "ThrottlingException")

    @property
    def is_lost_answer(self) -> bool:
        """True when the call may have taken effect: it was sent, and no answer of S3's own came, or half of one."""
        unsaid = self.status in (500, 502, 504) and self.code == str(self.status)
        return not self.unreachable and (self.status == 0 or unsaid)

    @property
    def timed_out(self) -> bool:
        """True when the service did not answer in time, or hardly took anything."""
        return self.code in ("ReadTimeoutError", "ConnectTimeoutError", "RequestTimeout", "Stalled")


class Refused(RemoteError):
    """Trying the same again will not help."""


class UploadVanished(Refused):
    """S3 does not know the multipart upload: completed, aborted, or expired."""


class AccessRefused(Refused):
    """Credentials are missing, wrong, or not allowed to do this."""


class CredentialsExpired(AccessRefused):
    """The credentials were good and are not any more."""


class ChecksumUnsupported(Refused):
    """The service does not know, does not answer with, or does not accept this checksum algorithm."""


class ForeignResponse(Refused):
    """Something else answered in the place of the service: a redirect, a proxy or the login page of a network."""


class OptionRefused(Refused):
    """The service does not take an option that goes with the object, such as an ACL or tags."""


class PartsRefused(Refused):
    """CompleteMultipartUpload does not accept the named parts."""


class ObjectExists(Refused):
    """The key is taken, and the upload must not overwrite it."""


class ObjectMissing(Refused):
    """There is no such object."""


class Conflict(Refused):
    """Another write to the same key won; every part must go to a new multipart upload."""


class ProofFailed(PartwayError):
    """The finished object is not the source."""


class UploadFailed(PartwayError):
    """The upload could not be finished.

    resumable: True when running again may finish it; finished parts are kept either way.
    starts_over: True when what was begun can never be finished as it is, so only --restart or a cancel helps.
    """

    def __init__(self, message: str, *, resumable: bool = True, starts_over: bool = False) -> None:
        super().__init__(message)
        self.resumable = resumable and not starts_over
        self.starts_over = starts_over


class AlreadyEnded(UploadFailed):
    """The upload or job was to be resumed, but another process has completed, cancelled or removed it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, resumable=False)


class AlreadyRunning(StateLocked):
    """Another process holds the lock of the upload or job."""


class UploadCancelled(PartwayError):
    """The caller asked to stop; finished parts are kept."""


def is_resumable(error: PartwayError) -> bool:
    """True when the same command again may finish what was begun; exit codes and ``resumable`` of events go by it."""
    if isinstance(error, UploadFailed):
        return error.resumable
    return isinstance(error, (Transient, CredentialsExpired, SourceChanged, StateLocked, StateFull, UploadCancelled))
