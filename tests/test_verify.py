"""``partway verify``: what S3 says of an object against the bytes of a file."""

from pathlib import Path

import pytest

from partway.engine.backend import ObjectDetails, Target
from partway.engine.checksum import ChecksumAlgorithm, checksum, combine, etag_of
from partway.engine.verify import Verdict, compare
from tests.support.command import Shell
from tests.support.strict_s3 import StrictS3

MIB = 1024 * 1024
TARGET = Target(bucket="bucket", key="key")
BYTES = b"0123456789" * 100
PARTS = [BYTES[i : i + 300] for i in range(0, 1000, 300)]


def combined(algorithm: ChecksumAlgorithm) -> str:
    return combine(algorithm, [(checksum(algorithm, part), len(part)) for part in PARTS])


def details(
    *checksums: tuple[ChecksumAlgorithm, str],
    etag: str = "x",
    part_size: int | None = 300,
    md5_etag: bool = True,
    size: int = 1000,
) -> ObjectDetails:
    return ObjectDetails(size=size, etag=etag, checksums=checksums, part_size=part_size, md5_etag=md5_etag)


MD5 = etag_of(checksum(ChecksumAlgorithm.MD5, BYTES))
MULTIPART = combined(ChecksumAlgorithm.MD5)
CRC, SHA = ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.SHA256
CASES = {
    "a whole crc": (details((CRC, checksum(CRC, BYTES))), Verdict.EQUAL, "crc64nvme"),
    "a crc of parts": (details((CRC, combined(CRC))), Verdict.EQUAL, "crc64nvme"),
    "another crc": (details((CRC, "AAAAAAAAAAA=")), Verdict.DIFFERENT, "crc64nvme"),
    "a whole sha": (details((SHA, checksum(SHA, BYTES))), Verdict.EQUAL, "sha256"),
    "a composite sha": (details((SHA, combined(SHA))), Verdict.EQUAL, "sha256 of 4 parts"),
    "another composite": (details((SHA, checksum(SHA, b"") + "-4")), Verdict.DIFFERENT, "sha256 of 4 parts"),
    "a composite of unknown parts": (details((SHA, combined(SHA)), part_size=None), Verdict.UNKNOWN, "size"),
    "a composite of other parts": (details((SHA, combined(SHA)), part_size=500), Verdict.UNKNOWN, "size"),
    "an md5": (details(etag=MD5, part_size=None), Verdict.EQUAL, "etag"),
    "another md5": (details(etag="0" * 32), Verdict.DIFFERENT, "etag"),
    "an encrypted one": (details(etag="0" * 32, md5_etag=False), Verdict.UNKNOWN, "size"),
    "an etag of parts": (details(etag=MULTIPART), Verdict.EQUAL, "etag of 4 parts"),
    "another etag of parts": (details(etag="0" * 32 + "-4"), Verdict.UNKNOWN, "size"),
    "an etag of unknown parts": (details(etag=MULTIPART, part_size=None), Verdict.UNKNOWN, "size"),
    "another size": (details((CRC, checksum(CRC, BYTES)), size=999), Verdict.DIFFERENT, "size"),
    "no md5 at all": (details(etag="opaque"), Verdict.UNKNOWN, "size"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_decides(name: str, tmp_path: Path) -> None:
    """The strongest that the service has; nothing is called equal by size alone."""
    found, verdict, by = CASES[name]
    path = tmp_path / "file"
    path.write_bytes(BYTES)

    result = compare(str(path), TARGET, lambda: found)

    assert result.verdict is verdict
    assert result.by.startswith(by)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    found = details((CRC, checksum(CRC, b"")), size=0, part_size=None)

    assert compare(str(path), TARGET, lambda: found).verdict is Verdict.EQUAL


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "SHA256", "CRC32C"])
@pytest.mark.parametrize("size", [10, 11 * MIB])
def test_what_was_uploaded_is_equal(shell: Shell, server: StrictS3, algorithm: str, size: int) -> None:
    """And not any more once a byte of the file is another."""
    path = shell.folder / "file"
    path.write_bytes(b"x" * size)
    assert shell.run("upload", "file", "s3://bucket/key", "-p", "5MiB", "--checksum-algorithm", algorithm).code == 0
    elsewhere = {"PARTWAY_STATE_DIR": str(shell.folder / "other")}

    same = shell.run("verify", "file", "s3://bucket/key", variables=elsewhere)
    path.write_bytes(b"x" * (size - 1) + b"y")
    other = shell.run("verify", "file", "s3://bucket/key", "--json")

    assert (same.code, same.out.split(":")[0]) == (0, "equal"), same.err
    assert algorithm.lower() in same.out
    assert (other.code, other.events[0]["verdict"]) == (1, "different") if "event" in other.out else other.code == 1


def test_many_files_and_what_is_missing(shell: Shell, server: StrictS3) -> None:
    """Each has its line; one that differs makes the exit code."""
    for name in ("a", "b"):
        (shell.folder / name).write_bytes(name.encode())
    assert shell.run("upload", "a", "s3://bucket/x/").code == 0

    result = shell.run("verify", "a", "b", "gone", "s3://bucket/x/")

    assert result.code == 1
    assert result.out.count("equal: ") == 1
    assert "MISSING: " in result.err
    assert "there is no file" in result.err
    assert server.journal.calls[-1].operation == "HeadObject"


def test_quiet_says_only_what_is_wrong(shell: Shell, server: StrictS3) -> None:
    (shell.folder / "a").write_bytes(b"a")
    assert shell.run("upload", "a", "s3://bucket/a").code == 0
    result = shell.run("verify", "a", "s3://bucket/a", "--quiet")

    assert (result.code, result.out, result.err) == (0, "", "")
