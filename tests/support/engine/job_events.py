"""The events of a job whose uploads run side by side, short to write."""

from partway.engine.events.upload import (
    FileDone,
    JobDone,
    JobStarted,
    NetworkLost,
    NetworkRestored,
    PartDone,
    PartProgress,
    UploadDone,
    UploadFailed,
    UploadStarted,
)

MIB = 1024 * 1024
PART = 10 * MIB
BUCKET = "s3://bucket/p/"
JOB = JobStarted(job="10b0", target=BUCKET, done_files=0)
JOB_DONE = JobDone(
    job="10b0",
    target=BUCKET,
    done=1,
    skipped=0,
    failed=0,
    resumed=0,
    bytes=1,
    empty_folders=0,
    missing=0,
    seconds=1.0,
    resumable=False,
)


def started(name: str, *, parts: int = 10, resumed: int = 0) -> UploadStarted:
    """The upload ``id-NAME`` of a file of so many parts begins."""
    return UploadStarted(
        upload=f"id-{name}",
        source=f"/data/{name}",
        target=BUCKET + name,
        total_bytes=parts * PART,
        part_size=PART,
        part_count=parts,
        resumed_bytes=resumed * PART,
        resumed_parts=resumed,
    )


def sent(name: str, number: int, size: int) -> PartProgress:
    return PartProgress(upload=f"id-{name}", number=number, sent=size)


def part_done(name: str, number: int) -> PartDone:
    return PartDone(upload=f"id-{name}", number=number, size=PART)


def done(name: str, *, parts: int = 10) -> UploadDone:
    return UploadDone(
        upload=f"id-{name}",
        target=BUCKET + name,
        bytes=parts * PART,
        sent_bytes=parts * PART,
        resumed_bytes=0,
        seconds=1.0,
        retries=0,
        etag="e",
        proof="crc64nvme",
    )


def file_done(name: str, size: int = 10 * PART) -> FileDone:
    return FileDone(job="10b0", source=f"/data/{name}", target=BUCKET + name, bytes=size, proof="crc64nvme")


def failed(name: str) -> UploadFailed:
    """name: "" for an upload that had no id yet."""
    return UploadFailed(upload=f"id-{name}" if name else "", error="it is gone", resumable=True)


def lost(name: str, *, wait: float = 0.0) -> NetworkLost:
    return NetworkLost(upload=f"id-{name}", reason="timed out", wait=wait)


def restored(name: str) -> NetworkRestored:
    return NetworkRestored(upload=f"id-{name}", seconds=1.0)
