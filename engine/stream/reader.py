"""Split a stream into spools, one part at a time, for the workers."""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..checksums import ChecksumAlgorithm, Digest
from ..errors import SourceError, UploadFailed
from ..limits import GIB, MIB
from ..workers.channel import WorkerContext
from .plan import StreamPlan, too_long
from .spool import Spool

_BLOCK = MIB  # maximum bytes in one read
_TICK = 0.1  # seconds between cancellation checks while no data arrives
SPOOL_LIMIT = 1 * GIB  # maximum bytes in all spools together; two parts are always allowed


class StreamChunker:
    """Reads the stream in order and splits it according to the plan.  Workers call ``read_part`` concurrently.

    While every worker is sending a part, none reads, and the producer blocks: that is the back-pressure.

    ended: True when the end of the stream was reached; ``total`` is then its size in bytes.

    Args:
        descriptor: An open file descriptor; not closed here.
        directory: The directory for the spools; None means the system's directory for temporary files.
        spool_limit: Maximum bytes in all spools together; two parts are always allowed.  None means unlimited.
        max_senders: Maximum number of parts that are sent at the same time; None means one for each worker.
    """

    def __init__(
        self,
        descriptor: int,
        plan: StreamPlan,
        *,
        directory: Path | None,
        spool_limit: int | None = SPOOL_LIMIT,
        max_senders: int | None = None,
    ) -> None:
        self.plan = plan
        self.ended = False
        self.total = 0
        self._descriptor = descriptor
        self._directory = directory
        self._spool_limit = spool_limit
        self._reading = threading.Lock()
        self._stopped = False
        self._number = 0
        self._block = memoryview(bytearray(_BLOCK))
        self._sender_slots = None if max_senders is None else threading.BoundedSemaphore(max_senders)
        self._counting = threading.Lock()
        self._open = self._held = 0
        _enlarge_pipe_buffer(descriptor)

    def stop(self) -> None:
        """Stop reading.  Workers that are waiting for data get None."""
        self._stopped = True

    def read_part(self, algorithm: ChecksumAlgorithm, worker: WorkerContext, *, md5: bool = False) -> Spool | None:
        """The next part of the stream with its checksum, and its MD5 if ``md5``; None at the end of the stream.

        If the stream is empty, so is the first part.

        Raises:
            SourceError: the stream cannot be read.
            PlanError: the stream is larger than the plan can hold.
            UploadFailed: the disk is full.
            UploadCancelled.
        """
        with self._read_lock(worker) as mine:
            if not mine:
                return None
            number = self._number + 1
            if number > self.plan.limits.max_parts:
                self._expect_end(worker)
                return None
            spool = self._new_spool(number)
            try:
                if not self._fill(spool, algorithm, worker, md5):
                    return None
            except BaseException:
                spool.close()
                raise
            if spool.size == 0 and number > 1:
                spool.close()
                return None
            self._number = number
            return spool

    @contextmanager
    def sending(self, worker: WorkerContext) -> Iterator[None]:
        """Hold one of the ``max_senders`` slots.  With one worker more than slots, that worker can read ahead."""
        if self._sender_slots is None:
            yield
            return
        while not self._sender_slots.acquire(timeout=_TICK):
            worker.raise_if_cancelled()
        try:
            yield
        finally:
            self._sender_slots.release()

    @contextmanager
    def _read_lock(self, worker: WorkerContext) -> Iterator[bool]:
        """Acquire the read lock.  Yields False at the end of the stream, or when reading was stopped."""
        while not self._reading.acquire(timeout=_TICK):
            worker.raise_if_cancelled()
            if self._stopped:
                break
        else:
            try:
                while not (over := self._stopped or self.ended) and not self._has_room():
                    worker.sleep(_TICK)
                yield not over
            finally:
                self._reading.release()
            return
        yield False

    def _has_room(self) -> bool:
        with self._counting:
            wanted = self.plan.size_of(self._number + 1)
            return self._spool_limit is None or self._open < 2 or self._held + wanted <= self._spool_limit

    def _new_spool(self, number: int) -> Spool:
        size = self.plan.size_of(number)

        def count(by: int) -> None:
            with self._counting:
                self._open += by
                self._held += by * size

        spool = Spool(self._directory, number, on_close=lambda: count(-1))
        count(1)
        return spool

    def _fill(self, spool: Spool, algorithm: ChecksumAlgorithm, worker: WorkerContext, md5: bool) -> bool:
        """Read the part; False when reading was stopped."""
        digest = Digest(algorithm)
        second = Digest(ChecksumAlgorithm.MD5) if md5 else None
        size = self.plan.size_of(spool.number)
        while spool.size < size:
            block = self._read(size - spool.size, worker)
            if block is None:
                spool.close()
                return False
            if not block:
                self.ended = True
                break
            self.total += len(block)
            digest.update(block)
            if second is not None:
                second.update(block)
            spool.write(block)
        spool.algorithm, spool.checksum = algorithm, digest.value()
        spool.md5 = None if second is None else second.value()
        return True

    def _expect_end(self, worker: WorkerContext) -> None:
        if self._read(1, worker):
            raise too_long(self.plan)
        self.ended = True

    def _read(self, max_bytes: int, worker: WorkerContext) -> memoryview | None:
        """Read the next block: empty at the end of the stream, None when reading was stopped."""
        while True:
            worker.raise_if_cancelled()
            if self._stopped:
                return None
            try:
                if not _is_ready(self._descriptor):
                    continue
                count = os.readv(self._descriptor, [self._block[:max_bytes]])
            except BlockingIOError:
                # Another process that shares the stream has made it non-blocking.
                worker.sleep(_TICK)
                continue
            except OSError as error:
                raise self._broken(error) from error
            return self._block[:count]

    def _broken(self, error: OSError) -> SourceError | UploadFailed:
        reason = error.strerror or str(error)
        if self.total == 0:
            return SourceError(f"the stream cannot be read: {reason}")
        return UploadFailed(
            f"the stream cannot be read beyond {self.total:,} bytes: {reason}; nothing was completed: run "
            "the producer again with the same command",
            resumable=True,
        )


def _is_ready(descriptor: int) -> bool:
    """Wait briefly for data or the end.  Not with select(), which does not support descriptors above 1023."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    found = poll.poll(_TICK * 1000)
    if found and found[0][1] & select.POLLNVAL:
        # macOS also reports this for devices, which are read without waiting.
        try:
            os.fstat(descriptor)
        except OSError as error:
            raise SourceError("cannot read the stream: standard input is closed") from error
    return bool(found)


def _enlarge_pipe_buffer(descriptor: int) -> None:
    """Enlarge the pipe's buffer to one block, where the OS allows it: 64 KiB at a time take many calls."""
    try:
        from fcntl import F_SETPIPE_SZ, fcntl

        fcntl(descriptor, F_SETPIPE_SZ, _BLOCK)
    except (ImportError, OSError):
        pass
