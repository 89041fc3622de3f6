"""Messages that stay on screen: prefixed with the file's name in a job, and once for many uploads alike."""

from pathlib import PurePath

from partway.engine.events import Event
from partway.engine.events.upload import (
    ChecksumFellBack,
    NetworkLost,
    NetworkRestored,
    OrphanAdopted,
    OrphanFound,
    UploadDone,
    UploadFailed,
    UploadRenewed,
    UploadSkipped,
    UploadStarted,
)
from partway.engine.progress.job import JobProgress

from ...text.escape import printable
from . import sentences


class Notes:
    """``sentences.note`` for several concurrent uploads.

    progress: of the running uploads; it must have received an event before ``line`` is called with it.
    """

    def __init__(self, progress: JobProgress) -> None:
        self._progress = progress
        self._fell_back: set[str] = set()
        self._away: set[str] = set()  # IDs of uploads
        self._away_since = 0.0
        self._some_came_back = False

    def line(self, event: Event, now: float) -> str | None:
        """The message that stays on screen, or None.  now: seconds on a monotonic clock."""
        match event:
            case ChecksumFellBack():
                first = event.used not in self._fell_back
                self._fell_back.add(event.used)
                return sentences.note(event) if first else None
            case NetworkLost():
                return self._lost(event, now)
            case NetworkRestored() | UploadDone() | UploadSkipped() | UploadFailed():
                return self._back_or_ended(event, now)
            case UploadStarted() | UploadRenewed() | OrphanAdopted() | OrphanFound() if self._progress.running:
                line = sentences.note(event)
                return f"{printable(self._name(event))}: {line}" if line else None
            case _:
                return sentences.note(event)

    def _name(self, event: UploadStarted | UploadRenewed | OrphanAdopted | OrphanFound) -> str:
        """The file's name, or the upload's ID if the name is not known yet."""
        if isinstance(event, (UploadStarted, OrphanFound)):
            return PurePath(event.source).name
        upload = self._progress.uploads.of(event)
        return upload.name if upload else event.upload

    def _lost(self, event: NetworkLost, now: float) -> str | None:
        first = not self._away
        self._away.add(event.upload)
        if not first:
            return None
        self._away_since, self._some_came_back = now, False
        return sentences.note(event)

    def _back_or_ended(
        self, event: NetworkRestored | UploadDone | UploadSkipped | UploadFailed, now: float
    ) -> str | None:
        """A message when the last unreachable upload reconnects; None if all of them ended unreachable."""
        before = len(self._away)
        self._some_came_back |= isinstance(event, NetworkRestored)
        self._away.discard(event.upload)
        if not event.upload:
            # It failed before it had an ID, and may be any upload that has not started sending.
            self._away.intersection_update(upload.upload for upload in self._progress.uploads)
        if before and not self._away and self._some_came_back:
            return sentences.note(NetworkRestored(upload=event.upload, seconds=now - self._away_since))
        return None
