"""Events: plain facts that anybody can store, compare and write as JSON."""

import dataclasses
import inspect
import json
import re
import typing

import pytest

from partway.engine import events
from partway.engine.events import dry_run, job, upload
from partway.engine.events.request_counts import Requests

EVENTS: tuple[type, ...] = typing.get_args(events.Event)
EXAMPLES = {str: "text", int: 3, float: 0.5, bool: True, int | None: None, str | None: None}


def example(kind: type) -> events.Event:
    """An event with some value of the right type in each field."""
    hints = typing.get_type_hints(kind)
    event: events.Event = kind(**{field.name: EXAMPLES[hints[field.name]] for field in dataclasses.fields(kind)})
    return event


def test_the_union_names_every_event() -> None:
    """A class that was forgotten there would pass every ``match`` unseen."""
    modules = (upload, job, dry_run)
    classes = [kind for module in modules for _, kind in inspect.getmembers(module, dataclasses.is_dataclass)]

    assert set(EVENTS) == {kind for kind in classes if kind is not Requests}


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_is_frozen(kind: type) -> None:
    """A sink that keeps events can rely on them."""
    event = example(kind)
    name = dataclasses.fields(kind)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, name, "other")


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_has_no_other_attributes(kind: type) -> None:
    """Slots: a mistyped field is an error, not a new attribute."""
    assert not hasattr(example(kind), "__dict__")


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_is_made_by_keywords(kind: type) -> None:
    """Three integers in a row are never told apart by their place."""
    values = [EXAMPLES[str]] * len(dataclasses.fields(kind))

    with pytest.raises(TypeError, match="positional"):
        kind(*values)


@pytest.mark.parametrize("kind", EVENTS)
def test_equal_facts_are_equal_events(kind: type) -> None:
    """Values, not identities; and they can be members of a set."""
    assert example(kind) == example(kind)
    assert len({example(kind), example(kind)}) == 1


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_can_be_written_as_json(kind: type) -> None:
    """Only text, numbers and truth values: the fields of a JSON line as they are."""
    fields = dataclasses.asdict(example(kind))

    assert json.loads(json.dumps(fields)) == fields


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_names_its_upload_or_its_source(kind: type) -> None:
    """Where several uploads run, a line that names neither, nor a job, says nothing."""
    assert {"upload", "source", "job"} & {field.name for field in dataclasses.fields(kind)}


def test_names_are_stable() -> None:
    """Scripts read these names from JSON lines: a changed one breaks them."""
    names = [re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in EVENTS]

    assert names == [
        "parts_checked",
        "upload_started",
        "part_progress",
        "part_retried",
        "network_lost",
        "network_probed",
        "network_restored",
        "checksum_fell_back",
        "overwrite_not_excluded",
        "upload_renewed",
        "orphan_found",
        "orphan_adopted",
        "stream_compared",
        "part_kept",
        "stream_differed",
        "part_done",
        "upload_completing",
        "upload_done",
        "upload_skipped",
        "upload_failed",
        "job_started",
        "job_counted",
        "file_done",
        "file_skipped",
        "comparison_failed",
        "file_failed",
        "job_done",
        "upload_planned",
        "job_planned",
    ]


def test_the_silent_sink_says_nothing() -> None:
    """It is for callers who want to hear nothing."""
    sink: events.EventSink = events.ignore

    assert sink(upload.UploadCompleting(upload="u")) is None  # type: ignore[func-returns-value]
