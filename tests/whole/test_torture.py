"""A short run of the torture, and tests of the torture itself.  Long runs: ``python -m tests.whole.torture``."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from partway.engine.errors import UploadFailed
from partway.engine.proof import proof
from partway.engine.proof.proof import Proof
from partway.engine.run.run import UploadRun
from partway.engine.source import identity
from partway.engine.source.plan import PartSpec
from partway.engine.upload import complete, multipart
from partway.engine.upload import open as opening
from tests.support.simulation.changing_source import ChangingSource
from tests.support.simulation.run import Played, play
from tests.whole.torture import run_folders, run_real, simulate

SIMULATED = range(1, 501)
REAL = range(1, 13)
FOLDERS = (182,)


def test_simulated_stories_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Faults, crashes, edits, cancels, second uploads: the object is the file, or the run said why not."""
    broken = simulate(SIMULATED)

    assert not broken, capsys.readouterr().out


def test_real_stories_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """The same with processes, sockets and signals; the exit codes are the documented ones, and nothing hangs."""
    broken = run_real(REAL)

    assert not broken, capsys.readouterr().out


def test_stories_of_folders_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Jobs of many files, which share their workers: every file arrives, nothing is left and nothing goes twice."""
    broken = run_folders(FOLDERS)

    assert not broken, capsys.readouterr().out


def test_a_seed_tells_the_same_story_again(tmp_path: Path) -> None:
    """A simulated story is determined by its seed."""
    first = [play(seed, tmp_path / "a").log for seed in range(1, 60)]
    second = [play(seed, tmp_path / "a").log for seed in range(1, 60)]

    assert first == second
    assert sum(map(len, first)) > 1000


def find_broken(folder: Path, first: int, most: int = 2000) -> Played:
    """The first story that breaks, starting at the seed ``first``."""
    for seed in range(first, first + most):
        played = play(seed, folder / str(seed))
        if played.broken:
            return played
    raise AssertionError(f"none of {most} stories broke")


def ignore_claims(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(opening, "locked", lambda *_: nullcontext())


def announce_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UploadRun, "save_part", UploadRun.emit_part_done)


def look_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(multipart, "confirm_parts", lambda _: None)


def take_any_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UploadRun, "note_identities", lambda *_: None)


def believe_young_times(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(identity, "_racy_seconds", lambda *_: 0.0)


def ignore_ctime(patch: pytest.MonkeyPatch) -> None:
    shown = ChangingSource.identity
    patch.setattr(ChangingSource, "identity", lambda *args: replace(shown(*args), ctime_ns=1))


def prove_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(complete, "prove", lambda *_, **__: Proof.CRC64NVME)


def trust_any_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(proof, "is_written", lambda *_: True)


def trust_changed_sources(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UploadRun, "source_changed", False)


def keep_nothing(patch: pytest.MonkeyPatch) -> None:
    reconcile = multipart.reconcile  # type: ignore[attr-defined]
    patch.setattr(multipart, "reconcile", lambda plan, *_, **named: reconcile(plan, (), (), **named))


def abort_after_failures(patch: pytest.MonkeyPatch) -> None:
    send = multipart._send

    def send_or_abort(run: UploadRun, missing: Sequence[PartSpec]) -> None:
        try:
            send(run, missing)
        except UploadFailed:
            run.call(lambda s3: s3.abort_upload(run.target, run.record.upload_id or ""))
            raise

    patch.setattr(multipart, "_send", send_or_abort)


MUTATIONS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    ignore_claims: "second upload",
    announce_only: "announced and not recorded",
    look_once: "the object is not what was in the file",
    take_any_file: "",
    believe_young_times: "the object is not what was in the file",
    ignore_ctime: "the object is not what was in the file",
    prove_everything: "the object is not what was in the file",
    trust_any_answer: "the object is not what was in the file",
    trust_changed_sources: "",
    keep_nothing: "sent again",
    abort_after_failures: "aborted an upload by itself",
}


# Few stories show these: start shortly before one that does.
RARE: dict[Callable[[pytest.MonkeyPatch], None], int] = {
    take_any_file: 4_140,
    prove_everything: 190,
    trust_any_answer: 700,
}


@pytest.mark.parametrize("mutate", MUTATIONS, ids=lambda mutate: mutate.__name__)
def test_a_broken_engine_is_found(
    mutate: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each of these defects breaks a story, which reports what was wrong."""
    mutate(monkeypatch)

    played = find_broken(tmp_path, RARE.get(mutate, 1))

    assert MUTATIONS[mutate] in played.broken
    assert played.log
