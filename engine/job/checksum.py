"""The checksum algorithm for the next file of a job."""

from ..checksums import ChecksumAlgorithm
from ..run.record import default_algorithm
from .context import JobRun


class JobChecksum:
    """The algorithm that the user chose, or the one that the endpoint is known to need.

    algorithm: for files that start now.
    """

    algorithm: ChecksumAlgorithm

    def __init__(self, job: JobRun) -> None:
        self._job = job
        self.update()

    def update(self) -> None:
        """Read it again, because an upload may have learned which one the service needs."""
        job = self._job
        self.algorithm = job.upload_settings.algorithm or default_algorithm(
            job.store, job.spec.endpoint, job.context.clock.time()
        )
