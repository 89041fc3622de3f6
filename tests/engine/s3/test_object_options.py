"""The object's options on the wire, in the store, and when they make no sense."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.client import client_for
from tests.support.s3_faults.faults import Fault, Hang, Stage
from tests.support.s3_server.request_log import Call
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

MIB = 1024 * 1024
# What is typed, and the header that it becomes on CreateMultipartUpload and PutObject.
OPTIONS = {
    ("--acl", "private"): ("x-amz-acl", "private"),
    ("--storage-class", "STANDARD_IA"): ("x-amz-storage-class", "STANDARD_IA"),
    ("--content-type", "text/x"): ("content-type", "text/x"),
    ("--content-encoding", "gzip"): ("content-encoding", "gzip"),
    ("--content-disposition", "attachment"): ("content-disposition", "attachment"),
    ("--content-language", "en"): ("content-language", "en"),
    ("--cache-control", "max-age=60"): ("cache-control", "max-age=60"),
    ("--expires", "2030-12-31T12:00:00Z"): ("expires", "Tue, 31 Dec 2030 12:00:00 GMT"),
    ("--website-redirect", "/other"): ("x-amz-website-redirect-location", "/other"),
    ("--metadata", "a=b"): ("x-amz-meta-a", "b"),
    ("--tagging", "a=b&c=d%20e"): ("x-amz-tagging", "a=b&c=d%20e"),
    ("--sse", "aws:kms"): ("x-amz-server-side-encryption", "aws:kms"),
    ("--sse-kms-key-id", "key"): ("x-amz-server-side-encryption-aws-kms-key-id", "key"),
    ("--sse-bucket-key",): ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
    ("--object-lock-mode", "GOVERNANCE"): ("x-amz-object-lock-mode", "GOVERNANCE"),
    ("--object-lock-retain-until-date", "2030-01-02"): (
        "x-amz-object-lock-retain-until-date",
        "2030-01-02T00:00:00Z",
    ),
    ("--object-lock-legal-hold", "ON"): ("x-amz-object-lock-legal-hold", "ON"),
}
EVERYWHERE = {
    ("--request-payer", "requester"): ("x-amz-request-payer", "requester"),
    ("--expected-bucket-owner", "123456789012"): ("x-amz-expected-bucket-owner", "123456789012"),
}
TYPED = [word for words in (*OPTIONS, *EVERYWHERE) for word in words]


def creating(server: StrictS3) -> list[Call]:
    return [c for c in server.journal.calls if c.operation in ("CreateMultipartUpload", "PutObject")]


def headers_of(call: Call) -> dict[str, str]:
    return {name.lower(): value for name, value in call.headers.items()}


@pytest.mark.parametrize("size", [10, 11 * MIB], ids=["one object", "parts"])
def test_every_option_reaches_the_service(shell: Shell, server: StrictS3, size: int) -> None:
    """With the call that makes the object; who pays and who owns, with every call."""
    (shell.folder / "file").write_bytes(b"x" * size)
    result = shell.run("upload", "file", "s3://bucket/key", "-p", "5MiB", *TYPED)

    assert result.code == 0, result.err
    (call,) = creating(server)
    sent = headers_of(call)
    assert {name: sent.get(name) for name, _ in OPTIONS.values()} == dict(OPTIONS.values())
    for each in server.journal.calls:
        assert dict(EVERYWHERE.values()).items() <= headers_of(each).items(), each.operation


def test_options_are_kept_for_resuming(shell: Shell, server: StrictS3) -> None:
    """Killed and resumed without naming any: later calls carry them, and others are refused."""
    (shell.folder / "file").write_bytes(b"x" * 11 * MIB)
    server.faults.add(Fault(operation="UploadPart", stage=Stage.BEFORE_READ, action=Hang(), times=None, skip=1))
    with shell.started("upload", "file", "s3://bucket/key", "-p", "5MiB", *TYPED) as running:
        running.wait_for("part_done")
        running.stop()
    server.faults.clear()
    before = len(server.journal.calls)
    refused = shell.run("upload", "file", "s3://bucket/key", "--cache-control", "no-store")

    result = shell.run("resume")

    assert refused.code == 2
    assert "started with another cache control" in refused.err
    assert result.code == 0, result.err
    for each in server.journal.calls[before:]:
        assert dict(EVERYWHERE.values()).items() <= headers_of(each).items(), each.operation


def test_grants(shell: Shell, server: StrictS3) -> None:
    """aws's notation, one or several, becomes a header for each permission."""
    (shell.folder / "file").write_bytes(b"x")
    uri = "http://acs.amazonaws.com/groups/global/AllUsers"
    grants = ("--grants", f"read=uri={uri},full=id=abc", "--grants", "read=emailaddress=a@b.example")
    result = shell.run("upload", "file", "s3://bucket/key", *grants)

    assert result.code == 0, result.err
    sent = headers_of(creating(server)[0])
    assert sent["x-amz-grant-read"] == f'uri="{uri}",emailAddress="a@b.example"'
    assert sent["x-amz-grant-full-control"] == 'id="abc"'


