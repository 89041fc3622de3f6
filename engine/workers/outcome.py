"""How a task of a worker ended: with a result, or with an error."""

from dataclasses import dataclass
from typing import Generic, NoReturn, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDone(Generic[T, R]):
    """The task returned ``result``."""

    task: T
    result: R

    def get(self) -> R:
        """The result."""
        return self.result


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed(Generic[T]):
    """The task raised ``error``, or the executor dropped it."""

    task: T
    error: BaseException

    def get(self) -> NoReturn:
        """Raise the error."""
        raise self.error


Outcome: TypeAlias = TaskDone[T, R] | TaskFailed[T]
