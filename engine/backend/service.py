"""The protocol for the doctor's calls to a service, and the values they return."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..checksums import ChecksumAlgorithm
from .responses import PartReceipt
from .target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFacts:
    """Where credentials were found.  Contains no secrets.

    method: botocore's name for the source, such as "env" or "iam-role".
    profile: of the AWS configuration; None when no profile was chosen.
    key_end: the last four characters of the access key's ID.
    temporary: True when they include a session token.
    expires: seconds since the epoch; None when unknown.
    """

    method: str
    profile: str | None
    key_end: str
    temporary: bool
    expires: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFacts:
    """Where requests are sent.

    source, region_source: the setting, such as "AWS_ENDPOINT_URL"; "" when nothing is set.
    region: None when not set.
    is_aws: True when the address is one of AWS's.
    """

    url: str
    source: str
    region: str | None
    region_source: str
    is_aws: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResponse:
    """A response, whether the call succeeded or not.

    seconds: until the response arrived.
    ahead: seconds that the service's clock is ahead of this machine's; None when its time is not reported.
    region: of the bucket; None when not reported.
    permitted: False when these credentials may not make the call.
    """

    seconds: float
    ahead: float | None
    region: str | None
    permitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Whether a bucket retains deleted objects; None when these credentials may not read the setting.

    versioned: True when deleting an object leaves its version or a delete marker.
    locked: True when new objects get a retention period, during which they cannot be deleted.
    """

    versioned: bool | None
    locked: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortRules:
    """A bucket's lifecycle rules.

    rules: the number of rules.
    aborting: ``(prefix, days)`` of the rules that remove unfinished uploads.
    dropped: True when the service has no such rules: it accepts them, and drops them.
    """

    rules: int
    aborting: tuple[tuple[str, int], ...]
    dropped: bool = False


class Probe(Protocol):
    """The doctor's calls.  Thread-safe.  Remote failures are raised as RemoteError only."""

    def credentials(self) -> CredentialFacts | None:
        """The credentials that are used, or None."""
        ...

    def endpoint(self) -> EndpointFacts:
        """Where requests are sent.  Makes no call."""
        ...

    def reach(self) -> EndpointResponse:
        """Get any response from the endpoint.

        Raises:
            Transient: there is none.
            AccessRefused: it does not know these credentials.
            Refused: it is not S3, or its certificate is not trusted.
        """
        ...

    def look_at_bucket(self, bucket: str) -> EndpointResponse:
        """Check that the bucket exists, and in which region.

        Raises:
            ObjectMissing: there is no such bucket.
        """
        ...

    def keeping(self, bucket: str) -> Retention:
        """Whether the bucket keeps versions and locks objects."""
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
        """Send bytes with a checksum, which may be wrong."""
        ...

    def complete(
        self, target: Target, upload_id: str, parts: Sequence[PartReceipt], algorithm: ChecksumAlgorithm, *, size: int
    ) -> str | None:
        """Complete with a size that may be wrong.  Returns the object's version, or None."""
        ...

    def put(self, target: Target, data: bytes) -> str | None:
        """Write the whole object.  Returns its version, or None."""
        ...

    def delete(self, target: Target, version: str | None) -> None:
        """Delete the object, or one version of it permanently.  A missing object is not an error."""
        ...
