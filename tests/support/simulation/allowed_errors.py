"""Which errors a run may end with, given what happened in it.  An error without its cause is a defect."""

from partway.engine import errors
from partway.engine.upload.source_check import KEPT

from .scenario import Story

_LOST_UPLOAD = {"expire", "ghost", "late", "UploadVanished", "NoSuchUpload", "NoSuchKey", "lose", "foreign", "lie"}
_BAD_PARTS = {"lose", "expire", "ghost", "late", "lie", "cut", "PartsRefused", "UploadVanished", "InvalidPart"}
_NO_CHECKSUMS = (
    "no checksums",
    "checksums are not implemented",
    "checksums are an invalid request",
    "silent checksums",
    "a whole checksum is refused",
    "Content-MD5 is ignored",
    "neither checksums nor MD5s",
)
_OTHER_OBJECT = {"foreign", "ghost", "late", "edit", "flip"}


def lacks_algorithm(story: Story) -> bool:
    """True when the service does not have the checksum that the user insists on."""
    return story.algorithm is not None and any(name in story.quirk_names for name in _NO_CHECKSUMS)


def _keeps_older(error: errors.PartwayError, story: Story) -> bool:
    """True when the object is of the file as it was, and must not be overwritten: the user has to say what to do."""
    return story.no_overwrite and str(error).endswith(KEPT)


def is_explained(error: errors.PartwayError, story: Story, causes: set[str], *, key_taken: bool, others: bool) -> bool:
    """True when something that happened in this run may end it with this error.

    causes: what happened, in the words of ``World.causes``.
    key_taken: an object is under the key now.
    others: the object under the key is not the source.
    """
    reason = error.__cause__ if isinstance(error, errors.UploadFailed) and error.__cause__ else error
    match reason:
        case errors.UploadCancelled():
            return "cancel" in causes
        case errors.StateError():
            return "store" in causes
        case errors.SourceError():
            return "edit" in causes
        case errors.PlanError():
            return story.rates.edit > 0
        case errors.ProofFailed():
            return bool(causes & _OTHER_OBJECT) or others
        case errors.UploadFailed():
            return _keeps_older(reason, story) and "edit" in causes
        case errors.ChecksumUnsupported():
            return lacks_algorithm(story)
        case errors.Transient():
            return bool(causes & {"transient", "edit", "BadDigest", "ObjectMissing"})
        case errors.UploadVanished():
            return bool(causes & _LOST_UPLOAD)
        case errors.PartsRefused():
            return bool(causes & _BAD_PARTS)
        case errors.RemoteError():
            return reason.code in causes
        case _:
            return False


def is_final(error: errors.PartwayError, story: Story, *, key_taken: bool) -> bool:
    """True when no number of quiet runs will help, and the error says what would."""
    match error:
        case errors.UploadFailed(resumable=False):
            return lacks_algorithm(story) or _keeps_older(error, story)
        case errors.ProofFailed():
            return key_taken and _keeps_older(error, story)
        case errors.UploadVanished():
            # Lists an upload that it denies, for ever; whether to begin anew is for the user to say.
            return "parts stay after Complete" in story.quirk_names
        case errors.PartsRefused():
            # Lists a part that it lost, for ever; whether everything is sent again is for the user to say.
            return "rows twice" in story.quirk_names
        case errors.PlanError():
            return "part size of" in str(error) and "start over" not in str(error)
        case _:
            return False
