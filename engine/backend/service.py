"""What the doctor asks of a service, as a protocol, and the facts that cross it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..checksums import ChecksumAlgorithm
from .responses import PartReceipt
from .target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFacts:
    """Where credentials were found; never a secret.

    method: botocore's name for the place, such as "env" or "iam-role".
    profile: of the AWS configuration; None when none was named.
    key_end: the last four characters of the access key's id.
    temporary: they come with a session token.
    expires: seconds since the epoch; None when nobody says.
    """

    method: str
    profile: str | None
    key_end: str
    temporary: bool
    expires: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """Where requests go.

    source, region_source: what named it, such as "AWS_ENDPOINT_URL"; "" when nothing did.
    region: None when nothing names one.
    is_aws: the address is one of AWS's own.
    """

    url: str
    source: str
    region: str | None
    region_source: str
    is_aws: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResponse:
    """An answer, whatever it said.

    seconds: until it was there.
    ahead: seconds that the service's clock is ahead of this machine's; None when it does not tell its time.
    region: of the bucket; None when it was not told.
    permitted: False when these credentials may not make the call.
    """

    seconds: float
    ahead: float | None
    region: str | None
    permitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Whether a bucket keeps what is deleted; None when these credentials may not see it.

    versioned: deleting an object leaves its version, or a mark.
    locked: new objects get a retention, during which nobody can delete them.
    """

    versioned: bool | None
    locked: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRules:
    """A bucket's lifecycle rules.

    rules: how many there are.
    aborting: ``(prefix, days)`` of those that remove unfinished uploads.
    """

    rules: int
    aborting: tuple[tuple[str, int], ...]


class Probe(Protocol):
    """The doctor's calls.  Thread-safe; of remote trouble it raises only RemoteError."""

    def credentials(self) -> CredentialFacts | None:
        """What was found; None: nothing."""
        ...

    def endpoint(self) -> EndpointFacts:
        """Where requests go; asks nobody."""
        ...

    def reach(self) -> EndpointResponse:
        """Have the endpoint answer anything at all.

        Raises:
            Transient: it does not.
            AccessRefused: it does not know these credentials.
            Refused: it is no S3, or its certificate is not trusted.
        """
        ...

    def look_at_bucket(self, bucket: str) -> EndpointResponse:
        """Ask for the bucket's existence and region.

        Raises:
            ObjectMissing: there is no such bucket.
        """
        ...

    def keeping(self, bucket: str) -> Retention:
        """Versions and locks."""
        ...

    def abort_rules(self, bucket: str) -> AbortRules:
        """The rules about unfinished uploads.

        Raises:
            AccessRefused, Refused: they cannot be read.
        """
        ...

    def send_part(
        self, target: Target, upload_id: str, number: int, data: bytes, algorithm: ChecksumAlgorithm, checksum: str
    ) -> PartReceipt:
        """Send bytes with a checksum that may be another's."""
        ...

    def complete(
        self, target: Target, upload_id: str, parts: Sequence[PartReceipt], algorithm: ChecksumAlgorithm, *, size: int
    ) -> str | None:
        """Complete, naming a size that may be wrong; the object's version, None without one."""
        ...

    def put(self, target: Target, data: bytes) -> str | None:
        """Write the whole object; the object's version, None without one."""
        ...

    def delete(self, target: Target, version: str | None) -> None:
        """Delete the object, or for good one version of it; that there is none is no error."""
        ...
