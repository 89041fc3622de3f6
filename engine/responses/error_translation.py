"""Translate botocore's errors into the engine's: which of them to retry, and what to tell the user.

S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..backend.target import ObjectOptions
from ..checksums import ChecksumAlgorithm
from ..errors import (
    AccessRefused,
    ChecksumUnsupported,
    Conflict,
    CredentialsExpired,
    ForeignResponse,
    ObjectExists,
    ObjectMissing,
    OptionRefused,
    PartsRefused,
    PartwayError,
    Refused,
    RemoteError,
    Transient,
    UploadVanished,
)
from .refusals import OF_THE_NETWORK, PASSING, todo, tunnel_refused
from .refused_options import SentOptions, advice, is_about_options, said_of

NO_OPTIONS = ObjectOptions()

_LONGEST = 300  # maximum characters of a server's message that are shown
_MOST_READ = 2000  # maximum characters of any text that are examined
_PASSWORD = re.compile(r"[^\s:@]{0,200}:[^\s@]{0,200}@")
_SIGNED = re.compile(r"AWS4-HMAC-SHA256|Credential=|Signature=|x-amz-security-token|customer-key", re.IGNORECASE)
# 32 bytes in base64 or hex, like an SSE-C key: a server may echo what it was sent.
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=|\b[0-9A-Fa-f]{64}\b")

# RequestTimeout is an HTTP 400.
_TRANSIENT_CODES = frozenset(
    {
        "IncompleteBody",
        "InternalError",
        "InternalFailure",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    }
)
_ONCE_CODES = frozenset(
    {
        "BadDigest",
        "MalformedXML",
        "RequestTimeTooSkewed",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
    }
)
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"})
_ACCESS_CODES = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "403"})
_PARTS_CODES = frozenset({"InvalidPart", "InvalidPartOrder"})
# Not ListParts: a service without it looks for an object with that key and finds none.
_OF_UPLOADS = frozenset({"UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"})

_CONDITIONAL = ("PutObject", "CompleteMultipartUpload")  # the calls that send If-None-Match
_ADVICE = {
    "NoSuchBucket": "create it, or check its name and the endpoint",
    "InvalidAccessKeyId": "check the access key, the profile and the endpoint",
    "SignatureDoesNotMatch": "check the secret key, the region and the endpoint",
    "AccessDenied": "check that these credentials may write there",
    "AuthorizationHeaderMalformed": "set the bucket's region with --region",
    "PermanentRedirect": "set the bucket's region with --region",
    "IllegalLocationConstraintException": "set the bucket's region with --region",
    "RequestTimeTooSkewed": "set this machine's clock",
    "ExpiredToken": "renew the credentials, and run again",
    "InvalidToken": "renew the credentials, and run again",
    "InvalidPart": "run again; if it fails again, start over with --restart",
    "EntityTooLarge": "if a part is too large for this service, start over with --restart and a smaller --part-size",
    "EntityTooSmall": "this service requires larger parts: start over with --restart and a larger --part-size",
}


@contextmanager
def translate_errors(
    operation: str, *, checksum: ChecksumAlgorithm | None = None, options: ObjectOptions = NO_OPTIONS
) -> Iterator[None]:
    """Run one S3 call, and raise its remote failures as RemoteError.

    checksum: the algorithm of the checksum in the call; a refusal that is about it becomes ChecksumUnsupported.
    options: of the upload; a refusal that is about one of them becomes OptionRefused.
    """
    try:
        yield
    except ClientError as error:
        raise _from_answer(error.response, checksum, SentOptions(operation, options)) from error
    except BotoCoreError as error:
        raise _from_client(operation, error) from error
    except (ResponseParserError, KeyError, TypeError, AttributeError) as error:
        # Not XML, XML with another structure, or a truncated response.
        raise bad_response(operation) from error
    except (ValueError, OverflowError, RuntimeError, OSError) as error:
        raise _from_elsewhere(operation, error) from error


def _from_elsewhere(operation: str, error: Exception) -> RemoteError:
    """The error for an exception from botocore that is not one of its own."""
    if isinstance(error, OSError):
        return Refused(
            f"{operation} could not be sent: {one_line(error)}", operation=operation, code=type(error).__name__
        )
    # An invalid number or date in the response, or a response that is nested too deeply.
    return bad_response(operation)


def bad_response(operation: str) -> Transient:
    """The error for a response that lacks what every response to the call has."""
    return Transient(f"the response to {operation} was truncated or invalid", operation=operation, code="BadAnswer")


def wrong_scheme(operation: str, url: str) -> Refused:
    """The error for http where the server expects https, or vice versa.  A retry does not help."""
    advice = "does not speak TLS; use http://" if url.startswith("https:") else "speaks TLS; use https://"
    return Refused(
        f"the endpoint {_place(url)} {advice} in --endpoint-url", operation=operation, code="InvalidEndpoint"
    )


def _from_answer(response: Any, checksum: ChecksumAlgorithm | None, sent: SentOptions) -> RemoteError:
    """The error for an error response, whose fields may be missing or None."""
    operation = sent.operation
    problem = response.get("Error") or {}
    answer = response.get("ResponseMetadata") or {}
    status = int(answer.get("HTTPStatusCode") or 0)
    code = one_line(problem.get("Code") or status or "no code")[:100]
    text = one_line(problem.get("Message") or "")[:_LONGEST].rstrip(". ")
    message = f"S3 refused {operation}: {code}{f' ({text})' if text and text != code else ''}"
    region = (answer.get("HTTPHeaders") or {}).get("x-amz-bucket-region")
    said = said_of(problem)
    stands = todo(operation, status) if code == str(status) and not region else None
    if advised := stands or advice(sent, code, status, said):
        message += f"; {advised}"
    elif code in _ADVICE:
        message += f"; {_ADVICE[code]}" + (f" {region}" if region and "--region" in _ADVICE[code] else "")
    facts: dict[str, Any] = {
        "operation": operation,
        "code": code,
        "status": status,
        "request_id": str(answer.get("RequestId") or ""),
    }
    if checksum not in (None, ChecksumAlgorithm.MD5) and _is_about_checksums(sent, code, status, said):
        return ChecksumUnsupported(message, **facts)
    if kind := _special(operation, code, status):
        return kind(message, **facts)
    if code in _ONCE_CODES:
        return Transient(message, once=True, **facts)
    if status in PASSING or code in _TRANSIENT_CODES:
        return Transient(message, **facts)
    if operation == "PutObject" and code == "ConditionalRequestConflict":
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        return Transient(message, **facts)
    if stands is not None and status in OF_THE_NETWORK:
        return ForeignResponse(message, **facts)
    if stands is not None:
        return (AccessRefused if status == 401 else Refused)(message, **facts)
    if code == str(status) and (operation != "HeadObject" or status == 400):
        # A refusal without a code was truncated, is not from S3, or is the response to HEAD, which has no body: retry.
        return Transient(message, once=True, **facts)
    return (OptionRefused if is_about_options(sent, status, said) else Refused)(message, **facts)


def _special(operation: str, code: str, status: int) -> type[Refused] | None:
    """The class of a refusal that the engine can handle, or None."""
    if code == "NoSuchUpload" or (code == "NoSuchKey" and operation in _OF_UPLOADS):
        return UploadVanished
    if code in _EXPIRED_CODES:
        return CredentialsExpired
    if code in _ACCESS_CODES:
        return AccessRefused
    if code in _PARTS_CODES:
        return PartsRefused
    if status == 412 and operation in _CONDITIONAL:
        return ObjectExists
    if code == "ConditionalRequestConflict" and operation == "CompleteMultipartUpload":
        return Conflict
    if status == 404 and operation == "HeadObject":
        return ObjectMissing
    return None


def _is_about_checksums(sent: SentOptions, code: str, status: int, said: str) -> bool:
    """True when the service refuses the checksum.  Services report that in many ways, often only in the message.

    When the response says that something is not implemented but not what, the call is repeated without the checksum; if
    it fails again, it was about something else.  A service that accepted the parts' checksums does support checksums.
    """
    if sent.operation == "CompleteMultipartUpload" and code in ("BadDigest", "InvalidDigest"):
        # Every part's checksum was accepted, so the service computes that of the whole object differently.
        return True
    if status == 501 or code == "NotImplemented":
        if sent.operation == "CompleteMultipartUpload" and sent.uncommon:
            return "checksum" in said
        return "checksum" in said or not sent.named_in(said)
    return status == 400 and code.startswith("Invalid") and ("checksum" in said or "crc64" in said)


_UNREACHABLE = (boto.EndpointConnectionError, boto.ConnectTimeoutError)
# A TLS connection that breaks is an SSLError, which is a ConnectionError and not an HTTPClientError.
_BROKEN = (boto.ConnectionError, boto.HTTPClientError, boto.ResponseStreamingError, boto.IncompleteReadError)
NO_CREDENTIALS = (boto.NoCredentialsError, boto.PartialCredentialsError)
EXPIRED = (
    boto.CredentialRetrievalError,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.RefreshWithMFAUnsupportedError,
    boto.LoginError,
)


def _from_client(operation: str, error: BotoCoreError) -> PartwayError:
    """The error for a call that got no response."""
    inner = error.kwargs.get("error")
    if isinstance(inner, PartwayError):
        # Raised while the client read the body: a cancel, a stall, a source that changed.
        return inner
    if isinstance(inner, (TypeError, ValueError)) and not isinstance(inner, OSError):
        # Not the network: the request itself is invalid, for instance because a header has a line break.
        # The value is not shown: it may be a token with a line break, or a proxy's password.
        return Refused(
            f"{operation} could not be sent: a header or an address contains an invalid character; check the "
            "credentials, the metadata, the content type and HTTP_PROXY",
            operation=operation,
            code="BadRequest",
        )
    name = type(error).__name__
    facts: dict[str, Any] = {"operation": operation, "code": name}
    if _is_wrong_scheme(error, inner):
        return wrong_scheme(operation, str(error.kwargs.get("endpoint_url")))
    if isinstance(error, boto.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Refused(f"the endpoint's certificate is not trusted: {_reason(error)}", **facts)
    if isinstance(error, boto.ProxyConnectionError) and (refused := tunnel_refused(_reason(error))):
        return Refused(f"{_where(error)}: {refused}", **facts)
    if isinstance(error, boto.ProxyConnectionError):
        return Transient(f"cannot reach {_through(error)}", unreachable=True, **facts)
    if isinstance(error, _UNREACHABLE):
        return Transient(f"cannot reach {_where(error)}: {_reason(error)}", unreachable=True, **facts)
    if isinstance(error, _BROKEN):
        return Transient(f"the connection to {_where(error)} broke during {operation}: {_reason(error)}", **facts)
    if isinstance(error, NO_CREDENTIALS):
        return no_credentials(operation, error)
    if isinstance(error, EXPIRED):
        return CredentialsExpired(f"the AWS credentials could not be renewed: {one_line(error)[:200]}", **facts)
    if isinstance(error, boto.ParamValidationError):
        return Refused(f"{operation} was not sent: {one_line(error.kwargs.get('report') or error)[:160]}", **facts)
    return Refused(f"{operation} could not be sent: {one_line(error)}", **facts)


def no_credentials(operation: str, error: BotoCoreError) -> AccessRefused:
    """The error for a configuration with missing or incomplete credentials."""
    if isinstance(error, boto.PartialCredentialsError):
        sentence = f"the AWS credentials are incomplete: {one_line(error).rstrip('. ')}"
    else:
        sentence = (
            "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or "
            "choose a profile with --profile"
        )
    return AccessRefused(sentence, operation=operation, code=type(error).__name__)


def _is_wrong_scheme(error: BotoCoreError, inner: object) -> bool:
    """True when the server speaks the other protocol: it responds without TLS, or with a TLS alert (record type 21)."""
    if isinstance(error, boto.SSLError):
        return "WRONG_VERSION_NUMBER" in str(error)
    return isinstance(error, boto.ConnectionClosedError) and "BadStatusLine('\\x15\\x03" in repr(inner)


def one_line(text: object) -> str:
    """The text as one line without secrets: no passwords in addresses, nothing echoed from the request's headers."""
    line = " ".join(str(text)[:_MOST_READ].split())
    if _SIGNED.search(line):
        return "(a message that repeats the request's headers)"
    return _KEY.sub("…", _PASSWORD.sub("…@", line))


