"""The plan of a stream: legal parts, room for 5 TiB, and the same plan when the stream is sent again."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from partway.engine.errors import PlanError
from partway.engine.limits import AWS, GIB, MIB, TIB, S3Limits, wants_equal_parts
from partway.engine.stream.plan import StreamPlan, plan_of_sent, plan_stream, replan_stream

TINY = S3Limits(min_part_size=2, max_part_size=64, max_parts=44)

first_sizes = st.integers(AWS.min_part_size, AWS.max_part_size)


def of_size(plan: StreamPlan, size: int) -> StreamPlan:
    """The plan once the stream's end is known."""
    return StreamPlan(
        file_size=size, part_size=plan.part_size, growth_interval=plan.growth_interval, limits=plan.limits
    )


@given(first_sizes)
def test_parts_grow_far_enough_for_5_tib(part_size: int) -> None:
    """With any legal size of the first part, 10,000 parts hold at least 5 TiB."""
    assert plan_stream(part_size=part_size).max_bytes >= 5 * TIB


@given(first_sizes, st.integers(1, AWS.max_parts - 1))
def test_every_part_is_legal_and_none_is_smaller_than_the_one_before(part_size: int, number: int) -> None:
    """S3 accepts 5 MiB to 5 GiB, and sizes never decrease."""
    plan = plan_stream(part_size=part_size)

    assert AWS.min_part_size <= plan.size_of(number) <= plan.size_of(number + 1) <= AWS.max_part_size


@given(first_sizes, st.integers(1, AWS.max_parts))
def test_parts_follow_each_other(part_size: int, number: int) -> None:
    """Without gaps or overlaps, also where the size changes."""
    plan = plan_stream(part_size=part_size)

    assert plan.offset_of(number + 1) == plan.offset_of(number) + plan.size_of(number)


def test_a_part_stays_small_beside_the_stream() -> None:
    """A failure costs a thousandth of the stream: parts are 16 MiB for the first 14 GiB, and 128 MiB at 200 GiB."""
    plan = plan_stream()

    assert [of_size(plan, size * GIB).part_count for size in (1, 14, 200)] == [64, 896, 3532]
    assert [plan.size_of(number) // MIB for number in (1, 909, 910, 3532)] == [16, 16, 32, 128]


@pytest.mark.parametrize("growth_interval", [None, 1, 4])
def test_every_tiny_stream_is_cut_without_a_rest(growth_interval: int | None) -> None:
    """The parts of a stream of any size cover its bytes, and all but the last are full."""
    for size in range(1, 400):
        plan = StreamPlan(file_size=size, part_size=2, growth_interval=growth_interval, limits=TINY)
        parts = list(plan.parts())

        assert sum(part.size for part in parts) == size
        assert all(left.offset + left.size == right.offset for left, right in itertools.pairwise(parts))
        assert [part.size for part in parts[:-1]] == [plan.size_of(part.number) for part in parts[:-1]]
        assert 0 < parts[-1].size <= plan.size_of(len(parts))


def test_an_empty_stream_is_one_empty_part() -> None:
    """Like an empty file."""
    assert [(part.number, part.size) for part in plan_stream().parts()] == [(1, 0)]


def sizes(plan: StreamPlan) -> list[int]:
    """Part numbers on both sides of every boundary at which parts may grow, and some in between."""
    return [plan.size_of(number) for number in range(1, AWS.max_parts + 1, 101)]


@given(first_sizes, st.sets(st.integers(1, AWS.max_parts), max_size=5), st.booleans(), st.booleans())
@example(part_size=AWS.max_part_size, numbers={910, 911}, equal=False, wanted=False)
def test_a_resume_cuts_equally(part_size: int, numbers: set[int], equal: bool, wanted: bool) -> None:
    """If the sent parts show how the stream was split, a changed option has no effect."""
    plan = plan_stream(part_size=part_size, equal=equal)
    sent = [(number, plan.size_of(number)) for number in numbers]
    again = replan_stream(part_size, sent, equal=wanted)

    # Parts of the largest size are equal also where they might grow.
    assert sizes(replan_stream(part_size, sent, equal=equal)) == sizes(plan)
    assert [again.size_of(number) for number in sorted(numbers)[:-1]] == [size for _, size in sorted(sent)[:-1]]


@given(first_sizes, st.integers(1, 6 * TIB))
def test_the_plan_of_a_whole_stream_is_seen_by_its_parts(part_size: int, size: int) -> None:
    """Also when the limits have changed."""
    plan = of_size(plan_stream(part_size=part_size, limits=S3Limits(max_parts=30_000)), min(size, part_size * 5000))
    parts = [part.size for part in plan.parts()]
    seen = plan_of_sent(part_size, parts)

    assert [part.size for part in seen.parts()] == parts


@given(st.integers(1, AWS.max_object_size))
def test_what_is_expected_fits_into_equal_parts(size: int) -> None:
    """With room for a quarter more, if S3's limits allow."""
    plan = plan_stream(expected_size=size)

    assert plan.growth_interval is None
    assert plan.max_bytes >= min(size * 5 // 4, AWS.max_object_size)
    assert plan.part_size >= 16 * MIB


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"part_size": 5 * MIB - 1}, "a part size of 5,242,879 bytes is not possible here"),
        ({"part_size": 5 * GIB + 1}, "it must be from 5,242,880 to 5,368,709,120 bytes"),
        ({"expected_size": 49 * TIB}, "split the stream"),
        ({"expected_size": TIB, "part_size": 5 * MIB}, "choose a part size of 105 MiB or more"),
    ],
)
def test_what_cannot_work_is_said_before_a_byte_is_read(wish: dict[str, int], sentence: str) -> None:
    """With advice."""
    with pytest.raises(PlanError, match=sentence):
        plan_stream(**wish)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("endpoint", "wants"),
    [
        ("https://4ab.r2.cloudflarestorage.com", True),
        ("https://4ab.eu.r2.cloudflarestorage.com/", True),
        ("", False),
        ("https://r2.example.com", False),
        ("https://evil-r2.cloudflarestorage.com.example.com", False),
    ],
)
def test_services_that_want_equal_parts_are_known(endpoint: str, wants: bool) -> None:
    """R2 refuses an upload with growing parts when it is completed."""
    assert wants_equal_parts(endpoint) is wants
