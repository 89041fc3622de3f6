"""A job's events folded into the numbers that bars and lines show.  Pure: the clock is given."""

from partway.engine.events import Event
from partway.engine.events.upload import (
    FileDone,
    FileFailed,
    FileSkipped,
    JobDone,
    JobStarted,
    NetworkLost,
    NetworkProbed,
    NetworkRestored,
    UploadDone,
)
from partway.engine.progress.rate import Rate

from .running import RunningUploads


class JobProgress:
    """How far a job is.

    running: from its first event to its last; False for good when there is no job, but a single upload.
    done, skipped, failed, resumed: files; ``resumed`` were done by earlier runs.
    uploads: what is sent in parts now.
    """

    def __init__(self) -> None:
        self.running = False
        self.target = ""
        self.done = self.skipped = self.failed = self.resumed = 0
        self.uploads = RunningUploads()
        self._id = ""
        self._files_away_since: float | None = None
        self._files_retry_at: float | None = None
        self._files = 0  # bytes of those that are done
        self._sent = 0  # bytes of this run, on S3 or on their way
        self._ahead: set[str] = set()  # targets of uploads that are done, and not yet told as files
        self._rate = Rate()

    @property
    def bytes(self) -> int:
        """Of files that are done, and what is there of those that are sent in parts, also by earlier runs."""
        return self._files + sum(upload.there for upload in self.uploads)

    @property
    def away(self) -> bool:
        """True when something is sent and nothing of it reaches the endpoint."""
        uploads = tuple(self.uploads)
        return (self._files_away_since is not None or bool(uploads)) and all(upload.away for upload in uploads)

    @property
    def away_since(self) -> float | None:
        """When it was lost; None when it can be reached, or nobody says."""
        lost = [each.away_since for each in self.uploads] + [self._files_away_since]
        return min((since for since in lost if since is not None), default=None) if self.away else None

    @property
    def retry_at(self) -> float | None:
        """When it is probed next; None when nobody says."""
        probes = [each.retry_at for each in self.uploads] + [self._files_retry_at]
        return max((at for at in probes if at is not None), default=None)

    def rate(self) -> float | None:
        """Bytes a second of this run, lately; None while there is nothing to tell."""
        return self._rate.value()

    def see(self, event: Event, now: float) -> None:
        """Take in one event; ``now`` is in seconds, from any start."""
        sent = self._see_upload(event, now)
        match event:
            case JobStarted():
                self.running, self.target, self.resumed = True, event.target, event.done_files
                self._id = event.job
            case NetworkLost() if event.upload == self._id:
                self._files_away_since, self._files_retry_at = now, now + event.wait
            case NetworkProbed() if event.upload == self._id:
                self._files_retry_at = now + event.wait
            case NetworkRestored() if event.upload == self._id:
                self._files_away_since = self._files_retry_at = None
            case UploadDone():
                self._ahead.add(event.target)
                self._files += event.bytes
            case FileDone():
                self.done += 1
                if event.target in self._ahead:
                    self._ahead.remove(event.target)
                else:
                    self._files += event.bytes
                    sent += event.bytes
            case FileSkipped():
                self.skipped += bool(event.target)
            case FileFailed():
                self.failed += 1
            case JobDone():
                self.running = False
            case _:
                if not sent:
                    return
        self._sent += sent
        self._rate.see(self._sent, now)

    def _see_upload(self, event: Event, now: float) -> int:
        """By how many bytes the event changes what this run has sent of the upload."""
        before = upload.sent if (upload := self.uploads.of(event)) else 0
        self.uploads.see(event, now)
        after = self.uploads.of(event)
        return after.sent - before if after else 0
