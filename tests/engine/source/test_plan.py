"""The plan: every part is legal, and together they are the file."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.errors import PlanError
from partway.engine.limits import AWS, GIB, MIB, TIB, S3Limits, limits_at
from partway.engine.source.plan import PartSpec, UploadPlan, plan_upload, replan

TINY = S3Limits(min_part_size=2, max_part_size=8, max_parts=5)
EVERY_TINY_SIZE = range(TINY.max_object_size + 1)
EVERY_PREFERENCE = range(12)

file_sizes = st.integers(0, AWS.max_object_size)


def ways_to_be_illegal(plan: UploadPlan, limits: S3Limits) -> list[str]:
    """Every rule of S3 that the plan breaks."""
    parts = list(plan.parts())
    wrong = []
    if [part.number for part in parts] != list(range(1, len(parts) + 1)):
        wrong.append("numbers are not 1..n")
    if parts[0].offset != 0 or parts[-1].offset + parts[-1].size != plan.file_size:
        wrong.append("the parts do not span the file")
    if any(left.offset + left.size != right.offset for left, right in itertools.pairwise(parts)):
        wrong.append("there is a hole or an overlap")
    if any(part.size != plan.part_size for part in parts[:-1]) or parts[-1].size > plan.part_size:
        wrong.append("the parts are not equal")
    if any(part.size == 0 for part in parts) and plan.file_size:
        wrong.append("a part is empty")
    if not 1 <= len(parts) <= limits.max_parts or len(parts) != plan.part_count:
        wrong.append("the count is wrong")
    if not limits.min_part_size <= plan.part_size <= limits.max_part_size:
        wrong.append("the part size is not legal")
    return wrong


def test_the_checker_itself_sees_an_illegal_plan() -> None:
    """The check that the tests below rely on fails for plans that are wrong."""
    too_many = UploadPlan(file_size=13, part_size=2)
    too_small = UploadPlan(file_size=4, part_size=1)

    assert ways_to_be_illegal(too_many, TINY) == ["the count is wrong"]
    assert ways_to_be_illegal(too_small, TINY) == ["the part size is not legal"]


@pytest.mark.parametrize("preferred", EVERY_PREFERENCE)
def test_every_tiny_file_is_cut_legally(preferred: int) -> None:
    """Whatever the preference and the file's size, all parts are legal and cover the file."""
    plans = [plan_upload(size, preferred_part_size=preferred, limits=TINY) for size in EVERY_TINY_SIZE]

    assert [ways_to_be_illegal(plan, TINY) for plan in plans] == [[] for _ in EVERY_TINY_SIZE]


@pytest.mark.parametrize("part_size", range(1, 10))
def test_every_part_size_of_the_user_is_kept_or_refused(part_size: int) -> None:
    """A legal choice is taken as it is; any other is refused and never corrected silently."""
    for size in EVERY_TINY_SIZE:
        legal = TINY.min_part_size <= part_size <= TINY.max_part_size and size <= part_size * TINY.max_parts
        try:
            plan: UploadPlan | None = plan_upload(size, part_size=part_size, limits=TINY)
        except PlanError:
            plan = None

        assert plan == (UploadPlan(file_size=size, part_size=part_size) if legal else None)
        assert plan is None or ways_to_be_illegal(plan, TINY) == []


def test_a_tiny_file_above_the_largest_object_is_refused() -> None:
    """One byte more than all parts can hold is no plan, and the message names both sizes."""
    with pytest.raises(PlanError, match=r"41 bytes.* at most 40 \(5 parts of 8\)"):
        plan_upload(TINY.max_object_size + 1, limits=TINY)


def test_a_preference_is_kept_while_it_fits() -> None:
    """The preferred size stays up to the last file that it can cut, and grows for the next."""
    last = plan_upload(15, preferred_part_size=3, limits=TINY)
    first_beyond = plan_upload(16, preferred_part_size=3, limits=TINY)

    assert last.part_size == 3
    assert first_beyond.part_size > 3


@pytest.mark.parametrize(("preferred", "used"), [(1, 2), (9, 8)])
def test_an_illegal_preference_is_moved_to_the_nearest_legal_size(preferred: int, used: int) -> None:
    """A preference is only a preference: the service's limits win."""
    plan = plan_upload(4, preferred_part_size=preferred, limits=TINY)

    assert plan.part_size == used


def test_an_empty_file_is_one_empty_part() -> None:
    """S3 cannot complete an upload without parts."""
    plan = plan_upload(0)

    assert list(plan.parts()) == [PartSpec(number=1, offset=0, size=0)]


