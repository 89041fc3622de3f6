"""The values of options that travel together, named like the options."""

from dataclasses import dataclass

from .connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """Which service, with whose credentials, and how to connect.

    endpoint_url, profile, region: None means what the AWS configuration says.
    """

    endpoint_url: str | None
    profile: str | None
    region: str | None
    connection: Connection
