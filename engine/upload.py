"""The way in: upload a file, finish an unfinished upload, or give one up.

The steps are drawn in docs/architecture.md.  Everything here runs in the caller's thread; parts run on workers.
"""

import mimetypes
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace

from partway.state.records import UploadRecord, UploadStatus
from partway.state.store import StateStore

from . import errors
from .backend import MultipartBackend, ObjectOptions, Target
from .checksum import ChecksumAlgorithm
from .errors import (
    AccessRefused,
    ObjectMissing,
    PartwayError,
    PlanError,
    Refused,
    StateError,
    StateLocked,
    UploadVanished,
)
from .events import EventSink, UploadDone, UploadFailed, UploadSkipped, ignore
from .multipart import send_multipart
from .plan import plan_upload, replan
from .pool import Cancel, Line, WorkerPool
from .run import UploadRun, UploadSettings
from .single import put_whole
from .source import SourceIdentity, identify
from .work import retrying

_ABORTS = 5
_LEARNED_FOR = 30 * 86400.0  # seconds that an endpoint's missing checksum is believed; services are updated


def upload_file(
    path: str | os.PathLike[str],
    target: Target,
    *,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    sink: EventSink = ignore,
    cancel: Cancel | None = None,
    region: str | None = None,
    profile: str | None = None,
    now: Callable[[], float] = time.time,
) -> UploadDone | UploadSkipped:
    """Upload one file and prove that the object equals it; an unfinished upload of the same file is finished.

    After an error, finished parts stay on S3 and in the store, and calling again goes on from there.

    Args:
        path: The file; made absolute, links are not resolved.
        target: Where it goes.  Options that are set and differ from those of the unfinished upload are refused.
        backend: Shared by the workers.
        store: Used from the caller's thread only.
        sink: Told of every event, in the caller's thread.
        cancel: Call it from anywhere to stop; the upload then ends with UploadCancelled within a second.
        region, profile: Noted in the store, so that the upload can be resumed without naming them again.
        now: Seconds since the epoch.

    Returns:
        UploadDone, or UploadSkipped when the key is taken and ``no_overwrite`` is set.

    Raises:
        SourceError: the file cannot be read; SourceChanged: it changed while it was sent.
        PlanError: the part size or the options are not possible.
        StateLocked: another process is sending this file to this target.
        UploadFailed: parts could not be sent; its cause says why.
        RemoteError: the service refused, or could not be reached.
        ProofFailed: the object is there and is not the file.
        UploadCancelled, StateError.
    """
    cancel = cancel or Cancel()
    with _announced(sink, store) as known:
        source = identify(path)
        with _claimed(store, source.path, target):
            record = store.unfinished(source.path, target.endpoint, target.bucket, target.key)
            if record is not None and settings.restart:
                known(record)
                _give_up(record, backend, store, settings, cancel)
                record = None
            fresh = record is None
            if record is None:
                check_key(target, settings)
                target = replace(target, options=_with_content_type(target.options, source, settings))
                plan = plan_upload(source.size, part_size=settings.part_size, limits=settings.limits)
                algorithm = settings.algorithm or _usual_algorithm(store, target, now())
                record = _new_record(source, target, plan.part_size, algorithm, region, profile, now())
            else:
                plan = replan(source.size, record.part_size, limits=settings.limits)
                _check_algorithm(record, settings)
                target = replace(target, options=_frozen_options(record, target.options))
                record = replace(record, run=record.run + 1, holder=_holder())
            run = UploadRun(
                source=source,
                target=target,
                plan=plan,
                record=record,
                backend=backend,
                store=store,
                sink=sink,
                settings=settings,
                cancel=cancel,
                now=now,
            )
            with run.pool:
                if fresh and target.options.no_overwrite and _is_taken(run):
                    skipped = UploadSkipped(source=source.path, target=target.url, reason="the object exists already")
                    sink(skipped)
                    return skipped
                run.save()
                known(record)
                whole = plan.part_count == 1 and record.upload_id is None
                return put_whole(run) if whole else send_multipart(run)


def resume_upload(
    record: UploadRecord,
    *,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    sink: EventSink = ignore,
    cancel: Cancel | None = None,
) -> UploadDone | UploadSkipped:
    """Finish a stored upload; everything but the credentials is in its record.  Otherwise as ``upload_file``."""
    return upload_file(
        record.source,
        target_of(record),
        backend=backend,
        store=store,
        settings=settings,
        sink=sink,
        cancel=cancel,
        region=record.region,
        profile=record.profile,
    )


def cancel_upload(
    record: UploadRecord,
    *,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings = UploadSettings(),  # noqa: B008 - frozen
    cancel: Cancel | None = None,
) -> None:
    """Abort the upload on S3, make sure that no part is left, and mark it aborted.

    Raises:
        StateLocked: a process is sending it; stop that first.
        RemoteError: the service refused or is away; nothing is marked, so cancel again.
        UploadFailed: parts kept coming back.
    """
    target = target_of(record)
    with _claimed(store, record.source, target):
        _give_up(record, backend, store, settings, cancel or Cancel())


def target_of(record: UploadRecord) -> Target:
    """The target of a stored upload, with the options it was created with."""
    return Target(
        bucket=record.bucket,
        key=record.key,
        endpoint=record.endpoint,
        options=ObjectOptions.from_json(record.options),
    )


