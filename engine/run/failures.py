"""What the failure of one file means for the others of its job."""

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

# Refusals that are about no single file.
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
    """The reason of an upload that failed, or the error itself."""
    cause = error.__cause__ if isinstance(error, UploadFailed) else None
    return cause if isinstance(cause, PartwayError) else error


def was_never_reached(error: PartwayError) -> bool:
    """True when nothing was sent in the whole run because no call got an answer: S3 has nothing to resume."""
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
    """True when others may fail in the same way, which a few in a row show.

    A signature that does not match comes of a wrong secret key, or of one file whose key the service, or a proxy before
    it, reads in another way.
    """
    cause = cause_of(error)
    return isinstance(cause, Transient) or (isinstance(cause, Refused) and cause.code == "SignatureDoesNotMatch")


def needs_full_upload(error: PartwayError) -> bool:
    """True for what single uploads know a way out of, such as a service without the checksum."""
    return isinstance(error, (ChecksumUnsupported, ProofFailed))
