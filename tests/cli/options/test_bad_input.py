"""Bad input: a clear error and exit code; nothing lost, nothing created, and never a traceback."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import CONTROL, Result, Shell
from tests.support.shell.unprivileged import unprivileged

TARGET = "s3://bucket/key"
USAGE = {
    "a file for a prefix without slash": (("upload", "-r", "file", TARGET), "a destination that ends in /"),
    "metadata of no file": (("upload", "file", TARGET, "--metadata", "file://none"), "'none' cannot be read: No such"),
    "impossible bucket": (("upload", "file", "s3://no bucket/key"), "has no valid name of a bucket"),
    "target of another kind": (
        ("upload", "file", "http://bucket/key"),
        "is not a valid S3 address; use s3://bucket/key",
    ),
    "arguments the wrong way round": (("upload", TARGET, "file"), "is not a valid S3 address; use s3://bucket/key"),
    "no destination": (("upload", "file"), "error: s3://BUCKET/KEY is missing: name the destination after SOURCE"),
    "files without a destination": (("upload", "file", "sparse"), "error: s3://BUCKET/KEY is missing"),
    "no destination to verify": (("verify", "file"), "error: s3://BUCKET/KEY is missing: name the destination after"),
    "no source": (("upload", TARGET), "error: SOURCE is missing: give a file, or a directory with -r"),
    "nothing to verify": (("verify", TARGET), "error: FILE is missing: name it before the destination"),
    "no argument": (("upload",), "error: s3://BUCKET/KEY is missing"),
    "no id": (("cancel",), "error: ID is missing"),
    "mistyped option": (
        ("upload", "file", TARGET, "--bwlimt", "1M"),
        "error: no such option '--bwlimt'; did you mean '--bwlimit'?",
    ),
    "several to one key": (("upload", "file", "file", TARGET), "several files need a destination that ends in /"),
    "a folder": (("upload", "folder", TARGET), "is a directory; add -r to upload the files in it"),
    "part size no number": (("upload", "file", TARGET, "-p", "big"), "'big' is not a valid size; use 16MiB"),
    "part size endless": (("upload", "file", TARGET, "-p", "9" * 400), "is not a valid size"),
    "concurrency 0": (("upload", "file", TARGET, "-c", "0"), "is not in the range 1<=x<=256"),
    "bandwidth no number": (
        ("upload", "file", TARGET, "--bwlimit", "fast"),
        "'fast' is not a valid rate; use bytes per second",
    ),
    "bandwidth too small": (("upload", "file", TARGET, "--bwlimit", "20"), "the minimum is 4KiB"),
    "bandwidth of a resume": (("resume", "--all", "--bwlimit", "-1"), "'-1' is not a valid rate"),
    "an age": (("upload", "-r", "folder", TARGET, "--newer-than", "soon"), "'soon' is neither an age nor a date"),
    "an order": (("upload", "-r", "folder", TARGET, "--order", "color"), "'color' is not a valid order; use size"),
    "sizes of nothing": (
        ("upload", "-r", "folder", TARGET, "--min-size", "2k", "--max-size", "1k"),
        "--min-size is greater than --max-size",
    ),
    "an order of one file": (
        ("upload", "file", TARGET, "--order", "size"),
        "--order can only be used for several files",
    ),
    "max parts 10001": (("upload", "file", TARGET, "--max-parts", "10001"), "is not in the range 1<=x<=10000"),
    "retry time": (("upload", "file", TARGET, "--retry-for", "soon"), "'soon' is not a valid time; use 90s"),
    "metadata no map": (("upload", "file", TARGET, "--metadata", "x"), "is not a valid map; use name=value"),
    "metadata broken json": (("upload", "file", TARGET, "--metadata", '{"a": 1}'), "is not a valid map"),
    "metadata line break": (("upload", "file", TARGET, "--metadata", "a=x\ny: z"), "use printable ASCII"),
    "metadata not ascii": (("upload", "file", TARGET, "--metadata", "a=zürich"), "use printable ASCII"),
    "metadata name": (("upload", "file", TARGET, "--metadata", "a b:c=x"), "is not a valid metadata name"),
    "content type line break": (("upload", "file", TARGET, "--content-type", "x\r\ny: z"), "use printable ASCII"),
    "acl": (("upload", "file", TARGET, "--acl", "everyone"), "'everyone' is not one of"),
    "endpoint no url": (("upload", "file", TARGET, "--endpoint-url", "localhost:9000"), "is not a valid endpoint"),
    "endpoint half a url": (("upload", "file", TARGET, "--endpoint-url", "http://[::1"), "is not a valid endpoint"),
    "endpoint with a large port": (
        ("upload", "file", TARGET, "--endpoint-url", "http://h:99999"),
        "is not a valid endpoint",
    ),
}

REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no such file": (("upload", "none", TARGET), 2, "there is no file /"),
    "a dangling link": (("upload", "dangling", TARGET), 2, "is a symbolic link to nowhere, which does not exist"),
    "a pipe": (("upload", "pipe", TARGET), 2, "is a pipe (FIFO), not a regular file"),
    "a device": (("upload", "/dev/null", TARGET), 2, "is a device, not a regular file"),
    "a link in a circle": (("upload", "circle", TARGET), 2, "cannot read /"),
    "a long key": (
        ("upload", "file", "s3://bucket/" + "k" * 1025),
        2,
        "the key has 1,025 bytes; S3 accepts at most 1,024",
    ),
    "part size too small": (("upload", "file", TARGET, "-p", "5242879"), 2, "from 5,242,880 to 5,368,709,120 bytes"),
    "part size too large": (("upload", "file", TARGET, "-p", "5.1GiB"), 2, "from 5,242,880 to 5,368,709,120 bytes"),
    "too many parts": (("upload", "sparse", TARGET, "-p", "5MiB"), 2, "it must be from 10,737,419 to"),
    "too large": (("upload", "sparse", TARGET, "--max-parts", "19"), 2, "but the service stores at most"),
    "no such bucket": (("upload", "file", "s3://other/key"), 1, "NoSuchBucket"),
    "no such bucket in parts": (("upload", "sparse", "s3://other/key"), 1, "NoSuchBucket"),
    "unknown profile": (
        ("upload", "file", TARGET, "--profile", "nobody"),
        1,
        "there is no profile 'nobody' in /dev/null",
    ),
}

ENVIRONMENT: dict[str, tuple[dict[str, str], int, str]] = {
    "no credentials": (
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        1,
        "no AWS credentials were found; set AWS_ACCESS_KEY_ID",
    ),
    "half credentials": ({"AWS_SECRET_ACCESS_KEY": ""}, 1, "redentials"),
    "wrong secret": ({"AWS_SECRET_ACCESS_KEY": "wrong"}, 1, "SignatureDoesNotMatch"),
    "unknown key": ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, 1, "InvalidAccessKeyId"),
    "malformed configuration": ({"AWS_CONFIG_FILE": "malformed"}, 1, "malformed"),
    "endpoint variable no url": ({"AWS_ENDPOINT_URL": "nonsense"}, 1, "nonsense"),
    "state below a file": ({"PARTWAY_STATE_DIR": "file/below"}, 1, "another with --state-dir"),
    "state is garbage": ({"PARTWAY_STATE_DIR": "garbage"}, 1, "is damaged or not a partway database"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """One strict S3 for every test here."""
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def shell(server: StrictS3, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with a good file, and many bad sources."""
    shell = Shell(tmp_path_factory.mktemp("bad"), server)
    (shell.folder / "file").write_bytes(b"a good file")
    (shell.folder / "folder").mkdir()
    os.mkfifo(shell.folder / "pipe")
    (shell.folder / "circle").symlink_to("circle")
    (shell.folder / "dangling").symlink_to("nowhere")
    with (shell.folder / "sparse").open("wb") as sparse:
        sparse.truncate(100 * 1024**3)
    (shell.folder / "malformed").write_text("this is no [configuration\n")
    (shell.folder / "garbage").mkdir()
    (shell.folder / "garbage" / "partway.db").write_bytes(b"this is no database" * 1000)
    return shell


