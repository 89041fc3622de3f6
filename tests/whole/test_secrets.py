"""Secrets stay where the user put them: nothing that is written, printed or raised has one.

Each planted secret contains one word.  Every story runs the real command in a folder of its own; then everything in
that folder and everything that was printed is searched for the word, and for what only a signed request has.
"""

import base64
import hashlib
import re
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import NOT_FORKED, Result, Shell
from tests.support.shell.interrupted import MIB, OPTIONS, SIZE, hanging

WORD = "PLANTED"
SECRET = f"{WORD}/secret+key00000000000000000000000"
TOKEN = f"{WORD}session/token+" + "0123456789" * 30
KEY = f"{WORD}-key-of-a-customer-000000".encode()
MD5 = hashlib.md5(KEY).digest()
# The key of --sse-c in every form that it could be written in, and what S3 tells it by.
KEYS = [
    form
    for secret in (KEY, MD5)
    for form in (secret, base64.b64encode(secret), base64.urlsafe_b64encode(secret), secret.hex().encode())
]
SSE_C = {"PARTWAY_SSE_C_KEY": base64.b64encode(KEY).decode()}
LEAK = re.compile(
    b"|".join(map(re.escape, KEYS))
    + rb"|PLANTED|AWS4-HMAC-SHA256[ \n]|Credential=|Signature="
    + rb"|(?i:x-amz-security-token|authorization|customer-key) ?[:=]|(?i:%s)" % KEY.hex().encode()
)
CANONICAL = f"GET\n/\n\nhost:127.0.0.1\nx-amz-security-token:{TOKEN}\n"
# What S3 says beside the message when a signature or a token is wrong.
DETAILS = {"CanonicalRequest": CANONICAL, "StringToSign": "AWS4-HMAC-SHA256\n2026", "Token-0": TOKEN}


@dataclass(frozen=True, kw_only=True)
class Story:
    """One command.

    code: its exit code.
    fault: what UploadPart answers.
    breaks_state: its database is none.
    """

    code: int
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    fault: Answer | None = None
    tls: bool = False
    breaks_state: bool = False


def proxy(address: str) -> dict[str, str]:
    """A proxy with a password, for every address."""
    return {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": "", "no_proxy": ""}


AWAY = ("--retry-for", "0s")
ELSEWHERE = ("--endpoint-url", "http://partway.invalid", *AWAY)
SAFE_ELSEWHERE = ("--endpoint-url", "https://partway.invalid", *AWAY)
PROXY = f"http://user:{WORD}password@127.0.0.1"
STORIES = {
    "done": Story(code=0),
    "token": Story(code=75, fault=Answer(status=400, code="ExpiredToken", message="Expired.", details=DETAILS)),
    "refused signature": Story(
        code=1, fault=Answer(status=403, code="SignatureDoesNotMatch", message="No.", details=DETAILS)
    ),
    "wrong secret": Story(code=1, variables={"AWS_SECRET_ACCESS_KEY": f"{WORD}other"}),
    "secret with a line break": Story(code=1, variables={"AWS_SESSION_TOKEN": f"{WORD}other\nx"}),
    "not reachable": Story(code=75, arguments=("--endpoint-url", "http://127.0.0.1:1", *AWAY)),
    "untrusted": Story(code=1, tls=True, variables={"AWS_CA_BUNDLE": ""}),
    "proxy away": Story(code=75, arguments=ELSEWHERE, variables=proxy(f"{PROXY}:1")),
    "proxy for TLS away": Story(code=75, arguments=SAFE_ELSEWHERE, variables=proxy(f"{PROXY}:1")),
    "proxy for TLS refuses": Story(code=75, arguments=SAFE_ELSEWHERE, variables=proxy(f"{PROXY}:{{port}}")),
    "proxy is no address": Story(code=1, arguments=ELSEWHERE, variables=proxy(f"{PROXY}:port")),
    "proxy password with a slash": Story(
        code=1, arguments=ELSEWHERE, variables=proxy(f"http://user:{WORD}/x@127.0.0.1:1")
    ),
    "endpoint password with a slash": Story(
        code=1, variables={"AWS_ENDPOINT_URL": f"http://user:{WORD}/x@127.0.0.1:{{port}}"}
    ),
    "password in the endpoint": Story(code=1, variables={"AWS_ENDPOINT_URL": f"http://user:{WORD}@127.0.0.1:{{port}}"}),
    "customer key": Story(code=0, arguments=("--sse-c",), variables=SSE_C, tls=True),
    "customer key typed": Story(code=0, arguments=("--sse-c", "--sse-c-key", KEY.decode()), tls=True),
    "customer key repeated by the server": Story(
        code=1,
        arguments=("--sse-c",),
        variables=SSE_C,
        fault=Answer(status=400, code="InvalidArgument", message=f"No: {base64.b64encode(KEY).decode()}, {KEY.hex()}."),
        tls=True,
    ),
    "customer key in a header that is repeated": Story(
        code=1,
        arguments=("--sse-c",),
        variables=SSE_C,
        fault=Answer(status=403, code="AccessDenied", message="x-amz-server-side-encryption-customer-key: " + WORD),
        tls=True,
    ),
    "customer key in the clear": Story(code=2, arguments=("--sse-c", *ELSEWHERE), variables=SSE_C),
    "customer key and a defect": Story(
        code=1, arguments=("--sse-c",), variables=SSE_C | {"PARTWAY_DEBUG": "1"}, tls=True, breaks_state=True
    ),
    "broken state": Story(code=1, breaks_state=True),
}


def play(story: Story, folder: Path, *options: str) -> tuple[Shell, Result]:
    """Run the command of a story against a server of its own."""
    folder.mkdir()
    (folder / "tmp").mkdir()
    (folder / "source.bin").write_bytes(bytes(5 * MIB + 1000))
    with StrictS3(S3Model(), tls=story.tls, secret_key=SECRET, session_token=TOKEN) as server:
        if story.fault is not None:
            server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=story.fault, times=None))
        shell = Shell(folder, server)
        if story.breaks_state:
            shell.state.mkdir()
            (shell.state / "partway.db").write_bytes(b"SQLite format 3\0")
        named = {name: value.replace("{port}", str(server.port)) for name, value in story.variables.items()}
        variables = {"TMPDIR": str(folder / "tmp"), **named}
        arguments = [argument.replace("{port}", str(server.port)) for argument in story.arguments]
        command = ("upload", "source.bin", "s3://bucket/key", "-p", "5MiB", *arguments, *options)
        return shell, shell.run(*command, variables=variables)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Shell, Result]]:
    """Every story, some at the same time; every second one with --json."""
    folder = tmp_path_factory.mktemp("leaks")

    def one(number: int, name: str) -> tuple[Shell, Result]:
        return play(STORIES[name], folder / str(number), *(("--json",) if number % 2 else ()))

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(STORIES, pool.map(one, range(len(STORIES)), STORIES), strict=True))


