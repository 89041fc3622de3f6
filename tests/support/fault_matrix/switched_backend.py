"""A backend that lets a test break something before the first call of a kind, and mend it after some failures."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import CreatedUpload, FoundUpload, ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.source.part_reader import PartReader

from .case import Operation

T = TypeVar("T")


class Switch:
    """Calls ``on`` before a call, and ``off`` after it.

    Args:
        operation: The calls it is about; of UploadPart only those of part ``number``.
        times: So many calls; None: every one.
        stays: ``on`` is called once, and ``off`` after ``times`` calls that failed since, of whatever kind.
    """

    def __init__(
        self,
        operation: Operation,
        times: int | None,
        *,
        number: int | None = None,
        on: Callable[[], object] = lambda: None,
        off: Callable[[], object] = lambda: None,
        stays: bool = False,
    ) -> None:
        self._operation = operation
        self._times = times
        self._number = number
        self._on = on
        self._off = off
        self._stays = stays
        self._lock = threading.Lock()
        self._seen = 0
        self._failed = 0

    def around(self, operation: Operation, number: int | None, call: Callable[[bool], T]) -> T:
        """Make the call; it is told whether it is one of those that the switch is about."""
        with self._lock:
            is_hit = operation is self._operation and number == self._number and self._is_due()
            if is_hit:
                self._seen += 1
                self._on()
        try:
            return call(is_hit)
        except Exception:
            with self._lock:
                self._failed += self._seen
                if self._stays and self._failed == self._times:
                    self._off()
            raise
        finally:
            if is_hit and not self._stays:
                self._off()

    def _is_due(self) -> bool:
        return not self._seen if self._stays else self._times is None or self._seen < self._times


class SwitchedBackend(MultipartBackend):
    """A backend whose calls go through a switch; those that the switch is about are made by ``hit`` if there is one."""

    def __init__(self, inner: MultipartBackend, switch: Switch, hit: MultipartBackend | None = None) -> None:
        self._inner = inner
        self._hit = hit or inner
        self._switch = switch

    def _around(self, operation: Operation, number: int | None, call: Callable[[MultipartBackend], T]) -> T:
        return self._switch.around(operation, number, lambda is_hit: call(self._hit if is_hit else self._inner))

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        return self._around(Operation.CREATE, None, lambda s3: s3.create_upload(target, algorithm))

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        number = body.spec.number
        return self._around(Operation.PART, number, lambda s3: s3.upload_part(target, upload_id, body))

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        return self._around(Operation.LIST, None, lambda s3: s3.list_parts(target, upload_id, algorithm))

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        return self._around(Operation.LIST_UPLOADS, None, lambda s3: s3.list_uploads(target))

    def renew_credentials(self) -> None:
        self._inner.renew_credentials()

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        return self._around(
            Operation.COMPLETE,
            None,
            lambda s3: s3.complete_upload(target, upload_id, parts, algorithm=algorithm, checksum=checksum, size=size),
        )

    def abort_upload(self, target: Target, upload_id: str) -> None:
        return self._around(Operation.ABORT, None, lambda s3: s3.abort_upload(target, upload_id))

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        return self._around(Operation.PUT, None, lambda s3: s3.put_object(target, body))

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        return self._around(Operation.HEAD, None, lambda s3: s3.head_object(target, algorithm, version=version))
