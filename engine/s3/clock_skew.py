"""A clock that is wrong: sign with the service's time instead, once it has told that ours is off.

S3 refuses a request whose time is more than 15 minutes off (RequestTimeTooSkewed) and says its own time in ``Date``:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
The answer to HEAD has no place for that word: there, a 403 with such a ``Date`` means the same.
"""

import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth

from ..aws_config.credential_values import check_values

_ALLOWED = 900.0  # seconds that S3 lets a clock be off
_MOST = 10 * 365 * 86400.0  # seconds; a service that is further off has no better clock than we
_SKEWED = "RequestTimeTooSkewed"


class ClockSkew:
    """Belongs to one session, and hangs on the events of its clients.  seconds: what to add to this machine's clock."""

    def __init__(self, credentials: Any) -> None:
        self.seconds = 0.0
        self.credentials = credentials
        self._checked: Any = None

    def attach(self, events: Any) -> None:
        """Listen to answers, and sign again after botocore signed."""
        events.register("after-call.s3", self.update)
        events.register_last("request-created.s3", self._sign_again)

    def update(self, parsed: Any, **_: Any) -> None:
        """See whether the parsed answer says that our clock is off, and by how much."""
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
        """Have credentials that end soon be fetched anew; raises whatever their source does.

        Raises:
            ValueError: nothing can be signed with them.
        """
        if self.credentials is None:
            return
        found = self.credentials.get_frozen_credentials()
        if found != self._checked:
            check_values(found, self.credentials.method)
            self._checked = found

    def _sign_again(self, request: Any, **_: Any) -> None:
        # Not a signature for several regions, as Multi-Region Access Points have (SigV4A): it is made elsewhere.
        if not self.seconds or not _text(request.headers.get("Authorization")).startswith("AWS4-HMAC-SHA256 "):
            return
        signing = request.context.get("signing") or {}
        self.signer(signing.get("signing_name", "s3"), signing.get("region")).add_auth(request)

    def signer(self, service: str, region: Any) -> S3SigV4Auth:
        """Signs with the credentials and the time of now."""
        # Key, secret and token of one moment: they may be refreshed while this signs.
        credentials = self.credentials.get_frozen_credentials()
        return _Shifted(credentials, service, region, self.seconds)


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


class _Shifted(S3SigV4Auth):
    """botocore's signature, at another time.  (docs/decisions/0007-clock-offset.md)"""

    def __init__(self, credentials: Any, service: str, region: Any, seconds: float) -> None:
        super().__init__(credentials, service, region)
        self._seconds = seconds

    def _modify_request_before_signing(self, request: Any) -> None:
        if self._seconds:
            now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._seconds)
            request.context["timestamp"] = now.strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]
