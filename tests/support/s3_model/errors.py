"""The one exception that the S3 for tests raises: what a client would read in the error document."""

from collections.abc import Mapping


class S3Error(Exception):
    """A refusal by S3.

    code: S3's name for it, as in ``<Code>``.
    status: HTTP status.
    message: ``<Message>``; empty means a sentence made from the code.
    details: further elements of the document (``Region``, ``ServerTime``, ...).
    headers: further HTTP headers of the answer.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str = "",
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.status = status
        self.message = message or f"The request failed with {code}."
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def invalid_request(message: str) -> S3Error:
    """InvalidRequest 400, S3's answer to everything that has no code of its own."""
    return S3Error("InvalidRequest", 400, message)


def invalid_argument(message: str) -> S3Error:
    """InvalidArgument 400: a number out of its range."""
    return S3Error("InvalidArgument", 400, message)


def not_implemented(message: str) -> S3Error:
    """NotImplemented 501: S3 may know it, this server does not."""
    return S3Error("NotImplemented", 501, message)
