"""The events of a job folded into numbers.  Pure: the clock is given.

Bars, log lines and ``partway watch`` show them, and JobPublisher publishes them.
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
    """How far a job is.  One thread updates it; others may read it.

    running: from its first event to its last; always False when there is no job, but a single upload.
    done, skipped, failed, resumed: files; ``resumed`` were done by earlier runs.
    file_bytes: of files that this run finished.
    settled_bytes: of files that earlier runs finished, or that need not be sent.  failed_bytes: of files that failed.
    total_files, total_bytes, counting: as JobCounted has them; None and True until they are known.
    small_files: bytes sent of each small file in flight, by path; no event tells them, see ``small_file_sent``.
    uploads: the multipart uploads that are running.
    retries, reason: calls about small files that were tried again, and why the last one was.
    small_files_away_since, small_files_retry_at: as UploadProgress has them, of the calls about small files.

    Args:
        rate: Measures it; a fixed one shows what another process measured.
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
        self._sent = 0  # bytes of this run, finished or in flight, but for small files in flight
        self._counted: set[str] = set()  # targets of uploads in ``file_bytes`` whose FileDone is still to come
        self._rate = rate or Rate()

    @property
    def bytes(self) -> int:
        """Of finished files and of running uploads, including what earlier runs sent of them."""
        return self.file_bytes + sum(upload.there for upload in self.uploads)

    @property
    def there(self) -> int:
        """Bytes on S3 or in flight, of all files of the job."""
        return self.settled_bytes + self.bytes + sum(tuple(self.small_files.values()))

    @property
    def settled_files(self) -> int:
        """Files that are done: by this run or an earlier one, or because they need not be sent."""
        return self.done + self.resumed + self.skipped

    def fraction(self) -> float | None:
        """From 0 to 1, by bytes, or by files where all are empty; None while they are counted."""
        if self.counting or self.total_files is None or self.total_bytes is None:
            return None
        there, total = (self.there, self.total_bytes) if self.total_bytes else (self.settled_files, self.total_files)
        return min(1.0, there / total) if total else None

    def seconds_left(self) -> float | None:
        """At the present rate; None when that or the total is unknown."""
        rate = self.rate()
        if self.counting or self.total_bytes is None or not rate:
            return None
        return max(0, self.total_bytes - self.there - self.failed_bytes) / rate

    @property
    def away(self) -> bool:
        """True when something is being sent and none of it reaches the endpoint."""
        uploads = tuple(self.uploads)
        return (self.small_files_away_since is not None or bool(uploads)) and all(upload.away for upload in uploads)

    @property
    def away_since(self) -> float | None:
        """When the endpoint became unreachable, or None."""
        lost = [each.away_since for each in self.uploads] + [self.small_files_away_since]
        return min((since for since in lost if since is not None), default=None) if self.away else None

    @property
    def retry_at(self) -> float | None:
        """When it is probed next; None when that is unknown."""
        probes = [each.retry_at for each in self.uploads] + [self.small_files_retry_at]
        return max((at for at in probes if at is not None), default=None)

    def rate(self) -> float | None:
        """Bytes per second of this run, lately; None while that is unknown."""
        return self._rate.value()

    def start(self, id: str, target: str, resumed: int) -> None:
        """It is a job; ``resumed`` files were done by earlier runs."""
        self.running, self._id, self.target, self.resumed = True, id, target, resumed
        self.uploads.clear()

    def small_file_sent(self, path: str, sent: int, now: float) -> None:
        """``sent`` bytes of a small file are on their way."""
        self.small_files[path] = sent
        self._update_rate(now)

    def small_file_ended(self, path: str) -> None:
        """It is no longer in flight, whatever became of it."""
        self.small_files.pop(path, None)

    def small_file_retried(self, reason: str) -> None:
        """A call about a small file is tried again."""
        self.retries += 1
        self.reason = reason

    def update(self, event: Event, now: float) -> None:
        """Apply one event; ``now`` is in seconds, from any start."""
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
        """By how many bytes the event changes what this run has sent of the upload."""
        before = upload.sent if (upload := self.uploads.of(event)) else 0
        self.uploads.update(event, now)
        after = self.uploads.of(event)
        return after.sent - before if after else 0
