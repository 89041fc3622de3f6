"""What the engine gets in place of the machine: turns for threads, virtual time, and files with the story's times.

What an upload does is then decided by the seed alone.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from partway.engine.source.identity import SourceIdentity, handle_identity
from partway.engine.workers.channel import null_context
from partway.engine.workers.runtime import Runtime

from .changing_source import ChangingSource
from .scheduler import TurnExecutor, TurnQueue, Turns


class TurnClock:
    """The time of the turns."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._turns.now

    def monotonic(self) -> float:
        """The same."""
        return self._turns.now

    def sleep(self, seconds: float) -> None:
        """Let others run, or time pass."""
        self._turns.sleep(seconds)


def simulated_runtime(turns: Turns, source: ChangingSource, *, looks_count: bool = True) -> Runtime:
    """The runtime of one upload.

    looks_count: False for a second upload, whose looks at the source are not those that an object is made after.
    """

    def identify_part(path: str, handle: int) -> SourceIdentity:
        # On no device: a file in memory, whose times say less, would have its bytes compared in every story.
        return replace(source.identity(handle_identity(path, handle)), device=0)

    def identify_path(path: str, handle: int) -> SourceIdentity:
        if looks_count and source.is_at_path(handle_identity(path, handle)):
            source.look()
        return identify_part(path, handle)

    return Runtime(
        clock=TurnClock(turns),
        make_queue=lambda: TurnQueue(turns),
        make_executor=lambda max_workers: TurnExecutor(turns, max_workers),
        identify_path=identify_path,
        identify_part=identify_part,
    )


class TurnProcesses(TurnExecutor):
    """Workers elsewhere: they get a task and no context, and still run in the simulation."""

    def __init__(self, turns: Turns, size: int, runtime: Runtime) -> None:
        super().__init__(turns, size)
        self._runtime = runtime

    def submit(self, fn: "Callable[..., Any]", /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As every executor."""
        return super().submit(fn, *args, null_context(self._runtime), **kwargs)
