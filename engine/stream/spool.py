"""Spool one part of a stream until S3 has it, in an unnamed temporary file."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ..checksums import ChecksumAlgorithm
from ..errors import UploadFailed
from ..source.plan import PartSpec

_OPEN_FILES = "/dev/fd"


class Spool:
    """A temporary file with the bytes of one part.  It is removed when it is closed or the process ends or is killed.

    It has no name in its directory, but ``path`` opens it until it is closed, so a part of a stream is read and sent
    like a part of a file.  On systems without such paths (no /proc) it has a name, and a kill leaves it behind.

    checksum, md5: base64, of the bytes as they were read; ``checksum`` in ``algorithm``.

    Args:
        directory: The directory of the file; None means the system's directory for temporary files.
        number: The part's 1-based number.
        on_close: Called once, after the space has been freed.

    Raises:
        UploadFailed: the file cannot be created there.
    """

    def __init__(self, directory: Path | None, number: int, on_close: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self.size = 0
        self.checksum = ""
        self.algorithm: ChecksumAlgorithm | None = None
        self.md5: str | None = None
        self._directory = directory or Path(tempfile.gettempdir())
        self._on_close = on_close
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, dir=self._directory)  # noqa: SIM115 - closed by close()
            self.path = f"{_OPEN_FILES}/{self._file.fileno()}"
            if not os.path.exists(self.path):  # noqa: PTH110 - as it is opened
                self._file.close()
                self._file = tempfile.NamedTemporaryFile(buffering=0, dir=self._directory)  # noqa: SIM115 - the same
                self.path = self._file.name
        except OSError as error:
            raise self._failed(error) from error

    @property
    def spec(self) -> PartSpec:
        """The part as a byte range of this file."""
        return PartSpec(number=self.number, offset=0, size=self.size)

    def write(self, block: memoryview) -> None:
        """Append the whole block.

        Raises:
            UploadFailed: the disk is full or failing.
        """
        while block:
            try:
                wrote = os.write(self._file.fileno(), block)
            except OSError as error:
                raise self._failed(error) from error
            self.size += wrote
            block = block[wrote:]

    def close(self) -> None:
        """Free the space.  A second call does nothing."""
        if not self._file.closed:
            self._file.close()
            self._on_close()

    def __del__(self) -> None:
        # A run that ended early may leave it open.
        if hasattr(self, "_file"):
            self.close()

    def checksum_in(self, algorithm: ChecksumAlgorithm) -> str | None:
        """The base64 checksum in this algorithm; None when it was not computed."""
        if algorithm is self.algorithm:
            return self.checksum
        return self.md5 if algorithm is ChecksumAlgorithm.MD5 else None

    def _failed(self, error: OSError) -> UploadFailed:
        return UploadFailed(
            f"cannot store a part of the stream in {self._directory}: {error.strerror or error}; free "
            "some space there, or set TMPDIR to another directory, and run the producer again",
            resumable=True,
        )