@pytest.fixture(scope="module")
def results(shell: Shell) -> dict[str, Result]:
    """How each of REFUSED ended."""
    # Each with its own key, since they run concurrently, and an upload is never sent twice at once.
    commands = {
        name: tuple(f"{TARGET}{index}" if argument == TARGET else argument for argument in arguments)
        for index, (name, (arguments, _, _)) in enumerate(REFUSED.items())
    }
    return shell.run_all(commands)


@pytest.fixture(scope="module")
def usage(shell: Shell) -> dict[str, Result]:
    """How each of USAGE ended."""
    return shell.run_all({name: arguments for name, (arguments, _) in USAGE.items()})


@pytest.mark.parametrize("name", USAGE)
def test_usage(usage: dict[str, Result], server: StrictS3, name: str) -> None:
    """Usage errors are reported before anything is read."""
    result = usage[name]

    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("Usage: partway ") and "Traceback" not in result.err
    assert USAGE[name][1] in " ".join(result.err.split())
    assert not CONTROL.search(result.err)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(results: dict[str, Result], server: StrictS3, name: str) -> None:
    """The error names the problem."""
    _, code, sentence = REFUSED[name]
    result = results[name]

    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("error: ") and result.err.count("\n") == 1
    assert sentence in result.err
    assert not re.search("Traceback|defect", result.err)


