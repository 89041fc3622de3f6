"""The specification of a job, as a value and as JSON in the store."""

from dataclasses import replace

import pytest

from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PlanError
from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.filters import Filter
from partway.engine.walk.order import Order, OrderBy
from partway.engine.walk.spec import JobSpec

SPEC = JobSpec(sources=("/a", "/b"), bucket="bucket", prefix="p/")
FULL = replace(
    SPEC,
    listed="/list",
    endpoint="https://s3.example",
    filters=(Filter(include=False, pattern="*"), Filter(include=True, pattern="*.txt")),
    limits=FileLimits(min_size=1, max_age=60.5, before=1e9),
    order=Order(by=OrderBy.SIZE, descending=True),
    follow_symlinks=False,
    skip_same=True,
    key_encoding="latin-1",
    part_size=8 * 1024**2,
    algorithm=ChecksumAlgorithm.SHA256,
    guess_content_type=False,
    options=ObjectOptions(storage_class="STANDARD_IA", metadata=(("a", "1"),)),
)


@pytest.mark.parametrize("spec", [SPEC, FULL])
def test_a_spec_survives_the_store(spec: JobSpec) -> None:
    """Every field survives the round trip."""
    assert JobSpec.from_json(spec.to_json()) == spec


def test_defaults_are_not_stored() -> None:
    """So a field added by a later version does not affect unfinished jobs."""
    assert SPEC.to_json() == '{"bucket": "bucket", "prefix": "p/", "sources": ["/a", "/b"]}'


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sources": ["/a"]}', '{"sources": 1, "bucket": "b", "prefix": ""}'])
def test_another_text_is_refused_with_an_expected_error(text: str) -> None:
    """Callers catch these three exceptions."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        JobSpec.from_json(text)


def test_options_are_not_part_of_the_identity() -> None:
    """A job is identified by its sources and destination."""
    assert replace(FULL, endpoint="", listed=None).identity == SPEC.identity
    assert replace(SPEC, prefix="q/").identity != SPEC.identity


@pytest.mark.parametrize(
    ("encoding", "name", "key"), [(None, "é", "p/é"), ("latin-1", "\udce9", "p/é"), ("latin-1", "é", "p/é")]
)
def test_a_name_becomes_a_key(encoding: str | None, name: str, key: str) -> None:
    """The encoding applies only to names that are not UTF-8."""
    assert replace(SPEC, key_encoding=encoding).key(name) == key


@pytest.mark.parametrize("encoding", [None, "ascii"])
def test_a_name_that_is_not_text_is_refused(encoding: str | None) -> None:
    """The message says what to do."""
    with pytest.raises(PlanError, match=r"is not valid .*; rename it"):
        replace(SPEC, key_encoding=encoding).key("\udce9")
