"""The tree of errors: as drawn, and able to travel between processes."""

import inspect
import pickle
import re

import pytest

from partway.engine import errors
from partway.engine.errors import PartwayError, RemoteError, Transient, UploadFailed
from partway.state import errors as state_errors

REMOTE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RemoteError)]


def drawn(docstring: str | None) -> dict[str, str]:
    """Each class of the tree in the docstring, with the class above it."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (docstring or "").splitlines():
        if found := re.match(r"^([ │├└─]*)([A-Z]\w*)(?:  |$)", line):
            depth, name = len(found[1]), found[2]
            above = [(other, known) for other, known in above if other < depth]
            if above:
                parents[name] = above[-1][1]
            above.append((depth, name))
    return parents


def real(module: object) -> dict[str, str]:
    """Each error class that the module has, with its base."""
    classes = inspect.getmembers(module, lambda member: inspect.isclass(member) and issubclass(member, PartwayError))
    return {name: kind.__mro__[1].__name__ for name, kind in classes if kind is not PartwayError}


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    """Every class is drawn below its base; StateError's own tree is drawn in partway.state.errors."""
    below_state = {name: base for name, base in real(errors).items() if base == "StateError"}

    assert drawn(errors.__doc__) | below_state == real(errors)


def test_the_tree_of_the_store_is_the_real_one() -> None:
    """The docstring of state/errors.py is checked the same way."""
    assert drawn(state_errors.__doc__) == real(state_errors)


def test_the_reader_of_the_drawing_sees_a_wrong_one() -> None:
    """The check above can fail: a class at another place is read as such."""
    tree = "A    root\n├── B   x\n│   └── C   x\n└── D   x\n"

    assert drawn(tree) == {"B": "A", "C": "B", "D": "A"}


def test_every_error_is_exported() -> None:
    """``from partway.engine.errors import *`` has all of them, those of the store included."""
    assert set(errors.__all__) == {*real(errors), "PartwayError"}


def test_every_class_says_what_it_means() -> None:
    """Each has a docstring of its own, not an inherited one."""
    classes = [getattr(errors, name) for name in errors.__all__]

    assert [kind.__name__ for kind in classes if not vars(kind).get("__doc__")] == []


@pytest.mark.parametrize("kind", REMOTE)
def test_a_remote_error_survives_pickling(kind: type[RemoteError]) -> None:
    """Errors come back from worker processes with their class, text and fields."""
    error = kind("it failed", operation="UploadPart", code="SlowDown", status=503, request_id="R1")
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert str(copy) == "it failed"
    assert (copy.operation, copy.code, copy.status, copy.request_id) == ("UploadPart", "SlowDown", 503, "R1")


@pytest.mark.parametrize("unreachable", [True, False])
@pytest.mark.parametrize("once", [True, False])
def test_a_transient_error_survives_pickling_with_its_own_fields(unreachable: bool, once: bool) -> None:
    """What decides about retries travels along."""
    copy = pickle.loads(pickle.dumps(Transient("away", unreachable=unreachable, once=once)))

    assert (copy.unreachable, copy.once) == (unreachable, once)


def test_a_note_survives_pickling() -> None:
    """What was added to the error on its way is not lost."""
    error = RemoteError("it failed")
    error.add_note("while sending part 3")

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while sending part 3"]


@pytest.mark.parametrize("kind", REMOTE)
def test_a_remote_error_without_facts_has_empty_ones(kind: type[RemoteError]) -> None:
    """Nobody needs to ask whether a field is there."""
    error = kind("it failed")

    assert (error.operation, error.code, error.status, error.request_id) == ("", "", 0, "")


def test_a_failed_upload_is_resumable_unless_it_says_otherwise() -> None:
    """Finished parts are kept, so going on is the rule."""
    assert UploadFailed("some parts").resumable
    assert not UploadFailed("some parts", resumable=False).resumable


def test_a_failed_upload_survives_pickling() -> None:
    """A caller may run uploads in processes."""
    assert pickle.loads(pickle.dumps(UploadFailed("x", resumable=True))).resumable
