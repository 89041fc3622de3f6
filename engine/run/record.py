"""The record of a new upload."""

import os
import socket
from dataclasses import dataclass

from partway.state.store import StateStore
from partway.state.uploads import UploadRecord, UploadStatus

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..source.identity import SourceIdentity
from .run import new_id

_LEARNED_FOR = 30 * 86400.0  # seconds that an endpoint's missing checksum is believed; services are updated


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeInfo:
    """What is stored with an upload so that it can be resumed without being told again.

    region, profile: of the AWS configuration; None means the usual ones.
    job: id of the job that owns the upload; None for one of its own.
    command: how users start it again, in a form that the caller can read; None where its id is enough.
    """

    region: str | None = None
    profile: str | None = None
    job: str | None = None
    command: str | None = None


def process_name() -> str:
    """This process, as messages of others name it while it has the upload's lock."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def default_algorithm(store: StateStore, endpoint: str, now: float) -> ChecksumAlgorithm:
    """The checksum to use where nobody named one: CRC64NVME, or what this endpoint proved to need.

    now: seconds since the epoch.
    """
    known = store.get_endpoint_algorithm(endpoint, since=now - _LEARNED_FOR)
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
    """The record of an upload that starts now.  now: seconds since the epoch."""
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
