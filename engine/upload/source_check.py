"""Check the source before the object is created: does the file still have the bytes that were sent?

Unchanged times prove that the file is unchanged.  If a time changed, the bytes decide: a chmod, a hard link or a file
server whose clocks disagree costs one more read of the file, and only different bytes are an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from partway.state.uploads import PartRecord

from ..backend.target import Target
from ..checksums import ChecksumAlgorithm
from ..errors import PartwayError, SourceChanged, SourceError, UploadFailed
from ..run.run import UploadRun
from ..run.settings import UploadSettings
from ..source.identity import SourceIdentity
from ..source.memory_files import is_in_memory
from ..source.part_reader import PartReader
from ..source.plan import PartSpec
from ..workers.channel import WorkerContext
from ..workers.part_tasks import HashTask, hash_part

# Advice for an object that was created from a file that has changed since.
KEPT = "--no-overwrite keeps that object: remove it, or start over with --restart and without --no-overwrite"

_MAX_PASSES = 3  # comparisons of a file that changes while it is compared


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChecks:
    """How strictly the source is checked before the object is created.

    updated: False accepts a file that grows or is touched: its content at the start is sent.
    bytes: True reads the file again and compares every part, even when its times are unchanged.
    """

    updated: bool = True
    bytes: bool = False

    @classmethod
    def of(cls, settings: UploadSettings) -> "SourceChecks":
        """The checks that the settings ask for."""
        return cls(updated=settings.check_updated, bytes=settings.verify_source)

    def check_size(self, source: SourceIdentity, seen: SourceIdentity) -> None:
        """Reject a file whose size has changed.

        Raises:
            SourceChanged
        """
        if seen.size > source.size and self.updated:
            raise SourceChanged(
                f"{source.path} grew while it was sent; run again when it is complete, or send its "
                "content at the start with --local-no-check-updated"
            )
        if seen.size < source.size:
            raise SourceChanged(f"{source.path} shrank while it was sent; run again when it is complete")


def note_source(run: UploadRun, identities: Iterable[SourceIdentity]) -> None:
    """Note the identities of the files that a part was read from.

    Raises:
        SourceChanged: the size has changed, so sending more is useless.
        StateError.
    """
    run.note_identities(identities)
    for each in identities:
        SourceChecks.of(run.settings).check_size(run.source, each)


def confirm_parts(run: UploadRun) -> None:
    """Make sure, before Complete, that the recorded parts match the file.

    Raises:
        SourceChanged: a part no longer matches, the size has changed, or the file keeps changing.
        SourceError, UploadCancelled, StateError.
    """
    checks = SourceChecks.of(run.settings)
    now = run.context.runtime.identify(run.source.path)
    checks.check_size(run.source, now)
    may_differ = now != run.source or run.other_identities or is_in_memory(now.device)
    if checks.bytes or (checks.updated and may_differ):
        _compare_parts(run, checks)


def _compare_parts(run: UploadRun, checks: SourceChecks) -> None:
    stored = run.store.parts(run.record.id)
    for _ in range(_MAX_PASSES):
        now = run.pool.run(lambda worker: worker.identify_settled(run.source.path))
        checks.check_size(run.source, now)
        # Identify it twice: some FUSE file systems assign a new inode each time a file is opened.
        is_stable = run.context.runtime.identify(run.source.path).inode == now.inode
        state = _whole if is_stable else _times
        # A state seen before the comparison started cannot come from a write during it: it comes from a server whose
        # replicas disagree.
        known = (now, run.source, *run.other_identities)
        before = {state(each) for each in known if each.inode == now.inode or not is_stable}
        seen: set[SourceIdentity] = set()
        if differs(run, stored, seen, in_process=True):
            run.distrust_source()
            raise SourceChanged(
                f"{run.source.path} changed while it was sent; nothing was completed, "
                "run again to send the parts that differ"
            )
        seen.add(run.context.runtime.identify(run.source.path))
        run.note_identities(seen)
        if not checks.updated or {state(each) for each in seen} <= before:
            run.trust_source(now)
            return
    raise SourceChanged(
        f"{run.source.path} keeps changing; nothing was completed. Run again when it is complete, or send what "
        "is there at the start with --local-no-check-updated"
    )


def differs(
    run: UploadRun, stored: Iterable[PartRecord], seen: set[SourceIdentity] | None = None, *, in_process: bool = False
) -> bool:
    """True when the source differs from a stored part.

    Args:
        stored: Every part of the plan.
        seen: Collects the identities of the files that were read.
        here: As in ``UploadRun.hash``.

    Raises:
        SourceError, SourceChanged, UploadCancelled.
    """
    checksums = {part.number: part.checksum for part in stored}
    for local in run.hash(run.plan.parts(), md5=False, in_process=in_process):
        if seen is not None:
            seen.update(local.identities)
        if local.checksum != checksums[local.number]:
            return True
    return False


def _whole(identity: SourceIdentity) -> object:
    return identity


def _times(identity: SourceIdentity) -> object:
    return identity.size, identity.mtime_ns, identity.ctime_ns


class WholeSourceCheck:
    """Like ``confirm_parts``, for a file that is sent with one PutObject.  Runs on a worker, any number of times.

    Args:
        source: The file as it was identified.
        worker: The context of the task that sends it.
    """

    def __init__(
        self,
        source: SourceIdentity,
        algorithm: ChecksumAlgorithm,
        checks: SourceChecks,
        worker: WorkerContext,
    ) -> None:
        self._source = source
        self._worker = worker
        self._algorithm = algorithm
        self._checks = checks
        self._accepted = {source}
        self._is_due = checks.bytes
        self._is_always_due = is_in_memory(source.device) and checks.updated

    def check(self, body: PartReader) -> None:
        """Make sure that the bytes being sent still match the file.

        Raises:
            SourceChanged: they do not.
            SourceError: the file can no longer be read.
            UploadCancelled.
        """
        seen = {body.identify(), self._worker.identify(self._source.path)}
        for each in seen:
            self._checks.check_size(self._source, each)
        if not (self._is_due or self._is_always_due) and (seen <= self._accepted or not self._checks.updated):
            return
        # The current identity is accepted only if a later write would change it.
        now = self._worker.identify_settled(self._source.path)
        whole = PartSpec(number=1, offset=0, size=self._source.size)
        found = hash_part(
            HashTask(path=self._source.path, spec=whole, algorithm=self._algorithm, md5=False), self._worker
        )
        if found.checksum != body.checksum:
            raise SourceChanged(f"{self._source.path} changed while it was sent; run again to send it as it is now")
        # Drop identities accepted before, and those of other files: the path may lead to such a file again.
        self._accepted = {each for each in (*seen, now) if each.inode == now.inode}
        self._is_due = False

    def changed_since_sent(self, body: PartReader, target: Target) -> PartwayError | None:
        """After the object was created: an error that says how the file has changed and what to do; None when it still
        matches the object.

        Raises:
            UploadCancelled.
        """
        try:
            self.check(body)
        except SourceError as error:
            sentence = f"{target.url} was created from the content that had been read, but {error}"
            if target.options.no_overwrite:
                return UploadFailed(f"{sentence}; {KEPT}", resumable=False)
            return SourceChanged(sentence)
        return None
