"""A plain boto3 client for a strict S3: one try for each call, nothing from the environment."""

import functools
from typing import Any

from boto3.session import Session
from botocore.config import Config

from tests.support.s3_server.server import StrictS3


def boto_client(
    server: StrictS3,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    region: str | None = None,
    read_timeout: float = 60.0,
    **config: Any,
) -> Any:
    """A client that sends no checksums by itself.

    Args:
        access_key, secret_key, region: None: the right ones.
        read_timeout: Seconds.
        config: Further arguments of botocore's Config; they win.
    """
    options: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "connect_timeout": 60.0,
        "read_timeout": read_timeout,
        "proxies": {},
    }
    session = _session()
    return session.client(
        "s3",
        aws_access_key_id=access_key or server.access_key,
        aws_secret_access_key=secret_key or server.secret_key,
        aws_session_token=server.credentials.session_token,
        region_name=region or server.region,
        endpoint_url=server.url,
        verify=str(server.ca_file) if server.ca_file else None,
        config=Config(**(options | config)),
    )


@functools.cache
def _session() -> Session:
    """One for all clients: reading the service's description is the slow part."""
    return Session()
