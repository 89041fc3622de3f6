"""``--sse-c``: the key goes with every call about the object, is asked for again, and tells itself from another one."""

import base64
import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from partway.cli.options.sse_c import parse_key
from partway.engine.backend.sse_c import CustomerKey
from partway.engine.errors import PlanError
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import PARTWAY, TIMEOUT, Result, Shell
from tests.support.shell.interrupted import MIB, PARTS, SIZE, UPLOAD, interrupt, make_source, part_numbers
from tests.support.shell.pipe import piped, piping

KEY = bytes(range(200, 232))
TEXT = base64.b64encode(KEY).decode()
OTHER = base64.b64encode(bytes(32)).decode()
HEADER = "x-amz-server-side-encryption-customer-key-md5"
MD5 = base64.b64encode(hashlib.md5(KEY).digest()).decode()
WITH_KEY = ("--sse-c", "AES256", "--sse-c-key", TEXT)


@pytest.fixture
def server() -> Iterator[StrictS3]:
    """Customer keys go over TLS only."""
    with StrictS3(tls=True) as server:
        yield server


def refused(result: Result, server: StrictS3, calls: int, words: str) -> bool:
    """True when it ended with one sentence, exit code 2 and no call."""
    return (result.code, len(server.calls), words in result.err) == (2, calls, True)


@pytest.mark.parametrize("size", [10, 11 * MIB], ids=["one object", "parts"])
def test_the_key_goes_with_every_call_about_the_object(shell: Shell, server: StrictS3, size: int) -> None:
    """Also with parts after the first, and the object is encrypted with it."""
    (shell.folder / "file").write_bytes(b"x" * size)
    result = shell.run("upload", "file", "s3://bucket/key", "-p", "5MiB", *WITH_KEY)

    assert result.code == 0, result.err
    assert "verified crc64nvme" in result.out
    sent = {call.operation: call.headers.get(HEADER) for call in server.calls}
    assert {name for name, md5 in sent.items() if md5 != MD5} <= {"ListMultipartUploads"}
    assert server.model.objects["bucket", "key"].options.customer_key_md5 == MD5


@pytest.mark.parametrize("again", ["resume", "upload"])
def test_an_upload_that_goes_on_needs_its_key(shell: Shell, server: StrictS3, again: str) -> None:
    """Without, or with another, nothing is asked of S3; with it, parts that are there are kept."""
    interrupt(shell, server, *UPLOAD, *WITH_KEY)
    command, calls = UPLOAD if again == "upload" else ("resume",), len(server.calls)
    assert refused(shell.run(*command), server, calls, "give it with --sse-c-key")
    other = shell.run(*command, *(("--sse-c",) if again == "upload" else ()), "--sse-c-key", OTHER)
    assert refused(other, server, calls, "started with a key other")

    wanted = ("--sse-c",) if again == "upload" else ()
    result = shell.run(*command, *wanted, variables={"PARTWAY_SSE_C_KEY": TEXT})

    assert result.code == 0, result.err
    assert part_numbers(server) == list(range(1, PARTS + 1))
    assert server.model.objects["bucket", "key"].options.customer_key_md5 == MD5
    assert "ListParts" in server.counts


def test_what_was_begun_without_a_key_takes_none(shell: Shell, server: StrictS3) -> None:
    """S3 cannot encrypt it afterwards; a resume leaves a key away that it does not need."""
    interrupt(shell, server, *UPLOAD)
    calls = len(server.calls)
    assert refused(shell.run(*UPLOAD, *WITH_KEY), server, calls, "started with another customer key")

    result = shell.run("resume", "--sse-c-key", TEXT)

    assert result.code == 0, result.err
    assert server.model.objects["bucket", "key"].options.customer_key_md5 is None


def test_the_command_to_go_on_names_the_flag(shell: Shell, server: StrictS3) -> None:
    """And the state only says that a key is needed."""
    result = interrupt(shell, server, *UPLOAD, *WITH_KEY, number=2)

    assert "--sse-c-key fileb://FILE" in result.err
    assert "encrypted" in shell.run("show", result.events[-1]["upload"]).out


def test_it_is_given_up_without_the_key(shell: Shell, server: StrictS3) -> None:
    """Abort takes none; and when parts are left, which cannot be listed without, it is repeated."""
    interrupt(shell, server, *UPLOAD, *WITH_KEY)
    nothing = Answer(status=204)
    server.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=nothing, times=1))
    (record,) = shell.run("list").out.splitlines()[1:]

    result = shell.run("cancel", record.split()[0])

    assert result.code == 0, result.err
    assert not server.model.open_uploads
    assert server.counts["AbortMultipartUpload"] == 2


