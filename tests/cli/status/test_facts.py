"""The JSON fields of uploads that ``list``, ``show`` and ``watch`` share."""

from dataclasses import replace

import pytest

from partway.cli.status.facts import facts, how_it_ended, part_count, total_bytes
from partway.state.live import LiveSnapshot, ProgressSnapshot, RunOutcome
from partway.state.uploads import STREAM, UploadRecord, UploadStatus
from tests.support.engine.records import UPLOAD

SNAPSHOT = ProgressSnapshot(id=UPLOAD.id, pid=7, host="host", began_at=1.0, updated_at=2.0)
STREAMED = replace(UPLOAD, source=STREAM, size=35)


@pytest.mark.parametrize(
    ("record", "size", "parts"),
    [
        (UPLOAD, 100, 10),
        (replace(UPLOAD, size=101), 101, 11),
        (replace(UPLOAD, size=0), 0, 1),
        (STREAMED, None, None),
        (replace(STREAMED, status=UploadStatus.COMPLETING), 35, 4),
        (replace(STREAMED, status=UploadStatus.ABORTED), None, None),
    ],
)
def test_the_size_of_a_stream_is_known_at_its_end(record: UploadRecord, size: int | None, parts: int | None) -> None:
    assert (total_bytes(record), part_count(record, 4)) == (size, parts)


@pytest.mark.parametrize(
    ("alive", "ended", "expected"),
    [
        (True, None, None),
        (False, None, "killed"),
        (False, RunOutcome.FAILED, "failed"),
        (False, RunOutcome.INTERRUPTED, "interrupted"),
    ],
)
def test_how_the_last_run_ended(alive: bool, ended: RunOutcome | None, expected: str | None) -> None:
    """A run that left no word was killed."""
    row = LiveSnapshot(record=replace(SNAPSHOT, ended=ended), alive=alive)

    assert how_it_ended(row) == expected
    assert facts(UPLOAD, row, (0, 0))["running"] is alive


def test_of_a_finished_upload_no_run_is_told() -> None:
    """A snapshot that a killed process left behind is older than the upload's end."""
    row = LiveSnapshot(record=SNAPSHOT, alive=False)
    told = facts(replace(UPLOAD, status=UploadStatus.COMPLETED), row, (10, 100))

    assert (told["running"], told["ended"], told["live"]) == (False, None, None)
    assert (told["done_parts"], told["done_bytes"], told["part_count"]) == (10, 100, 10)
