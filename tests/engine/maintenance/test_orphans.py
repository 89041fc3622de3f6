"""Unfinished uploads of a bucket: which may be removed, and which may still be in progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from partway.engine.backend.target import Target
from partway.engine.clock import SYSTEM_CLOCK, Clock
from partway.engine.errors import AccessRefused, Refused, UploadFailed
from partway.engine.maintenance.orphans import Orphan, Orphans, Owner, RemovalPolicy, RemovalResult
from partway.engine.run.context import EngineContext
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.bucket import S3Uploads
from partway.engine.workers.runtime import Runtime
from partway.state.memory.store import MemoryStore
from partway.state.store import StateStore
from partway.state.uploads import UploadStatus
from tests.support.engine.set_clock import SetClock
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, CallFunction, Fault, Stage
from tests.support.s3_faults.responses import access_denied, s3_error
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

DAY = 86400.0


@dataclass
class Bucket:
    """A bucket whose clock stands still, and the objects that inspect it."""

    server: StrictS3
    backend: S3Backend
    store: StateStore = field(default_factory=MemoryStore)
    shift: float = 0.0
    clock: Clock = SYSTEM_CLOCK

    def now(self) -> float:
        """The server's time, in seconds since the epoch."""
        return time.time() - self.shift

    def begin(self, key: str, *, days: float = 3.0, parts: int = 1) -> str:
        """Start a foreign upload with parts this many days ago; returns S3's upload ID."""
        self.shift = days * DAY
        upload = self.server.model.create_multipart_upload("bucket", key)
        for number in range(1, parts + 1):
            self.server.model.upload_part("bucket", key, upload.upload_id, number, b"x" * 10)
        self.shift = 0.0
        return upload.upload_id

    def orphans(self, prefix: str = "", **policy: Any) -> Orphans:
        """The Orphans of this bucket."""
        return Orphans(
            "bucket",
            prefix,
            self.backend.endpoint,
            context=EngineContext(backend=self.backend, store=self.store, runtime=Runtime(clock=self.clock)),
            uploads=S3Uploads(self.backend.config),
            policy=RemovalPolicy(**policy),
        )

    def find(self, prefix: str = "", **policy: Any) -> dict[str, Orphan]:
        """The orphans that are found, by key."""
        return {orphan.upload.key: orphan for orphan in self.orphans(prefix, **policy).find()}

    def clean(self, **policy: Any) -> dict[str, RemovalResult]:
        """The results of the removal, by key."""
        orphans = self.orphans(**policy)
        return {removed.orphan.upload.key: removed for removed in orphans.remove(orphans.find())}

    @property
    def left(self) -> set[str]:
        """The keys of the uploads that remain on the server."""
        return {upload.key for upload in self.server.model.open_uploads}


@pytest.fixture
def bucket(strict: StrictS3, backend: S3Backend) -> Bucket:
    """An empty one."""
    bucket = Bucket(server=strict, backend=backend)
    strict.model = S3Model(min_part_size=PART, page_size=2, clock=bucket.now)
    return bucket


def test_what_is_forgotten_is_removed(bucket: Bucket) -> None:
    """Also foreign uploads, with all their parts; the result has their number and size."""
    bucket.begin("a", parts=2)
    bucket.begin("b", parts=0)

    removed = bucket.clean()

    assert bucket.left == set()
    assert {key: each.removal and each.removal.bytes for key, each in removed.items()} == {"a": 20, "b": 0}


def test_every_page_is_read(bucket: Bucket) -> None:
    """The server returns two uploads per page; one key has several uploads."""
    for key in ("a", "b", "b", "b", "c", "d"):
        bucket.begin(key)

    assert len(bucket.orphans().find()) == 6


def test_a_service_that_takes_the_prefix_for_a_key(bucket: Bucket) -> None:
    """As MinIO does: the list is requested without a prefix."""
    for key in ("x/a", "x/b", "x/c", "y"):
        bucket.begin(key)
    bucket.server.model.quirks = Quirks(list_uploads_exact_key=True)

    assert set(bucket.find("x/")) == {"x/a", "x/b", "x/c"}


