"""Which S3 operation an HTTP request is.  Path-style addresses only; whatever is not listed is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

from tests.support.s3_model.errors import invalid_argument


class Operation(StrEnum):
    """An operation, by S3's name."""

    CREATE_BUCKET = "CreateBucket"
    HEAD_BUCKET = "HeadBucket"
    LIST_MULTIPART_UPLOADS = "ListMultipartUploads"
    CREATE_MULTIPART_UPLOAD = "CreateMultipartUpload"
    UPLOAD_PART = "UploadPart"
    LIST_PARTS = "ListParts"
    COMPLETE_MULTIPART_UPLOAD = "CompleteMultipartUpload"
    ABORT_MULTIPART_UPLOAD = "AbortMultipartUpload"
    HEAD_OBJECT = "HeadObject"
    GET_OBJECT = "GetObject"
    GET_OBJECT_ATTRIBUTES = "GetObjectAttributes"
    PUT_OBJECT = "PutObject"
    DELETE_OBJECT = "DeleteObject"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request without its body; header names in lower case, bucket and key empty when the path has none."""

    operation: Operation
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    raw_path: str
    raw_query: str

    @property
    def part_number(self) -> int | None:
        """The part the request is about; None when it is about none, or not about a number."""
        text = self.query.get("partNumber", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def number(self, name: str) -> int | None:
        """A query parameter as a number; None when absent.

        Raises:
            S3Error: InvalidArgument.
        """
        text = self.query.get(name)
        if text is None or text == "":
            return None
        if not text.removeprefix("-").isdigit():
            raise invalid_argument(f"Provided {name} not an integer or within integer range")
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    method: str
    has_key: bool
    operation: Operation
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


_UPLOADS_PAGE = frozenset({"prefix", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"})
_ROUTES = (
    _Route(method="PUT", has_key=False, operation=Operation.CREATE_BUCKET),
    _Route(method="HEAD", has_key=False, operation=Operation.HEAD_BUCKET),
    _Route(
        method="GET",
        has_key=False,
        operation=Operation.LIST_MULTIPART_UPLOADS,
        needs=frozenset({"uploads"}),
        may=_UPLOADS_PAGE,
    ),
    _Route(method="POST", has_key=True, operation=Operation.CREATE_MULTIPART_UPLOAD, needs=frozenset({"uploads"})),
    _Route(method="PUT", has_key=True, operation=Operation.UPLOAD_PART, needs=frozenset({"uploadId", "partNumber"})),
    _Route(
        method="GET",
        has_key=True,
        operation=Operation.LIST_PARTS,
        needs=frozenset({"uploadId"}),
        may=frozenset({"part-number-marker", "max-parts"}),
    ),
    _Route(method="POST", has_key=True, operation=Operation.COMPLETE_MULTIPART_UPLOAD, needs=frozenset({"uploadId"})),
    _Route(method="DELETE", has_key=True, operation=Operation.ABORT_MULTIPART_UPLOAD, needs=frozenset({"uploadId"})),
    _Route(method="HEAD", has_key=True, operation=Operation.HEAD_OBJECT, may=frozenset({"partNumber", "versionId"})),
    _Route(method="GET", has_key=True, operation=Operation.GET_OBJECT),
    _Route(method="GET", has_key=True, operation=Operation.GET_OBJECT_ATTRIBUTES, needs=frozenset({"attributes"})),
    _Route(method="PUT", has_key=True, operation=Operation.PUT_OBJECT),
    _Route(method="DELETE", has_key=True, operation=Operation.DELETE_OBJECT),
)


def parse_head(method: str, target: str, message: Message) -> RequestHead:
    """A request's head, from its request line and headers; a header that came twice is joined with commas."""
    raw_path, _, raw_query = target.partition("?")
    bucket, _, key = raw_path.removeprefix("/").partition("/")
    query = dict(parse_qsl(raw_query, keep_blank_values=True))
    return RequestHead(
        operation=_operation(method, bucket, key, frozenset(query) - {"x-id"}),
        method=method,
        bucket=unquote(bucket),
        key=unquote(key),
        query=query,
        headers={name.lower(): ",".join(message.get_all(name, [])) for name in message},
        raw_path=raw_path,
        raw_query=raw_query,
    )


def _operation(method: str, bucket: str, key: str, names: frozenset[str]) -> Operation:
    for route in _ROUTES:
        fits = route.method == method and route.has_key == bool(key) and bool(bucket)
        if fits and route.needs <= names <= route.needs | route.may:
            return route.operation
    return Operation.UNKNOWN