def _where(error: BotoCoreError) -> str:
    return _place(str(error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or ""))


def _through(error: BotoCoreError) -> str:
    """What was unreachable when a proxy is used: the proxy, or the endpoint behind it."""
    reason = _reason(error)
    if "Tunnel connection failed" in reason:
        return f"the endpoint through the proxy {_where(error)}: {reason}"
    return f"the proxy {_where(error)}: {reason}; check the proxy, or list the host in NO_PROXY"


def _place(url: str) -> str:
    parts = urlsplit(url)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else "S3"


def _reason(error: BotoCoreError) -> str:
    """The innermost reason as a short text; urllib3 and botocore wrap it in several layers."""
    inner: object = error.kwargs.get("error") or error
    for _ in range(8):
        deeper = getattr(inner, "reason", None) or getattr(inner, "__cause__", None)
        if deeper is None and isinstance(inner, Exception):
            deeper = next((arg for arg in inner.args if isinstance(arg, Exception)), None)
        if not isinstance(deeper, Exception):
            break
        inner = deeper
    if isinstance(inner, OSError) and inner.strerror:
        return one_line(inner.strerror.lower())
    if isinstance(error, (boto.ReadTimeoutError, boto.ConnectTimeoutError)):
        return "no response in time"
    return one_line(inner)[:200]
