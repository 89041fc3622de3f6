"""Clock skew: sign with the service's time once it has rejected ours.

S3 refuses a request whose time is more than 15 minutes off (RequestTimeTooSkewed), and sends its own time in ``Date``:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
The response to HEAD has no body for that code: there, a 403 with such a ``Date`` means the same.
"""

import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth

from ..aws_config.credential_values import check_values
from ..clock import SYSTEM_CLOCK

_ALLOWED = 900.0  # seconds of skew that S3 accepts
_MOST = 10 * 365 * 86400.0  # seconds; if the skew is larger, the service's clock is wrong
_SKEWED = "RequestTimeTooSkewed"


class ClockSkew:
    """The clock skew of one session, updated by its clients' events.  seconds: to add to this machine's clock."""

    def __init__(self, credentials: Any) -> None:
        self.seconds = 0.0
        self.credentials = credentials
        self._checked: Any = None

    def now(self) -> float:
        """The service's time, in seconds since the epoch."""
        return SYSTEM_CLOCK.time() + self.seconds

    def attach(self, events: Any) -> None:
        """Inspect responses, and sign again after botocore has signed."""
        events.register("after-call.s3", self.update)
        events.register_last("request-created.s3", self._sign_again)

    def update(self, parsed: Any, **_: Any) -> None:
        """Set the skew if the parsed response says that our clock is off."""
        answer = parsed.get("ResponseMetadata") or {}
        error = parsed.get("Error") or {}
        nameless_403 = error.get("Code") == "403"
        if error.get("Code") != _SKEWED and not nameless_403:
            return
        try:
            theirs = parsedate_to_datetime((answer.get("HTTPHeaders") or {})["date"])
            offset = (theirs - datetime.datetime.now(datetime.UTC)).total_seconds()
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        if abs(offset) >= _MOST or (nameless_403 and abs(offset - self.seconds) < _ALLOWED):
            return
        self.seconds = offset
        error["Code"] = _SKEWED

    def refresh_credentials(self) -> None:
        """Renew credentials that expire soon.  Errors of their source propagate.

        Raises:
            ValueError: they cannot be used to sign a request.
        """
        if self.credentials is None:
            return
        found = self.credentials.get_frozen_credentials()
        if found != self._checked:
            check_values(found, self.credentials.method)
            self._checked = found

    def _sign_again(self, request: Any, **_: Any) -> None:
        # Not a signature for several regions (SigV4A, for Multi-Region Access Points), which is made elsewhere.
        if not self.seconds or not _text(request.headers.get("Authorization")).startswith("AWS4-HMAC-SHA256 "):
            return
        signing = request.context.get("signing") or {}
        self.signer(signing.get("signing_name", "s3"), signing.get("region")).add_auth(request)

    def signer(self, service: str, region: Any) -> S3SigV4Auth:
        """A signer with the current credentials and skew."""
        # A consistent set of key, secret and token: they may be renewed while this signs.
        credentials = self.credentials.get_frozen_credentials()
        return _Shifted(credentials, service, region, self.seconds)


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


class _Shifted(S3SigV4Auth):
    """botocore's signer with a corrected time.  (docs/decisions/0007-clock-offset.md)"""

    def __init__(self, credentials: Any, service: str, region: Any, seconds: float) -> None:
        super().__init__(credentials, service, region)
        self._seconds = seconds

    def _modify_request_before_signing(self, request: Any) -> None:
        if self._seconds:
            now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._seconds)
            request.context["timestamp"] = now.strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]
