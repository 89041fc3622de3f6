"""Create botocore clients that do nothing on their own, one for each configuration and process."""

import ipaddress
import os
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.utils import parse_timestamp

from ..aws_config.ca_bundle import find_bundle
from ..aws_config.errors import reading_configuration
from ..aws_config.proxies import find_proxies
from ..errors import PlanError, Refused
from ..limits import is_aws
from ..responses.connection import install
from ..responses.limit import checked, send
from ..responses.list_parts_parser import take_rows
from ..responses.xml import drop_empty
from ..source.part_reader import PartReader
from .clock_skew import ClockSkew
from .config import S3Config
from .own_client import copy_of
from .request_templates import RequestTemplates
from .service_check import ServiceCheck
from .session import clock_skew_for, endpoint_for, forget_session, refresh_credentials, session_for

_clients: dict[S3Config, tuple[Any, RequestTemplates]] = {}


def client_for(config: S3Config) -> Any:
    """The client of a configuration in this process.  Clients are thread-safe, and creating one is slow."""
    return _client_and_calls(config)[0]


def endpoint_of(client: Any) -> str:
    """The address of a botocore client's service; "" for AWS itself.

    Raises:
        Refused: it contains credentials.
    """
    url = str(client.meta.endpoint_url)
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise Refused(
            f"the endpoint {parts.scheme}://{parts.hostname} contains a user name or password; "
            "remove it: credentials come from the AWS configuration",
            code="InvalidEndpoint",
        )
    return "" if _is_public_aws(url) else url


def _is_public_aws(url: str) -> bool:
    """True when AWS's own rules yield the address again.  A VPC's interface endpoint is reached only by its name:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/privatelink-interface-endpoints.html
    """
    return is_aws(url) and ".vpce." not in url


def repeated_calls(config: S3Config) -> RequestTemplates:
    """The client's frequent calls, made from templates."""
    return _client_and_calls(config)[1]


def _client_and_calls(config: S3Config) -> tuple[Any, RequestTemplates]:
    made = _clients.get(config)
    if made is None:
        made = _clients[config] = _new_client(config)
    refresh_credentials(config)
    return made


def _new_client(config: S3Config) -> tuple[Any, RequestTemplates]:
    client = _made_here(config) if config.client is None else copy_of(config.client)
    if config.customer_key is not None and not _is_private(client.meta.endpoint_url):
        raise PlanError(
            f"the key of --sse-c would go to {client.meta.endpoint_url} unencrypted; use an endpoint with https://"
        )
    if _is_private(client.meta.endpoint_url):
        # The checksum header is signed, and S3 compares it with the body: over TLS, hashing the body again for the
        # signature proves nothing new.  botocore reads the setting on every call.  The user may still enable it in
        # the `s3 =` block, for a bucket whose policy requires every body to be signed.
        client.meta.config.s3 = {"payload_signing_enabled": False} | (client.meta.config.s3 or {})
    return client, _prepare(client, clock_skew_for(config), may_repeat=config.is_default)


def _made_here(config: S3Config) -> Any:
    """A client that does nothing on its own.

    botocore's retries are off (engine/retry/backend.py retries), and so are its checksums: ours are sent in a header,
    with a plain body that every service understands.
    """
    options: dict[str, Any] = {
        # find_endpoint determines the endpoint.
        "ignore_configured_endpoint_urls": True,
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": config.connections,
        "connect_timeout": config.send_timeout,
        "read_timeout": config.answer_timeout,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "tcp_keepalive": True,
        # Fixed: botocore builds its own for every request, a tenth of the cost of a request.
        **({"signature_version": UNSIGNED} if config.unsigned else {}),
        "user_agent": f"partway boto3/{boto3.__version__}",
    }
    session = session_for(config)
    with reading_configuration():
        endpoint = endpoint_for(config)
        options["proxies"] = find_proxies(endpoint.url)
        # Without TLS, no certificates are needed.
        is_plain = (endpoint.url or "").startswith("http:")
        verify = True if is_plain else find_bundle(config.verify, session.get_scoped_config())
        client: Any = session.create_client(
            "s3",
            # A session of the caller has its own region.
            region_name=config.region if config.session is not None else None,
            endpoint_url=endpoint.url,
            verify=verify,
            config=Config(**options),
        )
    install(client._endpoint.http_session)
    return client


def _prepare(client: Any, offset: ClockSkew, *, may_repeat: bool) -> RequestTemplates:
    """Register the handlers that botocore lacks, and return the templates of the client's frequent calls."""
    # botocore does not limit responses, and the only place to add a limit is where it sends.
    http = client._endpoint.http_session
    is_service = ServiceCheck(http, offset, client.meta.config)
    send_by = partial(_send, http, is_service)
    check = partial(checked, is_service=is_service)
    calls = RequestTemplates(client, offset, send_by, check, may_repeat=may_repeat)
    client.meta.events.register("before-send.s3", send_by)
    client.meta.events.register("before-parse.s3.CreateMultipartUpload", _drop_odd_date)
    # With this name it runs before botocore's own handler, which would parse the whole document for an error.
    client.meta.events.register("before-parse.*.ListParts", take_rows)
    client.meta.events.register("before-parse.s3", drop_empty)
    offset.attach(client.meta.events)
    return calls


def with_complete_timeout(config: S3Config) -> S3Config:
    """The configuration for CompleteMultipartUpload.  A client of the caller keeps its own timeouts."""
    return config if config.client is not None else replace(config, answer_timeout=config.complete_timeout)


def _is_private(endpoint_url: str) -> bool:
    """False when others on the network may read and change what is sent: plain http is protected by nothing but the
    signature.  The loopback interface is private."""
    parts = urlsplit(endpoint_url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _drop_odd_date(response_dict: Any, **_: Any) -> None:
    """Drop an invalid abort date, which is only shown to the user, so that it does not fail the new upload."""
    headers = response_dict["headers"]
    try:
        parse_timestamp(headers.get("x-amz-abort-date", "0"))
    except (ValueError, OverflowError, RuntimeError, TypeError):
        del headers["x-amz-abort-date"]


def _send(http: Any, is_service: ServiceCheck, request: Any, event_name: str, **_: Any) -> Any:
    if isinstance(request.body, PartReader):
        request.body.begin_sending()
    return send(http, request, event_name, is_service)


def forget_clients(config: S3Config, *, entirely: bool = False) -> list[Any]:
    """Drop a configuration's clients and credentials, so that the next call creates new ones.  Returns the old clients.

    entirely: True also forgets that the configuration provided credentials.
    """
    forget_session(config, entirely=entirely)
    made = [_clients.pop(each, None) for each in {config, with_complete_timeout(config)}]
    return [each[0] for each in made if each is not None]


# A forked process creates its own clients: two processes on one connection would mix up their requests.
os.register_at_fork(after_in_child=_clients.clear)
