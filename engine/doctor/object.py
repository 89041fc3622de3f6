"""Test a whole object: Complete, HEAD, DELETE, and the conditions that the service honours.

No object is created that may not be removable: in a bucket that keeps versions without permission to delete them, or
that locks new objects.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from ..backend.service import Retention
from ..backend.target import ObjectOptions, Target
from ..errors import AccessRefused, ObjectExists, ObjectMissing, RemoteError, UploadVanished
from .check import Check, Health
from .trial import DATA, OTHER, Trial, TrialEnded, failed

_NOT_TRIED = "; Complete is not tested, because its object would remain"
_READ = "comparing the object with the file at the end requires s3:GetObject"


def try_object(trial: Trial, *, leftovers: bool) -> Iterator[Check]:
    """Complete an object, read it with HEAD, and try to overwrite it.

    Args:
        leftovers: True also creates the object when it may not be removable.

    Raises:
        TrialEnded: the service does not complete uploads.
    """
    keeping = trial.calls(lambda: trial.probe.keeping(trial.target.bucket))
    trial.traces.versioned = bool(keeping.versioned)
    removable = _removable(trial, keeping)
    if removable.health is not Health.OK and not leftovers:
        yield replace(removable, fact=removable.fact + _NOT_TRIED)
        yield _head_of_nothing(trial)
        return
    yield removable
    yield from _complete(trial)
    yield _head(trial)
    conditional = replace(trial.target, options=ObjectOptions(no_overwrite=True))
    yield _taken(trial, "PutObject", lambda: trial.probe.put(conditional, OTHER))
    yield _taken_by_complete(trial, conditional)


def _removable(trial: Trial, keeping: Retention) -> Check:
    """OK when an object could be deleted completely; tested with a key that does not exist."""
    bucket, advice = f"s3://{trial.target.bucket}", "to test it anyway: --allow-leftovers"

    def warning(fact: str) -> Check:
        return Check(name="delete", health=Health.WARNING, fact=fact, advice=advice)

    if keeping.versioned is None:
        return warning(f"whether {bucket} keeps versions is unknown (s3:GetBucketVersioning)")
    if keeping.versioned and keeping.locked is None:
        return warning(
            f"{bucket} keeps versions, and whether it locks them is unknown (s3:GetBucketObjectLockConfiguration)"
        )
    if keeping.locked:
        return warning(f"{bucket} locks every new object for some time")
    try:
        # There is no such version, so not even a delete marker is created.
        trial.calls(lambda: trial.probe.delete(trial.target, "null" if keeping.versioned else None))
    except RemoteError as error:
        permission = "s3:DeleteObjectVersion" if keeping.versioned else "s3:DeleteObject"
        return warning(f"{permission} is not permitted ({error.code}), but uploads do not need it")
    kept = f"; {bucket} keeps versions, and they can be deleted" if keeping.versioned else ""
    return Check(name="delete", health=Health.OK, fact=f"permitted; only the doctor needs it{kept}")


def _head_of_nothing(trial: Trial) -> Check:
    try:
        trial.calls(lambda: trial.calls.backend.head_object(trial.target, trial.algorithm))
    except ObjectMissing:
        return Check(name="head", health=Health.OK, fact="permitted")
    except AccessRefused:
        return Check(
            name="head",
            health=Health.WARNING,
            fact="cannot be determined, because the object does not exist",
            advice=_READ,
        )
    return Check(name="head", health=Health.WARNING, fact="the service reports an object that does not exist")


def _complete(trial: Trial) -> Iterator[Check]:
    """Complete with a wrong size, then with the correct one."""
    upload_id, part = trial.one_part()
    compared: RemoteError | None = None
    try:
        trial.complete(trial.target, upload_id, part, size=len(DATA) + 1)
    except RemoteError as error:
        compared = error
        try:
            try:
                trial.complete(trial.target, upload_id, part, size=len(DATA))
            except UploadVanished:
                # The refusal removed the upload.
                trial.traces.uploads.discard(upload_id)
                upload_id, part = trial.one_part()
                trial.complete(trial.target, upload_id, part, size=len(DATA))
        except RemoteError as refusal:
            yield failed("complete", refusal, "s3:PutObject")
            raise TrialEnded from refusal
    yield Check(name="complete", health=Health.OK, fact="permitted")
    if compared is None:
        yield Check(
            name="object size",
            health=Health.WARNING,
            fact="accepted at Complete but not validated",
            advice="nothing to do: partway checks the object's size itself",
        )
    elif compared.status == 400:
        yield Check(name="object size", health=Health.OK, fact="a wrong size is refused at Complete")
    else:
        yield Check(name="object size", health=Health.WARNING, fact=f"not supported: {compared}")


def _head(trial: Trial) -> Check:
    try:
        facts = trial.calls(lambda: trial.calls.backend.head_object(trial.target, trial.algorithm))
    except RemoteError as error:
        return Check(name="head", health=Health.WARNING, fact=str(error), advice=_READ)
    if facts.size != len(DATA):
        return Check(
            name="head", health=Health.FAILED, fact=f"reports {facts.size:,} bytes for an object of {len(DATA)}"
        )
    told = "reports the checksum" if facts.checksum else "reports no checksum, only size and ETag"
    return Check(name="head", health=Health.OK, fact=f"permitted; the service {told}")


def _taken_by_complete(trial: Trial, conditional: Target) -> Check:
    upload_id, part = trial.one_part()

    def write() -> str | None:
        return trial.probe.complete(conditional, upload_id, [part], trial.algorithm, size=len(DATA))

    try:
        return _taken(trial, "Complete", write)
    finally:
        trial.remove(upload_id)


def _taken(trial: Trial, operation: str, write: Callable[[], str | None]) -> Check:
    """Try to overwrite the existing object on the condition that none exists."""
    try:
        trial.write(write)
    except ObjectExists:
        return Check(name="no overwrite", health=Health.OK, fact=f"{operation} honours If-None-Match")
    except RemoteError as error:
        return Check(
            name="no overwrite",
            health=Health.WARNING,
            fact=f"{operation} does not support If-None-Match: {error}",
            advice="do not use --no-overwrite with this service",
        )
    return Check(
        name="no overwrite",
        health=Health.WARNING,
        fact=f"{operation} ignores If-None-Match, and overwrites an object",
        advice="with --no-overwrite, partway checks the key right before it writes; no one else "
        "should write it at that moment",
    )
