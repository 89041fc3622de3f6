"""Reconciliation: each rule by example, then properties for any list, store and source."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partway.engine.backend.protocol import UNKNOWN_SIZE
from partway.engine.backend.responses import PartReceipt
from partway.engine.checksums import ChecksumAlgorithm, checksum, etag_of
from partway.engine.limits import AWS
from partway.engine.resume.reconcile import Reconciliation, UnverifiedPart, looks_like_md5, reconcile, verify_part
from partway.engine.source.plan import UploadPlan
from partway.engine.stream.earlier_parts import earlier_parts
from partway.engine.stream.plan import StreamPlan
from partway.state.uploads import PartRecord

CRC = ChecksumAlgorithm.CRC64NVME
SOURCE = b"one-two-three"
PLAN = UploadPlan(file_size=len(SOURCE), part_size=4)
EVERY_NUMBER = range(1, PLAN.part_count + 1)
OTHER_ETAG = "f" * 32
OTHER_CHECKSUM = checksum(CRC, b"something else")


def local(number: int, source: bytes = SOURCE) -> bytes:
    """The part's bytes in the source."""
    spec = PLAN.part(number)
    return source[spec.offset : spec.offset + spec.size]


def md5(data: bytes) -> str:
    return checksum(ChecksumAlgorithm.MD5, data)


def row_of(data: bytes, number: int) -> PartReceipt:
    """What a correct server with these bytes lists."""
    return PartReceipt(number=number, size=len(data), etag=etag_of(md5(data)), checksum=checksum(CRC, data))


def row(number: int) -> PartReceipt:
    return row_of(local(number), number)


def record(number: int, run: int = 1) -> PartRecord:
    """The record of a sent part."""
    return PartRecord(
        number=number, size=len(local(number)), etag=row(number).etag, checksum=row(number).checksum or "", run=run
    )


STORED = [record(number) for number in EVERY_NUMBER]
LISTED = [row(number) for number in EVERY_NUMBER]


def sorted_out(found: Reconciliation) -> tuple[list[int], list[int], list[int]]:
    """The part numbers of keep, unverified and send."""
    return (
        [part.number for part in found.keep],
        [unverified.spec.number for unverified in found.unverified],
        [spec.number for spec in found.send],
    )


# --- reconcile, rule by rule ---


def test_parts_on_which_all_agree_are_kept() -> None:
    """Store, list and plan agree: the receipts are kept unchanged, with the run that sent them."""
    stored = [record(number, run=number) for number in EVERY_NUMBER]
    found = reconcile(PLAN, stored, LISTED, source_changed=False)

    assert found == Reconciliation(keep=tuple(stored), unverified=(), send=())


@pytest.mark.parametrize("etag", ["opaque", "OPAQUE"])
def test_a_row_without_a_size_is_confirmed_by_the_rest(etag: str) -> None:
    """Some services list no sizes; their ETags may not be MD5s, and may be quoted or not."""
    stored = [replace(record(1), etag="opaque")]
    listed = [PartReceipt(number=1, size=UNKNOWN_SIZE, etag=etag)]

    assert sorted_out(reconcile(PLAN, stored, listed, source_changed=False))[0] == [1]


def test_a_part_whose_size_is_unknown_gets_its_own_when_the_bytes_agree() -> None:
    """The stored receipt has the part's size."""
    listed = [replace(row(1), size=UNKNOWN_SIZE)]
    found = reconcile(PLAN, [], listed, source_changed=False)

    part = verify_part(found.unverified[0], checksum=row(1).checksum or "", md5=None, run=1)

    assert part == record(1)


def test_what_a_stream_sent_is_kept_without_sizes_by_its_receipts() -> None:
    """A part that only the list contains is not comparable then, since a stream cannot be read again."""
    stored = [replace(record(1), etag="opaque")]
    listed = [PartReceipt(number=number, size=UNKNOWN_SIZE, etag="opaque", checksum="c") for number in (1, 2)]
    listed[0] = replace(listed[0], checksum=None)

    before = earlier_parts(stored, listed)

    assert (before.parts, before.bytes) == (1, len(local(1)))
    assert before.end(StreamPlan(file_size=0, part_size=4, growth_interval=None, limits=AWS)) == len(local(1))


