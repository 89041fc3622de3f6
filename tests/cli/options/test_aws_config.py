"""The ``s3 =`` block of the AWS configuration: defaults that options override, and that never stop an upload."""

from pathlib import Path

import pytest

from partway.cli.options.aws_config import TransferOptions, transfer_options, with_profile_limits
from partway.engine.run.settings import UploadSettings
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

KIB, MIB, GIB = 1024, 1024**2, 1024**3
NAMES = {"multipart_chunksize": "part_size", "max_concurrent_requests": "concurrency", "max_bandwidth": "bandwidth"}


def read(name: str, text: str, given: TransferOptions | None = None) -> tuple[int | None, list[str]]:
    """The option from the setting, and the warnings."""
    warnings: list[str] = []
    options = transfer_options(given or TransferOptions(), {name: text}, warnings.append)
    return getattr(options, NAMES[name]), warnings


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("multipart_chunksize", "5MB", 5 * MIB),
        ("multipart_chunksize", "5GB", 5 * GIB),
        ("multipart_chunksize", "8388608", 8 * MIB),
        ("max_concurrent_requests", "1", 1),
        ("max_concurrent_requests", "256", 256),
        ("max_bandwidth", "50MB/s", 50 * MIB),
        ("max_bandwidth", "400Mb/s", 50 * MIB),
        ("max_bandwidth", "4KB/s", 4 * KIB),
    ],
)
def test_a_value_in_range_is_taken_as_it_is(name: str, text: str, value: int) -> None:
    """In aws's units, including both bounds, without a warning."""
    assert read(name, text) == (value, [])


@pytest.mark.parametrize(
    ("name", "text", "value", "words"),
    [
        ("multipart_chunksize", "5242879", 5 * MIB, "is less than 5.0 MiB; using 5.0 MiB"),
        ("multipart_chunksize", "1MB", 5 * MIB, "is less than 5.0 MiB; using 5.0 MiB"),
        ("multipart_chunksize", "6GB", 5 * GIB, "is more than 5.0 GiB; using 5.0 GiB"),
        ("max_concurrent_requests", "257", 256, "is more than 256; using 256"),
        ("max_concurrent_requests", "1000", 256, "is more than 256; using 256"),
        ("max_bandwidth", "1KB/s", 4 * KIB, "is less than 4.0 KiB/s; using 4.0 KiB/s"),
        ("max_bandwidth", "4b/s", 4 * KIB, "is less than 4.0 KiB/s; using 4.0 KiB/s"),
    ],
)
def test_a_value_out_of_range_becomes_the_nearest(name: str, text: str, value: int, words: str) -> None:
    """aws's ranges are wider: such a value is clamped, with a warning."""
    assert read(name, text) == (value, [f"{name} in the s3 block of the AWS configuration {words}"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["0", "junk", "-1", "9" * 40, ""])
def test_what_the_command_names_is_not_read(name: str, text: str) -> None:
    """With the flag given, the setting neither warns nor fails."""
    given = TransferOptions(part_size=7, concurrency=7, bandwidth=7)

    assert read(name, text, given) == (7, [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["0", "0B/s", "junk", "-1", "", "1e400"])
def test_an_unreadable_value_is_ignored(name: str, text: str) -> None:
    """It does not stop the upload: a warning names the setting and the problem."""
    value, (warning,) = read(name, text)

    assert value is None
    assert warning.startswith(f"{name} in the s3 block of the AWS configuration is ignored: ")


def test_a_small_file_goes_through(shell: Shell, server: StrictS3, tmp_path: Path) -> None:
    """With invalid values 6 bytes are uploaded, with a warning each, and none with --quiet."""
    (tmp_path / "file").write_bytes(b"6bytes")
    (tmp_path / "config").write_text(
        "[default]\ns3 =\n  max_concurrent_requests = 1000\n  multipart_chunksize = 1MB\n  max_bandwidth = 0\n"
    )
    variables = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    loud = shell.run("upload", "file", "s3://bucket/loud", variables=variables)
    quiet = shell.run("upload", "file", "s3://bucket/quiet", "--quiet", variables=variables)

    assert (loud.code, quiet.code, quiet.err) == (0, 0, "")
    assert [line.split(" in ")[0] for line in loud.err.splitlines() if line.startswith("warning: ")] == [
        "warning: multipart_chunksize",
        "warning: max_concurrent_requests",
        "warning: max_bandwidth",
    ]
    assert server.model.get_object("bucket", "loud").body == b"6bytes"


def test_a_resume_heeds_the_profiles_limits(shell: Shell, server: StrictS3, tmp_path: Path) -> None:
    """The limits of the block hold for the rest of an upload and of a job, too, with one warning for all; a bad chunk
    size says nothing about parts that were begun."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(bytes(6 * MIB))
    no = Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), times=None)
    server.faults.add(no)
    for arguments in (("folder/file", "s3://bucket/key"), ("-r", "folder", "s3://bucket/p/")):
        assert shell.run("upload", *arguments, "-p", "5MiB").code == 1
    server.faults.clear()
    (tmp_path / "config").write_text(
        "[default]\ns3 =\n  max_concurrent_requests = 1000\n  multipart_chunksize = junk\n"
    )
    done = shell.run("resume", "--all", variables={"AWS_CONFIG_FILE": str(tmp_path / "config")})

    assert done.code == 0, done.err
    assert sorted(key for _, key in server.model.objects) == ["key", "p/file"]
    assert done.err.count("max_concurrent_requests") == 1


def test_a_limit_of_the_command_wins_in_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that an option overrides is not read; the rest come from the profile."""
    (tmp_path / "config").write_text("[default]\ns3 =\n  max_concurrent_requests = junk\n  max_bandwidth = 1MB/s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    S3Backend(S3Config()).close()
    settings = with_profile_limits(UploadSettings(concurrency=3), None, None, lambda sentence: None)
    S3Backend(S3Config()).close()

    assert (settings.concurrency, settings.bandwidth) == (3, MIB)


def test_a_job_with_a_broken_profile_keeps_none_of_the_others(shell: Shell, server: StrictS3, tmp_path: Path) -> None:
    """Its AWS configuration is unusable: that job reports it, and the upload of another profile is finished."""
    keys = f"aws_access_key_id = {server.access_key}\naws_secret_access_key = {server.secret_key}\n"
    good = f"[profile good]\n{keys}[profile bad]\n{keys}"
    (tmp_path / "config").write_text(good)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(bytes(6 * MIB))
    config = {"AWS_CONFIG_FILE": str(tmp_path / "config")}
    no = Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), times=None)
    server.faults.add(no)
    for arguments in (
        ("-r", "folder", "s3://bucket/p/", "--profile", "bad"),
        ("folder/file", "s3://bucket/key", "--profile", "good"),
    ):
        assert shell.run("upload", *arguments, "-p", "5MiB", variables=config).code == 1
    server.faults.clear()
    (tmp_path / "config").write_text(f"{good}s3 =\n  use_dualstack_endpoint = maybe\n")
    done = shell.run("resume", "--all", variables=config)

    assert "is not a valid flag; use true or false" in done.err
    assert done.code != 0
    assert [key for _, key in server.model.objects] == ["key"]
