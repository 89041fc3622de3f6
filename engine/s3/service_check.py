"""Check whether the service itself responds, when a response may be an HTML object or a login page."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest

from ..responses.limit import send
from .clock_skew import ClockSkew

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request, ")
_ERROR = re.compile(rb"<Error[\s>].*<Code>[^<]+</Code>", re.DOTALL)


class ServiceCheck:
    """Requests an object that does not exist: only S3 refuses that with an error document.  A captive portal sends its
    page for every address, and a web server sends an HTML error page.

    Args:
        session: botocore's HTTP session of the client.
        skew: Signs the request.
        client_config: botocore's Config of the client.
    """

    def __init__(self, session: Any, skew: ClockSkew, client_config: Any) -> None:
        self._session = session
        self._skew = skew
        self._client_config = client_config

    def __call__(self, request: Any) -> bool:
        """True when the service itself responds at the address of ``request``.

        Raises:
            PartwayError, BotoCoreError: as raised by ``responses.limit.send``.
        """
        check = AWSRequest("GET", _address_of_nothing(request))
        check.context["client_config"] = self._client_config
        if scope := _SCOPE.match(_text(request.headers.get("Authorization"))):
            self._skew.signer(scope[2], scope[1]).add_auth(check)
        response = send(self._session, check.prepare(), "before-send.s3.GetObject", self)
        if response.status_code < 400:
            response.raw.close()
            return False
        return _ERROR.search(response.content) is not None


def _address_of_nothing(request: Any) -> str:
    """The address of a nonexistent object next to the request's key, or in its bucket."""
    parts = urlsplit(str(request.url))
    is_bucket = request.method == "HEAD" and parts.path.count("/") < 2
    separator = "" if parts.path.endswith("/") else "/" if is_bucket else "."
    return parts._replace(path=f"{parts.path}{separator}partway-{secrets.token_hex(16)}", query="").geturl()


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""
