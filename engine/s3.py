"""The backend over boto3: the only module that knows it.  Errors leave it translated (engine/s3_errors.py)."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from .backend import CreatedUpload, MultipartBackend, ObjectFacts, ObjectOptions, PartReceipt, Target
from .checksum import ChecksumAlgorithm
from .clock_offset import ClockOffset
from .errors import Refused
from .s3_errors import translated, unreadable
from .source import PartReader

# A send that makes no progress for this long is a stall.  It is also the time to reach the endpoint.
SEND_TIMEOUT = 30.0
ANSWER_TIMEOUT = 60.0
# Putting 10,000 parts together may take a service minutes, and asking again makes some start over.
COMPLETE_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """How to reach the service.  Credentials are never here: they come from the user's AWS configuration.

    endpoint_url, region, profile: None leaves each to the AWS configuration and environment; as an endpoint, ""
        is AWS itself, whatever the configuration says.
    connections: how many calls may run at the same time.
    send_timeout: seconds that a connection or a block of the body may take.
    answer_timeout: seconds without a byte of the answer.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    connections: int = 10
    send_timeout: float = SEND_TIMEOUT
    answer_timeout: float = ANSWER_TIMEOUT


_sessions: dict[tuple[str | None, str | None], tuple[boto3.session.Session, ClockOffset]] = {}
_clients: dict[S3Config, Any] = {}


def _client(config: S3Config) -> Any:
    """One client a configuration and process; clients are thread-safe, and making one is slow."""
    client = _clients.get(config)
    if client is None:
        client = _clients[config] = _new_client(config)
    return client


def _new_client(config: S3Config) -> Any:
    """A client that does nothing by itself.

    botocore's retries are off (engine/retry.py owns them), and so is its own checksum: ours goes as a header, with
    a plain body that every service understands.
    """
    options: dict[str, Any] = {
        "ignore_configured_endpoint_urls": config.endpoint_url == "",
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": config.connections,
        "connect_timeout": config.send_timeout,
        "read_timeout": config.answer_timeout,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "tcp_keepalive": True,
        "user_agent_extra": "partway",
    }
    with translated("configure"):
        session, offset = _session(config)
        client = session.client("s3", endpoint_url=config.endpoint_url or None, config=Config(**options))
        if _may_skip_signing(client.meta.endpoint_url):
            # The checksum header is signed and S3 compares it with the body: over TLS, hashing the body once more
            # for the signature proves nothing new.  botocore reads the setting on every call.
            client.meta.config.s3 = (client.meta.config.s3 or {}) | {"payload_signing_enabled": False}
    client.meta.events.register("before-send.s3", _begin_sending)
    offset.attach(client.meta.events)
    return client


def _session(config: S3Config) -> tuple[boto3.session.Session, ClockOffset]:
    """Clients of one profile share a session: it holds the credentials and the service's parsed description."""
    key = (config.profile, config.region)
    if key not in _sessions:
        session = boto3.session.Session(profile_name=config.profile, region_name=config.region)
        _sessions[key] = (session, ClockOffset(session.get_credentials()))
    return _sessions[key]


def _patient(config: S3Config) -> S3Config:
    return replace(config, answer_timeout=COMPLETE_TIMEOUT)


