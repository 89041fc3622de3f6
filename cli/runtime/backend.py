"""The backend of a command."""

from typing import TYPE_CHECKING

from partway.engine.limits import MAX_CONCURRENCY
from partway.state.uploads import UploadRecord

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend

    from ..options.connection import Connection


def backend_for(
    record: UploadRecord, *, concurrency: int | None, profile: str | None = None, connection: "Connection"
) -> "S3Backend":
    """The backend that a stored upload goes to; ``profile`` replaces the one it was begun with."""
    return make_backend(
        record.endpoint, record.region, profile or record.profile, concurrency=concurrency, connection=connection
    )


def make_backend(
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    *,
    concurrency: int | None,
    connection: "Connection",
) -> "S3Backend":
    """A backend with a connection for every worker, and one for calls about the whole upload."""
    from partway.engine.s3.backend import S3Backend, S3Config

    return S3Backend(
        S3Config(
            endpoint_url=endpoint_url,
            region=region,
            profile=profile,
            connections=(concurrency or MAX_CONCURRENCY) + 1,
            **connection.config,
        )
    )
