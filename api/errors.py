"""Every error that partway raises.  The class tells the caller what to do::

PartwayError                the root: ``except PartwayError`` catches everything that partway raises deliberately
├── OptionError             (also a ValueError) an argument is not valid; nothing was sent: correct it
│   └── UnknownOption       (also a TypeError) there is no option of this name
├── PlanError               the part size or the options cannot be combined: choose others
│   └── KeyCollision        several files would be written to one key: choose other sources
├── SourceError             the source cannot be read: correct the path or its permissions
│   └── SourceChanged       it changed while it was sent: upload again, unchanged parts are kept
├── RemoteError             the service refused, or could not be reached; has operation, code, status, request_id
│   ├── Transient           the service did not respond, and retries ran out: upload again, it resumes
│   └── Refused             retrying will not help: the message says what to change
│       ├── UploadVanished, PartsRefused, Conflict      S3 lost the parts, or another write won: upload again
│       ├── AccessRefused   credentials are missing, wrong, or lack a permission
│       │   └── CredentialsExpired                      renew them and upload again, it resumes
│       ├── ChecksumUnsupported, OptionRefused          the service lacks a feature: omit the option
│       ├── ForeignResponse a proxy or a login page responded instead of the service
│       ├── ObjectExists    the object exists and must not be overwritten
│       └── ObjectMissing   there is no such bucket or object
├── StateError              the state directory cannot be used: see the message
│   ├── StateLocked         another process is holding a lock: upload again
│   │   └── AlreadyRunning  the same upload is already running, in this or another process: wait for it, or stop it
│   ├── StateFull           the disk is full: free some space and upload again, it resumes
│   ├── LocksUnsupported    the filesystem has no file locks: use another ``state_dir``
│   ├── StateTooNew         written by a newer partway: update, or use another ``state_dir``
│   └── StateDamaged        the database is damaged: move it elsewhere
├── UploadFailed            parts could not be sent; ``resumable`` says whether to upload again
│   ├── AlreadyEnded        another process completed or cancelled it: nothing to resume
│   └── FilesFailed         files of a directory could not be sent; ``result`` has the counts and the reasons
├── ProofFailed             the object exists but does not equal the source: upload again
└── UploadCancelled         stopped on request; finished parts are kept: upload again, it resumes
"""

from partway.engine.errors import (
    AccessRefused,
    AlreadyEnded,
    AlreadyRunning,
    ChecksumUnsupported,
    Conflict,
    CredentialsExpired,
    ForeignResponse,
    KeyCollision,
    ObjectExists,
    ObjectMissing,
    OptionRefused,
    PartsRefused,
    PartwayError,
    PlanError,
    ProofFailed,
    Refused,
    RemoteError,
    SourceChanged,
    SourceError,
    StateDamaged,
    StateError,
    StateFull,
    StateLocked,
    StateTooNew,
    Transient,
    UploadCancelled,
    UploadFailed,
    UploadVanished,
    is_resumable,
)
from partway.state.errors import LocksUnsupported

from ._arguments.errors import OptionError, UnknownOption
from ._run.results import FilesFailed

__all__ = [
    "AccessRefused",
    "AlreadyEnded",
    "AlreadyRunning",
    "ChecksumUnsupported",
    "Conflict",
    "CredentialsExpired",
    "FilesFailed",
    "ForeignResponse",
    "KeyCollision",
    "LocksUnsupported",
    "ObjectExists",
    "ObjectMissing",
    "OptionError",
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
    "UnknownOption",
    "UploadCancelled",
    "UploadFailed",
    "UploadVanished",
    "is_resumable",
]
