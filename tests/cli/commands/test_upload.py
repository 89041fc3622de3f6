"""``partway upload`` in a real process: what the server receives and the user sees."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.support.s3_faults.faults import Fault, Stage, Trickle
from tests.support.s3_model.values import StoredObject
from tests.support.s3_server.request_log import Call
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Result, Shell

MIB = 1024 * 1024
BIG, SMALL = Random(1).randbytes(12 * MIB + 1), b"a small file"

OPTIONS = (
    "--acl=bucket-owner-full-control",
    "--storage-class=STANDARD_IA",
    "--content-type=video/x-thing",
    "--sse=aws:kms",
    "--sse-kms-key-id=key-17",
)
COMMANDS: dict[str, tuple[str | bytes, ...]] = {
    "big": (
        *("upload", "big.bin", "s3://bucket/big", "-p5MiB", "-c", "1", "--metadata", "a=1,b=two words", *OPTIONS),
        "--no-progress",
    ),
    "small": ("upload", "small.txt", "s3://bucket/small", "--metadata", '{"a": "1", "b": "two words"}', *OPTIONS),
    "slash": ("upload", "sub/../small.txt", "s3://bucket/folder/", "--no-progress"),
    "bucket alone": ("upload", "small.txt", "s3://bucket/"),
    "empty": ("upload", "empty.bin", "s3://bucket/empty"),
    "guessed": ("upload", "film.mp4", "s3://bucket/guessed"),
    "compressed": ("upload", "pack.tar.gz", "s3://bucket/compressed"),
    "not guessed": ("upload", "film.mp4", "s3://bucket/not-guessed", "--no-guess-mime-type"),
    "quiet": ("upload", "big.bin", "s3://bucket/quiet", "--quiet", "-p", "6M", "-c3"),
    "taken": ("upload", "small.txt", "s3://bucket/taken", "--no-overwrite"),
    "free": ("upload", "small.txt", "s3://bucket/free", "--no-overwrite"),
    "max parts": ("upload", "big.bin", "s3://bucket/max-parts", "--max-parts", "2", "--part-size", "7340032"),
    "bare sse": ("upload", "small.txt", "s3://bucket/bare-sse", "--sse"),
    "CRC32C": ("upload", "big.bin", "s3://bucket/crc32c", "-p", "5MiB", "--checksum-algorithm", "crc32c"),
    "XXHASH3": ("upload", "big.bin", "s3://bucket/xxhash3", "-p", "5MiB", "--checksum-algorithm", "XXHASH3"),
    "MD5": ("upload", "big.bin", "s3://bucket/md5", "-p", "5MiB", "--checksum-algorithm", "MD5"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """One strict S3 with S3's own limits for every test here."""
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def shell(server: StrictS3, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with files of several kinds."""
    folder = tmp_path_factory.mktemp("upload")
    (folder / "sub").mkdir()
    (folder / "big.bin").write_bytes(BIG)
    for name in ("small.txt", "film.mp4", "pack.tar.gz"):
        (folder / name).write_bytes(SMALL)
    (folder / "empty.bin").touch()
    return Shell(folder, server)


@pytest.fixture(scope="module")
def results(server: StrictS3, shell: Shell) -> dict[str, Result]:
    """How each of COMMANDS ended."""
    server.model.put_object("bucket", "taken", b"older")
    return shell.run_all(COMMANDS)


@pytest.fixture(scope="module")
def objects(server: StrictS3, results: dict[str, Result]) -> dict[str, StoredObject]:
    """The objects on the server, by key."""
    return {key: stored for (_, key), stored in server.model.objects.items()}


def calls(server: StrictS3, operation: str, key: str) -> list[Call]:
    return [call for call in server.calls if call.operation == operation and call.key == key]


@pytest.mark.parametrize("name", COMMANDS)
def test_exit_code_of_success(results: dict[str, Result], name: str) -> None:
    """A successful upload exits with 0, without errors."""
    assert results[name].code == 0, results[name]
    assert not results[name].errors


@pytest.mark.parametrize(
    ("key", "content"),
    {
        "big": BIG,
        "small": SMALL,
        "folder/small.txt": SMALL,
        "small.txt": SMALL,
        "empty": b"",
        "quiet": BIG,
        "free": SMALL,
        "max-parts": BIG,
    }.items(),
)
def test_bytes(objects: dict[str, StoredObject], key: str, content: bytes) -> None:
    """The object equals the file; the file's name is appended to a destination that ends in /."""
    assert objects[key].body == content


@pytest.mark.parametrize("key", ["big", "small"])
@pytest.mark.parametrize(
    ("header", "value"),
    {
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-storage-class": "STANDARD_IA",
        "content-type": "video/x-thing",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "key-17",
    }.items(),
)
def test_option_arrives(objects: dict[str, StoredObject], key: str, header: str, value: str) -> None:
    """Options reach S3 as their headers, in parts and in one."""
    assert objects[key].options.headers.get(header) == value


@pytest.mark.parametrize("key", ["big", "small"])
def test_metadata_arrives(objects: dict[str, StoredObject], key: str) -> None:
    """Both forms of metadata are equivalent."""
    assert objects[key].options.metadata == {"a": "1", "b": "two words"}


@pytest.mark.parametrize(
    ("key", "kind"),
    {"guessed": "video/mp4", "compressed": "application/gzip", "not-guessed": None, "big": "video/x-thing"}.items(),
)
def test_content_type(objects: dict[str, StoredObject], key: str, kind: str | None) -> None:
    """Guessed from the name, unless it is given or guessing is off; a compressed file does not get its inner type."""
    sent = objects[key].options.headers.get("content-type")

    assert sent == kind or (kind is None and sent == "binary/octet-stream")


def test_bare_sse(objects: dict[str, StoredObject]) -> None:
    """--sse without a value is AES256."""
    assert objects["bare-sse"].options.headers["x-amz-server-side-encryption"] == "AES256"


@pytest.mark.parametrize(("key", "sizes"), {"big": [5, 5, 3], "quiet": [6, 6, 1], "max-parts": [7, 6]}.items())
def test_part_size(server: StrictS3, objects: dict[str, StoredObject], key: str, sizes: list[int]) -> None:
    """--part-size determines the parts, in every format of a size."""
    sent = {call.part_number: call.body_bytes for call in calls(server, "UploadPart", key)}

    assert [-(-sent[number] // MIB) for number in sorted(sent, key=lambda n: n or 0)] == sizes


@pytest.mark.parametrize(("key", "name"), {"crc32c": "crc32c", "xxhash3": "xxhash3", "big": "crc64nvme"}.items())
def test_checksum_algorithm(server: StrictS3, results: dict[str, Result], key: str, name: str) -> None:
    """The chosen checksum is declared, and sent with every part."""
    (create,) = calls(server, "CreateMultipartUpload", key)

    assert create.headers["x-amz-checksum-algorithm"].lower() == name
    assert all(f"x-amz-checksum-{name}" in part.headers for part in calls(server, "UploadPart", key))


def test_md5_instead_of_checksums(server: StrictS3, results: dict[str, Result]) -> None:
    """MD5 is sent as Content-MD5, and nothing is declared."""
    (create,) = calls(server, "CreateMultipartUpload", "md5")

    assert "x-amz-checksum-algorithm" not in create.headers
    assert all("content-md5" in part.headers for part in calls(server, "UploadPart", "md5"))


def test_summary(results: dict[str, Result]) -> None:
    """The summary goes to stdout: object, bytes, time, rate, retries, proof."""
    first, second, third = results["big"].out.splitlines()

    assert first == "uploaded s3://bucket/big (12.0 MiB)"
    assert second.startswith("  sent 12.0 MiB in ") and " MiB/s, no retries" in second
    assert third == "  verified crc64nvme of the whole object"
    assert results["big"].err == ""


def test_quiet(results: dict[str, Result]) -> None:
    """--quiet prints nothing at all."""
    assert (results["quiet"].out, results["quiet"].err) == ("", "")


def test_no_overwrite_skips(server: StrictS3, results: dict[str, Result], objects: dict[str, StoredObject]) -> None:
    """--no-overwrite keeps an existing object, sends nothing and reports it."""
    assert results["taken"].out == "skipped s3://bucket/taken: the object already exists; nothing was sent\n"
    assert objects["taken"].body == b"older"
    assert not calls(server, "PutObject", "taken")


def test_no_overwrite_is_left_to_the_server(server: StrictS3, results: dict[str, Result]) -> None:
    """If the key is free, S3 is asked to refuse the write if an object appears in the meantime."""
    (put,) = calls(server, "PutObject", "free")

    assert put.headers["if-none-match"] == "*"


@pytest.fixture(scope="module")
def slow(server: StrictS3, shell: Shell, results: dict[str, Result]) -> dict[str, Result]:
    """Two uploads that take longer than the time between two progress lines."""
    slow_part = Trickle(bytes_per_second=2 * MIB)
    server.faults.add(
        Fault(operation="UploadPart", stage=Stage.BEFORE_READ, part_number=1, action=slow_part, times=None)
    )
    line = ("upload", "big.bin", "-p", "12MiB")
    found = shell.run_all({"lines": (*line, "s3://bucket/slow"), "none": (*line, "s3://bucket/none", "--no-progress")})
    server.faults.clear()
    return found


def test_progress_lines(slow: dict[str, Result]) -> None:
    """Without a terminal a plain line comes every few seconds, on stderr."""
    lines = slow["lines"].err.splitlines()

    assert lines
    assert all(line.startswith("big.bin: ") and " %, " in line and " of 12.0 MiB, " in line for line in lines)


def test_no_progress(slow: dict[str, Result]) -> None:
    """--no-progress omits the progress lines, but not the summary."""
    assert slow["none"].err == ""
    assert slow["none"].out.startswith("uploaded s3://bucket/none")
