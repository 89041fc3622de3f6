"""What the sink knows and answers: an S3 that remembers everything about the parts but their bytes.  No sockets."""

import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from partway.engine.checksums import ChecksumAlgorithm, combine

from .s3_xml import PartFacts, document, named_numbers, parts_document

CHECKSUM = "x-amz-checksum-"
CRC64NVME = f"{CHECKSUM}crc64nvme"
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; header names are in lower case, ``size`` counts the object's bytes in the body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    size: int = 0

    @property
    def is_part(self) -> bool:
        """True for the calls that carry the object's bytes."""
        return self.method == "PUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class _Upload:
    path: str
    parts: dict[int, PartFacts] = field(default_factory=dict)


def parse_request(method: str, target: str, headers: Mapping[str, str]) -> Request:
    """A request's head; the size is that of the decoded body when the body is aws-chunked."""
    parts = urlsplit(target)
    return Request(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        size=int(headers.get("x-amz-decoded-content-length") or headers.get("content-length") or 0),
    )


class S3Answers:
    """The S3 calls that uploaders make.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}
        self._objects: dict[str, PartFacts] = {}
        self._made = 0

    def answer(self, request: Request, body: bytes = b"") -> Answer:
        """Answer one request; ``body`` is needed for Complete only."""
        upload_id = request.query.get("uploadId")
        with self._lock:
            match request.method:
                case "POST" if "uploads" in request.query:
                    return self._create(request)
                case "POST" if upload_id in self._uploads:
                    return self._complete(upload_id, request, body)
                case "PUT" if upload_id is None:
                    self._objects[request.path] = facts = _received(request, 1)
                    return _receipt(facts)
                case "PUT" if upload_id in self._uploads:
                    facts = _received(request, int(request.query["partNumber"]))
                    self._uploads[upload_id].parts[facts.number] = facts
                    return _receipt(facts)
                case "GET" if upload_id in self._uploads:
                    return self._list_parts(upload_id, int(request.query.get("part-number-marker") or 0))
                case "DELETE":
                    self._uploads.pop(upload_id or "", None)
                    return Answer(status=204)
                case "HEAD":
                    return self._head(request)
            if upload_id is not None:
                return failure(404, "NoSuchUpload")
            return _empty_list(request)

    def _create(self, request: Request) -> Answer:
        self._made += 1
        upload_id = f"upload{self._made}"
        self._uploads[upload_id] = _Upload(path=request.path)
        _, bucket, key = request.path.split("/", 2)
        agreed = {name: value for name, value in request.headers.items() if name.startswith(CHECKSUM)}
        return Answer(
            headers=agreed,
            body=document("InitiateMultipartUploadResult", {"Bucket": bucket, "Key": key, "UploadId": upload_id}),
        )

    def _complete(self, upload_id: str, request: Request, body: bytes) -> Answer:
        parts = self._uploads[upload_id].parts
        numbers = named_numbers(body)
        if not numbers or not parts.keys() >= set(numbers):
            return failure(400, "InvalidPart")
        named = [parts[number] for number in numbers]
        sums = {CRC64NVME: _whole(named)} if all(CRC64NVME in part.checksums for part in named) else {}
        if CRC64NVME in request.headers and request.headers[CRC64NVME] != sums.get(CRC64NVME):
            return failure(400, "BadDigest")
        del self._uploads[upload_id]
        made = PartFacts(number=0, size=sum(p.size for p in named), etag=f"{0:032x}-{len(named)}", checksums=sums)
        self._objects[request.path] = made
        _, bucket, key = request.path.split("/", 2)
        rows = {"Location": request.path, "Bucket": bucket, "Key": key, "ETag": f'"{made.etag}"'}
        if sums:
            rows |= {"ChecksumCRC64NVME": sums[CRC64NVME], "ChecksumType": "FULL_OBJECT"}
        return Answer(body=document("CompleteMultipartUploadResult", rows))

    def _list_parts(self, upload_id: str, marker: int) -> Answer:
        numbers = sorted(number for number in self._uploads[upload_id].parts if number > marker)
        rows = [self._uploads[upload_id].parts[number] for number in numbers[:_PAGE]]
        return Answer(body=parts_document(upload_id, rows, truncated=len(numbers) > _PAGE))

    def _head(self, request: Request) -> Answer:
        found = self._objects.get(request.path)
        if found is None:
            return Answer(status=200 if request.path.strip("/").count("/") == 0 else 404)
        return Answer(headers={**_receipt(found).headers, "content-length": str(found.size)})


def failure(status: int, code: str) -> Answer:
    """S3's error document."""
    body = f"<Error><Code>{escape(code)}</Code><Message>{escape(code)}</Message></Error>"
    return Answer(status=status, headers={"content-type": "application/xml"}, body=body.encode())


def _received(request: Request, number: int) -> PartFacts:
    sums = {name: value for name, value in request.headers.items() if name.startswith(CHECKSUM)}
    # What the client says of its bytes is all that is known of them: S3 would refuse a wrong MD5.
    etag = md5_hex(request.headers.get("content-md5", "")) or f"{number:032x}"
    return PartFacts(number=number, size=request.size, etag=etag, checksums=sums)


def _receipt(facts: PartFacts) -> Answer:
    headers = {"etag": f'"{facts.etag}"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    return Answer(headers=headers | dict(facts.checksums))


def _whole(parts: list[PartFacts]) -> str:
    return combine(ChecksumAlgorithm.CRC64NVME, [(part.checksums[CRC64NVME], part.size) for part in parts])


def _empty_list(request: Request) -> Answer:
    root = "ListMultipartUploadsResult" if "uploads" in request.query else "ListBucketResult"
    return Answer(body=document(root, {"Name": request.path.strip("/"), "KeyCount": "0", "IsTruncated": "false"}))


def md5_hex(base64_md5: str) -> str:
    """Content-MD5's value as an ETag has it; "" for none."""
    return b64decode(base64_md5).hex()