def test_a_new_upload_sends_everything() -> None:
    """Nothing stored, nothing listed."""
    found = reconcile(PLAN, [], [], source_changed=False)

    assert found == Reconciliation(keep=(), unverified=(), send=tuple(PLAN.parts()))


def test_a_part_that_the_list_does_not_show_is_sent_again() -> None:
    """A stored receipt is void when the server no longer has the part."""
    found = reconcile(PLAN, STORED, [row(1), row(3), row(4)], source_changed=False)

    assert sorted_out(found) == ([1, 3, 4], [], [2])


def test_without_a_list_the_receipts_stand() -> None:
    """The server cannot list: stored parts are kept, others are sent."""
    found = reconcile(PLAN, STORED[:2], None, source_changed=False)

    assert sorted_out(found) == ([1, 2], [], [3, 4])


def test_an_empty_list_is_not_no_list() -> None:
    """An empty list means no parts."""
    found = reconcile(PLAN, STORED, [], source_changed=False)

    assert sorted_out(found) == ([], [], [1, 2, 3, 4])


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 3},
        {"size": 3, "checksum": None},
        {"etag": "not-an-md5", "checksum": None},
        {"etag": ""},
    ],
    ids=["short", "short without checksum", "unprovable", "no etag"],
)
def test_a_row_that_differs_and_proves_nothing_is_sent_again(wrong: dict[str, int | str | None]) -> None:
    """Size or ETag contradict the store, and the local bytes could not confirm the row."""
    listed = [replace(row(1), **wrong), *LISTED[1:]]  # type: ignore[arg-type]
    found = reconcile(PLAN, STORED, listed, source_changed=False)

    assert sorted_out(found) == ([2, 3, 4], [], [1])


@pytest.mark.parametrize(
    "wrong",
    [{"etag": OTHER_ETAG}, {"checksum": OTHER_CHECKSUM}, {"etag": OTHER_ETAG, "checksum": None}],
    ids=["etag", "checksum", "etag alone"],
)
def test_a_row_that_differs_but_can_be_proven_is_in_doubt(wrong: dict[str, str | None]) -> None:
    """Another process sent this number again: the server's row is the candidate, and the stored receipt is dropped."""
    listed = [replace(row(1), **wrong), *LISTED[1:]]  # type: ignore[arg-type]
    found = reconcile(PLAN, STORED, listed, source_changed=False)

    assert sorted_out(found) == ([2, 3, 4], [1], [])
    assert found.unverified == (UnverifiedPart(spec=PLAN.part(1), candidates=(listed[0],), run=None),)


def test_a_list_without_checksums_still_confirms() -> None:
    """Some servers accept a checksum but do not list it: number, size and ETag are compared."""
    listed = [replace(receipt, checksum=None) for receipt in LISTED]
    found = reconcile(PLAN, STORED, listed, source_changed=False)

    assert sorted_out(found) == ([1, 2, 3, 4], [], [])


def test_a_stored_part_of_another_size_is_never_kept() -> None:
    """The file grew, so the last part is longer now, and its old receipt is void."""
    grown = UploadPlan(file_size=16, part_size=4)
    found = reconcile(grown, STORED, LISTED, source_changed=False)

    assert sorted_out(found) == ([1, 2, 3], [], [4])


def test_without_a_list_too_a_stored_part_of_another_size_is_never_kept() -> None:
    """The plan decides when the server reports no sizes."""
    found = reconcile(UploadPlan(file_size=16, part_size=4), STORED, None, source_changed=False)

    assert sorted_out(found) == ([1, 2, 3], [], [4])


def test_a_number_repeated_with_the_same_row_is_harmless() -> None:
    """Servers that ignore the page marker list rows twice."""
    found = reconcile(PLAN, STORED[:3], LISTED + LISTED, source_changed=False)

    assert sorted_out(found) == ([1, 2, 3], [4], [])
    assert found.unverified[0].candidates == (row(4),)


