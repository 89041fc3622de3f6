"""Every error that partway raises.  The class says what the caller can do::

PartwayError                the root: ``except PartwayError`` catches everything that partway raises on purpose
├── OptionError             (also a ValueError) an argument is not valid; nothing was sent: correct it
│   └── UnknownOption       (also a TypeError) there is no option of this name
├── PlanError               the part size or the options are not possible together: choose others
│   └── KeyCollision        several files would be written to one key: choose other sources
├── SourceError             the source cannot be read: correct the path or its permissions
│   └── SourceChanged       it changed while it was sent: upload again, equal parts are kept
├── RemoteError             the service refused, or could not be reached; has operation, code, status, request_id
│   ├── Transient           the service did not answer for as long as was waited: upload again, it resumes
│   └── Refused             the same again will not help: the message says what to change
│       ├── UploadVanished, PartsRefused, Conflict      S3 lost the parts, or another write won: upload again
│       ├── AccessRefused   credentials are missing, wrong, or lack a permission
│       │   └── CredentialsExpired                      renew them and upload again, it resumes
│       ├── ChecksumUnsupported, OptionRefused          the service lacks a feature: leave the option out
│       ├── ForeignResponse a proxy or a login page answered instead of the service
│       ├── ObjectExists    the key is taken and must not be overwritten
│       └── ObjectMissing   there is no such bucket or object
├── StateError              the state directory cannot be used: see the message
│   ├── StateLocked         another process keeps the state busy: upload again
│   │   └── AlreadyRunning  the same upload runs already, in this or another process: wait for it, or stop it
│   ├── StateFull           the disk is full: free some space and upload again, it resumes
│   ├── LocksUnsupported    the filesystem has no file locks: use another ``state_dir``
│   ├── StateTooNew         written by a newer partway: update, or use another ``state_dir``
│   └── StateDamaged        the database is broken: move it away
├── UploadFailed            parts could not be sent; ``resumable`` says whether to upload again
│   ├── AlreadyEnded        another process completed or cancelled it: nothing to resume
│   └── FilesFailed         files of a directory could not be sent; ``result`` has the counts and the reasons
├── ProofFailed             the object is there and is not the source: upload again
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
