"""Values of options that are passed together, named like the options."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.flow.timetable import Timetable
from partway.engine.run.settings import UploadSettings
from partway.engine.walk.filters import Filter

from ..output import select
from .aws_config import TransferOptions
from .connection import Connection
from .shared import limits_of, retry_policy
from .sse_c import SseCOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """The service, the credentials, and how to connect.

    endpoint_url, profile, region: None takes each from the AWS configuration.
    """

    endpoint_url: str | None
    profile: str | None
    region: str | None
    connection: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The speed, retries and verification of ``upload`` and ``resume``.

    concurrency: parts in flight; bwlimit: bandwidth; max_duration, retry_for: seconds.  None means the default.
    """

    concurrency: int | None
    bwlimit: Timetable | None
    max_duration: float | None
    retry_for: float | None
    max_parts: int | None
    verify_source: bool
    verify_each: bool
    check_updated: bool

    @property
    def settings(self) -> UploadSettings:
        """The settings of a resumed upload."""
        return UploadSettings(
            concurrency=self.concurrency,
            bandwidth=self.bwlimit,
            limits=limits_of(self.max_parts),
            policy=retry_policy(self.retry_for),
            verify_source=self.verify_source,
            verify_each=self.verify_each,
            check_updated=self.check_updated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadOptions(RunOptions):
    """The same for ``upload``, with options that only a new upload has.

    part_size: bytes; None means chosen for the file.
    checksum_algorithm: as typed; None means the one that the service supports.
    """

    part_size: int | None
    no_guess_mime_type: bool
    checksum_algorithm: str | None
    restart: bool
    adopt: bool

    @property
    def transfer(self) -> TransferOptions:
        """The options that the AWS configuration may complete."""
        return TransferOptions(part_size=self.part_size, concurrency=self.concurrency, bandwidth=self.bwlimit)

    def settings_with(self, transfer: TransferOptions) -> UploadSettings:
        """The settings of an upload.  transfer: completed by the AWS configuration."""
        algorithm = self.checksum_algorithm
        return replace(
            self.settings,
            part_size=transfer.part_size,
            concurrency=transfer.concurrency,
            bandwidth=transfer.bandwidth,
            algorithm=None if algorithm is None else ChecksumAlgorithm(algorithm.upper()),
            guess_content_type=not self.no_guess_mime_type,
            restart=self.restart,
            adopt=self.adopt,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What the user chose to see.

    progress_interval: seconds between two updates; None means the default.
    log_file: None means no log.
    """

    quiet: bool
    no_progress: bool
    as_json: bool
    progress_interval: float | None
    log_file: Path | None

    def opened(self, *, sources: Sequence[str] = (), filters: Sequence[Filter] = ()) -> select.Output:
        """The output options, with the log file open until the command ends; arguments as in ``opened_log``.

        Raises:
            click.UsageError: the log file cannot be opened, or would be uploaded.
        """
        log = select.opened_log(self.log_file, sources=sources, filters=filters)
        return select.Output(
            quiet=self.quiet,
            no_progress=self.no_progress,
            json=self.as_json,
            interval=self.progress_interval,
            log=log,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOptions:
    """The state directory, and whether it stays unchanged.  state_dir: None means the default."""

    state_dir: Path | None
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions:
    """How to connect for stored uploads and jobs.

    profile: None means the profile of the upload.
    prune: accept that files of a job no longer exist.
    """

    profile: str | None
    connection: Connection
    key_options: SseCOptions
    prune: bool

    def with_key(self, what: str) -> "ResumeOptions":
        """The same, with the customer-provided key for ``what``; prompted for on a terminal.

        Raises:
            click.UsageError: the variable does not contain a valid key.
        """
        key = self.key_options.key(needed=True, what=what)
        return replace(self, connection=replace(self.connection, customer_key=key))
