"""A future whose cancel() also stops a running upload."""

from concurrent.futures import CancelledError, Future, wait
from typing import TypeVar

from partway.engine.errors import UploadCancelled
from partway.engine.workers.channel import CancelToken

T = TypeVar("T")

_GRACE = 5.0  # seconds to wait for a cancelled upload; one is normally enough


class Cancelled(UploadCancelled, CancelledError):
    """cancel() stopped the upload.  Programs may catch either base class."""


class UploadFuture(Future[T]):
    """A ``concurrent.futures.Future`` whose cancel() also works while the upload is running.

    ``cancel()`` returns True unless the upload has ended.  A pending upload never starts; a running one ends within a
    second with finished parts kept, and ``cancelled()`` is then True.  ``result()`` raises UploadCancelled, which is
    also a CancelledError.  Uploading the same again resumes.

    token: cancels the upload.
    """

    def __init__(self, token: CancelToken) -> None:
        super().__init__()
        self.token = token

    def cancel(self) -> bool:
        """Stop the upload; False if it has already ended."""
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
            raise Cancelled("cancelled before it started; nothing was sent") from None

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the upload raised; None when it succeeded."""
        try:
            return super().exception(timeout)
        except CancelledError:
            raise Cancelled("cancelled before it started; nothing was sent") from None

    def settle(self) -> None:
        """Wait a few seconds for a cancelled upload to end."""
        wait([self], _GRACE)
