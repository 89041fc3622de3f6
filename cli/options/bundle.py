"""Several options as one value: a command with thirty of them has a few arguments."""

from collections.abc import Callable, Sequence
from typing import Any

import click


def gathered(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]], into: str, make: Callable[[dict[str, Any]], Any]
) -> Any:
    """The command with the options added, in their order; it gets ``into=make(values)`` instead of their values."""

    def call(**values: Any) -> Any:
        own = {name: values.pop(name) for name in names}
        return command(**values, **{into: make(own)})

    call.__doc__ = command.__doc__
    before = list(getattr(command, "__click_params__", []))
    wrapped: Any = call
    for option in reversed(options):
        wrapped = option(wrapped)
    added: list[click.Parameter] = wrapped.__click_params__
    names = [param.name for param in added if param.name]
    # Click reads the list backwards.
    wrapped.__click_params__ = before + added
    return wrapped