@pytest.mark.parametrize(
    ("size", "count", "last"),
    [
        (1, 1, 1),
        (16 * MIB - 1, 1, 16 * MIB - 1),
        (16 * MIB, 1, 16 * MIB),
        (16 * MIB + 1, 2, 1),
        (32 * MIB - 1, 2, 16 * MIB - 1),
        (32 * MIB, 2, 16 * MIB),
        (32 * MIB + 1, 3, 1),
        (160_000 * MIB - 1, 10_000, 16 * MIB - 1),
        (160_000 * MIB, 10_000, 16 * MIB),
    ],
)
def test_sixteen_mib_are_used_up_to_ten_thousand_parts(size: int, count: int, last: int) -> None:
    """At each border of the preferred size the count and the last part are right."""
    plan = plan_upload(size)

    assert (plan.part_size, plan.part_count) == (AWS.preferred_part_size, count)
    assert plan.part(count).size == last


@pytest.mark.parametrize(
    ("size", "part_size"),
    [
        (160_000 * MIB + 1, 17 * MIB),
        (170_000 * MIB, 17 * MIB),
        (170_000 * MIB + 1, 18 * MIB),
        (5 * TIB - 1, 525 * MIB),
        (5 * TIB, 525 * MIB),
        (5 * TIB + 1, 525 * MIB),
        (AWS.max_object_size - 10_000 * MIB, 5 * GIB - MIB),
        (AWS.max_object_size - 1, 5 * GIB),
        (AWS.max_object_size, 5 * GIB),
    ],
)
def test_the_part_size_grows_by_whole_mib(size: int, part_size: int) -> None:
    """Beyond 10,000 parts of 16 MiB the next whole MiB that fits is used, up to 5 GiB."""
    plan = plan_upload(size)

    assert plan.part_size == part_size
    assert ways_to_be_illegal(plan, AWS) == []


def test_the_largest_object_is_48_8_tib() -> None:
    """Ten thousand parts of 5 GiB are legal, and one byte more is not."""
    largest = plan_upload(10_000 * 5 * GIB)

    assert (largest.part_count, largest.part_size) == (10_000, 5 * GIB)
    assert round(largest.file_size / TIB, 1) == 48.8
    with pytest.raises(PlanError, match="53,687,091,200,001 bytes"):
        plan_upload(10_000 * 5 * GIB + 1)


@pytest.mark.parametrize("part_size", [5 * MIB, 5 * MIB + 1, 5 * GIB - 1, 5 * GIB])
def test_a_legal_part_size_is_kept(part_size: int) -> None:
    """Both borders of S3's range, and odd sizes within, are the user's to choose."""
    plan = plan_upload(7 * GIB, part_size=part_size)

    assert plan.part_size == part_size
    assert ways_to_be_illegal(plan, AWS) == []


@pytest.mark.parametrize("part_size", [-1, 0, 1, 5 * MIB - 1, 5 * GIB + 1])
def test_an_illegal_part_size_is_refused_with_the_range(part_size: int) -> None:
    """The message names what was asked for and what would be legal, in bytes and in MiB."""
    legal = r"from 5,242,880 to 5,368,709,120 bytes \(5 MiB to 5,120 MiB\)"

    with pytest.raises(PlanError, match=rf"part size of {part_size:,} bytes .*{legal}"):
        plan_upload(7 * GIB, part_size=part_size)


@pytest.mark.parametrize("part_size", [5 * MIB, 16 * MIB, 100 * MIB])
def test_a_part_size_of_the_user_does_not_grow(part_size: int) -> None:
    """The file that needs part 10,001 is refused, and the lower end of the range is what it would take."""
    border = part_size * 10_000

    assert plan_upload(border, part_size=part_size).part_count == 10_000
    with pytest.raises(PlanError, match=f"from {part_size + 1:,} to 5,368,709,120"):
        plan_upload(border + 1, part_size=part_size)


def test_fewer_parts_than_amazon_allows_are_respected() -> None:
    """A service that takes only 1,000 parts gets larger ones."""
    limits = S3Limits(max_parts=1000)
    plan = plan_upload(100 * GIB, limits=limits)

    assert plan.part_size == 103 * MIB
    assert ways_to_be_illegal(plan, limits) == []


@pytest.mark.parametrize("number", [-1, 0, 4])
def test_a_number_outside_the_plan_has_no_part(number: int) -> None:
    """Numbers are 1-based, and there is no part after the last."""
    plan = UploadPlan(file_size=5, part_size=2)

    with pytest.raises(IndexError, match=f"no part {number} in a plan of 3"):
        plan.part(number)


def test_parts_are_made_one_at_a_time() -> None:
    """A plan holds no list: asking for the parts of the largest object costs nothing until they are taken."""
    parts = plan_upload(AWS.max_object_size).parts()

    assert iter(parts) is parts
    assert next(parts) == PartSpec(number=1, offset=0, size=5 * GIB)


def test_plans_are_values() -> None:
    """Equal plans cut equally, and nobody changes one after it was made."""
    plan = plan_upload(100 * MIB)

    assert plan == plan_upload(100 * MIB)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.part_size = 1  # type: ignore[misc]


@pytest.mark.parametrize("part_size", range(1, 10))
def test_replan_keeps_the_part_size_for_every_tiny_file(part_size: int) -> None:
    """The stored part size stays, even one that would not be chosen today, unless there would be too many parts."""
    for size in range(50):
        fits = size <= part_size * TINY.max_parts
        try:
            plan: UploadPlan | None = replan(size, part_size, limits=TINY)
        except PlanError:
            plan = None

        assert plan == (UploadPlan(file_size=size, part_size=part_size) if fits else None)