def test_options_are_the_same_after_the_store() -> None:
    options = ObjectOptions(
        grants=(("GrantRead", 'id="a"'),), metadata=(("a", "b"),), sse_bucket_key=True, tagging="a=b"
    )

    assert ObjectOptions.from_json(options.to_json()) == options


def test_unsigned_requests(shell: Shell, server: StrictS3) -> None:
    """No credentials are looked for; the service decides."""
    (shell.folder / "file").write_bytes(b"x")
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    result = shell.run("upload", "file", "s3://bucket/key", "--no-sign-request", variables=nobody)

    assert result.code == 1
    assert server.journal.calls
    assert all("authorization" not in headers_of(call) for call in server.journal.calls)
    assert "credentials" not in result.errors[0] or "may write" in result.errors[0]


def test_a_read_timeout_is_kept(shell: Shell, server: StrictS3) -> None:
    """A call that nobody answers is given up after it, and made again; so is one whose answer is slow."""
    (shell.folder / "file").write_bytes(b"x")
    server.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=Hang(), times=2))
    result = shell.run("upload", "file", "s3://bucket/key", "--cli-read-timeout", "0.3", "--json")

    assert result.code == 0, result.err
    assert [event["event"] for event in result.events].count("part_retried") >= 2


BAD = {
    "tags": (("--tagging", "a"), "is not a valid tag set"),
    "tags with other letters": (
        ("--tagging", "ä b=c&d=%C3%BC"),
        "is not URL-encoded; write it like %C3%A4 b=c&d=%C3%BC",
    ),
    "a tag twice": (("--tagging", "a=1&a=2"), "twice"),
    "many tags": (("--tagging", "&".join(f"a{n}=1" for n in range(11))), "at most 10"),
    "a long tag": (("--tagging", "a" * 129 + "=1"), "1 to 128"),
    "a grant": (("--grants", "read=me"), "is not a valid grant"),
    "a grant of nothing": (("--grants", "own=id=1"), "is not a valid grant"),
    "grants and acl": (("--grants", "read=id=1", "--acl", "private"), "cannot be used together"),
    "a date": (("--expires", "tomorrow"), "is not a valid date"),
    "a lock without date": (("--object-lock-mode", "GOVERNANCE"), "must be used together"),
    "a lock in the past": (
        ("--object-lock-mode", "GOVERNANCE", "--object-lock-retain-until-date", "2001-01-01"),
        "is in the past",
    ),
    "a date without lock": (("--object-lock-retain-until-date", "2090-01-01"), "must be used together"),
    "a key of KMS": (("--sse-kms-key-id", "x"), "--sse-kms-key-id requires --sse aws:kms"),
    "a key of KMS for AES256": (("--sse", "AES256", "--sse-kms-key-id", "x"), "requires --sse aws:kms"),
    "no check and a bundle": (("--no-verify-ssl", "--ca-bundle", "file"), "cannot be used together"),
    "metadata twice": (("--metadata", "a=1,A=2"), "is given twice"),
    "much metadata": (("--metadata", "a=" + "x" * 2048), "has 2,049 bytes; S3 accepts at most 2,048"),
    "a bucket key": (("--sse-bucket-key",), "requires --sse aws:kms"),
    "an owner": (("--expected-bucket-owner", "me"), "12 digits"),
    "a header": (("--cache-control", "a\nb"), "cannot be sent"),
}


def test_what_makes_no_sense_is_one_sentence(shell: Shell, server: StrictS3) -> None:
    (shell.folder / "file").write_bytes(b"x")
    results = shell.run_all({name: ("upload", "file", "s3://bucket/key", *typed) for name, (typed, _) in BAD.items()})

    for name, (_, words) in BAD.items():
        assert (results[name].code, words in results[name].err) == (2, True), f"{name}: {results[name].err}"
    assert not server.journal.calls


