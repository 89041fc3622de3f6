"""What the doctor's trial upload is made of: a few bytes below one key, and a note of everything that has to go."""

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
    """Nothing further can be tried."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """One trial below a prefix.

    algorithm: that parts are sent with: CRC64NVME, until it turns out that the service does not take it.
    """

    probe: Probe
    calls: TimedCalls
    traces: Leftovers
    algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME

    @property
    def target(self) -> Target:
        """The key that everything is done with."""
        return self.traces.target

    def create(self, algorithm: ChecksumAlgorithm) -> str:
        """Begin a multipart upload; its id."""
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
        """A multipart upload that could be completed."""
        upload_id = self.create(self.algorithm)
        return upload_id, self.send(upload_id, self.algorithm)

    def write(self, call: Callable[[], str | None]) -> None:
        """Make an object, and note that it has to go."""
        with self.traces.writing():
            self.traces.versions.append(self.calls(call, again=False))

    def complete(self, target: Target, upload_id: str, part: PartReceipt, *, size: int) -> None:
        """Complete, naming a size that may be wrong."""
        self.write(lambda: self.probe.complete(target, upload_id, [part], self.algorithm, size=size))
        self.traces.uploads.discard(upload_id)

    def remove(self, upload_id: str) -> None:
        """Abort a multipart upload; nothing happens when it became an object."""
        if upload_id in self.traces.uploads:
            self.traces.remove_upload(self.calls, upload_id)


def new_target(bucket: str, prefix: str, endpoint: str) -> Target:
    """A key that nobody has."""
    return Target(bucket=bucket, key=f"{prefix}.partway-doctor-{secrets.token_hex(8)}", endpoint=endpoint)


def failed(name: str, error: PartwayError, permission: str = "") -> Check:
    """What uploads cannot do without was refused."""
    advice = ""
    if isinstance(error, AccessRefused) and permission:
        advice = f"uploads need the permission {permission}"
    elif isinstance(error, Transient):
        advice = "run this again; if it persists, ask the operator of the service"
    return Check(name=name, health=Health.FAILED, fact=str(error), advice=advice)
