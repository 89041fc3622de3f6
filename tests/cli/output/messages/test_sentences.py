"""Messages about events: numbers agree with nouns and verbs."""

from dataclasses import replace

import pytest

from partway.cli.output.messages.sentences import note, summary
from partway.engine.events.upload import JobDone, StreamDiffered

JOB = JobDone(
    job="j",
    target="s3://bucket/",
    done=0,
    skipped=0,
    failed=0,
    resumed=0,
    bytes=0,
    empty_folders=0,
    missing=0,
    seconds=0.0,
    resumable=False,
)


@pytest.mark.parametrize(
    ("parts", "words"), [(1, "1 part of the stream differs"), (6, "6 parts of the stream differ ")]
)
def test_parts_of_a_stream_that_differ(parts: int, words: str) -> None:
    """A producer that writes different bytes than in the previous run."""
    assert f"warning: {words}" in str(note(StreamDiffered(upload="u", parts=parts)))


@pytest.mark.parametrize(("resumed", "words"), [(1, "1 file already done"), (2, "2 files already done")])
def test_files_that_earlier_runs_sent(resumed: int, words: str) -> None:
    """The last line of a resumed job."""
    assert words in summary(replace(JOB, resumed=resumed))[0]
