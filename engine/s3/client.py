"""botocore clients as the engine wants them: nothing done by themselves, one a configuration and process."""

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
from ..errors import PlanError
from ..responses.connection import install
from ..responses.limit import send
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
    """One client a configuration and process; clients are thread-safe, and making one is slow."""
    return _client_and_calls(config)[0]


def repeated_calls(config: S3Config) -> RequestTemplates:
    """The calls of that client that are made again and again."""
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
        # The checksum header is signed and S3 compares it with the body: over TLS, hashing the body once more
        # for the signature proves nothing new.  botocore reads the setting on every call.  The user may still ask
        # for it in the `s3 =` block, for a bucket whose policy wants every body signed.
        client.meta.config.s3 = {"payload_signing_enabled": False} | (client.meta.config.s3 or {})
    return client, _prepare(client, clock_skew_for(config), may_repeat=config.is_default)


def _made_here(config: S3Config) -> Any:
    """A client that does nothing by itself.

    botocore's retries are off (engine/retry/backend.py owns them), and so is its own checksum: ours goes as a header,
    with a plain body that every service understands.
    """
    options: dict[str, Any] = {
        # Ours is the one that find_endpoint found.
        "ignore_configured_endpoint_urls": True,
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": config.connections,
        "connect_timeout": config.send_timeout,
        "read_timeout": config.answer_timeout,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "tcp_keepalive": True,
        # Fixed: botocore makes its own anew for every request, a tenth of what a request costs.
        **({"signature_version": UNSIGNED} if config.unsigned else {}),
        "user_agent": f"partway boto3/{boto3.__version__}",
    }
    session = session_for(config)
    with reading_configuration():
        endpoint = endpoint_for(config)
        options["proxies"] = find_proxies(endpoint.url)
        # No certificate is looked at where there is no TLS.
        is_plain = (endpoint.url or "").startswith("http:")
        verify = True if is_plain else find_bundle(config.verify, session.get_scoped_config())
        client: Any = session.create_client(
            "s3",
            # A session that was handed in has a region of its own.
            region_name=config.region if config.session is not None else None,
            endpoint_url=endpoint.url,
            verify=verify,
            config=Config(**options),
        )
    install(client._endpoint.http_session)
    return client


def _prepare(client: Any, offset: ClockSkew, *, may_repeat: bool) -> RequestTemplates:
    """Register what botocore leaves out, and the calls that are made again and again."""
    # botocore has no bound for an answer, and no other place to set one than where it sends.
    http = client._endpoint.http_session
    send_by = partial(_send, http, ServiceCheck(http, offset, client.meta.config))
    calls = RequestTemplates(client, offset, send_by, may_repeat=may_repeat)
    client.meta.events.register("before-send.s3", send_by)
    client.meta.events.register("before-parse.s3.CreateMultipartUpload", _drop_odd_date)
    # By this name it comes before botocore's own handler, which would read the whole document for an error.
    client.meta.events.register("before-parse.*.ListParts", take_rows)
    client.meta.events.register("before-parse.s3", drop_empty)
    offset.attach(client.meta.events)
    return calls


def with_complete_timeout(config: S3Config) -> S3Config:
    """The configuration for CompleteMultipartUpload; a client that was handed in keeps its own timeouts."""
    return config if config.client is not None else replace(config, answer_timeout=config.complete_timeout)


def _is_private(endpoint_url: str) -> bool:
    """False where somebody on the way may read and change what is sent: plain http has no protection but the
    signature, but on the loopback there is nobody to protect from."""
    parts = urlsplit(endpoint_url)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _drop_odd_date(response_dict: Any, **_: Any) -> None:
    """The abort date is only told to the user: an odd one must not cost the upload that S3 just made."""
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
    """Let go of a configuration's clients and credentials, so that the next call begins anew; the clients that were.

    entirely: forget also that it gave credentials.
    """
    forget_session(config, entirely=entirely)
    made = [_clients.pop(each, None) for each in {config, with_complete_timeout(config)}]
    return [each[0] for each in made if each is not None]


# A forked process makes clients of its own: two that write to one connection would mix their requests.
os.register_at_fork(after_in_child=_clients.clear)
