"""Slots for parts in flight that several runs share, each with threads of its own."""

import threading


class SharedSlots:
    """A number of slots, given out fairly: a run that has its share gets no more while another one waits.

    Any thread may use it.  A run is named by any object of its own.

    Args:
        total: Parts in flight of all runs together.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = threading.Lock()
        self._taken: dict[object, int] = {}
        self._waiting: set[object] = set()

    def has_room(self, run: object, *, ahead: int = 0) -> bool:
        """True when the run may take a slot after ``ahead`` others of its own.  Otherwise it counts as waiting."""
        with self._lock:
            return self._has_room(run, ahead)

    def try_take(self, run: object) -> bool:
        """Take a slot; False when the run has to wait."""
        with self._lock:
            if not self._has_room(run, 0):
                return False
            self._taken[run] = self._taken.get(run, 0) + 1
            return True

    def take(self, run: object) -> None:
        """Take a slot without a check, right after ``has_room``.  Runs that do so at once may take one too many."""
        with self._lock:
            self._taken[run] = self._taken.get(run, 0) + 1

    def give_back(self, run: object) -> None:
        """Give a slot back."""
        with self._lock:
            left = self._taken.get(run, 0) - 1
            if left > 0:
                self._taken[run] = left
            else:
                self._taken.pop(run, None)

    def leave(self, run: object) -> None:
        """The run waits no longer; slots that it has are given back as their parts end."""
        with self._lock:
            self._waiting.discard(run)

    def _has_room(self, run: object, ahead: int) -> bool:
        mine = self._taken.get(run, 0) + ahead
        share = -(-self._total // len({run, *self._taken, *self._waiting}))
        is_full = sum(self._taken.values()) + ahead >= self._total
        if is_full or (mine >= share and self._waiting - {run}):
            self._waiting.add(run)
            return False
        self._waiting.discard(run)
        return True
