"""Commands with the sources and destination of an open job: a later resume never overwrites their objects."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import AlreadyEnded, PlanError, StateLocked, UploadFailed
from partway.engine.events.upload import FileSkipped, JobStarted
from partway.engine.job_records.later_jobs import LaterJobs
from partway.engine.job_records.later_uploads import LATER
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.s3.backend import S3Backend
from partway.engine.upload.file import upload_file
from partway.engine.walk.file_limits import FileLimits
from partway.engine.walk.filters import Filter
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import JobRecord, JobStatus
from partway.state.uploads import UploadStatus
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import LIMITS, PART, QUICK
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3

NO_TMP = (Filter(include=False, pattern="*.tmp"),)
RARE = ObjectOptions(storage_class="STANDARD_IA")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small files, and a multipart one that later commands exclude."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for name in ("1", "2", "sub/3"):
        (root / name).write_bytes(name.encode())
    (root / "large.tmp").write_bytes(os.urandom(3 * PART))
    return root


@pytest.fixture
def job(folder: Path, strict: StrictS3, backend: S3Backend) -> Job:
    """An open job: the last part of the large file was refused, the small files are done."""
    spec = JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)
    job = Job(spec=spec, backend=backend)
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3))
    assert job.run().failed == 1
    strict.faults.clear()
    return job


def open_job(job: Job) -> JobRecord:
    """The only open one."""
    (record,) = job.store.jobs.all(open_only=True)
    return record


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"options": RARE}, "--storage-class"),
        ({"options": ObjectOptions(sse="aws:kms")}, "--sse"),
        ({"options": ObjectOptions(no_overwrite=True)}, "--no-overwrite"),
        ({"filters": NO_TMP}, "--include/--exclude"),
        ({"limits": FileLimits(min_size=1)}, "--min-size/--max-size/--newer-than/--older-than"),
        ({"follow_symlinks": False}, "--no-follow-symlinks"),
        ({"algorithm": ChecksumAlgorithm.SHA256}, "--checksum-algorithm"),
        ({"guess_content_type": False}, "--no-guess-mime-type"),
    ],
)
def test_other_options_are_refused(job: Job, strict: StrictS3, changes: dict[str, object], flag: str) -> None:
    """The message names the job, the flag and both solutions; nothing is sent, and no second job is created."""
    before, calls = open_job(job), len(strict.journal.calls)
    job.spec = replace(job.spec, **changes)  # type: ignore[arg-type]

    with pytest.raises(PlanError) as refused:
        job.run()

    for words in (before.id, f"({flag})", f"partway resume {before.id}", "--restart"):
        assert words in str(refused.value)
    assert open_job(job) == before
    assert len(strict.journal.calls) == calls


@pytest.mark.parametrize(
    "changes",
    [{"part_size": 2 * PART}, {"skip_same": True}, {"key_encoding": "latin-1"}],
    ids=lambda each: next(iter(each)),
)
def test_what_makes_the_same_objects_may_change(
    job: Job, strict: StrictS3, folder: Path, changes: dict[str, object]
) -> None:
    """The same job is resumed; finished files are not sent again."""
    before = open_job(job)
    job.spec = replace(job.spec, **changes)  # type: ignore[arg-type]

    done = job.run()

    assert (done.job, done.resumed, done.done) == (before.id, 3, 1)
    assert objects(strict) == files(folder)


def test_an_encoding_that_is_not_named_again_is_the_one_of_before(job: Job, strict: StrictS3, folder: Path) -> None:
    """It came from the locale, and the job is resumed in another locale."""
    (record, plain) = open_job(job), job.spec
    job.store.jobs.save(replace(record, spec=replace(plain, key_encoding="latin-1").to_json()))
    (folder / os.fsdecode(b"z\xfcrich")).write_bytes(b"new")

    planned, done = job.plan(), job.run()

    assert (planned.failed, done.failed, done.resumed) == (0, 0, 3)
    assert objects(strict)["p/z\u00fcrich"] == b"new"


def test_restart_takes_other_options(job: Job, strict: StrictS3, folder: Path) -> None:
    """In place of the job, with every file sent again; the parts of an excluded file are removed from S3."""
    before = open_job(job)
    job.spec = replace(job.spec, options=RARE, filters=NO_TMP)

    done = job.run(restart=True)

    assert (done.job, done.resumed, done.done, done.failed) == (before.id, 0, 3, 0)
    assert {key: stored.options.storage_class for (_, key), stored in strict.model.objects.items()} == {
        f"p/{name}": "STANDARD_IA" for name in ("1", "2", "sub/3")
    }
    assert strict.model.open_uploads == ()
    assert [record.status for record in job.store.uploads()] == [UploadStatus.ABORTED]
    (record,) = job.store.jobs.all()
    assert (record.status, JobSpec.from_json(record.spec)) == (JobStatus.COMPLETED, job.spec)


def test_a_restart_holds_when_it_is_interrupted(job: Job, strict: StrictS3, folder: Path) -> None:
    """A later run does not complete parts that were sent with the earlier options either."""
    job.spec = replace(job.spec, options=RARE)
    refusal = Fault(operation="AbortMultipartUpload", stage=Stage.BEFORE_READ, action=access_denied(), times=None)
    strict.faults.add(refusal)
    assert job.run(restart=True).failed == 1
    strict.faults.clear()

    done = job.run()

    assert (done.resumed, done.done, done.failed) == (3, 1, 0)
    assert {stored.options.storage_class for stored in strict.model.objects.values()} == {"STANDARD_IA"}
    assert strict.model.open_uploads == ()


@pytest.mark.parametrize(
    ("source", "prefix"), [("sub", "p/sub/"), ("sub/3", "p/sub/"), ("1", "p/"), (".", "p/"), ("..", "")]
)
def test_a_job_of_some_of_the_files_is_refused_with_other_options(
    job: Job, strict: StrictS3, folder: Path, source: str, prefix: str
) -> None:
    """A directory or file below a source, or a directory above it, with the same keys."""
    before, calls = open_job(job), len(strict.journal.calls)
    if source == "..":
        job.spec = replace(job.spec, sources=(str(folder),), prefix="root/")
        job.store.jobs.save(replace(before, spec=job.spec.to_json()))
    sources = (os.path.normpath(folder / source), str(folder.parent / "another"))
    job.spec = replace(job.spec, sources=sources, prefix=prefix, options=RARE)

    with pytest.raises(PlanError, match=f"--storage-class.*partway resume {before.id}.*partway cancel {before.id}"):
        job.run(restart=True)

    assert len(strict.journal.calls) == calls


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("sub", {"prefix": "p/", "options": RARE}),
        ("sub", {"prefix": "p/sub/", "endpoint": "http://127.0.0.1:1", "options": RARE}),
        ("sub", {"prefix": "p/sub/", "bucket": "other", "options": RARE}),
        ("sub", {"prefix": "p/sub/"}),
        ("../rooted", {"prefix": "p/ed/", "options": RARE}),
    ],
    ids=["other keys", "other endpoint", "other bucket", "same options", "a name that only begins so"],
)
def test_jobs_that_cannot_harm_each_other_are_not_refused(
    job: Job, folder: Path, source: str, changes: dict[str, object]
) -> None:
    other = replace(job.spec, sources=(os.path.normpath(folder / source),), **changes)  # type: ignore[arg-type]
    record = replace(open_job(job), created_at=0.0)

    assert LaterJobs(job.store).after(record, job.spec) is None
    job.store.jobs.save(replace(record, id="ffffffff", spec=other.to_json(), endpoint=other.endpoint, created_at=1.0))
    assert LaterJobs(job.store).after(record, job.spec) is None


@pytest.mark.parametrize(
    ("source", "prefix"),
    [("sub", "p/sub/"), ("sub/3", "p/sub/"), ("1", "p/"), (".", "p/"), ("/", "?")],
    ids=["a folder below", "a file below", "a file", "the same", "a folder above"],
)
@pytest.mark.parametrize("is_later", [True, False])
def test_a_later_job_is_found_by_what_it_shares(
    job: Job, folder: Path, source: str, prefix: str, is_later: bool
) -> None:
    """One of several sources is enough, whichever job has the parent directory."""
    record = replace(open_job(job), created_at=1.0)
    if source == "/":
        job.spec = replace(job.spec, prefix=f"p{folder}/")
        record = replace(record, spec=job.spec.to_json())
        prefix = "p/"
    job.store.jobs.save(record)
    sources = ("/nowhere", os.path.normpath(folder / source))
    other = replace(job.spec, sources=sources, prefix=prefix, options=RARE)
    created_at = 2.0 if is_later else 0.5
    job.store.jobs.save(replace(record, id="ffffffff", spec=other.to_json(), created_at=created_at))

    found = LaterJobs(job.store).after(record, job.spec)

    assert (found and (found[0].id, found[1])) == (("ffffffff", ["--storage-class"]) if is_later else None)


def test_a_cancelled_later_job_decides_nothing(job: Job) -> None:
    record = replace(open_job(job), created_at=1.0)
    other = replace(job.spec, options=RARE).to_json()
    job.store.jobs.save(replace(record, id="ffffffff", spec=other, status=JobStatus.ABORTED, created_at=2.0))

    assert LaterJobs(job.store).after(record, job.spec) is None


def upload_alone(job: Job, path: Path, key: str) -> None:
    """A separate command, with other options."""
    target = Target(bucket="bucket", key=key, endpoint=job.spec.endpoint, options=RARE)
    settings = UploadSettings(limits=LIMITS, policy=QUICK, part_size=PART)
    upload_file(path, target, EngineContext(backend=job.backend, store=job.store, settings=settings))


@pytest.mark.parametrize("size", [5, 2 * PART])
def test_a_resume_does_not_overwrite_what_a_later_upload_wrote(
    job: Job, strict: StrictS3, folder: Path, size: int
) -> None:
    """Of the same file, with other options.  It is skipped with a reason, and the rest of the job is finished."""
    (folder / "late").write_bytes(os.urandom(size))
    upload_alone(job, folder / "late", "p/late")

    done = job.run(resume=open_job(job).id)

    assert (done.done, done.resumed, done.skipped, done.failed) == (1, 3, 1, 0)
    assert [(each.target, each.reason) for each in job.of(FileSkipped)] == [("s3://bucket/p/late", LATER)]
    assert strict.model.get_object("bucket", "p/late").options.storage_class == "STANDARD_IA"
    assert objects(strict) == files(folder)


def job_of(job: Job, folder: Path) -> Job:
    """A job of another directory to the same destination."""
    spec = replace(job.spec, sources=(str(folder),))
    return Job(spec=spec, backend=job.backend, store=job.store)


def test_a_resume_does_not_overwrite_what_a_later_job_of_other_files_wrote(
    job: Job, strict: StrictS3, folder: Path, tmp_path: Path
) -> None:
    """Small files are not in the uploads; the job's rows are kept as long as another job may write its keys."""
    (folder / "late").write_bytes(b"late")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "late").write_bytes(b"another file")
    assert job_of(job, tmp_path / "others").run().done == 1

    done = job.run(resume=open_job(job).id)

    assert (done.done, done.skipped) == (1, 1)
    assert [(each.target, each.reason) for each in job.of(FileSkipped)] == [("s3://bucket/p/late", LATER)]
    assert strict.model.get_object("bucket", "p/late").body == b"another file"


