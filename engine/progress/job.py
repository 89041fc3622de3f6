"""The progress of a job, computed from its events.  Pure: the clock is a parameter.

Progress bars, log lines and ``partway watch`` show it, and JobPublisher publishes it.
"""

from ..events import Event
from ..events.upload import (
    FileDone,
    FileFailed,
    FileSkipped,
    JobCounted,
    JobDone,
    JobStarted,
    NetworkLost,
    NetworkProbed,
    NetworkRestored,
    UploadDone,
)
from .rate import Rate
from .running import RunningUploads


class JobProgress:
    """The progress of a job.  One thread updates it; others may read it.

    running: True from the job's first event to its last; always False for a single upload without a job.
    done, skipped, failed, resumed: files; ``resumed`` were done by earlier runs.
    file_bytes: of files that this run finished.
    settled_bytes: of files that earlier runs finished, or that need not be sent.
    failed_bytes: of files that failed.
    total_files, total_bytes, counting: as in JobCounted; None and True until they are known.
    small_files: bytes sent of each small file in flight, by path; not from events, but from ``small_file_sent``.
    uploads: the running multipart uploads.
    retries, reason: the number of retried calls about small files, and the reason for the last retry.
    small_files_away_since, small_files_retry_at: as in UploadProgress, for calls about small files.

    Args:
        rate: Measures the rate; a FixedRate shows the rate that another process measured.
    """

    def __init__(self, rate: Rate | None = None) -> None:
        self.running = False
        self.target = ""
        self.done = self.skipped = self.failed = self.resumed = 0
        self.file_bytes = self.settled_bytes = self.failed_bytes = 0
        self.total_files: int | None = None
        self.total_bytes: int | None = None
        self.counting = True
        self.small_files: dict[str, int] = {}
        self.uploads = RunningUploads()
        self.retries = 0
        self.reason = ""
        self.small_files_away_since: float | None = None
        self.small_files_retry_at: float | None = None
        self._id = ""
        self._sent = 0  # bytes of this run, finished or in flight, without small files in flight
        self._counted: set[str] = set()  # targets of uploads in ``file_bytes`` that have no FileDone yet
        self._rate = rate or Rate()

    @property
    def bytes(self) -> int:
        """Bytes of finished files and of running uploads, including what earlier runs sent of those."""
        return self.file_bytes + sum(upload.there for upload in self.uploads)

    @property
    def there(self) -> int:
        """Bytes on S3 or in flight, of all files of the job."""
        return self.settled_bytes + self.bytes + sum(tuple(self.small_files.values()))

    @property
    def settled_files(self) -> int:
        """The number of files that are done, by this run or an earlier one, or that need not be sent."""
        return self.done + self.resumed + self.skipped

    def fraction(self) -> float | None:
        """From 0 to 1, by bytes, or by files if all are empty; None while files are being counted."""
        if self.counting or self.total_files is None or self.total_bytes is None:
            return None
        there, total = (self.there, self.total_bytes) if self.total_bytes else (self.settled_files, self.total_files)
        return min(1.0, there / total) if total else None

    def seconds_left(self) -> float | None:
        """Seconds left at the current rate; None when the rate or the total is unknown."""
        rate = self.rate()
        if self.counting or self.total_bytes is None or not rate:
            return None
        return max(0, self.total_bytes - self.there - self.failed_bytes) / rate

    @property
    def away(self) -> bool:
        """True when something is being sent and the endpoint is unreachable for all of it."""
        uploads = tuple(self.uploads)
        return (self.small_files_away_since is not None or bool(uploads)) and all(upload.away for upload in uploads)

    @property
    def away_since(self) -> float | None:
        """When the endpoint became unreachable, or None."""
        lost = [each.away_since for each in self.uploads] + [self.small_files_away_since]
        return min((since for since in lost if since is not None), default=None) if self.away else None

    @property
    def retry_at(self) -> float | None:
        """When the endpoint is probed next; None when unknown."""
        probes = [each.retry_at for each in self.uploads] + [self.small_files_retry_at]
        return max((at for at in probes if at is not None), default=None)

    def rate(self) -> float | None:
        """The recent rate of this run in bytes per second; None when unknown."""
        return self._rate.value()

    def start(self, id: str, target: str, resumed: int) -> None:
        """Record the start of a job.  resumed: the number of files that earlier runs finished."""
        self.running, self._id, self.target, self.resumed = True, id, target, resumed
        self.uploads.clear()

    def small_file_sent(self, path: str, sent: int, now: float) -> None:
        """Record that ``sent`` bytes of a small file were sent."""
        self.small_files[path] = sent
        self._update_rate(now)

    def small_file_ended(self, path: str) -> None:
        """Record that the file is no longer in flight, with or without success."""
        self.small_files.pop(path, None)

    def small_file_retried(self, reason: str) -> None:
        """Record the retry of a call about a small file."""
        self.retries += 1
        self.reason = reason

    def update(self, event: Event, now: float) -> None:
        """Apply one event.  now: seconds on any monotonic clock."""
        sent = self._update_upload(event, now)
        match event:
            case JobStarted():
                self.start(event.job, event.target, event.done_files)
                self.settled_bytes = event.done_bytes
            case JobCounted():
                self.total_files, self.total_bytes = event.total_files, event.total_bytes
                self.counting = event.counting
                return
            case NetworkLost() if event.upload == self._id:
                self.small_files_away_since, self.small_files_retry_at = now, now + event.wait
            case NetworkProbed() if event.upload == self._id:
                self.small_files_retry_at = now + event.wait
            case NetworkRestored() if event.upload == self._id:
                self.small_files_away_since = self.small_files_retry_at = None
            case UploadDone():
                self._counted.add(event.target)
                self.file_bytes += event.bytes
            case FileDone():
                self.done += 1
                if event.target in self._counted:
                    self._counted.remove(event.target)
                else:
                    self.file_bytes += event.bytes
                    sent += event.bytes
            case FileSkipped():
                self.skipped += bool(event.target)
                self.settled_bytes += event.bytes
            case FileFailed():
                self.failed += 1
                self.failed_bytes += event.bytes
            case JobDone():
                self.running = False
            case _:
                if not sent:
                    return
        self._sent += sent
        self._update_rate(now)

    def _update_rate(self, now: float) -> None:
        self._rate.update(self._sent + sum(self.small_files.values()), now)

    def _update_upload(self, event: Event, now: float) -> int:
        """Apply the event to its upload.  Returns the change of the bytes that this run has sent of it."""
        before = upload.sent if (upload := self.uploads.of(event)) else 0
        self.uploads.update(event, now)
        after = self.uploads.of(event)
        return after.sent - before if after else 0
