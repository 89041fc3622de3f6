"""Several options as one value, so that a command with thirty options has few arguments."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import click


def gathered(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]], into: str, make: Callable[[dict[str, Any]], Any]
) -> Any:
    """The command with the options added in order; it receives ``into=make(values)`` instead of their values."""

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
    # Click reverses the list.
    wrapped.__click_params__ = before + added
    return wrapped


def collected(**bundles: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass dataclasses to the command instead of the values of the options named like their fields.

    It must be the innermost decorator, below the options, which may be in any order; two dataclasses may have a
    field in common.

    Args:
        bundles: The dataclass for each parameter of the command.
    """
    names = {into: [field.name for field in fields(kind)] for into, kind in bundles.items()}
    taken = {name for of_one in names.values() for name in of_one}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        def call(**values: Any) -> Any:
            made = {into: kind(**{name: values[name] for name in names[into]}) for into, kind in bundles.items()}
            return command(**{name: value for name, value in values.items() if name not in taken}, **made)

        call.__doc__ = command.__doc__
        return call

    return decorate
