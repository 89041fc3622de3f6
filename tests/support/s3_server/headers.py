"""What a request's headers say, in the model's words, and which headers tell the model's values."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.support.s3_model.checksums import Algorithm, Checksum, ChecksumType
from tests.support.s3_model.errors import S3Error, invalid_argument, invalid_request, not_implemented
from tests.support.s3_model.values import ObjectOptions, StoredObject

from .routes import RequestHead

_KEPT = frozenset({"content-type", "cache-control", "content-disposition", "content-language", "expires", "x-amz-acl"})
_KEPT_PREFIXES = ("x-amz-grant-", "x-amz-storage-class", "x-amz-tagging", "x-amz-website-", "x-amz-object-lock-")
_TOLD = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
_SSE = "x-amz-server-side-encryption"
_CUSTOMER_KEY = f"{_SSE}-customer-key"
CUSTOMER_KEY_TOLD = (f"{_SSE}-customer-algorithm", f"{_CUSTOMER_KEY}-md5")
_OTHER_CHECKSUM_HEADERS = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    headers: without Content-Length.
    length: what Content-Length says; None: the body's.
    foreign: it is not the service's: without the headers that all of its have.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    length: int | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that was read, let in and decoded.

    trailers: what came behind an aws-chunked body, by lower-case name.
    is_tls: SSE-C keys are refused without.
    """

    head: RequestHead
    body: bytes = field(repr=False)
    trailers: Mapping[str, str]
    is_tls: bool

    def header(self, name: str) -> str | None:
        """A header's value; None when absent."""
        return self.head.headers.get(name)

    @property
    def customer_key_md5(self) -> str | None:
        """MD5 of the SSE-C key that came along, base64; None without."""
        return self.header(f"{_CUSTOMER_KEY}-md5")

    def checksum(self) -> Checksum | None:
        """The one x-amz-checksum-* value, from the headers or the trailers; None without.

        Raises:
            S3Error: more than one, an unknown algorithm, or an announced value that did not come.
        """
        found = {
            name: value
            for name, value in {**self.head.headers, **self.trailers}.items()
            if name.startswith("x-amz-checksum-") and name not in _OTHER_CHECKSUM_HEADERS
        }
        if len(found) > 1:
            raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        if not found:
            if self.header("x-amz-sdk-checksum-algorithm") is not None:
                raise invalid_request(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                    "headers were found."
                )
            return None
        [(name, value)] = found.items()
        named = self.header("x-amz-sdk-checksum-algorithm")
        if named is not None and name != f"x-amz-checksum-{named.lower()}":
            raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        for algorithm in Algorithm:
            if algorithm.header == name:
                return Checksum(algorithm=algorithm, value=value)
        raise not_implemented(f"This server does not know {name}.")

    def declared_algorithm(self) -> Algorithm | None:
        """x-amz-checksum-algorithm; None when absent."""
        text = self.header("x-amz-checksum-algorithm")
        try:
            return None if text is None else Algorithm(text.upper())
        except ValueError:
            raise invalid_request("Checksum algorithm provided is unsupported.") from None

    def checksum_type(self) -> ChecksumType | None:
        """x-amz-checksum-type; None when absent."""
        text = self.header("x-amz-checksum-type")
        try:
            return None if text is None else ChecksumType(text)
        except ValueError:
            raise invalid_request("Value for x-amz-checksum-type header is invalid.") from None

    def options(self) -> ObjectOptions:
        """What is stored with an object.  Never an SSE-C key itself, only its MD5."""
        headers = {
            name: value
            for name, value in self.head.headers.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES) or (name.startswith(_SSE) and name != _CUSTOMER_KEY)
        }
        codings = [c.strip() for c in self.head.headers.get("content-encoding", "").split(",")]
        encoding = ",".join(coding for coding in codings if coding and coding != "aws-chunked")
        if encoding:
            headers["content-encoding"] = encoding
        prefix = "x-amz-meta-"
        metadata = {n.removeprefix(prefix): v for n, v in self.head.headers.items() if n.startswith(prefix)}
        return ObjectOptions(metadata=metadata, headers=headers)

    def without_customer_key(self) -> "Request":
        """As a store sees it that knows no SSE-C."""
        kept = {name: value for name, value in self.head.headers.items() if not name.startswith(f"{_SSE}-customer-")}
        return replace(self, head=replace(self.head, headers=kept))

    def check_customer_key(self) -> None:
        """Raises: S3Error: an SSE-C key without TLS, or one that is not what its MD5 says."""
        key = self.header(_CUSTOMER_KEY)
        if key is None:
            return
        if not self.is_tls:
            raise invalid_request(
                "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure "
                "connection."
            )
        try:
            raw = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise invalid_argument("The secret key was invalid for the specified algorithm.") from None
        md5 = base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
        if len(raw) != 32 or md5 != self.customer_key_md5:
            raise invalid_argument("The calculated MD5 hash of the key did not match the hash that was provided.")


def byte_range(text: str, size: int) -> tuple[int, int]:
    """First and last byte (0-based, both included) of a ``Range`` header with one range.

    Raises:
        S3Error: InvalidRange 416.
    """
    first, dash, last = text.removeprefix("bytes=").partition("-")
    try:
        if first:
            start, end = int(first), min(int(last), size - 1) if last else size - 1
        else:
            start, end = max(0, size - int(last)), size - 1
    except ValueError:
        start, end = size, 0
    if not dash or start > end:
        raise S3Error("InvalidRange", 416, "The requested range is not satisfiable")
    return start, end


def checksum_headers(checksum: Checksum | None, checksum_type: ChecksumType | None = None) -> dict[str, str]:
    """How an answer tells a checksum; None: not at all."""
    headers = {checksum.algorithm.header: checksum.value} if checksum else {}
    return headers | ({"x-amz-checksum-type": checksum_type.value} if checksum_type else {})


def encryption_headers(options: ObjectOptions) -> dict[str, str]:
    """How an answer tells the encryption."""
    return {name: value for name, value in options.headers.items() if name.startswith(_SSE)}


def version_headers(stored: StoredObject) -> dict[str, str]:
    """How an answer tells which version an object is; nothing where the bucket keeps none."""
    return {} if stored.version is None else {"x-amz-version-id": stored.version}


def object_headers(options: ObjectOptions) -> dict[str, str]:
    """What HEAD and GET tell of an object's options; the ACL and tags are not among it."""
    headers = {name: options.headers[name] for name in _TOLD if name in options.headers}
    headers |= {"Content-Type": options.content_type, **encryption_headers(options)}
    headers |= {f"x-amz-meta-{name}": value for name, value in options.metadata.items()}
    if options.storage_class != "STANDARD":
        headers["x-amz-storage-class"] = options.storage_class
    return headers