def test_the_variable_alone_encrypts_nothing(shell: Shell, server: StrictS3) -> None:
    """It may be set for the sake of another upload."""
    assert shell.run(*UPLOAD, variables={"PARTWAY_SSE_C_KEY": TEXT}).code == 0

    assert server.model.objects["bucket", "key"].options.customer_key_md5 is None


def test_a_job_needs_its_key_again(shell: Shell, server: StrictS3, tmp_path: Path) -> None:
    """One key for all of its files."""
    for name in ("a", "b", "c"):
        (tmp_path / "some" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "some" / name).write_bytes(name.encode())
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=access_denied(), times=1))
    assert shell.run("upload", "-r", "some", "s3://bucket/", *WITH_KEY).code == 1
    calls = len(server.calls)
    assert refused(shell.run("resume"), server, calls, "give it with --sse-c-key")
    assert refused(shell.run("resume", "--sse-c-key", OTHER), server, calls, "with a key other")

    result = shell.run("resume", "--sse-c-key", TEXT)

    assert result.code == 0, result.err
    assert {stored.options.customer_key_md5 for stored in server.model.objects.values()} == {MD5}
    assert len(server.model.objects) == 3


def test_a_stream_needs_its_key_again(shell: Shell, server: StrictS3) -> None:
    data = os.urandom(11 * MIB)
    with piping(shell, lambda pipe: pipe.write(data[: 6 * MIB]) and pipe.write(data), "s3://bucket/s", "-p", "5MiB",
                *WITH_KEY) as running:  # fmt: skip
        running.wait_for("part_done")
        running.stop()
    calls = len(server.calls)
    assert refused(piped(shell, data, "s3://bucket/s"), server, calls, "give it with --sse-c-key")

    result = piped(shell, data, "s3://bucket/s", *WITH_KEY)

    assert result.code == 0, result.err
    assert server.model.objects["bucket", "s"].body == data


@pytest.mark.parametrize("size", [10, 11 * MIB], ids=["one object", "parts"])
def test_a_service_that_ignores_the_key_is_left(shell: Shell, server: StrictS3, size: int) -> None:
    """Silence would mean that the bytes lie there for everybody to read."""
    server.model.quirks = Quirks(ignores_customer_keys=True)
    (shell.folder / "file").write_bytes(b"x" * size)
    result = shell.run("upload", "file", "s3://bucket/key", "-p", "5MiB", *WITH_KEY)

    assert result.code == 1
    assert "ignored the key of --sse-c" in result.errors[0]
    assert not part_numbers(server)
    assert server.model.open_uploads == ()


def test_plain_http_is_refused() -> None:
    """The key would pass everybody on the way; the loopback has no way."""
    away = S3Backend(S3Config(endpoint_url="http://partway.invalid", region="x", customer_key=CustomerKey(KEY)))

    with pytest.raises(PlanError, match="use an endpoint with https"):
        _ = away.endpoint
    here = S3Backend(replace(away.config, endpoint_url="http://127.0.0.1:1"))
    assert here.endpoint == "http://127.0.0.1:1"
    here.close()


def test_objects_with_another_key_are_not_looked_at(shell: Shell, server: StrictS3) -> None:
    """HEAD answers 400 for them: they are not the same, and whether they may be overwritten nobody can say."""
    (shell.folder / "file").write_bytes(b"x")
    (shell.folder / "some").mkdir()
    (shell.folder / "some" / "key").write_bytes(b"x")
    assert shell.run("upload", "file", "s3://bucket/key", *WITH_KEY).code == 0

    kept = shell.run("upload", "file", "s3://bucket/key", "--no-overwrite")
    sent = shell.run("upload", "-r", "some", "s3://bucket/", "--skip-existing")

    assert kept.code == 1 and "--no-overwrite cannot be guaranteed" in kept.errors[0], kept
    assert sent.code == 0, sent.err
    assert server.model.objects["bucket", "key"].options.customer_key_md5 is None


