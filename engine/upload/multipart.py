"""Upload a source in several parts: create, reconcile, send what is missing, complete, verify."""

from collections import Counter
from collections.abc import Sequence

from partway.state.uploads import PartRecord, UploadStatus

from ..backend.responses import PartReceipt
from ..checksums import ChecksumAlgorithm
from ..errors import (
    ChecksumUnsupported,
    Conflict,
    PartsRefused,
    Refused,
    RemoteError,
    SourceChanged,
    UploadFailed,
    UploadVanished,
    is_resumable,
)
from ..events.upload import UploadDone, UploadRenewed
from ..resume.reconcile import Reconciliation, reconcile, verify_part
from ..run.run import UploadRun
from ..source.plan import PartSpec
from ..workers.outcome import TaskFailed
from ..workers.part_tasks import SendTask, send_part
from . import part_limit
from .complete import complete, finish_if_completed
from .create import create
from .source_check import confirm_parts, differs, note_source


def send_multipart(run: UploadRun) -> UploadDone:
    """Finish the upload from its current state.

    Most uploads take one round.  Another round starts when S3 reports something that invalidates parts: it does not
    support the checksum, no longer knows the upload, or does not accept the parts.  Each may happen a few times.

    Raises:
        UploadFailed: some parts could not be sent; its ``__cause__`` says why.
        RemoteError, SourceError, ProofFailed, UploadCancelled, StateError.
    """
    happened: Counter[type[Refused]] = Counter()
    denied_with = -1
    while True:
        try:
            return _round(run)
        except (ChecksumUnsupported, UploadVanished, Conflict, PartsRefused) as error:
            if isinstance(error, UploadVanished) and denied_with != (parts := len(run.store.parts(run.record.id))):
                # A single NoSuchUpload proves nothing: the next round checks with ListParts.
                denied_with = parts
                continue
            happened[type(error)] += 1
            if happened[type(error)] > (3 if isinstance(error, ChecksumUnsupported) else 2):
                raise
            match error:
                case ChecksumUnsupported():
                    # A truncated response lacks the checksum, too: recorded parts show that the service supports it.
                    if happened[type(error)] > 2 or not run.store.parts(run.record.id):
                        run.fall_back(error)
                case PartsRefused() if happened[type(error)] == 1 or not _may_have_parts_beyond(run):
                    # The receipts cannot be trusted: verify the listed parts against the local bytes instead.
                    run.store.replace_parts(run.record.id, ())
                case UploadVanished() if is_listed(run):
                    # Denied twice with nothing sent in between, but only the user may discard parts that are listed.
                    raise UploadVanished(
                        f"{error}, but lists its parts; run again, or start over with --restart",
                        operation=error.operation,
                        code=error.code,
                        status=error.status,
                    ) from error
                case _:
                    # The upload is gone, or its source got shorter: some services require all parts in Complete.
                    restart_multipart(run, error)


def _round(run: UploadRun) -> UploadDone:
    stored = run.store.parts(run.record.id)
    maybe_done = run.record.status is UploadStatus.COMPLETING and _is_source_of(run, stored)
    missing: Sequence[PartSpec] = tuple(run.plan.parts())
    kept: Sequence[PartRecord] = ()
    listed: Sequence[PartReceipt] | None = ()
    if run.record.upload_id is not None:
        try:
            listed = _list(run)
        except UploadVanished as error:
            if maybe_done and (done := finish_if_completed(run, stored, gone=True)):
                return done
            restart_multipart(run, error)
    if run.record.upload_id is None:
        create(run)
    else:
        found = reconcile(run.plan, stored, listed, source_changed=run.source_changed)
        if (
            maybe_done
            and (found.unverified or found.send)
            and (done := finish_if_completed(run, stored, gone=not listed))
        ):
            return done
        kept, missing = _settle(run, stored, found)
    # Only now, after the parts have been compared with this source, may the record name it.
    run.save_source(status=UploadStatus.OPEN)
    run.emit_started(kept)
    _send(run, missing)
    confirm_parts(run)
    try:
        return complete(run, again=maybe_done)
    except Refused as error:
        check_part_limit(run, error, run.plan.part_count)
        raise


def _is_source_of(run: UploadRun, stored: Sequence[PartRecord]) -> bool:
    """True when every part of the plan was read from the current source.  If its times changed, the bytes decide."""
    if not run.source_changed:
        return True
    sizes = {spec.number: spec.size for spec in run.plan.parts()}
    if {part.number: part.size for part in stored} != sizes or differs(run, stored):
        return False
    run.save_source()
    return True


