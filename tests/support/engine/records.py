"""A record of an upload, for tests of the store."""

from partway.state.uploads import UploadRecord, UploadStatus

UPLOAD = UploadRecord(
    id="0a1b2c3d",
    status=UploadStatus.OPEN,
    source="/home/user/file",
    size=100,
    mtime_ns=1,
    inode=2,
    device=3,
    bucket="bucket",
    key="key",
    endpoint="",
    region=None,
    profile=None,
    options="{}",
    part_size=10,
    checksum_algorithm="CRC64NVME",
    upload_id="U",
    run=1,
    created_at=1.0,
    updated_at=1.0,
)
