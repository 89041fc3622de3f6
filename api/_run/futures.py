"""A future whose cancel() also stops an upload that runs."""

from concurrent.futures import CancelledError, Future, wait
from typing import TypeVar

from partway.engine.errors import UploadCancelled
from partway.engine.workers.channel import CancelToken

T = TypeVar("T")

_GRACE = 5.0  # seconds that a cancelled upload has to end; it takes one


class Cancelled(UploadCancelled, CancelledError):
    """An upload that cancel() stopped: for programs that catch the one and for those that catch the other."""


class UploadFuture(Future[T]):
    """As ``concurrent.futures.Future``, but cancel() also works while the upload runs.

    ``cancel()`` returns True unless the upload has ended.  One that waits never begins; one that runs ends within a
    second with finished parts kept, and then ``cancelled()`` is True.  ``result()`` then raises UploadCancelled, which
    is a CancelledError too.  Uploading the same again resumes.

    token: what the upload looks at.
    """

    def __init__(self, token: CancelToken) -> None:
        super().__init__()
        self.token = token

    def cancel(self) -> bool:
        """Stop the upload; False when it has ended."""
        if super().cancel():
            return True
        if self.done():
            return False
        self.token.set()
        return True

    def cancelled(self) -> bool:
        """True when cancel() stopped the upload."""
        return super().cancelled() or (self.done() and isinstance(super().exception(), Cancelled))

    def result(self, timeout: float | None = None) -> T:
        """What the upload returned; raises what it raised."""
        try:
            return super().result(timeout)
        except Cancelled:
            raise
        except CancelledError:
            raise Cancelled("cancelled before it began; nothing was sent") from None

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the upload raised; None when it succeeded."""
        try:
            return super().exception(timeout)
        except CancelledError:
            raise Cancelled("cancelled before it began; nothing was sent") from None

    def settle(self) -> None:
        """Wait until a cancelled upload has ended; not for ever."""
        wait([self], _GRACE)
