"""Ready answers for scripted faults: what S3 and the boxes in front of it say when they are unwell."""

from .faults import Answer


def s3_error(code: str, status: int, message: str = "") -> Answer:
    """Any S3 error."""
    return Answer(status=status, code=code, message=message)


def slow_down(*, retry_after: int | None = None) -> Answer:
    """503 SlowDown; ``retry_after`` in seconds, None: no such header."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(status=503, code="SlowDown", message="Please reduce your request rate.", headers=headers)


def internal_error() -> Answer:
    """500 InternalError."""
    return Answer(status=500, code="InternalError", message="We encountered an internal error. Please try again.")


def bad_gateway() -> Answer:
    """502 from a proxy: HTML, no S3 document."""
    return _html(502, "Bad Gateway")


def gateway_timeout() -> Answer:
    """504 from a proxy: HTML, no S3 document."""
    return _html(504, "Gateway Time-out")


def too_many_requests() -> Answer:
    """429 TooManyRequests."""
    return Answer(status=429, code="TooManyRequests", headers={"Retry-After": "1"})


def request_timeout() -> Answer:
    """RequestTimeout, which is HTTP 400 at S3."""
    return Answer(
        status=400,
        code="RequestTimeout",
        message="Your socket connection to the server was not read from or written to within the timeout period.",
    )


def request_time_too_skewed() -> Answer:
    """403 RequestTimeTooSkewed, whatever the clocks say."""
    return Answer(
        status=403,
        code="RequestTimeTooSkewed",
        message="The difference between the request time and the current time is too large.",
    )


def expired_token() -> Answer:
    """400 ExpiredToken: temporary credentials ended."""
    return Answer(status=400, code="ExpiredToken", message="The provided token has expired.")


def access_denied() -> Answer:
    """403 AccessDenied."""
    return Answer(status=403, code="AccessDenied", message="Access Denied")


def conditional_conflict() -> Answer:
    """409 ConditionalRequestConflict: another write to the key came between."""
    return Answer(status=409, code="ConditionalRequestConflict")


def permanent_redirect(region: str) -> Answer:
    """301 PermanentRedirect: the bucket lives in ``region``."""
    return Answer(
        status=301,
        code="PermanentRedirect",
        message="The bucket you are attempting to access must be addressed using the specified endpoint.",
        headers={"x-amz-bucket-region": region},
        details={"Endpoint": f"s3.{region}.amazonaws.com"},
    )


def error_in_200(code: str = "InternalError") -> Answer:
    """Status 200 with an error document: Complete (and copies) can fail after the status was sent."""
    return Answer(status=200, code=code)


def _html(status: int, title: str) -> Answer:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status=status, body=page.encode(), headers={"Content-Type": "text/html"})
