"""A job's events folded into the numbers that bars and lines show.  Pure: the clock is given."""

from partway.engine.events import Event, FileDone, FileFailed, FileSkipped, JobDone, JobStarted, PartDone, UploadDone

from .rate import Rate


class JobProgress:
    """How far a job is.

    running: from its first event to its last.
    done, skipped, failed, resumed: files; ``resumed`` were done by earlier runs.
    bytes: of files that are done, and of the finished parts of the one that is being sent.
    """

    def __init__(self) -> None:
        self.running = False
        self.target = ""
        self.done = self.skipped = self.failed = self.resumed = 0
        self._files = 0
        self._parts = 0
        self._rate = Rate()

    @property
    def bytes(self) -> int:
        return self._files + self._parts

    def rate(self) -> float | None:
        """Bytes a second, lately; None while there is nothing to tell."""
        return self._rate.value()

    def see(self, event: Event, now: float) -> None:
        """Take in one event; ``now`` is in seconds, from any start."""
        match event:
            case JobStarted():
                self.running, self.target, self.resumed = True, event.target, event.done_files
            case FileDone():
                self.done += 1
                self._files += event.bytes
            case FileSkipped():
                self.skipped += bool(event.target)
            case FileFailed():
                self.failed += 1
            case PartDone():
                self._parts += event.size
            case UploadDone():
                # Told as a file next.
                self._parts = 0
            case JobDone():
                self.running = False
            case _:
                return
        self._rate.see(self.bytes, now)