@pytest.fixture(scope="module")
def environment(shell: Shell) -> dict[str, Result]:
    """How an upload ended in each ENVIRONMENT."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        running = {
            name: pool.submit(shell.run, "upload", "file", f"{TARGET}-{index}", variables=variables)
            for index, (name, (variables, _, _)) in enumerate(ENVIRONMENT.items())
        }
        return {name: future.result() for name, future in running.items()}


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_environment(environment: dict[str, Result], name: str) -> None:
    """An unusable environment is a clear error, too."""
    _, code, sentence = ENVIRONMENT[name]
    result = environment[name]

    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("error: ") and result.err.count("\n") == 1
    assert sentence in result.err
    assert not re.search("Traceback|defect", result.err)


def test_nothing_was_created(
    server: StrictS3,
    shell: Shell,
    results: dict[str, Result],
    usage: dict[str, Result],
    environment: dict[str, Result],
) -> None:
    """None of it left an object, an upload or a row in the state."""
    assert not server.model.objects
    assert not server.model.open_uploads
    assert shell.run("list", "--all").out == "no uploads yet\n"


@pytest.mark.parametrize("command", ["upload", "verify"])
def test_unreadable_file(shell: Shell, command: str) -> None:
    """A file without read permission is reported as such."""
    secret = shell.folder / "secret"
    secret.touch(mode=0o000)
    result = unprivileged(lambda: shell.run(command, "secret", TARGET))

    assert result.code == (2 if command == "upload" else 1)
    assert "is not readable by this user; check its permissions" in result.errors[0]


@pytest.mark.parametrize("command", [("list",), ("cancel", "x")])
def test_damaged_state(shell: Shell, command: tuple[str, ...]) -> None:
    """Every command that uses the state reports the damage, and leaves it unchanged."""
    before = (shell.folder / "garbage" / "partway.db").read_bytes()
    result = shell.run(*command, "--state-dir", "garbage")

    assert (result.code, result.out) == (1, "")
    assert "move it elsewhere and run again: finished parts are still on S3" in result.errors[0]
    assert (shell.folder / "garbage" / "partway.db").read_bytes() == before