def test_anothers_unfinished_upload_with_another_key_is_no_hindrance(shell: Shell, server: StrictS3) -> None:
    """Its parts cannot be listed, so it is not ours."""
    interrupt(shell, server, *UPLOAD, "--sse-c", "--sse-c-key", OTHER)
    elsewhere = {"PARTWAY_STATE_DIR": str(shell.folder / "other")}

    result = shell.run(*UPLOAD, *WITH_KEY, variables=elsewhere)

    assert result.code == 0, result.err
    assert len(server.model.open_uploads) == 1


def test_objects_are_compared_with_their_key(shell: Shell, server: StrictS3) -> None:
    assert shell.run(*UPLOAD, *WITH_KEY).code == 0
    result = shell.run("verify", "source.bin", "s3://bucket/key", "--sse-c-key", TEXT)

    assert result.code == 0, result.err
    assert result.out.startswith("equal")


def test_keys_as_people_have_them(tmp_path: Path) -> None:
    """Bytes, text, base64, and files of them."""
    (tmp_path / "raw").write_bytes(KEY)
    (tmp_path / "text").write_text(TEXT + "\n")
    for text in (TEXT, f"fileb://{tmp_path}/raw", f"fileb://{tmp_path}/text", f"file://{tmp_path}/raw"):
        assert parse_key(text).value == KEY

    assert parse_key("k" * 32).value == b"k" * 32


@pytest.mark.parametrize("text", ["", "k" * 31, "k" * 33, TEXT[:-4], "ä" * 32, "fileb:///nowhere", "fileb://\0"])
def test_what_is_no_key_is_said_without_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"bytes; use|cannot be read") as error:
        parse_key(text)

    assert not text or text not in str(error.value)


def test_a_key_is_in_no_text() -> None:
    """Neither alone nor in what has it; yet it goes to other processes."""
    config = S3Config(customer_key=CustomerKey(KEY))

    assert "200" not in repr(config) and "\\xc8" not in repr(config) and TEXT not in repr(config)
    assert pickle.loads(pickle.dumps(config)) == config


def test_fingerprints_tell_keys_and_buckets_apart() -> None:
    """They are short, so that they lead nobody back."""
    key = CustomerKey(KEY)

    assert key.fingerprint("bucket") == CustomerKey(KEY).fingerprint("bucket")
    assert key.fingerprint("bucket") != key.fingerprint("other")
    assert key.fingerprint("bucket") != CustomerKey(bytes(32)).fingerprint("bucket")
    assert len(key.fingerprint("bucket")) == 8


ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def test_on_a_terminal_it_is_asked_for_and_not_shown(shell: Shell, server: StrictS3) -> None:
    """Twice, when what was typed first is no key."""
    interrupt(shell, server, *UPLOAD, *WITH_KEY)
    master, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *PARTWAY, "resume"],
        cwd=shell.folder, env=shell.variables | {"TERM": "dumb"}, stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True,
    ) as process:  # fmt: skip
        os.close(terminal)
        shown = read_until(master, b"): ")
        os.write(master, b"too-short\n")
        shown += read_until(master, b"): ")
        os.write(master, TEXT.encode() + b"\n")
        shown += read_until(master, b"verified")
        code = process.wait(TIMEOUT)
    os.close(master)

    assert code == 0
    assert b"Key for upload" in shown and b"it has 9 bytes" in shown
    assert TEXT.encode() not in shown and b"too-short" not in shown


def read_until(descriptor: int, words: bytes) -> bytes:
    """What a terminal shows up to these words."""
    shown = b""
    while words not in shown:
        shown += os.read(descriptor, 1024)
    return shown


BAD = {
    "no key": (("--sse-c",), "--sse-c needs a key"),
    "another algorithm": (("--sse-c", "aws:kms"), "is not 'AES256'"),
    "short": (("--sse-c", "--sse-c-key", "secret-word"), "it has 11 bytes; use 32 bytes"),
    "both": (("--sse", "AES256", *WITH_KEY), "cannot be used together"),
    "no file": (("--sse-c-key", "fileb://none"), "cannot be read"),
    "in the clear": ((*WITH_KEY, "--endpoint-url", "http://partway.invalid"), "use an endpoint with https://"),
}


def test_what_makes_no_sense_is_one_sentence(shell: Shell, server: StrictS3) -> None:
    make_source(shell)
    results = shell.run_all({name: (*UPLOAD, *typed) for name, (typed, _) in BAD.items()})

    for name, (_, words) in BAD.items():
        assert refused(results[name], server, 0, words), f"{name}: {results[name].err}"
    assert "secret-word" not in results["short"].err
    assert SIZE > 0 and not server.model.objects
