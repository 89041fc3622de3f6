"""Create the session for clients: profile, region, credentials and the service model of S3."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.configprovider import ConstantProvider
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session

from ..aws_config.credential_process import bound_programs
from ..aws_config.endpoint import Endpoint, find_endpoint
from ..aws_config.errors import reading_configuration, reading_credentials
from ..aws_config.files import check_config_file, check_credentials_file, check_settings
from ..aws_config.mfa import ask_on_terminal_only
from ..aws_config.region import Region, find_region
from .clock_skew import ClockSkew
from .config import S3Config

_Key = tuple[str | None, str | None, bool, Any, Any]

_sessions: dict[_Key, tuple[Session, ClockSkew]] = {}
# Configurations that provided credentials in this process: a later failure is not caused by their settings.
_worked: set[_Key] = set()


class _Boto3Session(boto3.Session):
    """A session without the methods that boto3 adds to clients (``upload_file``), which would import s3transfer."""

    def _register_default_handlers(self) -> None:
        pass


class _Files(JSONFileLoader):
    """Loads into plain dicts, which also keep the order; botocore's OrderedDicts take twice as long."""

    def load_file(self, file_path: str) -> Any:
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if Path(path).is_file():
                with opened(path, "rb") as file:
                    return json.load(file)
        return None


class _Loader(Loader):
    """botocore's loader without the scan of 420 service directories for the one that is requested."""

    FILE_LOADER_CLASS = _Files

    def list_available_services(self, type_name: str) -> list[str]:
        """Services that have a directory; a missing type is detected when it is loaded."""
        folders = [path for path in map(Path, self.search_paths) if path.is_dir()]
        return sorted({service.name for folder in folders for service in folder.iterdir()})


def session_for(config: S3Config) -> Session:
    """The botocore session under boto3's, which provides clients and their credentials.

    Clients of one profile share it.  For a client of the caller it is an empty session that is not used.
    """
    return _session_and_skew(config)[0]


def clock_skew_for(config: S3Config) -> ClockSkew:
    """The clock skew of the session's clients, which signs with the session's credentials."""
    return _session_and_skew(config)[1]


def refresh_credentials(config: S3Config) -> None:
    """Renew credentials that expire soon here, so that a failure is not mistaken for a failed call."""
    key = _key(config)
    with reading_credentials(worked=key in _worked):
        clock_skew_for(config).refresh_credentials()
    _worked.add(key)


def forget_session(config: S3Config, *, entirely: bool) -> None:
    """Make the next call read the configuration and credentials again.  entirely: also forget that they worked."""
    if entirely:
        _worked.discard(_key(config))
    _sessions.pop(_key(config), None)


def _session_and_skew(config: S3Config) -> tuple[Session, ClockSkew]:
    key = _key(config)
    if key not in _sessions:
        _sessions[key] = _handed_in(config) or _from_configuration(config)
    return _sessions[key]


def _key(config: S3Config) -> _Key:
    return config.profile, config.region, config.unsigned, config.session, config.client


def _handed_in(config: S3Config) -> tuple[Session, ClockSkew] | None:
    """The session and clock skew of the caller's session or client, which are not modified; None without one."""
    if config.client is not None:
        return Session(), ClockSkew(config.client._request_signer._credentials)
    if config.session is None:
        return None
    core: Session = config.session._session
    with reading_credentials(worked=False):
        return core, ClockSkew(None if config.unsigned else core.get_credentials())


def _from_configuration(config: S3Config) -> tuple[Session, ClockSkew]:
    with reading_configuration():
        check_config_file()
        session = Session(profile=config.profile)
        store = session.get_component("config_store")
        if config.profile is None:
            # As in version 2 of the AWS CLI, an empty variable counts as not set.
            named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or None
            store.set_config_provider("profile", ConstantProvider(named))
        settings = session.get_scoped_config()
        check_settings(settings)
        store.set_config_provider("region", ConstantProvider(_region(config, session).name))
        paths = create_loader(session.get_config_variable("data_path")).search_paths
        loader = _Loader(extra_search_paths=paths, include_default_search_paths=False)
        session.register_component("data_loader", loader)
        _Boto3Session(botocore_session=session, profile_name=config.profile, region_name=config.region)
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
    """The profile that a later run must name; None when this run used no named profile."""
    if config.client is not None:
        return None
    session = session_for(config)
    credentials = None if config.unsigned else session.get_credentials()
    if config.profile is None and credentials is not None and credentials.method in ("env", "explicit"):
        # Naming the profile would make those credentials be ignored.
        return None
    name: str | None = session.get_config_variable("profile")
    return name


def region_for(config: S3Config) -> Region:
    """The region that a configuration resolves to, and the setting that names it."""
    if config.client is not None:
        return Region(name=config.client.meta.region_name, source="the client")
    session = session_for(config)
    if config.session is not None:
        return Region(name=config.region or session.get_config_variable("region"), source="the session")
    with reading_configuration():
        return _region(config, session)


def _region(config: S3Config, session: Session) -> Region:
    configured = session.get_scoped_config().get("region")
    return find_region(config.region, configured if isinstance(configured, str) else None)


def endpoint_for(config: S3Config) -> Endpoint:
    """The endpoint that a configuration resolves to, and the setting that names it."""
    if config.client is not None:
        return Endpoint(url=config.client.meta.endpoint_url, source="the client")
    session = session_for(config)
    with reading_configuration():
        return find_endpoint(config.endpoint_url, session.get_scoped_config(), session.full_config)


def transfer_settings(config: S3Config) -> dict[str, str]:
    """The ``s3 =`` block of the user's profile, without nested blocks."""
    if config.client is not None:
        return {}
    session = session_for(config)
    with reading_configuration():
        block = session.get_scoped_config().get("s3")
    return {name: value for name, value in block.items() if isinstance(value, str)} if isinstance(block, dict) else {}


os.register_at_fork(after_in_child=_sessions.clear)
