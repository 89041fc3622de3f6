"""Errors have no secret in their chain of causes, and print nothing that a terminal acts on, whatever S3 says."""

import json
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PartwayError, RemoteError
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.source.part_reader import PartReader
from partway.engine.source.plan import PartSpec
from tests.support.s3_faults.faults import (
    Action,
    Answer,
    BreakTls,
    CloseConnection,
    Fault,
    Garbage,
    ResetConnection,
    Stage,
)
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, Result, Shell
from tests.support.shell.interrupted import MIB
from tests.whole.test_secrets import DETAILS, LEAK, SECRET, TOKEN

MD5 = ChecksumAlgorithm.MD5
TROUBLES: dict[str, Action] = {
    "403": Answer(status=403, code="SignatureDoesNotMatch", message="No.", details=DETAILS),
    "400": Answer(status=400, code="ExpiredToken", message="No.", details=DETAILS),
    "404": Answer(status=404, code="NoSuchUpload", details=DETAILS),
    "409": Answer(status=409, code="ConditionalRequestConflict", details=DETAILS),
    "412": Answer(status=412, code="PreconditionFailed", details=DETAILS),
    "InvalidPart": Answer(status=400, code="InvalidPart", details=DETAILS),
    "500": Answer(status=500, code="InternalError", details=DETAILS),
    "501": Answer(status=501, code="NotImplemented", details=DETAILS),
    "no XML": Answer(status=200, body=b"<html>"),
    "closed": CloseConnection(),
    "reset": ResetConnection(),
    "garbage": Garbage(),
    "TLS": BreakTls(),
}
BIDI = "\u202e\u2066\u200f"
C1 = "\x9b31m\x9d0;title\x9c\x85"
LONG = "spam" * 25_000
MESSAGES = {"lines": "one\ntwo\r\nthree\tfour", "bidi": BIDI, "C1": C1, "ESC": "\x1b[31m\x1b]0;title\x07", "long": LONG}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """One strict S3, with the planted credentials."""
    with StrictS3(secret_key=SECRET, session_token=TOKEN) as server:
        yield server


@pytest.fixture
def calls(
    server: StrictS3, monkeypatch: pytest.MonkeyPatch, make_file: Callable[..., Path]
) -> Iterator[list[Callable[[], object]]]:
    """A call of each kind that S3 has for an upload."""
    server.faults.clear()
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    backend = S3Backend(S3Config(endpoint_url=server.url))
    target = Target(bucket="bucket", key="key", endpoint=server.url)
    spec = PartSpec(number=1, offset=0, size=10)
    path = str(make_file(10))
    with PartReader(path, spec, algorithm=MD5) as body, PartReader(path, spec, algorithm=MD5) as other:
        yield [
            lambda: backend.create_upload(target, MD5),
            lambda: backend.upload_part(target, "U", body),
            lambda: backend.list_parts(target, "U", MD5),
            lambda: backend.complete_upload(target, "U", [], algorithm=MD5, checksum="", size=0),
            lambda: backend.abort_upload(target, "U"),
            lambda: backend.put_object(target, other),
            lambda: backend.head_object(target, MD5),
        ]
    backend.close()


def told(error: BaseException) -> Iterator[str]:
    """Everything that an error says of itself and of its causes, and what would travel to another process."""
    yield "".join(traceback.format_exception(error))
    link: BaseException | None = error
    while link is not None:
        yield repr(link) + str(link) + repr(link.args)
        if isinstance(link, PartwayError):
            yield repr(vars(link))
            yield pickle.dumps(link).decode("latin-1")
        link = link.__cause__ or link.__context__


@pytest.mark.parametrize("name", TROUBLES)
def test_no_error_has_a_secret(server: StrictS3, calls: list[Callable[[], object]], name: str) -> None:
    """Neither in its text and its fields, nor in those of its causes, nor pickled."""
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=TROUBLES[name], times=None))
    raised: list[BaseException] = []
    for call in calls:
        try:
            call()
        except RemoteError as error:
            raised.append(error)

    assert len(raised) >= 4
    assert [text for error in raised for text in told(error) if LEAK.search(text.encode())] == []


def test_the_search_sees_the_causes() -> None:
    """What a cause says is found."""
    error = PartwayError("harmless")
    error.__cause__ = ValueError(TOKEN)

    assert any(LEAK.search(text.encode()) for text in told(error))


def upload(server: StrictS3, folder: Path, answer: Answer, *options: str) -> Result:
    """An upload to which UploadPart gives this answer."""
    server.faults.clear()
    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=answer, times=None))
    (folder / "source.bin").write_bytes(bytes(5 * MIB + 1))
    return Shell(folder, server).run("upload", "source.bin", "s3://bucket/key", *options, "-p", "5MiB", "-c", "1")


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_what_s3_says_is_printed_as_text(server: StrictS3, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Line breaks become spaces; direction marks and C1 escapes in the message, and raw bytes, are escaped."""
    hostile = "".join((MESSAGES["lines"], BIDI, C1))
    answer = Answer(status=403, code="Denied" + C1, message=hostile, headers={"x-amz-bucket-region": "\x1b[31m\x07"})

    result = upload(server, tmp_path, answer, *options)
    assert result.code == 1
    assert len(result.errors) == 1 and r"one two three four\u202e" in result.errors[0]
    assert not CONTROL.search(result.out + result.err)
    assert all(json.loads(line) for line in result.out.splitlines())


def test_a_message_with_escapes_is_no_xml(server: StrictS3, tmp_path: Path) -> None:
    """XML cannot carry ESC: the answer is unreadable, and the refusal is told without it."""
    result = upload(server, tmp_path, Answer(status=403, code="AccessDenied", message=MESSAGES["ESC"]))

    assert result.code in (1, 75)
    assert not CONTROL.search(result.out + result.err)


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["text", "json"])
def test_a_long_message_is_cut(server: StrictS3, tmp_path: Path, options: tuple[str, ...]) -> None:
    """A hundred kilobytes of text are no sentence."""
    result = upload(server, tmp_path, Answer(status=403, code="AccessDenied", message=LONG), *options)

    assert result.code == 1
    assert len(result.err) < 5_000
    assert len(result.out) < 5_000


def test_a_message_that_repeats_the_request_is_not_told(server: StrictS3, tmp_path: Path) -> None:
    """A service that echoes what it was sent does not bring the token into a log."""
    echo = f"Bad request: Authorization: AWS4-HMAC-SHA256 Credential=A/B, Signature=12; x-amz-security-token: {TOKEN}"

    result = upload(server, tmp_path, Answer(status=403, code="AccessDenied", message=echo))
    assert result.code == 1
    assert not LEAK.search((result.out + result.err).encode())


DEFECT = """
import sys
from partway.state.sqlite.store import SqliteStore
def broken(*args, **kwargs):
    raise RuntimeError("one\\ntwo\\x1b[31m\\u202e " + "x" * 100_000)
SqliteStore.unfinished = broken
from partway.cli.main import main
sys.argv = ["partway", *sys.argv[1:]]
main()
"""


def test_a_defect_is_told_as_text(server: StrictS3, tmp_path: Path) -> None:
    """Nobody knows what an unexpected error says: it is escaped and cut like everything else."""
    (tmp_path / "source.bin").write_bytes(b"x")
    shell = Shell(tmp_path, server)
    result = shell.run_command([sys.executable, "-c", DEFECT, "upload", "source.bin", "s3://bucket/key"])

    assert (result.code, len(result.errors)) == (1, 1)
    assert "this is a bug in partway: RuntimeError" in result.errors[0]
    assert not CONTROL.search(result.err)
    assert len(result.err) < 5_000
