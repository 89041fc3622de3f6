"""A source that changes under the upload, and what was in it at each look."""

import os
from pathlib import Path
from random import Random

EDITS = ("touch", "grow", "cut", "edit", "replace", "same", "remove")


class ChangingSource:
    """A file whose every change has a new modification time, as on a file system with fine clocks.

    content: what is in it now; None while it is gone.
    changes, changes_seen: how often it changed, in all and before the engine's last look.
    looked_at: what was in it when the engine identified it last.
    """

    def __init__(self, path: Path, rng: Random, size: int) -> None:
        self.path = path
        self._rng = rng
        self.changes = self.changes_seen = 0
        self.content: bytes | None = None
        self.looked_at: bytes | None = None
        self._write(rng.randbytes(size))

    def change(self, limit: int) -> str:
        """Change it in one way or another, to at most ``limit`` bytes; says how."""
        before = self.content
        if before is None:
            self._write(self._rng.randbytes(self._rng.randint(0, limit)))
            return "the source is back, with other bytes"
        kind = self._rng.choice(EDITS)
        if kind == "touch":
            self._tick()
        elif kind == "grow":
            self._write(before + self._rng.randbytes(self._rng.randint(1, max(1, limit // 4))))
        elif kind == "cut":
            self._write(before[: self._rng.randint(0, len(before))])
        elif kind == "edit":
            at = self._rng.randint(0, max(0, len(before) - 1))
            other = self._rng.randbytes(self._rng.randint(1, 9))
            self._write((before[:at] + other + before[at + len(other) :])[: len(before)])
        elif kind in ("replace", "same"):
            self.content = before if kind == "same" else self._rng.randbytes(len(before))
            copy = self.path.with_suffix(".new")
            copy.write_bytes(self.content)
            copy.replace(self.path)
            self._tick()
        else:
            self.path.unlink()
            self.content = None
            self.changes += 1
        return f"the source: {kind}, now {'gone' if self.content is None else f'{len(self.content)} bytes'}"

    def restore(self) -> None:
        """Have a file there."""
        if self.content is None:
            self._write(b"")

    def look(self) -> None:
        """Note what is in it."""
        self.looked_at = self.content
        self.changes_seen = self.changes

    def _write(self, content: bytes) -> None:
        # In place: the inode stays, and readers see it at once.
        with self.path.open("r+b" if self.path.exists() else "xb") as file:
            file.write(content)
            file.truncate()
        self.content = content
        self._tick()

    def _tick(self) -> None:
        self.changes += 1
        os.utime(self.path, ns=(0, 1_700_000_000_000_000_000 + self.changes * 1_000_003))
