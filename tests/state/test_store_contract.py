"""The store contract: one suite, run against each implementation."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from partway.state.errors import StateError, StateLocked
from partway.state.memory.store import MemoryStore
from partway.state.sqlite.store import SqliteStore
from partway.state.store import StateStore
from partway.state.uploads import PartRecord, UploadRecord, UploadStatus

UPLOAD = UploadRecord(
    id="0a1b2c3d",
    status=UploadStatus.OPEN,
    source="/home/user/file",
    size=100,
    mtime_ns=1_700_000_000_123_456_789,
    inode=42,
    device=7,
    bucket="bucket",
    key="folder/key",
    endpoint="https://s3.example",
    region=None,
    profile=None,
    options="{}",
    part_size=10,
    checksum_algorithm="CRC64NVME",
    upload_id=None,
    run=1,
    created_at=1000.0,
    updated_at=1000.0,
    ctime_ns=2**63 + 9,
    wanted_algorithm="SHA256",
    remote_created_at=1001.0,
)
ENDED = [UploadStatus.COMPLETED, UploadStatus.ABORTED]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, created once, because that takes longer than most tests."""
    made = SqliteStore(tmp_path_factory.mktemp("migrated"))
    made.close()
    return made.path


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Iterator[StateStore]:
    shutil.copy(migrated, tmp_path)
    made: StateStore = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path)
    yield made
    made.close()


def part(number: int, size: int = 10, run: int = 1) -> PartRecord:
    return PartRecord(number=number, size=size, etag=f"etag-{number}-{run}", checksum=f"sum-{number}", run=run)


def breaking(parts: list[PartRecord]) -> Iterator[PartRecord]:
    """Parts whose source fails after the last."""
    yield from parts
    raise LookupError("in the middle")


# --- uploads ---


def test_an_upload_comes_back_as_it_was_saved(store: StateStore) -> None:
    """Every field, the optional ones included."""
    full = replace(
        UPLOAD,
        status=UploadStatus.COMPLETING,
        region="eu-west-1",
        profile="work",
        options='{"acl": "private"}',
        upload_id="S3-ID~._-",
        run=3,
        updated_at=2000.125,
        abort_date=3000.5,
        holder="process 1 on host",
        etag="e-2",
        proof="crc64nvme",
    )
    store.save_upload(full)

    assert store.upload(UPLOAD.id) == full


def test_what_is_none_stays_none(store: StateStore) -> None:
    """Not "", not 0, not the text "None"."""
    store.save_upload(UPLOAD)
    found = store.upload(UPLOAD.id)

    assert found == UPLOAD
    assert found is not None
    assert isinstance(found.status, UploadStatus)


@pytest.mark.parametrize("id", ["", "0a1b", "0a1b2c3", "0A1B2C3D", "%", "ffffffff"])
def test_an_upload_is_found_by_exactly_its_id(store: StateStore, id: str) -> None:
    """No prefix, no pattern, no other case."""
    store.save_upload(UPLOAD)

    assert store.upload(id) is None


@pytest.mark.parametrize(
    "source",
    [
        "/home/user/über \U0001f680",
        "/home/user/line\nbreak\ttab",
        "/home/user/quote ' \" ; --",
        os.fsdecode(b"/home/user/no utf-8 \xff\xfe"),
    ],
    ids=["emoji", "control characters", "quotes", "no utf-8"],
)
def test_any_name_of_a_source_comes_back(store: StateStore, source: str) -> None:
    """Byte for byte, and it is found again by it."""
    upload = replace(UPLOAD, source=source)
    store.save_upload(upload)

    assert store.upload(upload.id) == upload
    assert store.unfinished(source, upload.endpoint, upload.bucket, upload.key) == upload


