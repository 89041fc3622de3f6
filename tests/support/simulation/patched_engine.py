"""Has the engine run on turns: what an upload does is then decided by the seed alone.

The engine has no place to hand in its workers, its queue and its clock, so its modules are patched.
"""

import importlib
import pkgutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from queue import Empty
from random import Random
from types import FunctionType, ModuleType, SimpleNamespace
from unittest.mock import patch

import partway.engine
from partway.engine.source import identity, part_reader
from partway.engine.source.identity import SourceIdentity, handle_identity

from .changing_source import ChangingSource
from .scheduler import TurnExecutor, TurnQueue, Turns


class Stage:
    """Where a story is played; ``turns`` and ``source`` are set for each."""

    def __init__(self) -> None:
        self.turns = Turns(Random(0))
        self.source: ChangingSource | None = None
        self.looks_count = True

    def handle_identity(self, path: str, handle: int) -> SourceIdentity:
        """What a worker's handle shows, with the story's times."""
        found = handle_identity(path, handle)
        return found if self.source is None else self.source.identity(found)

    def path_identity(self, path: str, handle: int) -> SourceIdentity:
        """The engine's look at the source by its path: what it makes an object of."""
        found = handle_identity(path, handle)
        if self.source is not None and self.looks_count and self.source.is_at_path(found):
            self.source.look()
        return self.handle_identity(path, handle)


@contextmanager
def in_turns() -> Iterator[Stage]:
    """Have the engine run on the turns of the stage while the block runs."""
    stage = Stage()
    clock = SimpleNamespace(
        monotonic=lambda: stage.turns.now,
        time=lambda: stage.turns.now,
        sleep=lambda seconds: stage.turns.sleep(seconds),
    )
    names = ("monotonic", "time", "sleep")
    swaps = {id(getattr(time, name)): getattr(clock, name) for name in names}
    queues = SimpleNamespace(SimpleQueue=lambda: TurnQueue(stage.turns), Empty=Empty)
    with ExitStack() as stack:
        for name in ("channel", "coroutines"):
            module = importlib.import_module(f"partway.engine.workers.{name}")
            stack.enter_context(patch.object(module, "queue", queues))
        workers = importlib.import_module("partway.engine.workers.executor")
        executor = lambda max_workers, **_: TurnExecutor(stage.turns, max_workers)  # noqa: E731
        stack.enter_context(patch.object(workers, "ThreadPoolExecutor", executor))
        stack.enter_context(patch.object(identity, "handle_identity", stage.path_identity))
        stack.enter_context(patch.object(part_reader, "handle_identity", stage.handle_identity))
        for module in _modules():
            if getattr(module, "time", None) is time:
                stack.enter_context(patch.object(module, "time", clock))
            for function in _functions(module):
                plain = tuple(swaps.get(id(value), value) for value in function.__defaults__ or ())
                named = {name: swaps.get(id(value), value) for name, value in (function.__kwdefaults__ or {}).items()}
                stack.enter_context(patch.object(function, "__defaults__", plain))
                stack.enter_context(patch.object(function, "__kwdefaults__", named))
        yield stage


def _modules() -> list[ModuleType]:
    names = [item.name for item in pkgutil.walk_packages(partway.engine.__path__, "partway.engine.")]
    return [importlib.import_module(name) for name in names]


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and constructors of a module that take a clock by default."""
    clocks = {id(time.monotonic), id(time.sleep), id(time.time)}
    for value in vars(module).values():
        function = getattr(value, "__init__", None) if isinstance(value, type) else value
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
            if any(id(value) in clocks for value in defaults):
                yield function
