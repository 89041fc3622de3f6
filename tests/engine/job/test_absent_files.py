"""Files of a job that no longer exist: a disk that is not mounted, an emptied directory, a file that vanished while
unfinished.  The job is neither deleted nor reported as done until the user accepts that."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from partway.engine.errors import UploadFailed
from partway.engine.events.upload import FileFailed
from partway.engine.s3.backend import S3Backend
from partway.engine.walk.spec import JobSpec
from partway.state.jobs import JobRecord, JobStatus
from partway.state.uploads import UploadStatus
from tests.support.engine.job_case import Job, files, objects
from tests.support.engine.upload_case import PART
from tests.support.s3_faults.faults import Fault, Stage
from tests.support.s3_faults.responses import access_denied
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell

SMALL = ("1", "2", "sub/3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small files and a multipart one."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for name in SMALL:
        (root / name).write_bytes(name.encode())
    (root / "large").write_bytes(os.urandom(3 * PART))
    return root


@dataclass
class Listed(Job):
    """A job whose files are in a list."""

    names: tuple[str, ...] = ()

    def sources(self) -> Iterable[tuple[str, str | None]]:
        return [(f"{self.spec.sources[0]}/{name}", name) for name in self.names]


@pytest.fixture
def spec(folder: Path, backend: S3Backend) -> JobSpec:
    return JobSpec(sources=(str(folder),), bucket="bucket", prefix="p/", endpoint=backend.endpoint, part_size=PART)


@pytest.fixture
def job(spec: JobSpec, strict: StrictS3, backend: S3Backend) -> Job:
    """Three files are done, the large one is partly sent."""
    job = Job(spec=spec, backend=backend)
    interrupt(job, strict)
    return job


def interrupt(job: Job, strict: StrictS3) -> None:
    """A run in which the last part is refused."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=access_denied(), part_number=3))
    assert job.run().failed == 1
    strict.faults.clear()
    job.events.clear()


def unmount(folder: Path) -> Path:
    """Empty the directory, like a mount point without its disk; returns where the files are now."""
    away = folder.rename(folder.with_name("away"))
    folder.mkdir()
    return away


def mount(folder: Path, away: Path) -> None:
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    away.rename(folder)


def the_job(job: Job) -> JobRecord:
    (record,) = job.store.jobs.all()
    return record


@pytest.mark.parametrize("stray", [False, True])
def test_a_disk_that_is_not_mounted_ends_no_job(job: Job, strict: StrictS3, folder: Path, stray: bool) -> None:
    """Even if one stray file is in its place; with the disk mounted again, only the pending files are sent."""
    away = unmount(folder)
    if stray:
        (folder / "stray").write_bytes(b"stray")

    done = job.run()

    assert (done.missing, done.resumable) == (3, True)
    assert the_job(job).status is JobStatus.OPEN
    mount(folder, away)
    before = len(strict.journal.calls)
    done = job.run(prune=True) if stray else job.run()
    assert (done.resumed, done.done, done.missing) == (3, 1, 0)
    assert {call.key for call in strict.journal.calls[before:]} == {"p/large"}
    assert {name: body for name, body in objects(strict).items() if name != "p/stray"} == files(folder)
    assert the_job(job).status is JobStatus.COMPLETED


def test_a_folder_that_is_empty_now_is_named(job: Job, folder: Path) -> None:
    """One of two sources, of which nothing was done yet, while all files of the other were found."""
    other = folder.parent / "other"
    other.mkdir()
    job.store.jobs.save(replace(the_job(job), spec=replace(job.spec, sources=(str(folder), str(other))).to_json()))
    job.spec = replace(job.spec, sources=(str(folder), str(other)))

    done = job.run()

    assert (done.missing, done.failed, done.resumable) == (0, 1, True)
    (failed,) = job.of(FileFailed)
    assert (failed.source, "now empty" in failed.error, "--prune" in failed.error) == (str(other), True, True)
    assert job.run(prune=True).failed == 0
    assert the_job(job).status is JobStatus.COMPLETED


def test_a_mount_point_that_is_gone_with_its_disk_is_named(job: Job, strict: StrictS3, folder: Path) -> None:
    """As of a removable disk: the job stays open, as for a disk whose mount point remains."""
    away = folder.rename(folder.with_name("away"))

    done = job.run()

    assert (done.missing, done.resumable) == (3, True)
    assert any("--prune" in each.error for each in job.of(FileFailed) if each.source == str(folder))
    away.rename(folder)
    assert job.run().failed == 0
    assert objects(strict) == files(folder)
    assert the_job(job).status is JobStatus.COMPLETED


def test_prune_accepts_that_a_folder_is_gone(job: Job, strict: StrictS3, folder: Path) -> None:
    """Its parts are removed from S3, and its objects stay."""
    folder.rename(folder.with_name("away"))

    assert job.run(prune=True).failed == 0

    assert strict.model.open_uploads == ()
    assert set(objects(strict)) == {f"p/{name}" for name in SMALL}
    assert the_job(job).status is JobStatus.COMPLETED


def test_a_new_job_may_have_an_empty_folder(job: Job, folder: Path) -> None:
    other = folder.parent / "other"
    other.mkdir()
    job.spec = replace(job.spec, sources=(str(folder), str(other)), prefix="q/")

    assert (job.run().failed, the_last(job).status) == (0, JobStatus.COMPLETED)


def the_last(job: Job) -> JobRecord:
    return job.store.jobs.all()[-1]