@pytest.mark.parametrize("number", [0, 2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_any_inode_and_device_come_back(store: StateStore, number: int) -> None:
    """Network file systems have inodes above 2**63, which exceed a signed integer."""
    upload = replace(UPLOAD, inode=number, device=number)
    store.save_upload(upload)

    assert store.upload(upload.id) == upload


@pytest.mark.parametrize("mtime_ns", [-1, 0, 2**62 + 1])
def test_any_time_of_change_comes_back_to_the_nanosecond(store: StateStore, mtime_ns: int) -> None:
    """Also one before 1970; a rounded one would look like a changed file."""
    store.save_upload(replace(UPLOAD, mtime_ns=mtime_ns))

    assert store.upload(UPLOAD.id) == replace(UPLOAD, mtime_ns=mtime_ns)


def test_saving_again_replaces_the_row(store: StateStore) -> None:
    """One upload, the newer facts."""
    newer = replace(UPLOAD, status=UploadStatus.COMPLETED, upload_id="U", etag="e", run=2)
    store.save_upload(UPLOAD)
    store.save_upload(newer)

    assert store.uploads() == [newer]


def test_uploads_come_oldest_first(store: StateStore) -> None:
    """By the time of creation, and by id where that is the same."""
    third, first, second = (
        replace(UPLOAD, id="03", created_at=5.0),
        replace(UPLOAD, id="09", created_at=1.0),
        replace(UPLOAD, id="01", created_at=5.0),
    )
    for upload in (third, first, second):
        store.save_upload(upload)

    assert store.uploads() == [first, second, third]


@pytest.mark.parametrize(
    ("prefix", "ids"),
    [("", ["ab12", "ab34", "ac56"]), ("a", ["ab12", "ab34", "ac56"]), ("ab", ["ab12", "ab34"]), ("ab12", ["ab12"])],
)
def test_uploads_are_found_by_the_start_of_their_id(store: StateStore, prefix: str, ids: list[str]) -> None:
    """Any unambiguous start that users type."""
    for id in ("ab12", "ab34", "ac56"):
        store.save_upload(replace(UPLOAD, id=id))

    assert [upload.id for upload in store.uploads(prefix)] == ids


@pytest.mark.parametrize("prefix", ["ab123", "b", "%", "_b", "*", "AB"])
def test_a_prefix_is_no_pattern(store: StateStore, prefix: str) -> None:
    """The database's wildcards are literal."""
    store.save_upload(replace(UPLOAD, id="ab12"))

    assert store.uploads(prefix) == []


def test_uploads_are_chosen_by_status(store: StateStore) -> None:
    """None means all, and nothing means none."""
    for status in UploadStatus:
        store.save_upload(replace(UPLOAD, id=status.value, status=status))
    chosen = store.uploads(statuses=iter([UploadStatus.OPEN, UploadStatus.ABORTED]))

    assert {upload.status for upload in chosen} == {UploadStatus.OPEN, UploadStatus.ABORTED}
    assert len(store.uploads(statuses=None)) == 4
    assert store.uploads(statuses=[]) == []


# --- unfinished ---


@pytest.mark.parametrize("status", [UploadStatus.OPEN, UploadStatus.COMPLETING])
def test_an_unfinished_upload_is_found_by_source_and_target(store: StateStore, status: UploadStatus) -> None:
    """Also after Complete was sent, since its response may have been lost."""
    upload = replace(UPLOAD, status=status)
    store.save_upload(upload)

    assert store.unfinished(upload.source, upload.endpoint, upload.bucket, upload.key) == upload


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_upload_is_not_unfinished(store: StateStore, status: UploadStatus) -> None:
    """There is nothing to resume."""
    store.save_upload(replace(UPLOAD, status=status))

    assert store.unfinished(UPLOAD.source, UPLOAD.endpoint, UPLOAD.bucket, UPLOAD.key) is None


@pytest.mark.parametrize("field", ["source", "endpoint", "bucket", "key"])
@pytest.mark.parametrize("other", ["", "other"])
def test_all_of_source_and_target_must_agree(store: StateStore, field: str, other: str) -> None:
    """The same file to another place is another upload."""
    store.save_upload(UPLOAD)
    wanted = replace(UPLOAD, **{field: other})  # type: ignore[arg-type]

    assert store.unfinished(wanted.source, wanted.endpoint, wanted.bucket, wanted.key) is None


def test_the_newest_unfinished_upload_is_found(store: StateStore) -> None:
    """Older ones of the same source and destination, and finished ones, are ignored."""
    newest = replace(UPLOAD, id="02", created_at=2000.0)
    for upload in (
        newest,
        replace(UPLOAD, id="01", created_at=1000.0),
        replace(UPLOAD, id="03", created_at=3000.0, status=UploadStatus.ABORTED),
    ):
        store.save_upload(upload)

    assert store.unfinished(UPLOAD.source, UPLOAD.endpoint, UPLOAD.bucket, UPLOAD.key) == newest


# --- parts ---


def test_parts_come_back_by_number(store: StateStore) -> None:
    """By number as a number, in whatever order they were finished."""
    store.save_upload(UPLOAD)
    for number in (10, 2, 10_000, 1):
        store.save_parts(UPLOAD.id, [part(number)])

    assert store.parts(UPLOAD.id) == [part(1), part(2), part(10), part(10_000)]


def test_a_part_of_the_same_number_is_replaced(store: StateStore) -> None:
    """The last receipt is the one that S3 has."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1, run=1), part(2, run=1)])
    store.save_parts(UPLOAD.id, [part(2, run=2)])

    assert store.parts(UPLOAD.id) == [part(1, run=1), part(2, run=2)]


def test_a_part_may_be_larger_than_two_gib(store: StateStore) -> None:
    """Up to 5 GiB, and together up to 48.8 TiB."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(number, size=5 * 2**30) for number in range(1, 4)])

    assert store.parts(UPLOAD.id)[0].size == 5 * 2**30
    assert store.part_totals(UPLOAD.id) == (3, 15 * 2**30)


def test_parts_belong_to_their_upload(store: StateStore) -> None:
    """Two uploads with the same numbers do not mix."""
    other = replace(UPLOAD, id="other")
    for upload in (UPLOAD, other):
        store.save_upload(upload)
    store.save_parts(UPLOAD.id, [part(1), part(2)])
    store.save_parts(other.id, [part(2, run=5)])

    assert store.parts(UPLOAD.id) == [part(1), part(2)]
    assert store.parts(other.id) == [part(2, run=5)]


def test_an_unknown_upload_has_no_parts(store: StateStore) -> None:
    """The query is not an error."""
    assert store.parts("none") == []
    assert store.part_totals("none") == (0, 0)


def test_totals_count_parts_and_bytes(store: StateStore) -> None:
    """Of this upload only; a replaced part counts once."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1), part(2), part(3, size=4)])
    store.save_parts(UPLOAD.id, [part(2, run=2)])

    assert store.part_totals(UPLOAD.id) == (3, 24)


def test_totals_of_all_uploads_come_at_once(store: StateStore) -> None:
    """By ID and status; uploads without parts are omitted."""
    for id, status in (("a", UploadStatus.OPEN), ("b", UploadStatus.COMPLETED), ("c", UploadStatus.OPEN)):
        store.save_upload(replace(UPLOAD, id=id, status=status))
    store.save_parts("a", [part(1), part(2)])
    store.save_parts("b", [part(1)])
    size = part(1).size

    assert store.all_part_totals() == {"a": (2, 2 * size), "b": (1, size)}
    assert store.all_part_totals(statuses=[UploadStatus.OPEN]) == {"a": (2, 2 * size)}
    assert store.all_part_totals(statuses=[]) == {}


def test_uploads_to_a_bucket_are_found(store: StateStore) -> None:
    """At one endpoint, oldest first, by status, job and time."""
    first = replace(UPLOAD, id="first", created_at=1.0, job="j")
    last = replace(UPLOAD, id="last", created_at=2.0, status=UploadStatus.COMPLETED)
    for record in (last, first, replace(UPLOAD, id="b", bucket="b"), replace(UPLOAD, id="e", endpoint="e", job="j")):
        store.save_upload(record)

    def ids(**wanted: Any) -> list[str]:
        statuses = wanted.pop("statuses", UploadStatus)
        return [each.id for each in store.uploads_in(UPLOAD.endpoint, "bucket", statuses=statuses, **wanted)]

    assert ids() == ["first", "last"]
    assert ids(statuses=[UploadStatus.COMPLETED]) == ["last"]
    assert ids(job="j") == ["first"]
    assert ids(created_after=1.0) == ["last"]
    assert ids(job="j", created_after=1.0) == []


def test_uploads_to_a_key_are_found(store: StateStore) -> None:
    """At any endpoint and of any status, oldest first; a key need not be UTF-8."""
    store.save_upload(replace(UPLOAD, id="new", created_at=2.0, endpoint="https://other"))
    store.save_upload(replace(UPLOAD, id="old", created_at=1.0, status=UploadStatus.ABORTED))
    store.save_upload(replace(UPLOAD, id="else", key="else"))
    store.save_upload(replace(UPLOAD, id="odd", key="\udcff"))

    assert [record.id for record in store.uploads_to(UPLOAD.bucket, UPLOAD.key)] == ["old", "new"]
    assert [record.id for record in store.uploads_to(UPLOAD.bucket, "\udcff")] == ["odd"]
    assert store.uploads_to("else", UPLOAD.key) == []


def test_parts_survive_saving_their_upload(store: StateStore) -> None:
    """A new status of the upload must not cost the receipts."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1), part(2)])
    store.save_upload(replace(UPLOAD, status=UploadStatus.COMPLETING, run=2))

    assert store.parts(UPLOAD.id) == [part(1), part(2)]


def test_saving_parts_is_all_or_nothing(store: StateStore) -> None:
    """A failure in the middle keeps the previous state."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1)])

    with pytest.raises(LookupError):
        store.save_parts(UPLOAD.id, breaking([part(1, run=2), part(2)]))
    assert store.parts(UPLOAD.id) == [part(1)]


def test_replacing_parts_forgets_the_others(store: StateStore) -> None:
    """After reconciling with the server, only verified parts stay."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1), part(2), part(3)])
    store.replace_parts(UPLOAD.id, iter([part(2, run=2), part(4)]))

    assert store.parts(UPLOAD.id) == [part(2, run=2), part(4)]


def test_replacing_parts_with_nothing_forgets_all(store: StateStore) -> None:
    """The upload itself stays."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1)])
    store.replace_parts(UPLOAD.id, ())

    assert store.parts(UPLOAD.id) == []
    assert store.upload(UPLOAD.id) == UPLOAD


def test_replacing_parts_is_all_or_nothing(store: StateStore) -> None:
    """A failure in the middle deletes nothing."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1), part(2)])

    with pytest.raises(LookupError):
        store.replace_parts(UPLOAD.id, breaking([part(3)]))
    assert store.parts(UPLOAD.id) == [part(1), part(2)]


def test_replacing_parts_leaves_other_uploads_alone(store: StateStore) -> None:
    """Only the parts of that upload are deleted."""
    other = replace(UPLOAD, id="other")
    for upload in (UPLOAD, other):
        store.save_upload(upload)
        store.save_parts(upload.id, [part(1)])
    store.replace_parts(UPLOAD.id, ())

    assert store.parts(other.id) == [part(1)]


def test_a_store_goes_on_after_a_failure(store: StateStore) -> None:
    """No open transaction swallows later writes."""
    store.save_upload(UPLOAD)
    with pytest.raises(LookupError):
        store.save_parts(UPLOAD.id, breaking([part(1)]))
    store.save_parts(UPLOAD.id, [part(2)])

    assert store.parts(UPLOAD.id) == [part(2)]


# --- removing ---


def test_a_removed_upload_is_forgotten_with_its_parts(store: StateStore) -> None:
    """The parts do not reappear when the ID is reused."""
    store.save_upload(UPLOAD)
    store.save_parts(UPLOAD.id, [part(1)])
    store.delete_upload(UPLOAD.id)

    assert store.upload(UPLOAD.id) is None
    assert store.part_totals(UPLOAD.id) == (0, 0)
    store.save_upload(UPLOAD)
    assert store.parts(UPLOAD.id) == []


def test_removing_an_unknown_upload_is_no_error(store: StateStore) -> None:
    """And it removes nothing else."""
    store.save_upload(UPLOAD)
    store.delete_upload("0a1b")

    assert store.uploads() == [UPLOAD]


# --- what endpoints need ---


def test_nothing_is_known_of_a_new_endpoint(store: StateStore) -> None:
    """For any ``since``."""
    assert store.get_endpoint_algorithm("https://s3.example", since=0.0) is None
    assert store.get_endpoint_algorithm("https://s3.example", since=-1.0) is None


@pytest.mark.parametrize(("since", "known"), [(99.0, "MD5"), (100.0, "MD5"), (100.5, None)])
def test_what_was_learned_long_ago_is_not_believed(store: StateStore, since: float, known: str | None) -> None:
    """Services are updated; the boundary itself still counts."""
    store.save_endpoint_algorithm("https://s3.example", "MD5", 100.0)

    assert store.get_endpoint_algorithm("https://s3.example", since=since) == known


def test_the_last_lesson_counts(store: StateStore) -> None:
    """The value and the time are those of the last one."""
    store.save_endpoint_algorithm("https://s3.example", "MD5", 100.0)
    store.save_endpoint_algorithm("https://s3.example", "CRC32", 200.0)

    assert store.get_endpoint_algorithm("https://s3.example", since=150.0) == "CRC32"


def test_endpoints_are_told_apart(store: StateStore) -> None:
    """The requirement of one endpoint says nothing about another."""
    store.save_endpoint_algorithm("https://s3.example", "MD5", 100.0)

    assert store.get_endpoint_algorithm("https://s3.example:9000", since=0.0) is None
    assert store.get_endpoint_algorithm("", since=0.0) is None


# --- locks ---

NAME = (UPLOAD.source, UPLOAD.endpoint, UPLOAD.bucket, UPLOAD.key)


def test_a_second_lock_is_refused_at_once(store: StateStore) -> None:
    """The same upload is never sent twice at the same time."""
    with store.lock(*NAME), pytest.raises(StateLocked), store.lock(*NAME):
        pytest.fail("two hold the same lock")


def test_a_lock_is_free_after_its_block(store: StateStore) -> None:
    """Again and again."""
    for _ in range(3):
        with store.lock(*NAME):
            pass


def test_a_lock_is_free_after_an_error(store: StateStore) -> None:
    """A failed upload can be resumed in the same process; the error propagates unchanged."""
    with pytest.raises(LookupError), store.lock(*NAME):
        raise LookupError("failed")

    with store.lock(*NAME):
        pass


def test_a_refused_lock_leaves_the_first_one_held(store: StateStore) -> None:
    """A refused attempt does not affect the lock."""
    with store.lock(*NAME):
        for _ in range(3):
            with pytest.raises(StateLocked), store.lock(*NAME):
                pytest.fail("two hold the same lock")


@pytest.mark.parametrize("place", range(4))
def test_locks_of_other_uploads_are_free(store: StateStore, place: int) -> None:
    """Another source, endpoint, bucket or key is another upload."""
    other = [*NAME]
    other[place] += "x"

    with store.lock(*NAME), store.lock(*other):
        pass


def test_names_that_look_alike_when_joined_are_two_locks(store: StateStore) -> None:
    """Where one name ends and the next begins matters."""
    with store.lock("/a", "b", "c", "d"), store.lock("/ab", "", "c", "d"), store.lock("/a", "b", "cd", ""):
        pass


def test_a_source_that_is_no_utf8_can_be_locked(store: StateStore) -> None:
    """Any file name is a name."""
    source = os.fsdecode(b"/no utf-8 \xff")

    with store.lock(source, "", "b", "k"), pytest.raises(StateLocked), store.lock(source, "", "b", "k"):
        pytest.fail("two hold the same lock")


def test_a_lock_needs_no_upload_and_makes_none(store: StateStore) -> None:
    """It is taken before the upload is stored."""
    with store.lock(*NAME):
        assert store.uploads() == []


@pytest.mark.parametrize("mtime_ns", [2**63, 10_413_792_000 * 10**9])
def test_a_time_of_change_after_2262_comes_back(store: StateStore, mtime_ns: int) -> None:
    """``touch -d 2300-01-01`` works on ext4 and XFS; nanoseconds then need more than 63 bits."""
    store.save_upload(replace(UPLOAD, mtime_ns=mtime_ns))

    assert store.upload(UPLOAD.id) == replace(UPLOAD, mtime_ns=mtime_ns)


def test_asking_for_a_key_that_is_no_utf8_finds_nothing(store: StateStore) -> None:
    """S3 will refuse the key; the query does no damage."""
    assert store.unfinished("/a", "", "bucket", "key \udcff") is None


def test_parts_of_an_unknown_upload_are_refused(store: StateStore) -> None:
    """There is no upload that they belong to, and the attempt does no damage."""
    with pytest.raises(StateError, match="there is no upload unknown"):
        store.save_parts("unknown", [part(1)])


def test_an_error_of_the_callers_parts_comes_out(store: StateStore) -> None:
    """A ValueError from the iterable is not database damage."""

    def breaking() -> Iterator[object]:
        raise ValueError("the caller's own")
        yield

    store.save_upload(UPLOAD)

    with pytest.raises(ValueError, match="the caller's own"):
        store.save_parts(UPLOAD.id, breaking())  # type: ignore[arg-type]
