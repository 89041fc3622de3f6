"""Create the record of a new upload."""

import os
import socket
from dataclasses import dataclass

from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..source.identity import SourceIdentity
from .run import new_id

_VALID_FOR = 30 * 86400.0  # seconds until the default checksum is tried again with an endpoint: services get updated


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeInfo:
    """What is stored with an upload so that a resume needs only its ID.

    region, profile: of the AWS configuration; None means the defaults.
    job: ID of the job that owns the upload; None for a standalone upload.
    command: the command line that starts it again, in a form that the caller can parse; None when the ID is enough.
    """

    region: str | None = None
    profile: str | None = None
    job: str | None = None
    command: str | None = None


def process_name() -> str:
    """The name of this process in the messages of others, while it holds the upload's lock."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def default_algorithm(store: StateStore, endpoint: str, now: float) -> ChecksumAlgorithm:
    """The checksum algorithm to use when the user chose none: CRC64NVME, or the one that this endpoint needs.

    now: seconds since the epoch.
    """
    known = store.get_endpoint_algorithm(endpoint, since=now - _VALID_FOR)
    return ChecksumAlgorithm(known or ChecksumAlgorithm.CRC64NVME)


def new_record(
    source: SourceIdentity,
    target: Target,
    *,
    part_size: int,
    algorithm: ChecksumAlgorithm,
    info: ResumeInfo,
    now: float,
) -> UploadRecord:
    """The record of a new upload.  now: seconds since the epoch."""
    return UploadRecord(
        id=new_id(),
        status=UploadStatus.OPEN,
        source=source.path,
        size=source.size,
        mtime_ns=source.mtime_ns,
        ctime_ns=source.ctime_ns,
        inode=source.inode,
        device=source.device,
        bucket=target.bucket,
        key=target.key,
        endpoint=target.endpoint,
        region=info.region,
        profile=info.profile,
        options=target.options.to_json(),
        part_size=part_size,
        checksum_algorithm=algorithm.value,
        upload_id=None,
        run=1,
        created_at=now,
        updated_at=now,
        holder=process_name(),
        job=info.job,
        command=info.command,
    )
