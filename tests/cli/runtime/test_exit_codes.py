"""The exit code of a failure and its ``--json`` event agree."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from partway.cli.output.select import Output
from partway.cli.runtime import exit_codes
from partway.cli.runtime.errors import failures_as_json
from partway.cli.runtime.run import run_upload
from partway.engine import errors
from partway.engine.errors import AlreadyEnded, AlreadyRunning, KeyCollision, PartwayError, UploadFailed, is_resumable
from partway.engine.events import EventSink
from partway.engine.events.upload import UploadDone
from partway.engine.run.announce import failures_emitted
from partway.engine.workers.channel import CancelToken
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore
from partway.state.uploads import UploadStatus
from tests.support.engine.records import UPLOAD

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PartwayError)]
AGAIN = (exit_codes.INCOMPLETE, exit_codes.INTERRUPTED)
RECORD = replace(UPLOAD, status=UploadStatus.OPEN, upload_id="on S3")
EXPECTED = {
    "AlreadyRunning": 75,
    "CredentialsExpired": 75,
    "SourceChanged": 75,
    "StateFull": 75,
    "StateLocked": 75,
    "Transient": 75,
    "UploadFailed": 75,
    "UploadCancelled": 130,
    "KeyCollision": 2,
    "PlanError": 2,
    "SourceError": 2,
}


def made(kind: type[PartwayError]) -> PartwayError:
    return KeyCollision("they collide", ("a", "b")) if kind is KeyCollision else kind("it failed")


def failures() -> dict[str, PartwayError]:
    """An error of each class, and failed uploads for each reason."""
    found = {kind.__name__: made(kind) for kind in CLASSES}
    found["UploadFailed for good"] = UploadFailed("it failed", resumable=False)
    return found


@pytest.mark.parametrize("name", failures())
def test_each_class_has_its_exit_code(name: str) -> None:
    """As in the README: 75 if another run may finish it, 2 for usage errors, 130 for a cancel, otherwise 1."""
    assert exit_codes.exit_code(failures()[name]) == EXPECTED.get(name, 1)


@pytest.mark.parametrize("name", failures())
def test_resumable_is_what_the_exit_code_says(name: str) -> None:
    """Both come from the same function."""
    error = failures()[name]

    assert is_resumable(error) is (exit_codes.exit_code(error) in AGAIN)


Fails = Callable[[EventSink, StateStore, PartwayError], None]


def before_it_has_an_id(sink: EventSink, store: StateStore, error: PartwayError) -> None:
    with failures_emitted(sink, store, ""):
        raise error


def with_parts(sink: EventSink, store: StateStore, error: PartwayError) -> None:
    store.save_upload(RECORD)
    with failures_emitted(sink, store, RECORD.id):
        raise error


def before_s3_knows_it(sink: EventSink, store: StateStore, error: PartwayError) -> None:
    store.save_upload(replace(RECORD, upload_id=None))
    with failures_emitted(sink, store, RECORD.id):
        raise error


def without_a_word(sink: EventSink, store: StateStore, error: PartwayError) -> None:
    raise error


@pytest.mark.parametrize("fails", [before_it_has_an_id, with_parts, before_s3_knows_it, without_a_word])
@pytest.mark.parametrize("name", failures())
def test_the_last_event_agrees_with_the_exit_code(name: str, fails: Fails, capsys: pytest.CaptureFixture[str]) -> None:
    """At every stage of an upload; and resumable uploads are still in the store."""
    store = MemoryStore()
    error = failures()[name]

    def work(sink: EventSink, cancel: CancelToken) -> UploadDone:
        fails(sink, store, error)
        raise AssertionError("it did not fail")

    code = run_upload(work, store, Output(json=True), None)
    out, err = capsys.readouterr()
    (event,) = [json.loads(line) for line in out.splitlines()]
    assert event["event"] == "upload_failed"
    assert event["resumable"] is (code in AGAIN)
    assert not (event["resumable"] and event["upload"]) or store.upload(event["upload"]) is not None
    # An upload that another process is sending or has finished cannot be resumed here.
    is_elsewhere = isinstance(error, (AlreadyEnded, AlreadyRunning)) and fails is not without_a_word
    assert ("to resume:" in err) is (bool(store.uploads()) and not is_elsewhere)


@pytest.mark.parametrize("name", failures())
def test_what_fails_before_the_work_agrees_too(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Such as an unreadable configuration, or a full disk under the state directory."""
    error = failures()[name]

    with pytest.raises(PartwayError), failures_as_json(Output(json=True)):
        raise error
    event = json.loads(capsys.readouterr().out)
    assert event["resumable"] is (exit_codes.exit_code(error) in AGAIN)