def written(shell: Shell, result: Result) -> Iterator[tuple[str, bytes]]:
    """What was printed, and every file but the source, with where it was."""
    yield "stdout", result.out.encode("utf-8", "surrogateescape")
    yield "stderr", result.err.encode("utf-8", "surrogateescape")
    for path in shell.folder.rglob("*"):
        yield "a name", str(path.relative_to(shell.folder)).encode()
        if path.is_file() and path.name != "source.bin":
            yield str(path), path.read_bytes()


@pytest.mark.parametrize("name", STORIES)
def test_the_story_is_the_one_that_is_meant(played: dict[str, tuple[Shell, Result]], name: str) -> None:
    """It ended as it should, in one sentence and without a traceback."""
    _, result = played[name]

    assert result.code == STORIES[name].code, result
    assert len(result.errors) == (result.code != 0), result
    assert "Traceback" not in result.err and "defect" not in result.err


@pytest.mark.parametrize("name", STORIES)
def test_nothing_written_or_printed_has_a_secret(played: dict[str, tuple[Shell, Result]], name: str) -> None:
    """Database, log, locks, temporary files, stdout and stderr."""
    found = {where: match[0] for where, data in written(*played[name]) if (match := LEAK.search(data))}

    assert found == {}


MASKED = re.compile(rb"(?i:[\w-]+ ?[:=] ?)\*\*\*")


@pytest.mark.parametrize("name", ["token", "customer key", "customer key typed", "proxy for TLS away"])
def test_what_debug_logs_has_no_secret(tmp_path: Path, name: str) -> None:
    """Requests are logged with their headers, but each secret is masked."""
    _, result = play(STORIES[name], tmp_path / "debug", "--debug")

    assert result.code == STORIES[name].code
    assert "botocore" in result.err
    assert LEAK.search(MASKED.sub(b"", result.err.encode("utf-8", "surrogateescape"))) is None


def test_what_is_searched_is_what_was_written(played: dict[str, tuple[Shell, Result]]) -> None:
    """The search sees the database with the upload in it, and would find a secret there."""
    places = dict(written(*played["refused signature"]))

    assert any(name.endswith("partway.db") and b"bucket" in data for name, data in places.items())
    assert all(LEAK.search(b"x" + form + b"x") for form in KEYS)
    assert LEAK.search(TOKEN.encode()) and LEAK.search(b"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/2026")


@pytest.mark.parametrize("name", STORIES)
def test_state_is_the_owners_only(played: dict[str, tuple[Shell, Result]], name: str) -> None:
    """0600 and 0700, however the upload ended."""
    shell, _ = played[name]
    if STORIES[name].breaks_state or not shell.state.exists():
        pytest.skip("this story has no state of ours")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [shell.state, *shell.state.rglob("*")]}

    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_the_process_shows_only_what_was_typed(tmp_path: Path) -> None:
    """No secret becomes an argument, of the process or of one that it starts."""
    with StrictS3(secret_key=SECRET, session_token=TOKEN) as server:
        shell = Shell(tmp_path, server)
        (tmp_path / "source.bin").write_bytes(bytes(SIZE))
        command = ("upload", "source.bin", "s3://bucket/key", *OPTIONS)
        with hanging(shell, server, *command, program=NOT_FORKED) as running:
            process = Path("/proc") / str(running.process.pid)
            if not process.exists():
                pytest.skip("this system has no /proc")
            shown = (process / "cmdline").read_bytes().split(b"\0")
            children = (process / "task" / process.name / "children").read_text()

    assert shown[1:6] == [b"-m", b"partway", b"upload", b"source.bin", b"s3://bucket/key"]
    assert children == ""
    assert not LEAK.search(b"\0".join(shown))