def test_rows_of_a_job_go_when_nothing_waits_for_its_keys(job: Job, tmp_path: Path) -> None:
    job.run()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "late").write_bytes(b"another file")
    other = job_of(job, tmp_path / "others")

    other.run()

    assert not job.store.jobs.all_totals()


def test_the_command_itself_is_the_last_word(job: Job, strict: StrictS3, folder: Path) -> None:
    """Run again, it sends everything that it has not sent yet."""
    (folder / "late").write_bytes(b"late")
    upload_alone(job, folder / "late", "p/late")

    done = job.run()

    assert (done.done, done.skipped) == (2, 0)
    assert strict.model.get_object("bucket", "p/late").options.storage_class == "STANDARD"


def test_what_was_uploaded_before_the_job_ran_is_the_jobs_to_send(job: Job, strict: StrictS3, folder: Path) -> None:
    """The job is the later command, also if it was run again since."""
    (folder / "late").write_bytes(b"late")
    upload_alone(job, folder / "late", "p/late")
    record = open_job(job)
    job.store.jobs.save(replace(record, updated_at=time.time() + 1))

    assert job.run(resume=record.id).done == 2
    assert strict.model.get_object("bucket", "p/late").options.storage_class == "STANDARD"


def test_a_job_that_was_restarted_meanwhile_is_not_resumed_as_it_was(job: Job, strict: StrictS3) -> None:
    """Its spec was read before another process changed it."""
    before, calls = open_job(job), len(strict.journal.calls)
    job.store.jobs.save(replace(before, spec=replace(job.spec, options=RARE).to_json()))

    with pytest.raises(UploadFailed, match="restarted with other options in the meantime"):
        job.run(resume=before.id)

    assert len(strict.journal.calls) == calls


def test_a_job_that_was_cancelled_meanwhile_is_not_resumed(job: Job, strict: StrictS3) -> None:
    before, calls = open_job(job), len(strict.journal.calls)
    job.store.jobs.save(replace(before, status=JobStatus.ABORTED))

    with pytest.raises(AlreadyEnded, match="already cancelled; there is nothing to resume"):
        job.run(resume=before.id)

    assert len(strict.journal.calls) == calls


def test_jobs_with_other_options_do_not_run_side_by_side(job: Job) -> None:
    """The message has the ID that partway list shows."""
    locked: list[str] = []
    spec = job.spec

    def again(event: object) -> None:
        if isinstance(event, JobStarted) and not locked:
            job.spec = replace(spec, filters=NO_TMP)
            with pytest.raises(StateLocked) as refused:
                job.run(restart=True)
            locked.append(str(refused.value))

    job.on_event = again
    id = open_job(job).id
    job.run()

    assert f"is already sending these files to s3://bucket/p/ (job {id})" in locked[0]
