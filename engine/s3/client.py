"""botocore clients as the engine wants them: nothing done by themselves, one a configuration and process."""

import gzip
import ipaddress
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore
from botocore import UNSIGNED
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session
from botocore.utils import parse_timestamp

from ..aws_config.ca_bundle import find_bundle
from ..aws_config.credential_process import bound_programs
from ..aws_config.endpoint import Endpoint, find_endpoint
from ..aws_config.errors import reading_configuration, reading_credentials
from ..aws_config.files import check_config_file, check_credentials_file, check_settings
from ..aws_config.mfa import ask_on_terminal_only
from ..aws_config.proxies import find_proxies
from ..aws_config.region import Region, find_region
from ..errors import PlanError
from ..responses.connection import install
from ..responses.limit import send
from ..responses.list_parts_parser import take_rows
from ..responses.xml import drop_empty
from ..source.part_reader import PartReader
from .clock_skew import ClockSkew
from .config import S3Config
from .request_templates import RequestTemplates
from .service_check import ServiceCheck

_sessions: dict[tuple[str | None, str | None, bool], tuple[Session, ClockSkew]] = {}
_clients: dict[S3Config, tuple[Any, RequestTemplates]] = {}
# Configurations that gave credentials in this process: what goes wrong with them later is not how they are written.
_worked: set[tuple[str | None, str | None, bool]] = set()


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
    _, offset = _session(config)
    # Renewed here when it is time, so that trouble with them is not taken for trouble with the call.
    key = _key(config)
    with reading_credentials(worked=key in _worked):
        offset.refresh_credentials()
    _worked.add(key)
    return made


def _new_client(config: S3Config) -> tuple[Any, RequestTemplates]:
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
        "user_agent": f"partway botocore/{botocore.__version__}",
    }
    session, offset = _session(config)
    with reading_configuration():
        endpoint = _endpoint(config, session)
        options["proxies"] = find_proxies(endpoint.url)
        # No certificate is looked at where there is no TLS.
        is_plain = (endpoint.url or "").startswith("http:")
        verify = True if is_plain else find_bundle(config.verify, session.get_scoped_config())
        client: Any = session.create_client("s3", endpoint_url=endpoint.url, verify=verify, config=Config(**options))
        if config.customer_key is not None and not _is_private(client.meta.endpoint_url):
            raise PlanError(
                f"the key of --sse-c would go to {client.meta.endpoint_url} unencrypted; use an endpoint with https://"
            )
        if _is_private(client.meta.endpoint_url):
            # The checksum header is signed and S3 compares it with the body: over TLS, hashing the body once more
            # for the signature proves nothing new.  botocore reads the setting on every call.  The user may still ask
            # for it in the `s3 =` block, for a bucket whose policy wants every body signed.
            client.meta.config.s3 = {"payload_signing_enabled": False} | (client.meta.config.s3 or {})
    install(client._endpoint.http_session)
    # botocore has no bound for an answer, and no other place to set one than where it sends.
    http = client._endpoint.http_session
    send_by = partial(_send, http, ServiceCheck(http, offset, client.meta.config))
    calls = RequestTemplates(client, offset, send_by)
    client.meta.events.register("before-send.s3", send_by)
    client.meta.events.register("before-parse.s3.CreateMultipartUpload", _drop_odd_date)
    # By this name it comes before botocore's own handler, which would read the whole document for an error.
    client.meta.events.register("before-parse.*.ListParts", take_rows)
    client.meta.events.register("before-parse.s3", drop_empty)
    offset.attach(client.meta.events)
    return client, calls


class _Files(JSONFileLoader):
    """Reads into plain dicts, which keep the order too; botocore's OrderedDicts take twice the time."""

    def load_file(self, file_path: str) -> Any:
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if Path(path).is_file():
                with opened(path, "rb") as file:
                    return json.load(file)
        return None


class _Loader(Loader):
    """botocore's loader without its look into 420 folders of services for the one that is asked for."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:
        """Services that have a folder; whether it has this type shows when that is loaded."""
        folders = [path for path in map(Path, self.search_paths) if path.is_dir()]
        return sorted({service.name for folder in folders for service in folder.iterdir()})


def _session(config: S3Config) -> tuple[Session, ClockSkew]:
    """Clients of one profile share a session: it holds the credentials and the service's parsed description."""
    key = _key(config)
    if key not in _sessions:
        _sessions[key] = _new_session(config)
    return _sessions[key]


def _key(config: S3Config) -> tuple[str | None, str | None, bool]:
    return config.profile, config.region, config.unsigned


def _new_session(config: S3Config) -> tuple[Session, ClockSkew]:
    with reading_configuration():
        check_config_file()
        session = Session(profile=config.profile)
        store = session.get_component("config_store")
        if config.profile is None:
            # As version 2 of the AWS CLI has it: an empty variable counts as not set.
            named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or None
            store.set_config_provider("profile", ConstantProvider(named))
        settings = session.get_scoped_config()
        check_settings(settings)
        store.set_config_provider("region", ConstantProvider(_region(config, session).name))
        paths = create_loader(session.get_config_variable("data_path")).search_paths
        loader = _Loader(extra_search_paths=paths, include_default_search_paths=False)
        session.register_component("data_loader", loader)
    with reading_credentials(worked=_key(config) in _worked):
        if config.unsigned:
            return session, ClockSkew(None)
        ask_on_terminal_only(session)
        bound_programs(session)
        found = session.get_credentials()
        if found is None:
            check_credentials_file()
    return session, ClockSkew(found)


def profile_for(config: S3Config) -> str | None:
    """The profile that a later run has to name; None when nothing of this one came from a profile that was named."""
    session = session_for(config)
    credentials = None if config.unsigned else session.get_credentials()
    if config.profile is None and credentials is not None and credentials.method == "env":
        # Naming the profile then would have the variables ignored.
        return None
    name: str | None = session.get_config_variable("profile")
    return name


def region_for(config: S3Config) -> Region:
    """The region that a configuration resolves to, and what names it."""
    with reading_configuration():
        return _region(config, _session(config)[0])


def _region(config: S3Config, session: Session) -> Region:
    configured = session.get_scoped_config().get("region")
    return find_region(config.region, configured if isinstance(configured, str) else None)


def endpoint_for(config: S3Config) -> Endpoint:
    """The endpoint that a configuration resolves to, and what names it."""
    with reading_configuration():
        return _endpoint(config, _session(config)[0])


def _endpoint(config: S3Config, session: Session) -> Endpoint:
    return find_endpoint(config.endpoint_url, session.get_scoped_config(), session.full_config)


def session_for(config: S3Config) -> Session:
    """The session of a configuration's clients: what it was made of, and its credentials."""
    return _session(config)[0]


def transfer_settings(config: S3Config) -> dict[str, str]:
    """The ``s3 =`` block of the user's profile; what is nested deeper is left out."""
    with reading_configuration():
        block = _session(config)[0].get_scoped_config().get("s3")
    return {name: value for name, value in block.items() if isinstance(value, str)} if isinstance(block, dict) else {}


def patient(config: S3Config) -> S3Config:
    return replace(config, answer_timeout=config.complete_timeout)


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
    if entirely:
        _worked.discard(_key(config))
    _sessions.pop(_key(config), None)
    made = [_clients.pop(each, None) for each in (config, patient(config))]
    return [each[0] for each in made if each is not None]


def _forget_in_child() -> None:
    """A forked process makes clients of its own: two that write to one connection would mix their requests."""
    _sessions.clear()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_in_child)
