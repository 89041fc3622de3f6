"""Test parts: can they be sent, listed and removed, and which checksums does the service verify?"""

from collections.abc import Iterator

from ..backend.responses import PartReceipt
from ..checksums import ChecksumAlgorithm, checksum
from ..errors import ChecksumUnsupported, Refused, RemoteError, UploadFailed, UploadVanished
from .check import Check, Health
from .trial import DATA, Trial, TrialEnded, failed

_CRC64NVME, _MD5 = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.MD5
_OTHERS = (ChecksumAlgorithm.CRC32C, ChecksumAlgorithm.SHA256)


def try_parts(trial: Trial) -> Iterator[Check]:
    """Create an upload, send and list a part, and abort; then test the other checksum algorithms.

    Raises:
        TrialEnded: the service does not accept uploads, or they cannot be removed.
    """
    told = ""
    try:
        try:
            upload_id = trial.create(_CRC64NVME)
        except ChecksumUnsupported as error:
            trial.algorithm, told = _MD5, str(error)
            upload_id = trial.create(_MD5)
    except RemoteError as error:
        yield failed("create", error, "s3:PutObject")
        raise TrialEnded from error
    yield Check(name="create", health=Health.OK, fact="permitted")
    try:
        try:
            part = trial.send(upload_id, trial.algorithm)
        except ChecksumUnsupported as error:
            trial.algorithm, told = _MD5, str(error)
            trial.remove(upload_id)
            upload_id, part = trial.one_part()
    except RemoteError as error:
        yield failed("part", error, "s3:PutObject")
        raise TrialEnded from error
    yield Check(name="part", health=Health.OK, fact="permitted")
    yield _unsupported(_CRC64NVME, told) if told else _judged(trial, _CRC64NVME, upload_id, part)
    yield _listing(trial, upload_id)
    yield _abort(trial, upload_id)
    if trial.traces.stays:
        raise TrialEnded
    for algorithm in _OTHERS:
        yield _checksum(trial, algorithm)


def _checksum(trial: Trial, algorithm: ChecksumAlgorithm) -> Check:
    upload_id = ""
    try:
        upload_id = trial.create(algorithm)
        return _judged(trial, algorithm, upload_id, trial.send(upload_id, algorithm))
    except Refused as error:
        return _unsupported(algorithm, str(error))
    finally:
        trial.remove(upload_id)


def _judged(trial: Trial, algorithm: ChecksumAlgorithm, upload_id: str, part: PartReceipt) -> Check:
    """After a part was accepted: is a part with a wrong checksum accepted, too?"""
    name = algorithm.value.lower()
    accepted = f"accepted, {'echoed' if part.checksum == checksum(algorithm, DATA) else 'not echoed'}"
    try:
        trial.send_wrong(upload_id, algorithm)
    except RemoteError as error:
        if error.status == 400:
            return Check(name=name, health=Health.OK, fact=f"{accepted}; a wrong one is refused")
        return Check(
            name=name,
            health=Health.WARNING,
            fact=f"{accepted}; whether a wrong one is refused is not known: {error}",
        )
    return Check(
        name=name,
        health=Health.WARNING,
        fact=f"{accepted}, but not validated: a wrong one is accepted too",
        advice="use https, so that no bit can change in transit",
    )


def _unsupported(algorithm: ChecksumAlgorithm, told: str) -> Check:
    if algorithm is _CRC64NVME:
        advice = "nothing to do: partway uses MD5 and ETags instead"
    else:
        advice = f"do not use --checksum-algorithm {algorithm.value} with this service"
    return Check(name=algorithm.value.lower(), health=Health.WARNING, fact=f"not accepted: {told}", advice=advice)


def _listing(trial: Trial, upload_id: str) -> Check:
    s3 = trial.calls.backend
    try:
        rows = trial.calls(lambda: s3.list_parts(trial.target, upload_id, trial.algorithm))
    except UploadVanished:
        return Check(
            name="list parts",
            health=Health.WARNING,
            fact="the part with the wrong checksum ended the whole upload",
            advice="use https, so that no bit can change in transit",
        )
    if rows is None:
        return Check(
            name="list parts",
            health=Health.WARNING,
            fact="not permitted, or not supported by the service",
            advice="a resume then trusts the local state; with s3:ListMultipartUploadParts it can ask S3",
        )
    if 1 not in {row.number for row in rows}:
        return Check(
            name="list parts",
            health=Health.WARNING,
            fact="permitted, but a part that was sent is not listed",
            advice="a resume sends parts that this service does not list again",
        )
    return Check(name="list parts", health=Health.OK, fact="permitted")


def _abort(trial: Trial, upload_id: str) -> Check:
    try:
        trial.remove(upload_id)
    except (RemoteError, UploadFailed) as error:
        trial.traces.stays = True
        return Check(
            name="abort",
            health=Health.WARNING,
            fact=str(error),
            advice="uploads work; `partway cancel`, `partway clean` and --restart need s3:AbortMultipartUpload",
        )
    return Check(name="abort", health=Health.OK, fact="permitted; the part was removed")
