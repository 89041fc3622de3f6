"""Which checksum the next file of a job is sent with."""

from ..checksums import ChecksumAlgorithm
from ..run.record import default_algorithm
from .context import JobRun


class JobChecksum:
    """The algorithm of the job's option, or the one that its endpoint is known to need.

    algorithm: for files that start now.
    """

    algorithm: ChecksumAlgorithm

    def __init__(self, job: JobRun) -> None:
        self._job = job
        self.update()

    def update(self) -> None:
        """Read it again: an upload may have found out which one the service needs."""
        job = self._job
        self.algorithm = job.upload_settings.algorithm or default_algorithm(
            job.store, job.spec.endpoint, job.context.clock.time()
        )
