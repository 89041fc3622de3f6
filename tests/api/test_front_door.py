"""``import partway``: small, lazy, and the same version everywhere."""

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest

import partway
from partway import errors, events
from partway.engine import errors as engine_errors
from partway.engine.events import Event
from partway.state import errors as state_errors

MAX_NAMES = 15


def fresh(code: str, *, of: tuple[str, ...] = ("-c",)) -> str:
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, *of, code], check=True, capture_output=True, text=True).stdout.strip()


def test_names_are_few_and_sorted() -> None:
    """What is public fits into one's head."""
    assert partway.__all__ == sorted(partway.__all__)
    assert len(partway.__all__) <= MAX_NAMES


@pytest.mark.parametrize("name", partway.__all__)
def test_every_name_is_there(name: str) -> None:
    """Each is found, and dir() lists it."""
    assert getattr(partway, name) is not None
    assert name in dir(partway)


def test_type_checkers_see_every_name() -> None:
    """The lazy names are also imported for type checkers, and no others."""
    tree = ast.parse(Path(inspect.getfile(partway)).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert seen == set(partway.__all__) - {"__version__"} == set(partway._HOMES)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module; hasattr() works."""
    assert not hasattr(partway, "no_such_name")


def test_import_loads_nothing() -> None:
    """``import partway`` imports no other module of ours, and none that others wrote."""
    code = "import sys; before = set(sys.modules); import partway; print(sorted(set(sys.modules) - before))"
    loaded = ast.literal_eval(fresh(code))

    assert [name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names] == ["partway"]


def test_star_import_works() -> None:
    """Each name of ``__all__`` can be imported so."""
    assert fresh("from partway import *; print(PartwayError.__name__)") == "PartwayError"


def test_the_module_is_the_command() -> None:
    """``python -m partway`` is ``partway``, with the version that the package has."""
    assert fresh("--version", of=("-m", "partway")) == f"partway {partway.__version__}"


def test_the_version_stands_once() -> None:
    """The installed package has the version of the module."""
    assert version("partway") == partway.__version__


def test_every_error_is_exported() -> None:
    """``partway.errors`` has the whole tree."""
    ours = {
        name
        for module in (engine_errors, state_errors)
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, errors.PartwayError)
    }

    assert ours <= set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)


def test_the_drawing_has_every_error() -> None:
    """The docstring draws each class of the tree."""
    classes = {name for name in errors.__all__ if inspect.isclass(getattr(errors, name))}

    assert {name for name in classes if name not in (errors.__doc__ or "")} == set()


def test_every_event_is_exported() -> None:
    """``partway.events`` has all that ``on_event`` may be called with."""
    assert {each.__name__ for each in get_args(Event)} == set(events.__all__) - {"Event"}
    assert events.__all__ == sorted(events.__all__)
