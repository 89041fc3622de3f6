"""The uploads that are running, each with its numbers; those that ended are forgotten.  Pure: the clock is given."""

from collections.abc import Iterator

from partway.engine.events import Event
from partway.engine.events.upload import (
    JobDone,
    JobStarted,
    PartsChecked,
    UploadDone,
    UploadFailed,
    UploadSkipped,
    UploadStarted,
)

from .upload import UploadProgress

_COMING = ""  # in place of an id: the upload of a command that has not said yet which it is


class RunningUploads:
    """Oldest first.  They may be looked at by another thread than the one that is told."""

    def __init__(self) -> None:
        self._uploads = {_COMING: UploadProgress()}

    def __iter__(self) -> Iterator[UploadProgress]:
        return iter(tuple(self._uploads.values()))

    def of(self, event: Event) -> UploadProgress | None:
        """The upload that the event is about; None when it is about none, or about one that is not shown yet."""
        return self._uploads.get(getattr(event, "upload", _COMING)) or self._uploads.get(_COMING)

    def see(self, event: Event, now: float) -> None:
        """Take in one event; ``now`` is in seconds, from any start."""
        match event:
            case JobStarted() | JobDone():
                self._uploads.clear()
            case UploadDone() | UploadFailed() | UploadSkipped():
                self._uploads.pop(getattr(event, "upload", _COMING), None)
                self._uploads.pop(_COMING, None)
            case UploadStarted() | PartsChecked():
                # Not before: an upload that fails earlier may do so without its id, and would never be forgotten.
                if event.upload not in self._uploads:
                    coming = self._uploads.pop(_COMING, None)
                    self._uploads[event.upload] = coming or UploadProgress()
            case _:
                pass
        if upload := self.of(event):
            upload.see(event, now)
