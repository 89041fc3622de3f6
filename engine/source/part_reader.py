"""Read one part of a file as the body of an HTTP request."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from io import SEEK_CUR, SEEK_END, SEEK_SET
from types import TracebackType
from typing import Self

from ..checksums import ChecksumAlgorithm, Digest
from ..clock import SYSTEM_CLOCK
from ..errors import SourceChanged, SourceError
from ..limits import KIB
from .identity import HandleIdentity, SourceIdentity, handle_identity, open_source, unreadable
from .plan import PartSpec

BLOCK = 512 * KIB  # maximum bytes in one read
_FIRST_BLOCK = 64 * KIB
_HASH_BLOCK = 256 * KIB
# Seconds: a block that is sent sooner doubles the next, one that takes longer halves it.
_SOON, _LATE = 0.02, 0.5


# Buffers of closed readers, each with the block size that last suited the link: a new buffer for each of 10,000 parts
# would fragment memory, and each reader would have to adapt its block size again.
_spare_buffers: deque[tuple[memoryview, int]] = deque()
_NO_BUFFER = memoryview(bytearray())


def _take_buffer(size: int) -> tuple[memoryview, int]:
    """A buffer for a part of ``size`` bytes, and the block size to begin with."""
    if size <= _FIRST_BLOCK:
        return memoryview(bytearray(size)), _FIRST_BLOCK
    try:
        return _spare_buffers.pop()
    except IndexError:
        return memoryview(bytearray(BLOCK)), _FIRST_BLOCK


def _nothing(_: int) -> None:
    return None


class PartReader:
    """A seekable window over one part, read by the HTTP client as the request's body.

    It has its own unbuffered handle and one buffer, reused from earlier readers, so it takes the memory of one block,
    whatever the part's size.  What ``read`` returns is valid until the next ``read`` or the end.  Offset 0 is the
    part's first byte: clients rewind there.

    Args:
        path: The source.
        spec: The part.
        algorithm: The algorithm of ``checksum``.
        on_read: Called before every read with the number of bytes passed to the network so far (0 while the bytes are
            read for a checksum or a signature); it may raise (a cancellation, a stall) to end the reading.
        block: Maximum bytes in one read, at most BLOCK.

    Raises:
        SourceError: the file cannot be opened.
    """

    def __init__(
        self,
        path: str,
        spec: PartSpec,
        *,
        algorithm: ChecksumAlgorithm,
        on_read: Callable[[int], None] = _nothing,
        block: int = BLOCK,
        look: HandleIdentity = handle_identity,
        clock: Callable[[], float] = SYSTEM_CLOCK.monotonic,
    ) -> None:
        self.spec = spec
        self.algorithm = algorithm
        self._path = path
        self._on_read = on_read
        self._look = look
        self._clock = clock
        self._position = 0
        self._checksum: str | None = None
        self._sending = False
        self._handle: int | None = open_source(path)
        self._buffer, wanted = _take_buffer(spec.size)
        self._most = block
        self._block = min(wanted, block)
        self._read_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if len(self._buffer) == BLOCK:
            _spare_buffers.append((self._buffer, self._block))
            self._buffer = _NO_BUFFER

    def identify(self) -> SourceIdentity:
        """Identify the file that is being read, by its handle.

        Raises:
            SourceError: the file system reports an error.
        """
        if self._handle is None:
            raise ValueError("read of a closed file")
        try:
            return self._look(self._path, self._handle)
        except OSError as error:
            raise SourceError(unreadable(self._path, error)) from error

    def __len__(self) -> int:
        return self.spec.size

    def __bool__(self) -> bool:
        # An empty part is still a body.
        return True

    def read(self, size: int = -1) -> memoryview:
        """At most ``size`` bytes; while the part is being sent, one block whatever ``size`` is.  Empty at the end.

        HTTP clients request blocks of one size and accept any.  Small blocks slow down a fast link; on a slow link, a
        large one would not be sent before the connection's timeout.  (docs/decisions/0009-blocks.md)

        Raises:
            SourceChanged: the file ends before the part does.
            SourceError: the file cannot be read.
        """
        self._on_read(self._position if self._sending else 0)
        block = self._fill(self._next_block() if self._sending else min(size, self._most) if size >= 0 else self._most)
        self._position += len(block)
        return block

    def _next_block(self) -> int:
        before, self._read_at = self._read_at, self._clock()
        if self._read_at - before < _SOON:
            self._block = min(2 * self._block, self._most)
        elif self._read_at - before > _LATE and before:
            self._block = max(self._block // 2, min(_FIRST_BLOCK // 4, self._most))
        return self._block

    def _fill(self, wanted: int) -> memoryview:
        if self._handle is None:
            raise ValueError("read of a closed file")
        wanted = min(wanted, len(self._buffer), self.spec.size - self._position)
        if wanted <= 0:
            return self._buffer[:0]
        try:
            got = os.preadv(self._handle, (self._buffer[:wanted],), self.spec.offset + self._position)
        except OSError as error:
            raise SourceError(unreadable(self._path, error)) from error
        if not got:
            raise SourceChanged(f"{self._path} shrank while it was read; run again when it is complete")
        return self._buffer[:got]

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move within the part; returns the new position."""
        starts = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self.spec.size}
        if whence not in starts:
            raise ValueError(f"cannot seek from {whence}")
        start = starts[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """The position, in bytes from the part's start."""
        return self._position

    @property
    def is_sending(self) -> bool:
        """True while reads go to the network."""
        return self._sending

    def begin_sending(self) -> None:
        """Mark that reads go to the network from now on; earlier reads may have been for a signature."""
        self._sending = True

    def pause_sending(self) -> None:
        """Mark that reads are for a signature or a checksum again, as before a retry, until ``begin_sending``."""
        self._sending = False

    def rewind(self) -> None:
        """Go back to the start for a retry.  The checksum is computed again, since the file may have been replaced."""
        self._position = 0
        self._sending = False
        self._read_at = 0.0
        self._checksum = None

    @property
    def checksum(self) -> str:
        """Base64 checksum of the part's bytes in the file; computed once, then cached until ``rewind``."""
        if self._checksum is None:
            self._checksum = self._hash()
        return self._checksum

    def _hash(self) -> str:
        digest = Digest(self.algorithm)
        for block in self.blocks():
            digest.update(block)
        return digest.value()

    def blocks(self) -> Iterator[memoryview]:
        """All blocks of the part, from its start; each is valid until the next.  The position is restored."""
        before, self._position = self._position, 0
        was_sending, self._sending = self._sending, False
        try:
            while self._position < self.spec.size:
                self._on_read(0)
                block = self._fill(_HASH_BLOCK)
                self._position += len(block)
                yield block
        finally:
            self._position, self._sending = before, was_sending