def _may_skip_signing(endpoint_url: str) -> bool:
    """Plain http has no protection but the signature; on the loopback there is nobody to protect from."""
    parts = urlsplit(endpoint_url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _begin_sending(request: Any, **_: Any) -> None:
    if isinstance(request.body, PartReader):
        request.body.begin_sending()


@dataclass(frozen=True, slots=True)
class S3Backend(MultipartBackend):
    """S3 by boto3.  A value: what is open lives in one client a process, so it may be sent to another process."""

    config: S3Config = S3Config()

    @property
    def endpoint(self) -> str:
        """The service's address as the AWS configuration resolves it; "" for AWS itself.

        Raises:
            RemoteError: the AWS configuration is not usable (no such profile, an address that is none).
        """
        url = str(_client(self.config).meta.endpoint_url)
        host = urlsplit(url).hostname or ""
        return "" if host.endswith((".amazonaws.com", ".amazonaws.com.cn")) else url

    def close(self) -> None:
        """Close the connections of this process and forget its credentials; the next call begins anew."""
        for client in self._forget():
            client.close()

    def renew_credentials(self) -> None:
        # Other threads may be in the middle of a call: their client is let go of, not closed.
        self._forget()

    def _forget(self) -> list[Any]:
        _sessions.pop((self.config.profile, self.config.region), None)
        clients = [_clients.pop(config, None) for config in (self.config, _patient(self.config))]
        return [client for client in clients if client is not None]

    @property
    def region(self) -> str | None:
        """The region that the configuration resolves to, or None."""
        return _client(self.config).meta.region_name or None

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html"""
        declared: dict[str, Any] = {}
        if algorithm is not ChecksumAlgorithm.MD5:
            declared = {"ChecksumAlgorithm": algorithm.value, "ChecksumType": _checksum_type(algorithm)}
        with translated("CreateMultipartUpload", checksum=algorithm):
            answer = _client(self.config).create_multipart_upload(
                **_address(target), **_object_options(target.options), **declared
            )
            agreed = answer.get("ChecksumAlgorithm")
            return CreatedUpload(
                upload_id=answer["UploadId"],
                algorithm=ChecksumAlgorithm(agreed) if agreed in set(ChecksumAlgorithm) else None,
                abort_date=answer["AbortDate"].timestamp() if "AbortDate" in answer else None,
            )

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html"""
        proof = _checksum_argument(body.algorithm, body.checksum)
        with translated("UploadPart", checksum=body.algorithm):
            answer = _client(self.config).upload_part(
                **_address(target), UploadId=upload_id, PartNumber=body.spec.number, Body=_body(body), **proof
            )
            _check_whole("UploadPart", answer)
            return PartReceipt(
                number=body.spec.number,
                size=body.spec.size,
                etag=_etag(answer),
                checksum=answer.get(_checksum_name(body.algorithm)),
            )

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html"""
        rows: list[PartReceipt] = []
        seen: set[int] = set()
        markers = [0]
        while True:
            answer = self._list_page(target, upload_id, markers[-1])
            if answer is None:
                return None
            with translated("ListParts"):
                page = [
                    PartReceipt(
                        number=row["PartNumber"],
                        size=row.get("Size", -1),
                        etag=_etag(row),
                        checksum=row.get(_checksum_name(algorithm)),
                    )
                    for row in answer.get("Parts", ())
                ]
            rows.extend(page)
            news = {row.number for row in page} - seen
            marker = answer.get("NextPartNumberMarker") or (page[-1].number if page else 0)
            # Services ignore the marker, misorder rows, or give the same page for ever: only news lead on.
            if not answer.get("IsTruncated") or not news or marker in markers:
                return rows
            seen |= news
            markers.append(marker)

    def _list_page(self, target: Target, upload_id: str, marker: int) -> Any:
        """One page; None when there is no such call, or not for these credentials."""
        try:
            with translated("ListParts"):
                return _client(self.config).list_parts(**_address(target), UploadId=upload_id, PartNumberMarker=marker)
        except Refused as error:
            if error.code == "AccessDenied" or error.status in (405, 501):
                return None
            raise

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"""
        named = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        proof: dict[str, Any] = {}
        if algorithm is not ChecksumAlgorithm.MD5:
            name = _checksum_name(algorithm)
            named = [row | {name: part.checksum} for row, part in zip(named, parts, strict=True)]
            proof = {"ChecksumType": _checksum_type(algorithm), "MpuObjectSize": size}
            if algorithm.full_object:
                proof[name] = checksum
        if target.options.no_overwrite:
            proof["IfNoneMatch"] = "*"
        with translated("CompleteMultipartUpload", checksum=algorithm):
            answer = _client(_patient(self.config)).complete_multipart_upload(
                **_address(target), UploadId=upload_id, MultipartUpload={"Parts": named}, **proof
            )
        return ObjectFacts(size=size, etag=_etag(answer), checksum=answer.get(_checksum_name(algorithm)))

    def abort_upload(self, target: Target, upload_id: str) -> None:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html"""
        with translated("AbortMultipartUpload"):
            _client(self.config).abort_multipart_upload(**_address(target), UploadId=upload_id)

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        arguments = _object_options(target.options) | _checksum_argument(body.algorithm, body.checksum)
        if target.options.no_overwrite:
            arguments["IfNoneMatch"] = "*"
        with translated("PutObject", checksum=body.algorithm):
            answer = _client(self.config).put_object(**_address(target), Body=_body(body), **arguments)
            _check_whole("PutObject", answer)
        return ObjectFacts(size=body.spec.size, etag=_etag(answer), checksum=answer.get(_checksum_name(body.algorithm)))

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm) -> ObjectFacts:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""
        with translated("HeadObject"):
            answer = _client(self.config).head_object(**_address(target), ChecksumMode="ENABLED")
            return ObjectFacts(
                size=answer["ContentLength"], etag=_etag(answer), checksum=answer.get(_checksum_name(algorithm))
            )


def _address(target: Target) -> dict[str, Any]:
    return {"Bucket": target.bucket, "Key": target.key}


def _body(body: PartReader) -> PartReader | bytes:
    # botocore leaves Content-Length away for a file-like body of no bytes.
    return body if body.spec.size else b""


def _check_whole(operation: str, answer: Any) -> None:
    """Refuse an answer whose head was cut off: http.client takes the headers that came for all there are, and a
    missing checksum would look like a service that has none."""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    if not _etag(answer) or not headers.keys() & {"content-length", "transfer-encoding"}:
        raise unreadable(operation)


def _etag(answer: Any) -> str:
    return str(answer.get("ETag") or "").strip('"')


def _checksum_name(algorithm: ChecksumAlgorithm) -> str:
    return f"Checksum{algorithm.value}"


def _checksum_type(algorithm: ChecksumAlgorithm) -> str:
    return "FULL_OBJECT" if algorithm.full_object else "COMPOSITE"


def _checksum_argument(algorithm: ChecksumAlgorithm, value: str) -> dict[str, Any]:
    return {"ContentMD5" if algorithm is ChecksumAlgorithm.MD5 else _checksum_name(algorithm): value}


def _object_options(options: ObjectOptions) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "ACL": options.acl,
        "StorageClass": options.storage_class,
        "ContentType": options.content_type,
        "Metadata": dict(options.metadata),
        "ServerSideEncryption": options.sse,
        "SSEKMSKeyId": options.sse_kms_key_id,
    }
    return {name: value for name, value in arguments.items() if value}