def test_a_job_of_which_nothing_is_known_yet_stays_too(job: Job, folder: Path) -> None:
    """It was killed before its first file was done, and the walk finds no files."""
    for upload in job.store.uploads():
        job.store.delete_upload(upload.id)
    job.store.jobs.delete_files(the_job(job).id)
    unmount(folder)
    (folder / "nothing").mkdir()

    with pytest.raises(UploadFailed, match=r"exists; restore them .* --prune") as failure:
        job.run()

    assert failure.value.resumable
    assert the_job(job).status is JobStatus.OPEN
    assert job.run(prune=True).done == 0
    assert the_job(job).status is JobStatus.COMPLETED


def test_a_file_that_vanished_half_sent_is_named(job: Job, strict: StrictS3, folder: Path) -> None:
    """With how to cancel its upload, which is not aborted; the job stays open, and ends once that is cancelled."""
    (folder / "large").unlink()
    (upload,) = job.store.uploads()

    done = job.run()

    assert (done.failed, done.missing, done.resumable) == (1, 0, True)
    (failed,) = job.of(FileFailed)
    assert failed.source == str(folder / "large")
    assert "2 parts of it are on S3" in failed.error
    assert failed.error.endswith(f"partway cancel {upload.id}")
    assert len(strict.model.open_uploads) == 1
    assert the_job(job).status is JobStatus.OPEN
    job.store.save_upload(replace(upload, status=UploadStatus.ABORTED))
    assert job.run().failed == 0
    assert the_job(job).status is JobStatus.COMPLETED


def test_prune_accepts_that_files_are_gone(job: Job, strict: StrictS3, folder: Path) -> None:
    """The parts of vanished unfinished files are removed; objects stay, and new files are sent."""
    (folder / "large").unlink()
    (folder / "1").unlink()
    (folder / "new").write_bytes(b"new")

    done = job.run(prune=True)

    assert (done.done, done.resumed, done.failed, done.missing) == (1, 2, 0, 0)
    assert strict.model.open_uploads == ()
    assert set(objects(strict)) == {f"p/{name}" for name in (*SMALL, "new")}
    assert the_job(job).status is JobStatus.COMPLETED


def test_prune_takes_nothing_for_gone_that_may_be_out_of_sight(job: Job, strict: StrictS3, folder: Path) -> None:
    """Some entry could not be read, so the files may still exist."""
    (folder / "large").unlink()
    (folder / "1").unlink()
    (folder / "broken").symlink_to("nowhere")

    done = job.run(prune=True)

    assert (done.failed, done.missing) == (2, 1)
    assert len(strict.model.open_uploads) == 1
    assert the_job(job).status is JobStatus.OPEN


def test_a_file_that_failed_is_missed_too(job: Job, strict: StrictS3, folder: Path) -> None:
    """It was never sent, so ending the job without it would skip it silently."""
    (folder / "new").write_bytes(b"new")
    refusal = Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied())
    strict.faults.add(refusal)
    assert job.run().failed == 1
    (folder / "new").unlink()

    assert (job.run().missing, the_job(job).status) == (1, JobStatus.OPEN)


def test_another_list_decides_by_itself(spec: JobSpec, strict: StrictS3, backend: S3Backend) -> None:
    """Files that it does not list are not missing; an unfinished one that exists can be resumed by itself."""
    job = Listed(spec=replace(spec, listed="/list"), backend=backend, names=("1", "2", "large"))
    interrupt(job, strict)
    job.names = ("2", "sub/3")

    done = job.run()

    assert (done.resumed, done.done, done.failed, done.missing) == (1, 1, 0, 0)
    assert the_job(job).status is JobStatus.COMPLETED
    assert [upload.status for upload in job.store.uploads()] == [UploadStatus.OPEN]


def test_a_file_that_vanished_half_sent_is_named_without_its_name_in_the_list(
    spec: JobSpec, strict: StrictS3, backend: S3Backend, folder: Path
) -> None:
    """Otherwise its parts would stay on S3 unnoticed."""
    job = Listed(spec=replace(spec, listed="/list"), backend=backend, names=("1", "large"))
    interrupt(job, strict)
    (folder / "large").unlink()
    job.names = ("1",)

    done = job.run()

    assert (done.failed, done.resumable, the_job(job).status) == (1, True, JobStatus.OPEN)
    assert [failed.source for failed in job.of(FileFailed)] == [str(folder / "large")]


def test_a_list_that_names_nothing_ends_no_job(spec: JobSpec, strict: StrictS3, backend: S3Backend) -> None:
    """The list may be truncated, or written by a command that failed."""
    job = Listed(spec=replace(spec, listed="/list"), backend=backend, names=("1", "2", "large"))
    interrupt(job, strict)
    job.names = ()

    done = job.run()

    assert (done.missing, done.resumable) == (2, True)
    assert the_job(job).status is JobStatus.OPEN


def test_resume_all_names_what_is_missing_until_it_is_accepted(shell: Shell, server: StrictS3) -> None:
    """75 with the files and both ways to resume; the same job ends with 0 when their absence is accepted."""
    folder = shell.folder / "many"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}").write_bytes(b"%d" % number)
    server.faults.add(Fault(operation="PutObject", stage=Stage.AFTER_BODY, action=access_denied()))
    job = shell.run("upload", "-r", "many", "s3://bucket/p/", "--json").event("job_done")["job"]
    unmount(folder)
    (folder / "stray").write_bytes(b"stray")

    result, told = shell.run("resume", "--all", "--quiet"), shell.run("resume", "--all", "--json")

    assert (result.code, told.code) == (75, 75)
    assert result.errors == ["error: 30 files of earlier runs no longer exist (is a disk not mounted?):"]
    assert "  s3://bucket/p/00: done" in result.err.splitlines()
    assert "  and 10 more" in result.err.splitlines()
    assert f"resume {job} --prune" in result.err
    done = told.event("job_done")
    assert (done["missing"], done["resumable"]) == (30, True)
    assert shell.run("resume", "--all", "--prune").code == 0
    assert shell.run("list").out == "no unfinished uploads\n"
