"""The backend of a command."""

from typing import TYPE_CHECKING

from partway.engine.limits import MAX_SMALL_FILES
from partway.state.uploads import UploadRecord

from ..options.connection import Connection
from ..options.groups import ServiceOptions

if TYPE_CHECKING:
    from partway.engine.s3.backend import S3Backend
    from partway.state.jobs import JobRecord


def backend_for(
    record: "UploadRecord | JobRecord", *, concurrency: int | None, profile: str | None = None, connection: Connection
) -> "S3Backend":
    """The backend of a stored upload or job; ``profile`` replaces the one that it was started with."""
    service = ServiceOptions(
        endpoint_url=record.endpoint,
        profile=profile or record.profile,
        region=record.region,
        connection=connection,
    )
    return make_backend(service, concurrency=concurrency)


def make_backend(service: ServiceOptions, *, concurrency: int | None) -> "S3Backend":
    """A backend with a connection for every worker, and one for calls about the whole upload.

    concurrency: parts in flight; None means as many as partway ever uses.
    """
    from partway.engine.s3.backend import S3Backend, S3Config

    return S3Backend(
        S3Config(
            endpoint_url=service.endpoint_url,
            region=service.region,
            profile=service.profile,
            connections=(concurrency or MAX_SMALL_FILES) + 1,
            **service.connection.config,
        )
    )
