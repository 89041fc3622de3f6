"""Check AWS Signature Version 4 in the Authorization header, as S3 does.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

from tests.support.s3_model.errors import S3Error, invalid_request, not_implemented

MAX_SKEW = 15 * 60
UNSIGNED = "UNSIGNED-PAYLOAD"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<day>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r",\s*SignedHeaders=(?P<signed>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who may come in.  session_token None: tokens are refused."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def check_signature(
    *,
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Mapping[str, str],
    credentials: Credentials,
    region: str,
    now: float,
) -> None:
    """Let a request in.

    Args:
        raw_path: As in the request line, still percent-encoded.
        raw_query: Behind the question mark, still percent-encoded.
        headers: By lower-case name.
        now: The server's clock, seconds since 1970.

    Raises:
        S3Error: with the code and status that S3 answers.
    """
    text = headers.get("authorization")
    if text is None:
        raise S3Error("AccessDenied", 403, "Access Denied")
    found = _AUTHORIZATION.fullmatch(text)
    if found is None or found["service"] != "s3":
        raise S3Error("AuthorizationHeaderMalformed", 400, "The authorization header is malformed.")
    if found["key"] != credentials.access_key:
        raise S3Error(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
            details={"AWSAccessKeyId": found["key"]},
        )
    if headers.get("x-amz-security-token") != credentials.session_token:
        raise S3Error("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
    if found["region"] != region:
        raise S3Error(
            "AuthorizationHeaderMalformed",
            400,
            f"The authorization header is malformed; the region '{found['region']}' is wrong; expecting '{region}'",
            details={"Region": region},
            headers={"x-amz-bucket-region": region},
        )
    stamp = headers.get("x-amz-date", "")
    _check_time(stamp, found["day"], now)
    signed = found["signed"].split(";")
    _check_signed_headers(signed, headers)
    payload = headers.get("x-amz-content-sha256")
    if payload is None:
        raise invalid_request("Missing required header for this request: x-amz-content-sha256")
    if payload.startswith("STREAMING-") and payload != UNSIGNED_TRAILER:
        raise not_implemented(f"This server does not know the payload form {payload}.")
    canonical = "\n".join(
        [
            method,
            quote(unquote(raw_path), safe="/-_.~"),
            _canonical_query(raw_query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in signed),
            "",
            ";".join(signed),
            payload,
        ]
    )
    scope = f"{found['day']}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + credentials.secret_key.encode()
    for step in (found["day"], region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), found["signature"]):
        raise S3Error(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            details={"StringToSign": to_sign, "CanonicalRequest": canonical},
        )


def check_payload(headers: Mapping[str, str], body: bytes) -> None:
    """Compare ``x-amz-content-sha256`` with the body that came.

    Raises:
        S3Error: XAmzContentSHA256Mismatch.
    """
    claimed = headers.get("x-amz-content-sha256", "")
    if claimed in (UNSIGNED, UNSIGNED_TRAILER):
        return
    computed = hashlib.sha256(body).hexdigest()
    if claimed != computed:
        raise S3Error(
            "XAmzContentSHA256Mismatch",
            400,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            details={"ClientComputedContentSHA256": claimed, "S3ComputedContentSHA256": computed},
        )


def _check_time(stamp: str, day: str, now: float) -> None:
    try:
        asked = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise S3Error("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header") from None
    if abs(asked.timestamp() - now) > MAX_SKEW:
        raise S3Error(
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
            details={
                "RequestTime": stamp,
                "ServerTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "MaxAllowedSkewMilliseconds": str(MAX_SKEW * 1000),
            },
        )
    if not stamp.startswith(day):
        raise S3Error("AuthorizationHeaderMalformed", 400, "Invalid credential date; it differs from x-amz-date.")


def _check_signed_headers(signed: list[str], headers: Mapping[str, str]) -> None:
    must = {name for name in headers if name == "host" or name.startswith("x-amz-") or name == "content-md5"}
    unsigned = sorted(must - set(signed))
    if unsigned or signed != sorted(signed):
        raise S3Error(
            "AccessDenied",
            403,
            "There were headers present in the request which were not signed",
            details={"HeadersNotSigned": ", ".join(unsigned)},
        )
    missing = [name for name in signed if name not in headers]
    if missing:
        raise S3Error("SignatureDoesNotMatch", 403, f"Signed headers did not arrive: {', '.join(missing)}")


def _canonical_query(raw_query: str) -> str:
    pairs = [
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(raw_query.replace("+", "%2B"), keep_blank_values=True)
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
