"""What the engine uses of the machine: clock, queues, threads and file identities.  A simulation replaces them."""

import os
import queue
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from ..clock import SYSTEM_CLOCK, Clock
from ..source.identity import HandleIdentity, SourceIdentity, handle_identity, identify, identify_settled


class MessageQueue(Protocol):
    """The methods of ``queue.SimpleQueue`` that the engine uses."""

    def put(self, item: Any, /) -> None:
        """Add an item.  Any thread may call it."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Remove and return the oldest item.  Raises queue.Empty if none arrived within ``timeout`` seconds."""

    def empty(self) -> bool:
        """True when the queue is empty."""
        ...

    def qsize(self) -> int:
        """The number of items."""
        ...


def _make_threads(max_workers: int) -> Executor:
    return ThreadPoolExecutor(max_workers, thread_name_prefix="partway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The clock, queues, threads and file identities of this machine, unless others are given.

    make_executor: called with the maximum number of threads.
    identify_path: identity of a handle that was opened to identify the source.
    identify_part: identity of a handle that a part is read from.
    """

    clock: Clock = SYSTEM_CLOCK
    make_queue: Callable[[], MessageQueue] = queue.SimpleQueue
    make_executor: Callable[[int], Executor] = _make_threads
    identify_path: HandleIdentity = handle_identity
    identify_part: HandleIdentity = handle_identity

    def identify(self, path: str | os.PathLike[str]) -> SourceIdentity:
        """As ``source.identity.identify``."""
        return identify(path, look=self.identify_path)

    def identify_settled(
        self, path: str, *, sleep: Callable[[float], None], flush: Callable[[int], None] = os.fsync
    ) -> SourceIdentity:
        """As ``source.identity.identify_settled``."""
        return identify_settled(path, sleep=sleep, flush=flush, look=self.identify_path, now=self.clock.time)


SYSTEM = Runtime()
