"""One part of a stream, kept until S3 has it: a temporary file without a name."""

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
    """A file of one part's bytes.  It vanishes when it is closed, and with the process however that ends.

    It has no name in its folder; ``path`` opens it all the same, until it is closed, so that a part of a stream is read
    and sent as one of a file is.  Where the system has no such paths (no /proc), it has a name, which a kill leaves.

    checksum, md5: base64, of the bytes as they came; ``checksum`` in ``algorithm``.

    Args:
        folder: Where it takes its space; None: the system's folder for temporary files.
        number: The part's 1-based number.
        on_close: Called once, when the space is free again.

    Raises:
        UploadFailed: the folder takes no file.
    """

    def __init__(self, folder: Path | None, number: int, on_close: Callable[[], None] = lambda: None) -> None:
        self.number = number
        self.size = 0
        self.checksum = ""
        self.algorithm: ChecksumAlgorithm | None = None
        self.md5: str | None = None
        self._folder = folder or Path(tempfile.gettempdir())
        self._on_close = on_close
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115 - closed by close()
            self.path = f"{_OPEN_FILES}/{self._file.fileno()}"
            if not os.path.exists(self.path):  # noqa: PTH110 - as it is opened
                self._file.close()
                self._file = tempfile.NamedTemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115 - the same
                self.path = self._file.name
        except OSError as error:
            raise self._failed(error) from error

    @property
    def spec(self) -> PartSpec:
        """The part, as a byte range of this file."""
        return PartSpec(number=self.number, offset=0, size=self.size)

    def write(self, block: memoryview) -> None:
        """Add the whole block.

        Raises:
            UploadFailed: the disk is full, or broken.
        """
        while block:
            try:
                wrote = os.write(self._file.fileno(), block)
            except OSError as error:
                raise self._failed(error) from error
            self.size += wrote
            block = block[wrote:]

    def close(self) -> None:
        """Give the space back; nothing happens the second time."""
        if not self._file.closed:
            self._file.close()
            self._on_close()

    def __del__(self) -> None:
        # Left behind by a run that ended for other reasons.
        if hasattr(self, "_file"):
            self.close()

    def checksum_in(self, algorithm: ChecksumAlgorithm) -> str | None:
        """The base64 checksum in that algorithm; None when it was not taken."""
        if algorithm is self.algorithm:
            return self.checksum
        return self.md5 if algorithm is ChecksumAlgorithm.MD5 else None

    def _failed(self, error: OSError) -> UploadFailed:
        return UploadFailed(
            f"cannot keep a part of the stream in {self._folder}: {error.strerror or error}; free "
            "some space there, or set TMPDIR to another directory, and run the producer again",
            resumable=True,
        )