def check_key(target: Target, settings: UploadSettings) -> None:
    """Refuse a key that S3 would.

    Raises:
        PlanError: too long, or no UTF-8.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    try:
        length = len(target.key.encode())
    except UnicodeEncodeError:
        raise PlanError("the key is not valid UTF-8; name the key in the target, or rename the file") from None
    if length > settings.limits.max_key_bytes:
        raise PlanError(f"the key has {length:,} bytes; S3 takes at most {settings.limits.max_key_bytes:,}")


@contextmanager
def _announced(sink: EventSink, store: StateStore) -> Iterator[Callable[[UploadRecord], None]]:
    """Tell the sink of the error that ends the block, with the upload's id once it has one."""
    id = ""

    def known(record: UploadRecord) -> None:
        nonlocal id
        id = record.id

    try:
        yield known
    except PartwayError as error:
        resumable = isinstance(error, StateLocked)
        if id and not isinstance(error, StateError):
            resumable = not _forget_if_nothing_began(store, id, error)
        sink(UploadFailed(upload=id, error=str(error), resumable=resumable))
        raise


def _forget_if_nothing_began(store: StateStore, id: str, error: PartwayError) -> bool:
    """Forget an upload that was refused before S3 had anything of it: there is nothing to resume."""
    record = store.upload(id)
    if record is None or record.upload_id is not None or not isinstance(error, Refused):
        return False
    store.remove_upload(id)
    return True


@contextmanager
def _claimed(store: StateStore, source: str, target: Target) -> Iterator[None]:
    """Hold the claim; when somebody else has it, say who."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.claim(source, target.endpoint, target.bucket, target.key))
        except StateLocked as error:
            record = store.unfinished(source, target.endpoint, target.bucket, target.key)
            holder = (record and record.holder) or "another process"
            raise StateLocked(
                f"{holder} is already sending {source} to {target.url}; wait until it ends, or stop it"
            ) from error
        yield


def _holder() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _usual_algorithm(store: StateStore, target: Target, now: float) -> ChecksumAlgorithm:
    known = store.known_algorithm(target.endpoint, since=now - _LEARNED_FOR)
    return ChecksumAlgorithm(known or ChecksumAlgorithm.CRC64NVME)


def _new_record(
    source: SourceIdentity,
    target: Target,
    part_size: int,
    algorithm: ChecksumAlgorithm,
    region: str | None,
    profile: str | None,
    now: float,
) -> UploadRecord:
    return UploadRecord(
        id=secrets.token_hex(4),
        status=UploadStatus.OPEN,
        source=source.path,
        size=source.size,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
        bucket=target.bucket,
        key=target.key,
        endpoint=target.endpoint,
        region=region,
        profile=profile,
        options=target.options.to_json(),
        part_size=part_size,
        checksum_algorithm=algorithm.value,
        upload_id=None,
        run=1,
        created_at=now,
        updated_at=now,
        holder=_holder(),
    )


def _frozen_options(record: UploadRecord, wanted: ObjectOptions) -> ObjectOptions:
    """The options S3 froze when the upload was created.

    Raises:
        PlanError: the user now wants others; neither the old nor the new can be taken for granted.
    """
    frozen = ObjectOptions.from_json(record.options)
    for field in fields(ObjectOptions):
        now, then = getattr(wanted, field.name), getattr(frozen, field.name)
        if now and now != then:
            raise PlanError(
                f"upload {record.id} of this file was begun with another {field.name.replace('_', ' ')}, and S3 "
                "cannot change it now; leave the option away to finish it as it is, or start over with --restart"
            )
    return frozen


def _check_algorithm(record: UploadRecord, settings: UploadSettings) -> None:
    if settings.algorithm not in (None, record.checksum_algorithm):
        raise PlanError(
            f"upload {record.id} of this file was begun with {record.checksum_algorithm} checksums; leave "
            "--checksum-algorithm away to finish it as it is, or start over with --restart"
        )


def _with_content_type(options: ObjectOptions, source: SourceIdentity, settings: UploadSettings) -> ObjectOptions:
    if options.content_type is not None or not settings.guess_content_type:
        return options
    guessed, encoding = mimetypes.guess_type(source.path)
    # A compressed file is not of its inner type: aws names none either.
    return options if guessed is None or encoding is not None else replace(options, content_type=guessed)


def _is_taken(run: UploadRun) -> bool:
    """True when the object exists; False also when these credentials may not look, since S3 decides at the end."""
    try:
        run.call(lambda s3: s3.head_object(run.target, run.algorithm))
    except (ObjectMissing, AccessRefused):
        return False
    return True


def _give_up(
    record: UploadRecord,
    backend: MultipartBackend,
    store: StateStore,
    settings: UploadSettings,
    cancel: Cancel,
) -> None:
    """Abort, and again while ListParts shows parts: one that was in flight may arrive after the first abort.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
    """
    target, upload_id = target_of(record), record.upload_id
    algorithm = ChecksumAlgorithm(record.checksum_algorithm)

    def abort(line: Line) -> None:
        s3 = retrying(backend, settings.policy, line, contacted=False)
        assert upload_id is not None
        for _ in range(_ABORTS):
            try:
                s3.abort_upload(target, upload_id)
                if not s3.list_parts(target, upload_id, algorithm):
                    return
            except UploadVanished:
                return
            line.sleep(1.0)
        raise errors.UploadFailed(f"S3 still lists parts of upload {record.id}; cancel it again", resumable=True)

    if upload_id is not None:
        with WorkerPool(1, cancel=cancel, hear=lambda _: None) as pool:
            pool.run(abort)
    store.save_upload(replace(record, status=UploadStatus.ABORTED))
    store.replace_parts(record.id, ())