def test_a_service_that_gives_the_same_page_for_ever(bucket: Bucket) -> None:
    """It is asked twice; the listed uploads are removed, and the next run lists the rest."""
    for key in ("a", "b", "c"):
        bucket.begin(key)
    bucket.server.model.quirks = Quirks(list_ignores_marker=True)

    assert set(bucket.find()) == {"a", "b"}
    assert bucket.server.counts["ListMultipartUploads"] == 2


def test_a_key_that_no_xml_can_hold(bucket: Bucket) -> None:
    """The page is requested again with URL encoding; the upload is removed like any other."""
    bucket.begin("bad\x01key +%41")

    assert set(bucket.clean()) == {"bad\x01key +%41"}
    assert bucket.left == set()


def test_the_young_are_kept(bucket: Bucket) -> None:
    """The default minimum age is a day without a new part."""
    bucket.begin("young", days=0.9)

    assert bucket.find()["young"].kept == "it may be in progress"
    assert bucket.find(older_than=3600.0)["young"].kept is None
    assert bucket.clean() == {}


def test_the_newest_part_counts_not_the_beginning(bucket: Bucket) -> None:
    """An upload that was started long ago may still be sending."""
    id = bucket.begin("slow", days=9)
    bucket.server.model.upload_part("bucket", "slow", id, 2, b"x")

    found = bucket.find()["slow"]

    assert found.kept == "it may be in progress"
    assert found.age is not None and found.age < 600
    assert found.upload_age is not None and found.upload_age > 8 * DAY


def test_the_services_clock_counts(bucket: Bucket) -> None:
    """If our clock is a week ahead, no upload counts as old because of it."""
    bucket.begin("young", days=0.5)
    bucket.clock = SetClock(now=time.time() + 7 * DAY)

    found = bucket.find()["young"]

    assert found.kept == "it may be in progress"


@pytest.mark.parametrize(("older_than", "kept"), [(None, True), (DAY, False), (9 * DAY, True)])
def test_where_parts_are_not_listed(bucket: Bucket, older_than: float | None, kept: bool) -> None:
    """The time of the last part is unknown: only --older-than applies, to the age of the upload."""
    bucket.begin("a", days=3)
    bucket.server.model.quirks = Quirks(list_parts_unsupported=True)

    found = bucket.find(older_than=older_than)["a"]

    assert (found.kept is not None, found.parts) == (kept, None)


def test_a_sender_that_comes_back_is_left_alone(bucket: Bucket) -> None:
    """A part arrived while the user was confirming."""
    id = bucket.begin("a")
    orphans = bucket.orphans()
    found = orphans.find()
    bucket.server.model.upload_part("bucket", "a", id, 2, b"x")

    (removed,) = orphans.remove(found)

    assert (removed.removal, removed.kept) == (None, "it may be in progress")
    assert bucket.left == {"a"}


def test_one_that_cannot_be_removed_keeps_none_of_the_others(bucket: Bucket) -> None:
    """Its error is reported."""
    bucket.begin("a")
    bucket.begin("b")
    bucket.server.faults.add(Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied()))

    removed = bucket.clean()

    assert isinstance(removed["a"].error, AccessRefused)
    assert bucket.left == {"a"}


def test_without_the_permission_its_name_is_told(bucket: Bucket) -> None:
    """The message names the missing permission."""
    bucket.server.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.BEFORE_READ, action=access_denied()))

    with pytest.raises(AccessRefused, match="permission s3:ListBucketMultipartUploads on the bucket"):
        bucket.orphans().find()


@pytest.mark.parametrize("code", ["MethodNotAllowed", "NotImplemented"])
def test_without_the_call_that_is_told(bucket: Bucket, code: str) -> None:
    """Not every service can list uploads."""
    answer = s3_error(code, 405 if code == "MethodNotAllowed" else 501)
    bucket.server.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.BEFORE_READ, action=answer))

    with pytest.raises(Refused, match="does not list unfinished uploads"):
        bucket.orphans().find()


def test_a_web_page_is_no_empty_list(bucket: Bucket) -> None:
    """It must not be reported as an empty list."""
    bucket.begin("a")
    page = Answer(status=200, headers={"Content-Type": "text/html"}, body=b"<html><body>Sign in</body></html>")
    bucket.server.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=page))

    assert set(bucket.find()) == {"a"}


