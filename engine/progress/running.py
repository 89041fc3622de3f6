"""The progress of each running upload; ended uploads are dropped.  Pure: the clock is a parameter."""

from collections.abc import Iterator

from ..events import Event
from ..events.upload import (
    JobDone,
    JobStarted,
    PartsChecked,
    UploadDone,
    UploadFailed,
    UploadSkipped,
    UploadStarted,
)
from .upload import UploadProgress

_UNNAMED = ""  # stands for the ID of a command's single upload until an event contains it


class RunningUploads:
    """The running uploads, oldest first.  One thread updates them; others may iterate."""

    def __init__(self) -> None:
        self._uploads = {_UNNAMED: UploadProgress()}

    def __iter__(self) -> Iterator[UploadProgress]:
        return iter(tuple(self._uploads.values()))

    def of(self, event: Event) -> UploadProgress | None:
        """The upload that the event is about; None when it is about none, or about one that has not started."""
        return self._uploads.get(getattr(event, "upload", _UNNAMED)) or self._uploads.get(_UNNAMED)

    def clear(self) -> None:
        """Drop all, as at the start and the end of a job."""
        self._uploads.clear()

    def update(self, event: Event, now: float) -> None:
        """Apply one event.  now: seconds on any monotonic clock."""
        match event:
            case JobStarted() | JobDone():
                self.clear()
            case UploadDone() | UploadFailed() | UploadSkipped():
                self._uploads.pop(getattr(event, "upload", _UNNAMED), None)
                self._uploads.pop(_UNNAMED, None)
            case UploadStarted() | PartsChecked():
                # Not earlier: an upload that fails before this may do so without its ID, and would never be dropped.
                if event.upload not in self._uploads:
                    unnamed = self._uploads.pop(_UNNAMED, None)
                    self._uploads[event.upload] = unnamed or UploadProgress()
            case _:
                pass
        if upload := self.of(event):
            upload.update(event, now)
