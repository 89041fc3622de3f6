"""Classify the failure of one file: does it affect the other files of the job?"""

from ..errors import (
    ChecksumUnsupported,
    CredentialsExpired,
    OptionRefused,
    PartwayError,
    ProofFailed,
    Refused,
    Transient,
    UploadFailed,
)

# Refusals that do not depend on the file.
_FOR_ALL = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidEndpoint",
        "NoCredentialsError",
        "NoSuchBucket",
        "PermanentRedirect",
    }
)


def cause_of(error: PartwayError) -> PartwayError:
    """The cause of an UploadFailed, or else the error itself."""
    cause = error.__cause__ if isinstance(error, UploadFailed) else None
    return cause if isinstance(cause, PartwayError) else error


def was_never_reached(error: PartwayError) -> bool:
    """True when no call got a response in the whole run, so S3 has nothing to resume."""
    cause = cause_of(error)
    return isinstance(cause, Transient) and cause.never_reached


def fails_for_all(error: PartwayError) -> bool:
    """True when every other file would fail in the same way."""
    cause = cause_of(error)
    return (
        isinstance(cause, CredentialsExpired)
        or (isinstance(cause, Refused) and cause.code in _FOR_ALL)
        or isinstance(cause, OptionRefused)
        or (isinstance(cause, Transient) and cause.unreachable)
    )


def may_fail_for_all(error: PartwayError) -> bool:
    """True when other files may fail in the same way; several such failures in a row confirm it.

    A signature mismatch is caused by a wrong secret key, or by a single object key that the service, or a proxy in
    front of it, decodes differently.
    """
    cause = cause_of(error)
    return isinstance(cause, Transient) or (isinstance(cause, Refused) and cause.code == "SignatureDoesNotMatch")


def needs_full_upload(error: PartwayError) -> bool:
    """True for errors that a full upload of the file can handle, such as a service that lacks the checksum."""
    return isinstance(error, (ChecksumUnsupported, ProofFailed))
