"""The doctor's trial upload: a few bytes under one key, and a record of everything that must be removed."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ..backend.responses import PartReceipt
from ..backend.service import Probe
from ..backend.target import Target
from ..checksums import ChecksumAlgorithm, checksum
from ..errors import AccessRefused, PartwayError, Transient
from .check import Check, Health, TimedCalls
from .cleanup import Leftovers

DATA = b"partway"
OTHER = b"another"


class TrialEnded(Exception):
    """No further test is possible."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """One trial under a prefix.

    algorithm: of the parts' checksums: CRC64NVME, or MD5 if the service does not support that.
    """

    probe: Probe
    calls: TimedCalls
    traces: Leftovers
    algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME

    @property
    def target(self) -> Target:
        """The key that the trial uses."""
        return self.traces.target

    def create(self, algorithm: ChecksumAlgorithm) -> str:
        """Create a multipart upload, and return its ID."""
        with self.traces.creating():
            made = self.calls(lambda: self.calls.backend.create_upload(self.target, algorithm))
            self.traces.uploads.add(made.upload_id)
        return made.upload_id

    def send(self, upload_id: str, algorithm: ChecksumAlgorithm) -> PartReceipt:
        """Send DATA as part 1, with its checksum."""
        right = checksum(algorithm, DATA)
        return self.calls(lambda: self.probe.send_part(self.target, upload_id, 1, DATA, algorithm, right))

    def send_wrong(self, upload_id: str, algorithm: ChecksumAlgorithm) -> None:
        """Send DATA as part 2, with the checksum of OTHER."""
        wrong = checksum(algorithm, OTHER)
        self.calls(
            lambda: self.probe.send_part(self.target, upload_id, 2, DATA, algorithm, wrong),
            again=False,
        )

    def one_part(self) -> tuple[str, PartReceipt]:
        """Create a multipart upload with one part, which could be completed."""
        upload_id = self.create(self.algorithm)
        return upload_id, self.send(upload_id, self.algorithm)

    def write(self, call: Callable[[], str | None]) -> None:
        """Write an object, and record that it must be removed."""
        with self.traces.writing():
            self.traces.versions.append(self.calls(call, again=False))

    def complete(self, target: Target, upload_id: str, part: PartReceipt, *, size: int) -> None:
        """Complete with a size that may be wrong."""
        self.write(lambda: self.probe.complete(target, upload_id, [part], self.algorithm, size=size))
        self.traces.uploads.discard(upload_id)

    def remove(self, upload_id: str) -> None:
        """Abort a multipart upload, unless it was completed."""
        if upload_id in self.traces.uploads:
            self.traces.remove_upload(self.calls, upload_id)


def new_target(bucket: str, prefix: str, endpoint: str) -> Target:
    """An unused key under the prefix."""
    return Target(bucket=bucket, key=f"{prefix}.partway-doctor-{secrets.token_hex(8)}", endpoint=endpoint)


def failed(name: str, error: PartwayError, permission: str = "") -> Check:
    """A check for a call that uploads require."""
    advice = ""
    if isinstance(error, AccessRefused) and permission:
        advice = f"uploads need the permission {permission}"
    elif isinstance(error, Transient):
        advice = "run this again; if it persists, ask the operator of the service"
    return Check(name=name, health=Health.FAILED, fact=str(error), advice=advice)