@pytest.mark.parametrize("wrong", [{"etag": OTHER_ETAG}, {"checksum": OTHER_CHECKSUM}, {"size": 3}])
@pytest.mark.parametrize("place", [0, 4])
def test_a_number_repeated_with_another_row_is_sent_again(place: int, wrong: dict[str, int | str]) -> None:
    """Two different rows for one number: it is unknown which of them Complete would use."""
    listed = [*LISTED]
    listed.insert(place, replace(row(2), **wrong))  # type: ignore[arg-type]
    found = reconcile(PLAN, STORED, listed, source_changed=False)

    assert sorted_out(found) == ([1, 3, 4], [], [2])


def test_the_order_of_the_list_does_not_matter() -> None:
    """Some servers sort numbers as text."""
    found = reconcile(PLAN, STORED, [row(4), row(1), row(3), row(2)], source_changed=False)

    assert found.keep == tuple(STORED)


@pytest.mark.parametrize("number", [-1, 0, 5, 10_000])
def test_numbers_beyond_the_plan_are_ignored(number: int) -> None:
    """The file became shorter, or another process sent a stray part: Complete does not list it."""
    stray = PartReceipt(number=number, size=4, etag=OTHER_ETAG, checksum=OTHER_CHECKSUM)
    remembered = PartRecord(number=number, size=4, etag=OTHER_ETAG, checksum=OTHER_CHECKSUM, run=1)
    found = reconcile(PLAN, [*STORED, remembered], [stray, *LISTED], source_changed=False)

    assert found == Reconciliation(keep=tuple(STORED), unverified=(), send=())


def test_a_part_that_only_the_server_knows_may_be_adopted_by_checksum() -> None:
    """A crash occurred between S3's response and the record."""
    found = reconcile(PLAN, [], [replace(row(2), etag="opaque")], source_changed=False)

    assert sorted_out(found) == ([], [2], [1, 3, 4])
    assert found.unverified[0].run is None


def test_a_part_that_only_the_server_knows_may_be_adopted_by_md5() -> None:
    """Without a listed checksum, the ETag can verify the part if it may be an MD5."""
    found = reconcile(PLAN, [], [replace(row(2), checksum=None)], source_changed=False)

    assert sorted_out(found) == ([], [2], [1, 3, 4])


def test_a_changed_source_puts_every_kept_part_in_doubt() -> None:
    """Neither discarded nor trusted: the stored receipt is the candidate, and its run is kept."""
    stored = [record(number, run=7) for number in EVERY_NUMBER]
    found = reconcile(PLAN, stored, LISTED, source_changed=True)

    assert sorted_out(found) == ([], [1, 2, 3, 4], [])
    assert found.unverified[0] == UnverifiedPart(spec=PLAN.part(1), candidates=(row(1),), run=7)


def test_a_changed_source_without_a_list_is_in_doubt_too() -> None:
    """The local bytes decide about the store's receipts."""
    found = reconcile(PLAN, STORED[:2], None, source_changed=True)

    assert sorted_out(found) == ([], [1, 2], [3, 4])


# --- settle, rule by rule ---


def doubt_about(candidate: PartReceipt, run: int | None = None) -> UnverifiedPart:
    return UnverifiedPart(spec=PLAN.part(candidate.number), candidates=(candidate,), run=run)


def test_equal_checksums_confirm_the_claim() -> None:
    """The receipt is the server's; a part that the store did not know gets the run that is given."""
    part = verify_part(doubt_about(row(2)), checksum=checksum(CRC, local(2)), md5=None, run=3)

    assert part == record(2, run=3)


def test_a_confirmed_part_keeps_its_run() -> None:
    """A part in the store keeps the run that sent it."""
    part = verify_part(doubt_about(row(2), run=1), checksum=checksum(CRC, local(2)), md5=None, run=3)

    assert part == record(2, run=1)


