"""Run a cell of the fault matrix against a strict S3, and tell what happened."""

import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Self, assert_never
from unittest.mock import patch

from partway.cli.runtime.exit_codes import exit_code
from partway.engine.backend.target import ObjectOptions
from partway.engine.errors import PartwayError
from partway.engine.events import Event
from partway.engine.events.upload import PartDone
from partway.engine.retry.policy import RetryPolicy
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.upload.abort import cancel_upload
from partway.engine.workers.channel import CancelToken
from partway.state.uploads import UNFINISHED
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Action, Answer, CallFunction, Fault, Stage
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import NO_QUIRKS, Quirks
from tests.support.s3_server.request_log import Journal, aborted_with_parts
from tests.support.s3_server.server import StrictS3
from tests.support.s3_server.sigv4 import Credentials

from .case import Cell, Expiring, Listing, Operation, Outcome, Program, Refusing, Rotating, Scripted, Times
from .credential_process import LATER, SOON, CredentialProgram
from .expected import DONE_BEFORE, PARTS
from .faults import ANSWER_TIMEOUT, NO_UPLOAD
from .switched_backend import Switch, SwitchedBackend

SIZE = (PARTS - 1) * PART + 10
MANY = 12  # parts, so that their numbers sort differently as text
HIT = 4  # the part whose calls go wrong
DEADLINE = 60.0  # seconds for one command; no cell needs more than three on a machine with nothing else to do
PATIENCE = 30.0  # seconds for an answer; longer than any answer takes that comes
POLICY = RetryPolicy(attempts=6, first_wait=0.001, max_wait=0.01, budget=PATIENCE, first_contact=PATIENCE)
# Only for who waits in vain: what comes back must not be too late.
SHORT_POLICY = replace(POLICY, budget=0.3, first_contact=0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one command ended.  sentence: what the user reads when it failed."""

    outcome: Outcome
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened in a cell: a command with the trouble, and one without it unless all was done.

    again: parts that were sent again after they were recorded.
    aborts: AbortMultipartUpload requests that nobody wished for, of uploads to which a part was sent.
    lost: recorded parts that neither an upload that S3 still knows nor the object has after the first command.
    is_right: the object is the file, or, after a cancel, S3 and store have nothing of it any more.
    """

    first: Ended
    second: Ended
    again: int
    aborts: int
    lost: int
    is_right: bool
    proof: str | None


@dataclass(kw_only=True)
class _Recorded:
    """Which parts were recorded, and how many requests had come by then."""

    journal: Journal
    parts: dict[int, int] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        if isinstance(event, PartDone):
            self.parts.setdefault(event.number, len(self.journal.calls))

    def sent_again(self) -> int:
        later = {
            call.part_number
            for index, call in enumerate(self.journal.calls)
            if call.operation == Operation.PART and index >= self.parts.get(call.part_number or 0, index + 1)
        }
        return len(later)


class Lab:
    """A server and clients that many cells share; it works inside ``with``.

    tls: The server speaks https.
    """

    def __init__(self, *, tls: bool = False) -> None:
        self._stack = ExitStack()
        self._tls = tls
        self._spare = itertools.count(11)

    def __enter__(self) -> Self:
        with self._stack:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="fault-matrix-")))
            self.server = self._stack.enter_context(StrictS3(_model(), tls=self._tls))
            self._program = CredentialProgram(folder)
            self._environment = self.server.environment() | {"AWS_CONFIG_FILE": str(self._program.config_file)}
            self._files = {count: folder / f"{count}.bin" for count in (1, PARTS, MANY)}
            for count, path in self._files.items():
                path.write_bytes(Random(count).randbytes((count - 1) * PART + 10))
            self._config = S3Config(
                endpoint_url=self.server.url, region=self.server.region, send_timeout=PATIENCE, answer_timeout=PATIENCE
            )
            self._backend = self._new_backend()
            self._impatient = self._new_backend(answer_timeout=ANSWER_TIMEOUT, complete_timeout=ANSWER_TIMEOUT)
            with patch.dict(os.environ, self._environment):
                # A client that is made within a cell would be a slow first answer.
                assert self._backend.endpoint == self._impatient.endpoint == self.server.url
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _new_backend(self, **changes: Any) -> S3Backend:
        backend = S3Backend(replace(self._config, connections=next(self._spare), **changes))
        self._stack.callback(backend.close)
        return backend

    def tell(self, cell: Cell) -> Story:
        """Run the cell."""
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, self._environment))
            stack.callback(self._mend)
            # A request that came too late for its own cell must not act in the next one.
            while self.server.journal.in_flight:
                time.sleep(0.005)
            self.server.model, self.server.journal = _model(), Journal()
            return self._tell(cell)

    def _tell(self, cell: Cell) -> Story:
        backend = self._backend_for(cell)
        uploading = self._uploading(cell, backend)
        recorded = _Recorded(journal=self.server.journal)
        uploading.on_event = recorded
        if cell.operation in (Operation.LIST, Operation.ABORT):
            self._interrupt(uploading)
        command = _cancelling(uploading) if cell.operation is Operation.ABORT else uploading.run
        uploading.backend = self._troubled(cell, backend)
        first = second = _end(command, uploading)
        self._mend()
        lost = self._lost(uploading, recorded)
        uploading.backend = backend
        uploading.settings = replace(uploading.settings, policy=POLICY)
        if isinstance(cell.trouble.how, Rotating):
            # A new process: what the old one remembered is forgotten.
            backend.close()
        if first.outcome is not Outcome.DONE:
            second = _end(command, uploading)
        records = uploading.store.uploads()
        return Story(
            first=first,
            second=second,
            again=recorded.sent_again(),
            aborts=0 if cell.operation is Operation.ABORT else len(aborted_with_parts(self.server.calls)),
            lost=lost,
            is_right=self._is_right(cell, uploading),
            proof=records[-1].proof if records else None,
        )

    def _backend_for(self, cell: Cell) -> S3Backend:
        match cell.trouble.how:
            case Program():
                self._program.gives(self.server.access_key, self.server.secret_key, lasts=SOON)
                return S3Backend(replace(self._config, profile=self._program.profile))
            case Rotating():
                self._program.gives(self.server.access_key, self.server.secret_key, lasts=LATER)
                return S3Backend(replace(self._config, profile=self._program.profile, connections=next(self._spare)))
            case Scripted(region=str()):
                # A client remembers where a bucket is.
                return self._new_backend()
            case _:
                return self._backend

    def _uploading(self, cell: Cell, backend: S3Backend) -> Uploading:
        count = 1 if cell.operation is Operation.PUT else PARTS
        if isinstance(cell.trouble.how, Listing) and cell.trouble.how.quirks.list_unsorted:
            count = MANY
        uploading = Uploading(
            path=self._files[count],
            backend=backend,
            endpoint=self.server.url,
            options=ObjectOptions(content_type="text/plain", no_overwrite=cell.trouble.no_overwrite),
        )
        # One part at a time where the number of parts that S3 loses matters.
        # Two parts that are refused at once would spend two of the three times on one question.
        in_order = isinstance(cell.trouble.how, (Expiring, Program, Rotating)) or cell.trouble is NO_UPLOAD
        concurrency = 1 if in_order else 2
        policy = SHORT_POLICY if cell.times is Times.EVER else POLICY
        uploading.settings = replace(uploading.settings, policy=policy, concurrency=concurrency)
        return uploading

    def _interrupt(self, uploading: Uploading) -> None:
        """One run that ends with all but the last parts sent."""
        parts = -(-uploading.path.stat().st_size // PART)
        last = DONE_BEFORE + 1 if parts == PARTS else parts
        no = Answer(status=403, code="AccessDenied")
        self.server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=last))
        try:
            uploading.run(concurrency=1)
        except PartwayError:
            return
        raise AssertionError("the upload was not interrupted")

    def _troubled(self, cell: Cell, backend: S3Backend) -> SwitchedBackend | S3Backend:
        server, times = self.server, cell.times.hits
        operation = Operation.PART if cell.operation is Operation.CREDENTIALS else cell.operation
        number = {Operation.PART: HIT, Operation.PUT: 1}.get(operation)

        def switched(on: Callable[[], object], off: Callable[[], object], *, stays: bool) -> SwitchedBackend:
            part = HIT if operation is Operation.PART else None
            return SwitchedBackend(backend, Switch(operation, times, number=part, on=on, off=off, stays=stays))

        match cell.trouble.how:
            case Scripted(stage=stage, action=action, region=region):
                actions: tuple[Action, ...] = (action,)
                if region is not None:
                    actions = (CallFunction(function=lambda: setattr(server, "region", region)), action)
                part = number if operation is Operation.PART else None
                server.faults.add(
                    Fault(operation=operation, stage=stage, action=actions, times=times, part_number=part)
                )
                if cell.trouble.is_late:
                    # Calls that are answered are given their time.
                    return SwitchedBackend(backend, Switch(operation, times, number=part), self._impatient)
                return backend
            case Refusing():
                return switched(lambda: server.refuse(cut=True), server.accept, stays=True)
            case Listing(quirks=quirks):
                return switched(lambda: self._list_as(quirks), lambda: self._list_as(NO_QUIRKS), stays=False)
            case Expiring():
                return switched(self._expire, lambda: None, stays=False)
            case Program(script=script):
                return switched(lambda: self._program.does(script), self._program_works, stays=True)
            case Rotating():
                expired = Answer(status=400, code="ExpiredToken", message="The provided token has expired.")
                server.faults.add(
                    Fault(
                        operation=operation,
                        stage=Stage.BEFORE_READ,
                        action=(CallFunction(function=self._rotate), expired),
                        times=times,
                        part_number=HIT,
                    )
                )
                return backend
            case _:
                assert_never(cell.trouble.how)

    def _list_as(self, quirks: Quirks) -> None:
        self.server.model.quirks = quirks

    def _expire(self) -> None:
        for info in self.server.model.open_uploads:
            self.server.model.expire_upload(info.upload_id)

    def _program_works(self) -> None:
        self._program.gives(self.server.access_key, self.server.secret_key, lasts=SOON)

    def _rotate(self) -> None:
        self.server.credentials = Credentials(access_key="AKIANEW", secret_key="new-secret", session_token=None)
        self._program.gives("AKIANEW", "new-secret", lasts=LATER)

    def _mend(self) -> None:
        self.server.faults.clear()
        self.server.region = self._config.region or ""
        self._list_as(NO_QUIRKS)
        self.server.accept()
        self._program_works()

    def _lost(self, uploading: Uploading, recorded: _Recorded) -> int:
        """Parts that the engine forgot, as far as S3 has not."""
        model = self.server.model
        if ("bucket", "key") in model.objects:
            return 0
        known = {info.upload_id for info in model.open_uploads}
        held: set[int] = set()
        for record in uploading.store.uploads(statuses=UNFINISHED):
            held |= set(model.stored_parts(record.upload_id or ""))
        there = {number for id in known for number in model.stored_parts(id)}
        return len((set(recorded.parts) & there) - held)

    def _is_right(self, cell: Cell, uploading: Uploading) -> bool:
        model = self.server.model
        if cell.operation is Operation.ABORT:
            return not model.open_uploads and not uploading.store.uploads(statuses=UNFINISHED)
        found = model.objects.get(("bucket", "key"))
        return found is not None and found.body == uploading.path.read_bytes()


def _model() -> S3Model:
    return S3Model(min_part_size=PART, page_size=2)


def _cancelling(uploading: Uploading) -> Callable[[], object]:
    def run() -> None:
        (record,) = uploading.store.uploads()
        cancel_upload(record, uploading.context)

    return run


def _end(command: Callable[[], object], uploading: Uploading) -> Ended:
    """Run a command; a hang and an error that is not partway's are told as broken."""
    uploading.cancel = CancelToken()
    deadline = threading.Timer(DEADLINE, uploading.cancel.set)
    deadline.daemon = True
    deadline.start()
    try:
        command()
    except PartwayError as error:
        if uploading.cancel.is_set():
            return Ended(outcome=Outcome.BROKEN, sentence=f"it hung for {DEADLINE:.0f} s")
        known = {75: Outcome.RESUMABLE, 1: Outcome.FINAL, 2: Outcome.FINAL}
        return Ended(outcome=known.get(exit_code(error), Outcome.BROKEN), sentence=str(error))
    except Exception as error:
        return Ended(outcome=Outcome.BROKEN, sentence=f"{type(error).__name__}: {error}")
    finally:
        deadline.cancel()
        deadline.join()
    return Ended(outcome=Outcome.DONE)
