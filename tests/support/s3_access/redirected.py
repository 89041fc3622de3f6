"""Requests for AWS's hosts, seen as they would be sent, and answered by the strict S3 on the loopback."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from partway.engine.responses import limit
from tests.support.s3_server.server import StrictS3

_OF_THE_ADDRESS = ("authorization", "host", "x-amz-date", "x-amz-region-set", "x-amz-content-sha256")
_SCOPE = re.compile(r"(AWS4-\S+) Credential=[^/]+/\d+/(.*)/aws4_request")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request: where it would have gone, and how it was signed.

    scope: of the signature, after the date, such as "us-west-2/s3".
    regions: of a signature for several; "" for others.
    """

    operation: str
    host: str
    path: str
    scheme: str
    scope: str
    regions: str


class Redirected:
    """Sends to one bucket of the strict S3, in place of ``s3_client.send``."""

    def __init__(self, server: StrictS3, bucket: str = "bucket") -> None:
        self._server = server
        self._bucket = bucket
        self.sent: list[Sent] = []

    def __call__(self, session: Any, request: Any, event_name: str, is_service: Callable[[Any], bool]) -> Any:
        parts = urlsplit(request.url)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        signed = _SCOPE.match(headers.get("authorization", ""))
        self.sent.append(
            Sent(
                operation=event_name.rpartition(".")[2],
                host=parts.hostname or "",
                path=parts.path,
                scheme=signed[1] if signed else "",
                scope=signed[2] if signed else "",
                regions=headers.get("x-amz-region-set", ""),
            )
        )
        # A host without a bucket is about all of them.
        path = parts.path if (parts.hostname or "").startswith("s3.") else f"/{self._bucket}{parts.path}"
        again = AWSRequest(
            request.method,
            f"{self._server.url}{path}?{parts.query}".rstrip("?"),
            headers={name: value for name, value in headers.items() if name not in _OF_THE_ADDRESS},
            data=request.body,
        )
        again.context["client_config"] = Config(s3={"payload_signing_enabled": False})
        credentials = Credentials(self._server.access_key, self._server.secret_key)
        S3SigV4Auth(credentials, "s3", self._server.region).add_auth(again)
        return limit.send(session, again.prepare(), event_name, is_service)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