def test_another_checksum_refuses_the_claim_even_if_the_etag_agrees() -> None:
    """If a checksum exists, it alone decides."""
    candidate = replace(row(2), checksum=OTHER_CHECKSUM)

    assert verify_part(doubt_about(candidate), checksum=checksum(CRC, local(2)), md5=md5(local(2)), run=1) is None


def test_an_equal_md5_confirms_a_claim_without_checksum() -> None:
    """The record carries the checksum of the local bytes, which are the part's."""
    candidate = replace(row(2), checksum=None)

    assert verify_part(doubt_about(candidate), checksum=checksum(CRC, local(2)), md5=md5(local(2)), run=1) == record(2)


@pytest.mark.parametrize("taken", [None, md5(b"other")])
def test_another_or_no_md5_refuses_a_claim_without_checksum(taken: str | None) -> None:
    """Without a match, the part is not kept."""
    candidate = replace(row(2), checksum=None)

    assert verify_part(doubt_about(candidate), checksum=checksum(CRC, local(2)), md5=taken, run=1) is None


def test_the_local_bytes_choose_among_claims() -> None:
    """The candidate that they confirm becomes the receipt, whatever its position."""
    candidates = (row_of(b"else", 2), row(2))
    unverified = UnverifiedPart(spec=PLAN.part(2), candidates=candidates, run=None)

    assert verify_part(unverified, checksum=checksum(CRC, local(2)), md5=None, run=1) == record(2)


@pytest.mark.parametrize(
    ("etag", "may_be"),
    [
        ("0123456789abcdef" * 2, True),
        ("0123456789abcdef" * 2 + "-2", False),
        ("0123456789abcde" * 2, False),
        ("0123456789abcdeg" * 2, False),
        ('"0123456789abcdef0123456789abcde', False),
        ("", False),
    ],
)
def test_what_may_be_an_md5(etag: str, may_be: bool) -> None:
    """Thirty-two hex digits in lower case, and nothing else."""
    assert looks_like_md5(etag) is may_be


# --- any list, any store, any source ---

contents = st.sampled_from([SOURCE, SOURCE[:5], b"", b"one-TWO-three", b"x" * 13, SOURCE + b"-four"])
server_bytes = st.sampled_from([*(local(number) for number in EVERY_NUMBER), b"", b"TWO-", b"othe", b"on", b"x"])


@st.composite
def receipts(draw: st.DrawFn) -> PartReceipt:
    """A row of a server that has some bytes under some number and lists them more or less correctly."""
    honest = row_of(draw(server_bytes), draw(st.integers(-1, 6)))
    return replace(
        honest,
        size=draw(st.sampled_from([honest.size] * 6 + [4, 1])),
        etag=draw(st.sampled_from([honest.etag] * 6 + ["opaque", "", OTHER_ETAG])),
        checksum=draw(st.sampled_from([honest.checksum] * 3 + [None, OTHER_CHECKSUM])),
    )


@st.composite
def records(draw: st.DrawFn) -> PartRecord:
    receipt = draw(receipts())
    return PartRecord(
        number=receipt.number,
        size=receipt.size,
        etag=receipt.etag,
        checksum=receipt.checksum or checksum(CRC, b""),
        run=draw(st.integers(1, 3)),
    )


plans = st.builds(UploadPlan, file_size=st.integers(0, 20), part_size=st.integers(1, 6))
stores = st.lists(records(), max_size=6, unique_by=lambda part: part.number)
lists = st.none() | st.lists(receipts(), max_size=8)


@settings(deadline=None)
@given(plan=plans, stored=stores, listed=lists, changed=st.booleans())
def test_every_number_of_the_plan_is_in_exactly_one_place(
    plan: UploadPlan, stored: list[PartRecord], listed: list[PartReceipt] | None, changed: bool
) -> None:
    """Every part is in exactly one group; each group is in ascending order."""
    groups = sorted_out(reconcile(plan, stored, listed, source_changed=changed))

    assert sorted(number for group in groups for number in group) == list(range(1, plan.part_count + 1))
    assert all(group == sorted(group) for group in groups)


