"""A later run cannot change what S3 fixes when an upload is created."""

from dataclasses import replace
from typing import cast

import pytest

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import PlanError
from partway.engine.limits import AWS
from partway.engine.run.stored_options import (
    check_algorithm,
    check_key,
    check_record,
    options_at_create,
    target_of,
    with_sse_c_fingerprint,
)
from partway.state.errors import StateDamaged
from tests.support.engine.records import UPLOAD

CREATED = ObjectOptions(acl="private", storage_class="GLACIER")
RECORD = replace(UPLOAD, options=CREATED.to_json(), checksum_algorithm="CRC32", part_size=AWS.min_part_size)


class KeyedBackend:
    """A backend with an SSE-C key of this fingerprint."""

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint

    def customer_key(self, bucket: str) -> str | None:
        return self._fingerprint


def keyed(needed: str | None, given: str | None) -> Target:
    """The target of an upload with one key, and a backend with another."""
    target = Target(bucket="b", key="k", options=ObjectOptions(customer_key=needed))
    return with_sse_c_fingerprint(target, cast(MultipartBackend, KeyedBackend(given)))


def test_options_that_are_not_named_stay() -> None:
    """A later run may omit them, or repeat them."""
    assert options_at_create(RECORD, ObjectOptions()) == CREATED
    assert options_at_create(RECORD, ObjectOptions(acl="private")) == CREATED


def test_another_value_is_refused_by_its_name() -> None:
    """It is unclear whether the user wants the old or the new value."""
    with pytest.raises(PlanError, match=r"storage class.*--restart"):
        options_at_create(RECORD, ObjectOptions(storage_class="STANDARD"))


def test_the_stored_target_has_the_options_of_its_creation() -> None:
    """So a resume needs only the record."""
    target = target_of(RECORD)

    assert (target.bucket, target.key, target.options) == (RECORD.bucket, RECORD.key, CREATED)


def test_options_that_are_not_readable_are_damage() -> None:
    """A store that another program has modified."""
    with pytest.raises(StateDamaged, match="--restart"):
        target_of(replace(RECORD, options="{"))


@pytest.mark.parametrize(
    "change",
    [
        {"checksum_algorithm": "ROT13"},
        {"wanted_algorithm": "ROT13"},
        {"part_size": AWS.min_part_size - 1},
        {"part_size": AWS.max_part_size + 1},
    ],
    ids=str,
)
def test_a_record_that_no_version_writes_is_damage(change: dict[str, object]) -> None:
    """An unknown algorithm and an impossible part size are rejected; the limits themselves pass."""
    check_record(RECORD, AWS)
    check_record(replace(RECORD, part_size=AWS.max_part_size), AWS)

    with pytest.raises(StateDamaged):
        check_record(replace(RECORD, **change), AWS)  # type: ignore[arg-type]


def test_a_key_has_a_limit_in_bytes() -> None:
    """Two bytes of UTF-8 for one letter count twice."""
    check_key(Target(bucket="b", key="é" * (AWS.max_key_bytes // 2)), AWS)

    with pytest.raises(PlanError):
        check_key(Target(bucket="b", key="é" * (AWS.max_key_bytes // 2) + "e"), AWS)


def test_another_algorithm_than_the_parts_have_is_refused() -> None:
    """None accepts the stored one."""
    check_algorithm(RECORD, None)
    check_algorithm(RECORD, ChecksumAlgorithm.CRC32)

    with pytest.raises(PlanError, match="CRC32"):
        check_algorithm(RECORD, ChecksumAlgorithm.SHA256)


def test_the_key_of_the_backend_is_noted() -> None:
    """Its fingerprint is stored with the options, so that a later run can compare it."""
    assert keyed(None, "one").options.customer_key == "one"
    assert keyed("one", "one").options.customer_key == "one"
    assert keyed(None, None).options.customer_key is None


@pytest.mark.parametrize("given", [None, "other"])
def test_a_missing_or_another_key_is_refused(given: str | None) -> None:
    """Parts under two keys never become one object."""
    with pytest.raises(PlanError, match="--sse-c-key"):
        keyed("one", given)
