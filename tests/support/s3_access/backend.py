"""The engine's backend, on a strict S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.s3_server.server import StrictS3


@contextmanager
def backend_on(server: StrictS3, **config: Any) -> Iterator[S3Backend]:
    """A backend with the server's credentials, which are read at once; ``config`` are fields of S3Config."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment().items():
            patched.setenv(name, value)
        backend = S3Backend(S3Config(endpoint_url=server.url, **config))
        assert backend.endpoint
        yield backend
        backend.close()