@settings(deadline=None)
@given(plan=plans, stored=stores, listed=lists)
def test_nothing_is_kept_that_the_list_contradicts(
    plan: UploadPlan, stored: list[PartRecord], listed: list[PartReceipt] | None
) -> None:
    """A kept part has the planned size, is in the store, and agrees with every row of its number."""
    found = reconcile(plan, stored, listed, source_changed=False)
    rows = [] if listed is None else listed
    for part in found.keep:
        said = [(row.size, row.etag, row.checksum or part.checksum) for row in rows if row.number == part.number]

        assert part in stored
        assert part.size == plan.part(part.number).size
        assert set(said) <= {(part.size, part.etag, part.checksum)}
        assert said or listed is None


@settings(deadline=None)
@given(plan=plans, stored=stores, listed=lists)
def test_nothing_is_kept_unread_from_a_changed_source(
    plan: UploadPlan, stored: list[PartRecord], listed: list[PartReceipt] | None
) -> None:
    """If the file may have changed, only the local bytes can confirm a part."""
    assert reconcile(plan, stored, listed, source_changed=True).keep == ()


@settings(deadline=None)
@given(
    had=st.sets(st.sampled_from(EVERY_NUMBER)), noted=st.sets(st.sampled_from(EVERY_NUMBER)), shows_crc=st.booleans()
)
def test_with_an_honest_list_nothing_that_is_there_is_sent_again(
    had: set[int], noted: set[int], shows_crc: bool
) -> None:
    """A part that S3 has is kept, or verified against the local bytes, even if the store does not know it."""
    listed = [row(number) if shows_crc else replace(row(number), checksum=None) for number in sorted(had)]
    found = reconcile(PLAN, [record(number) for number in noted], listed, source_changed=False)
    adopted = [
        verify_part(unverified, checksum=checksum(CRC, local(n)), md5=md5(local(n)), run=1)
        for unverified in found.unverified
        for n in [unverified.spec.number]
    ]

    assert {spec.number for spec in found.send} == set(EVERY_NUMBER) - had
    assert {part.number for part in found.keep} == had & noted
    assert all(adopted)


@settings(deadline=None)
@given(
    had=st.lists(server_bytes, min_size=4, max_size=4), noted=st.sets(st.sampled_from(EVERY_NUMBER)), source=contents
)
def test_whatever_is_settled_has_the_bytes_of_the_source(had: list[bytes], noted: set[int], source: bytes) -> None:
    """After any change of the source, a confirmed part on S3 has the bytes that the file has there now."""
    server = {number: data for number, data in enumerate(had, start=1) if data}
    stored = [replace(record(n), checksum=checksum(CRC, server[n]), size=len(server[n])) for n in noted & set(server)]
    stored = [replace(part, etag=row_of(server[part.number], part.number).etag) for part in stored]
    plan = UploadPlan(file_size=len(source), part_size=4)
    listed = [row_of(data, number) for number, data in server.items()]
    for unverified in reconcile(plan, stored, listed, source_changed=True).unverified:
        spec = unverified.spec
        now = source[spec.offset : spec.offset + spec.size]
        part = verify_part(unverified, checksum=checksum(CRC, now), md5=md5(now), run=2)

        assert (part is not None) == (server[spec.number] == now)


@settings(deadline=None)
@given(candidates=st.lists(receipts(), min_size=1, max_size=3), now=server_bytes)
def test_settle_confirms_no_claim_that_speaks_of_other_bytes(candidates: list[PartReceipt], now: bytes) -> None:
    """Candidates may be wrong; only the checksum of the local bytes, or else their MD5, confirms one."""
    unverified = UnverifiedPart(spec=PLAN.part(1), candidates=tuple(candidates), run=None)
    part = verify_part(unverified, checksum=checksum(CRC, now), md5=md5(now), run=1)
    proven = [
        candidate
        for candidate in candidates
        if (checksum(CRC, now) == candidate.checksum if candidate.checksum else etag_of(md5(now)) == candidate.etag)
    ]

    assert (part is None) == (not proven)
    assert part is None or (part.checksum, part.etag) == (checksum(CRC, now), proven[0].etag)
