"""A source that changes under the upload, and what was in it at each look."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

from partway.engine.source.identity import SourceIdentity

# touch: mtime moves, the bytes stay.  chmod: ctime alone moves.  hidden: other bytes, and the old mtime is set back.
# point: the path leads to another file of the same size and mtime, or back to the first one.
EDITS = ("touch", "grow", "cut", "edit", "replace", "same", "remove", "chmod", "hidden", "hidden", "point")
_SECOND = 1_000_000_000
_BEGIN = 1_700_000_000


class ChangingSource:
    """A file, and everything that may happen to one.

    content: what is at the path now; None while nothing is.
    changes, changes_seen: how often it changed, in all and before the engine's last look.
    looked_at: what was at the path when the engine looked last.
    came_back: True once the path led elsewhere and back, so that bytes of before are the right ones again.

    Args:
        size: Bytes at the beginning.
        clock: Seconds since the epoch, for the times that ``identity`` gives; None leaves ctime to the file system.
        tick: Seconds in which that clock's files show one time; 0 shows every change.
    """

    def __init__(
        self, path: Path, rng: Random, size: int, *, clock: Callable[[], float] | None = None, tick: float = 0.0
    ) -> None:
        self.path = path
        self._first = path.with_suffix(".first")  # the file itself, while the path leads elsewhere
        self._rng = rng
        self._clock = clock
        self._tick_size = tick
        self._times: dict[int, tuple[int, int]] = {}  # mtime_ns and ctime_ns by inode
        self.changes = self.changes_seen = 0
        self.content: bytes | None = None
        self.looked_at: bytes | None = None
        self.came_back = False
        self._write(rng.randbytes(size))

    def change(self, limit: int) -> str:
        """Change it in one way or another, to at most ``limit`` bytes; says how."""
        before = self.content
        if before is None:
            self._write(self._rng.randbytes(self._rng.randint(0, limit)))
            return "the source is back, with other bytes"
        kind = self._rng.choice(EDITS)
        if kind == "touch":
            self._note_change()
        elif kind == "chmod":
            self.path.chmod(self._rng.choice((0o600, 0o640, 0o644)))
            self._note_change(keep_mtime=True)
        elif kind == "hidden":
            mtime_ns = self.path.stat().st_mtime_ns
            self._write(self._edited(before), keep_mtime=True)
            os.utime(self.path, ns=(0, mtime_ns))
        elif kind == "point":
            self._point(before)
        elif kind == "grow":
            self._write(before + self._rng.randbytes(self._rng.randint(1, max(1, limit // 4))))
        elif kind == "cut":
            self._write(before[: self._rng.randint(0, len(before))])
        elif kind == "edit":
            self._write(self._edited(before))
        elif kind in ("replace", "same"):
            self._replace(before if kind == "same" else self._rng.randbytes(len(before)))
        else:
            self.path.unlink()
            self._first.unlink(missing_ok=True)
            self.content = None
            self.changes += 1
        return f"the source: {kind}, now {'gone' if self.content is None else f'{len(self.content)} bytes'}"

    def restore(self) -> None:
        """Have a file there."""
        if self.content is None:
            self._write(b"")

    def look(self) -> None:
        """Note what is at the path."""
        self.looked_at = self.content
        self.changes_seen = self.changes

    def identity(self, found: SourceIdentity) -> SourceIdentity:
        """The identity with the times of the given clock, for a file of this source."""
        if self._clock is None or found.inode not in self._times:
            return found
        mtime_ns, ctime_ns = self._times[found.inode]
        return replace(found, mtime_ns=mtime_ns, ctime_ns=ctime_ns)

    def is_at_path(self, found: SourceIdentity) -> bool:
        """True when the path leads to that file now."""
        try:
            return self.path.stat().st_ino == found.inode
        except OSError:
            return False

    def _edited(self, before: bytes) -> bytes:
        at = self._rng.randint(0, max(0, len(before) - 1))
        other = self._rng.randbytes(self._rng.randint(1, 9))
        return (before[:at] + other + before[at + len(other) :])[: len(before)]

    def _point(self, before: bytes) -> None:
        """Have the path lead to another file of the same size and mtime, or back to the first one."""
        self.changes += 1
        if self._first.exists():
            self._first.replace(self.path)
            self.came_back = True
            self.content = self.path.read_bytes()
        else:
            self.content = self._rng.randbytes(len(before))
            found = self.path.stat()
            self._first.hardlink_to(self.path)
            copy = self.path.with_suffix(".new")
            copy.write_bytes(self.content)
            os.utime(copy, ns=(0, found.st_mtime_ns))
            mtime_ns, _ = self._times[found.st_ino]
            copy.replace(self.path)
            self._times[self.path.stat().st_ino] = mtime_ns, self._now()

    def _replace(self, content: bytes) -> None:
        self.content = content
        copy = self.path.with_suffix(".new")
        copy.write_bytes(content)
        copy.replace(self.path)
        self._note_change()

    def _write(self, content: bytes, *, keep_mtime: bool = False) -> None:
        # In place: the inode stays, and readers see it at once.
        with self.path.open("r+b" if self.path.exists() else "xb") as file:
            file.write(content)
            file.truncate()
        self.content = content
        self._note_change(keep_mtime=keep_mtime)

    def _note_change(self, *, keep_mtime: bool = False) -> None:
        self.changes += 1
        inode, now = self.path.stat().st_ino, self._now()
        mtime_ns = self._times[inode][0] if keep_mtime and inode in self._times else now
        self._times[inode] = mtime_ns, now
        if not keep_mtime:
            # On the file itself every change has a time of its own.
            os.utime(self.path, ns=(0, _BEGIN * _SECOND + self.changes * 1_000_003))

    def _now(self) -> int:
        if self._clock is None or not self._tick_size:
            now = _BEGIN if self._clock is None else self._clock() - 1.0
            return int(now * _SECOND) + self.changes * 1_000_003
        ticks = int(self._clock() / self._tick_size)
        # Whole seconds only where the tick is one.
        return round(ticks * self._tick_size * _SECOND) + (1_000 if self._tick_size < 1 else 0)
