"""The state that the steps of one run of a job share."""

from dataclasses import dataclass, replace

from partway.state.jobs import JobRecord
from partway.state.store import StateStore

from ..progress.job_publisher import JobPublisher
from ..run.context import EngineContext
from ..run.settings import UploadSettings
from ..walk.spec import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Settings for one run of a job.  They are not stored.

    fail_fast: True stops the job at the first file that fails.
    prune: True accepts that files of earlier runs are gone: they are forgotten, and their unfinished uploads aborted.
    fail_if_empty: True makes an empty list, and filters that match nothing, an error.
    """

    fail_fast: bool = False
    prune: bool = False
    fail_if_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of one job.

    record: the job's record at the start of this run.
    publisher: the sink of the whole job; it also publishes the job's progress for ``partway watch``.
    is_new: True when no earlier run has stored the job.
    """

    spec: JobSpec
    record: JobRecord
    context: EngineContext
    publisher: JobPublisher
    settings: JobSettings
    is_new: bool

    @property
    def upload_settings(self) -> UploadSettings:
        """The context's settings, with those that are stored with the job."""
        return replace(
            self.context.settings,
            part_size=self.spec.part_size,
            algorithm=self.spec.algorithm,
            guess_content_type=self.spec.guess_content_type,
        )

    @property
    def store(self) -> StateStore:
        """Stores the job, its files and their uploads."""
        return self.context.store