def test_replan_says_how_to_go_on_when_the_file_grew_too_much() -> None:
    """Part 10,001 cannot be; the message names the way out."""
    assert replan(160_000 * MIB, 16 * MIB).part_count == 10_000
    with pytest.raises(
        PlanError, match=r"parts of 16,777,216 bytes .* 10,001 parts, .* 10,000; start over with --restart"
    ):
        replan(160_000 * MIB + 1, 16 * MIB)


def test_parts_before_the_end_stay_the_same_when_the_file_grows() -> None:
    """With the part size kept, only the last part and those after it differ, so finished ones stay valid."""
    before = list(replan(5 * MIB * 3 + 7, 5 * MIB).parts())
    after = list(replan(5 * MIB * 5, 5 * MIB).parts())

    assert after[:3] == before[:3]
    assert after[3] != before[3]


@settings(deadline=None)
@given(st.integers(0, 400 * GIB), st.integers(0, 100 * MIB))
def test_any_file_and_any_preference_make_a_legal_plan(size: int, preferred: int) -> None:
    """With Amazon's limits, whatever is preferred."""
    limits = S3Limits(max_parts=100)
    plan = plan_upload(size, preferred_part_size=preferred, limits=limits)

    assert ways_to_be_illegal(plan, limits) == []


@settings(deadline=None)
@given(file_sizes)
def test_any_byte_of_any_file_is_in_the_part_that_arithmetic_says(size: int) -> None:
    """First, last and middle byte: in one part, which is the one that ``byte // part_size`` names."""
    plan = plan_upload(size)
    for byte in {0, size // 2, max(0, size - 1)}:
        part = plan.part(byte // plan.part_size + 1)

        assert part.offset <= byte < max(part.offset + part.size, 1)


@settings(deadline=None)
@given(file_sizes)
def test_the_part_size_is_never_larger_than_needed(size: int) -> None:
    """It is the preferred one, or less than a MiB above the least that is possible."""
    plan = plan_upload(size)

    assert plan.part_size == AWS.preferred_part_size or plan.part_size - MIB < -(-size // AWS.max_parts)


@settings(deadline=None)
@given(file_sizes, st.integers(1, 6 * GIB))
def test_a_refused_part_size_is_really_impossible(size: int, part_size: int) -> None:
    """The user's size is refused exactly when S3 would refuse it."""
    possible = 5 * MIB <= part_size <= 5 * GIB and size <= part_size * 10_000
    try:
        accepted = plan_upload(size, part_size=part_size).part_size == part_size
    except PlanError:
        accepted = False

    assert accepted == possible


@settings(deadline=None)
@given(
    st.integers(1, 50).flatmap(lambda least: st.tuples(st.just(least), st.integers(least, 60))),
    st.integers(1, 20),
    st.data(),
)
def test_any_limits_make_legal_plans(sizes: tuple[int, int], max_parts: int, data: st.DataObject) -> None:
    """No combination of a service's limits leads to an illegal plan."""
    limits = S3Limits(min_part_size=sizes[0], max_part_size=sizes[1], max_parts=max_parts)
    size = data.draw(st.integers(0, limits.max_object_size))

    assert ways_to_be_illegal(plan_upload(size, limits=limits), limits) == []


def test_the_upper_end_of_the_range_is_not_rounded_up() -> None:
    """A user who takes the message at its word must not be refused again."""
    limits = S3Limits(max_part_size=6 * MIB - 1)
    with pytest.raises(PlanError) as raised:
        plan_upload(1, part_size=7 * MIB, limits=limits)
    assert "to 6 MiB" not in str(raised.value)


@pytest.mark.parametrize(
    ("endpoint", "part_size", "max_parts"),
    [
        ("", 16 * MIB, 10_000),
        ("https://s3.fr-par.scw.cloud", 16 * MIB, 1_000),
        ("https://gateway.storjshare.io", 64 * MIB, 10_000),
        ("https://gateway.eu1.storjshare.io/", 64 * MIB, 10_000),
        ("https://scw.cloud.example.com", 16 * MIB, 10_000),
    ],
)
def test_services_with_other_limits_are_known(endpoint: str, part_size: int, max_parts: int) -> None:
    """Scaleway accepts 1,000 parts, and Storj stores segments of 64 MiB."""
    limits = limits_at(endpoint)

    assert (limits.preferred_part_size, limits.max_parts) == (part_size, max_parts)
    assert plan_upload(200 * GIB, limits=limits).part_count <= max_parts


def test_the_users_number_of_parts_precedes_that_of_the_service() -> None:
    """Scaleway may accept more by now."""
    chosen = dataclasses.replace(AWS, max_parts=5_000)

    assert limits_at("https://s3.nl-ams.scw.cloud", chosen) == chosen