def profile(shell: Shell, text: str) -> dict[str, str]:
    path = shell.folder / "config"
    path.write_text(f"[default]\nregion = us-east-1\ns3 =\n{text}")
    return {"AWS_CONFIG_FILE": str(path)}


def test_the_aws_configuration_gives_defaults(shell: Shell, server: StrictS3) -> None:
    """Chunk size and number of requests; flags win."""
    (shell.folder / "file").write_bytes(b"x" * 21 * MIB)
    variables = profile(
        shell, "  multipart_chunksize = 7MB\n  max_concurrent_requests = 1\n  max_bandwidth = 500MB/s\n"
    )
    result = shell.run("upload", "file", "s3://bucket/key", variables=variables)
    assert result.code == 0, result.err
    sizes = [call.body_bytes for call in server.journal.calls if call.operation == "UploadPart"]
    assert sizes == [7 * MIB] * 3
    assert server.journal.in_flight_max == 1

    again = shell.run("upload", "file", "s3://bucket/other", "-p", "21MiB", variables=variables)

    assert again.code == 0, again.err
    assert server.journal.calls[-2].operation == "PutObject"


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_the_addressing_style_is_botocores(shell: Shell, server: StrictS3, style: str) -> None:
    """What the block says about addresses is not lost on the way."""
    (shell.folder / "file").write_bytes(b"x")
    variables = profile(shell, f"  addressing_style = {style}\n") | {
        "AWS_ENDPOINT_URL": server.url.replace("127.0.0.1", "localhost")
    }
    result = shell.run("upload", "file", "s3://bucket/key", "--retry-for", "1s", variables=variables)

    assert (result.code == 0) == (style == "path"), result.err
    if style == "virtual":
        assert "bucket.localhost" in result.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("multipart_chunksize", "big", "'big' is not a valid size"),
        ("max_concurrent_requests", "0", "'0' must be greater than 0"),
        ("max_bandwidth", "fast", "'fast' is not a valid rate"),
    ],
)
def test_a_bad_default_is_ignored_and_named(shell: Shell, server: StrictS3, name: str, value: str, words: str) -> None:
    """A default that cannot be used stops no upload."""
    (shell.folder / "file").write_bytes(b"x")
    result = shell.run("upload", "file", "s3://bucket/key", variables=profile(shell, f"  {name} = {value}\n"))

    assert result.code == 0
    assert f"{name} in the s3 block of the AWS configuration is ignored" in result.err
    assert words in result.err


def test_an_empty_block_is_told(shell: Shell, server: StrictS3) -> None:
    (shell.folder / "file").write_bytes(b"x")
    result = shell.run("upload", "file", "s3://bucket/key", variables=profile(shell, ""))

    assert result.code == 1
    assert "a block such as `s3 =` has no settings below it" in result.errors[0]


@pytest.mark.parametrize(
    ("setting", "host"),
    [
        ("max_bandwidth = 1MB/s", "bucket.s3.eu-west-1.amazonaws.com"),
        ("use_accelerate_endpoint = true", "bucket.s3-accelerate.amazonaws.com"),
        ("use_dualstack_endpoint = true", "bucket.s3.dualstack.eu-west-1.amazonaws.com"),
        ("addressing_style = path", "s3.eu-west-1.amazonaws.com"),
    ],
)
def test_the_address_is_the_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, host: str) -> None:
    """What the block says of endpoints holds for every call, although the client gets settings of ours."""
    (tmp_path / "config").write_text(f"[default]\nregion = eu-west-1\ns3 =\n  {setting}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    backend = S3Backend(S3Config(unsigned=True))
    try:
        client_for(backend.config).meta.events.register("request-created.s3.HeadObject", stop_at)
        with pytest.raises(Asked) as asked:
            backend.head_object(Target(bucket="bucket", key="key"), ChecksumAlgorithm.CRC64NVME)
        assert backend.endpoint == ""
    finally:
        backend.close()

    assert str(asked.value) == host


class Asked(Exception):
    """A request was about to go to this host."""


def stop_at(request: Any, **_: Any) -> None:
    """Have no request leave."""
    raise Asked(urlsplit(request.url).hostname)


def test_jobs_keep_their_options(shell: Shell, server: StrictS3, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "a").write_bytes(b"a")
    result = shell.run("upload", "-r", str(folder), "s3://bucket/x/", *TYPED)

    assert result.code == 0, result.err
    assert headers_of(creating(server)[0])["x-amz-tagging"] == "a=b&c=d%20e"