def restart_multipart(run: UploadRun, error: Refused) -> None:
    """Continue with a new multipart upload.  The parts of the old one are lost."""
    run.emit(UploadRenewed(upload=run.record.id, reason=str(error)))
    run.forget_parts()


def _list(run: UploadRun) -> list[PartReceipt] | None:
    return run.call(lambda s3: s3.list_parts(run.target, run.upload_id, run.algorithm))


def is_listed(run: UploadRun) -> bool:
    """True when S3 lists parts of the upload."""
    try:
        return bool(_list(run))
    except UploadVanished:
        return False


def _may_have_parts_beyond(run: UploadRun) -> bool:
    listed = _list(run)
    return listed is None or any(row.number > run.plan.part_count for row in listed)


def _settle(
    run: UploadRun, stored: Sequence[PartRecord], found: Reconciliation
) -> tuple[list[PartRecord], list[PartSpec]]:
    """Compare unverified parts with the local bytes, store those that match, and return the kept and missing parts."""
    kept = {part.number: part for part in found.keep}
    missing = {spec.number: spec for spec in found.send}
    unverified = {each.spec.number: each for each in found.unverified}
    needs_md5 = any(each.needs_md5 for each in found.unverified)
    for local in run.hash([each.spec for each in found.unverified], md5=needs_md5):
        number = local.number
        md5 = local.checksum if run.algorithm is ChecksumAlgorithm.MD5 else local.md5
        # A part that only the server knew was sent by an earlier run that died before it could record it, or by an
        # earlier round of this run.
        sent_in = run.record.run if number in run.sent_numbers else run.record.run - 1
        part = verify_part(unverified[number], checksum=local.checksum, md5=md5, run=sent_in)
        if part is None:
            missing[number] = unverified[number].spec
        else:
            kept[number] = part
    in_order = [kept[number] for number in sorted(kept)]
    if in_order != stored:
        run.store.replace_parts(run.record.id, in_order)
    return in_order, [missing[number] for number in sorted(missing)]


def check_part_limit(run: UploadRun, failure: BaseException, planned: int | None) -> None:
    """Explain how to start over when a service accepts fewer parts than planned.

    planned: the number of parts; None for a stream.

    Raises:
        UploadFailed: the failure is, or may be, caused by a part limit.
    """
    if not isinstance(failure, Refused):
        return
    found = part_limit.advice(failure, [part.number for part in run.store.parts(run.record.id)], planned)
    if found is not None:
        todo, is_sure = found
        raise UploadFailed(f"{failure}; {todo}", resumable=False, starts_over=is_sure) from failure


def _send(run: UploadRun, missing: Sequence[PartSpec]) -> None:
    """Send parts.  After a failure no new part starts, but parts in flight finish and are recorded."""
    tasks = (
        SendTask(
            backend=run.backend,
            policy=run.settings.policy,
            target=run.target,
            upload_id=run.upload_id,
            path=run.source.path,
            spec=spec,
            algorithm=run.algorithm,
        )
        for spec in missing
    )
    failures: list[BaseException] = []
    sent = 0
    for outcome in run.pool.stream(send_part, tasks, stop_when=lambda: bool(failures)):
        if isinstance(outcome, TaskFailed):
            failures.append(outcome.error)
            continue
        run.reached()
        receipt = outcome.result.receipt
        run.count_sent(receipt.number, receipt.size)
        try:
            note_source(run, outcome.result.identities)
        except SourceChanged as error:
            # The part is still recorded: the next run compares it.
            failures.append(error)
        if receipt.checksum is None and run.settings.needs_checksum(run.algorithm):
            failures.append(
                ChecksumUnsupported(
                    f"the service did not answer with a {run.algorithm} checksum", operation="UploadPart"
                )
            )
            continue
        run.save_part(
            PartRecord(
                number=receipt.number,
                size=receipt.size,
                etag=receipt.etag,
                checksum=outcome.result.checksum,
                run=run.record.run,
            )
        )
        sent += 1
    if not failures:
        return
    failure = failures[0]
    check_part_limit(run, failure, run.plan.part_count)
    if isinstance(failure, RemoteError) and not isinstance(failure, (ChecksumUnsupported, UploadVanished)):
        raise UploadFailed(
            f"{len(missing) - sent:,} of {run.plan.part_count:,} parts could not be sent: {failure}",
            resumable=is_resumable(failure),
        ) from failure
    raise failure