@pytest.fixture
def ours(bucket: Bucket, make_file: Callable[..., Path]) -> Uploading:
    """An upload of ours from days ago, with two of three parts done."""
    uploading = Uploading(path=make_file(3 * PART), backend=bucket.backend, endpoint=bucket.backend.endpoint)
    bucket.store = uploading.store
    bucket.server.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3)
    )
    bucket.shift = 5 * DAY
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    bucket.shift = 0.0
    return uploading


def test_what_can_be_resumed_is_kept(bucket: Bucket, ours: Uploading) -> None:
    """However old it is; the reason names the commands."""
    (record,) = ours.store.uploads()
    found = bucket.find(older_than=0.0)["key"]

    assert found.owner is Owner.UNFINISHED
    assert found.kept == f"yours, unfinished: partway resume {record.id}, or cancel"


def test_with_the_users_word_it_goes_and_the_store_knows(bucket: Bucket, ours: Uploading) -> None:
    """--ours has the effect of `partway cancel`."""
    bucket.clean(ours=True)

    assert bucket.left == set()
    assert [record.status for record in ours.store.uploads()] == [UploadStatus.ABORTED]


def test_what_runs_is_never_removed(bucket: Bucket, ours: Uploading) -> None:
    """It is locked, so not even --ours removes it."""
    (record,) = ours.store.uploads()
    with ours.store.lock(record.source, record.endpoint, record.bucket, record.key):
        found = bucket.find(ours=True, older_than=0.0)["key"]

    assert (found.owner, found.kept) == (Owner.RUNNING, "running now")


def test_what_begins_to_run_before_it_is_removed_stays(bucket: Bucket, ours: Uploading) -> None:
    """The lock is checked again right before the removal."""
    (record,) = ours.store.uploads()
    orphans = bucket.orphans(ours=True)
    found = orphans.find()
    with ours.store.lock(record.source, record.endpoint, record.bucket, record.key):
        (removed,) = orphans.remove(found)

    assert (removed.removal, removed.kept) == (None, "running now")
    assert bucket.left == {"key"}


def test_ours_by_another_address_is_kept(bucket: Bucket, ours: Uploading) -> None:
    """The same bucket through another endpoint: the upload is recognized as ours, and kept."""
    (record,) = ours.store.uploads()
    ours.store.save_upload(replace(record, endpoint="http://elsewhere"))

    found = bucket.find(ours=True, older_than=0.0)["key"]

    assert found.kept == f"yours, started with another endpoint: partway cancel {record.id}"


def test_what_is_left_over_of_ours_goes(bucket: Bucket, ours: Uploading) -> None:
    """The store has it as aborted, but S3 still has parts, as after an interrupted cancel."""
    (record,) = ours.store.uploads()
    ours.store.save_upload(replace(record, status=UploadStatus.ABORTED))

    removed = bucket.clean()["key"]

    assert removed.orphan.owner is Owner.LEFT_OVER
    assert bucket.left == set()


def test_ours_is_found_though_it_is_not_listed(bucket: Bucket, ours: Uploading) -> None:
    """Uploads in the store are inspected even if S3 does not list them."""
    bucket.server.faults.add(
        Fault(
            operation="ListMultipartUploads",
            stage=Stage.AFTER_BODY,
            action=Answer(
                status=200,
                body=b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
            ),
        )
    )

    assert bucket.find()["key"].owner is Owner.UNFINISHED


def test_an_upload_that_ends_between_list_and_look_is_left_out(bucket: Bucket) -> None:
    """It was completed or aborted by another process."""
    id = bucket.begin("a")
    bucket.begin("b")
    gone = CallFunction(function=lambda: bucket.server.model.expire_upload(id))
    bucket.server.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_EFFECT, action=gone))

    assert set(bucket.find()) == {"b"}


def test_the_target_of_a_stranger_is_its_own_key(bucket: Bucket) -> None:
    """Uploads of one key are removed one by one."""
    bucket.begin("a", days=3)
    young = bucket.begin("a", days=0.1)

    bucket.clean()

    assert [upload.upload_id for upload in bucket.server.model.open_uploads] == [young]
    assert Target(bucket="bucket", key="a").url == "s3://bucket/a"
