"""The connection to the service: the AWS configuration, and the backends made from it."""

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from partway.engine.aws_config.endpoint import is_address
from partway.engine.backend.sse_c import CustomerKey
from partway.engine.limits import MAX_SMALL_FILES
from partway.engine.s3.backend import S3Backend, S3Config

from .._arguments.errors import OptionError

# How many Connections use the clients that the engine caches for a configuration; the last one closes them.
_users: Counter[S3Config] = Counter()
_users_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The service of a client, in the form that is stored with its uploads.

    endpoint: the service's address as boto3 resolves it; "" means AWS.
    """

    backend: S3Backend
    endpoint: str
    region: str | None
    profile: str | None


@dataclass(slots=True, kw_only=True)
class Connection:
    """Makes backends.  Thread-safe.

    endpoint_url, region, profile: None takes each from the session or the AWS configuration.
    session, client: the caller's boto3 session or client; None: made from the AWS configuration.
    connections: the number of concurrent calls.
    key: the customer-provided encryption key (SSE-C), or None.
    """

    endpoint_url: str | None
    region: str | None
    profile: str | None
    connections: int
    key: CustomerKey | None
    session: Any = None
    client: Any = None
    _place: Place | None = None
    _used: set[S3Config] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self) -> Place:
        """The service for new uploads.

        Raises:
            RemoteError: the AWS configuration cannot be used.
        """
        with self._lock:
            if self._place is None:
                self._place = self._resolve(self.endpoint_url, self.region, self.profile)
            return self._place

    def place_of(self, endpoint: str, region: str | None, profile: str | None) -> Place:
        """The service of an upload that was started at this endpoint.

        Raises:
            OptionError: the client was made for another endpoint.
        """
        place = self.place()
        if place.endpoint == endpoint:
            return place
        if self.endpoint_url is not None or self.client is not None:
            raise OptionError(
                f"the upload is at {endpoint or 'AWS'}, but this client uses {place.endpoint or 'AWS'}; "
                f"use a client with endpoint_url={endpoint!r}"
            )
        with self._lock:
            return self._resolve(endpoint, self.region or region, self.profile or profile)

    def close(self) -> None:
        """Close the clients that no other Connection uses.  If used again, it reads the credentials again."""
        with self._lock, _users_lock:
            self._place = None
            while self._used:
                config = self._used.pop()
                _users[config] -= 1
                if _users[config] <= 0:
                    del _users[config]
                    S3Backend(config).close()

    def forget(self) -> None:
        """Start afresh in a forked child, which must not use its parent's connections."""
        self._lock = threading.Lock()
        self._place = None
        self._used = set()

    def _resolve(self, endpoint_url: str | None, region: str | None, profile: str | None) -> Place:
        config = S3Config(
            endpoint_url=endpoint_url,
            region=region,
            profile=profile,
            connections=self.connections,
            customer_key=self.key,
            session=self.session,
            client=self.client,
        )
        backend = S3Backend(config)
        with _users_lock:
            if config not in self._used:
                self._used.add(config)
                _users[config] += 1
        return Place(backend=backend, endpoint=backend.endpoint, region=backend.region, profile=backend.profile)


def make_connection(
    *,
    session: Any,
    client: Any,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    concurrency: int | None,
    uploads: int,
    key: bytes | None,
) -> Connection:
    """A connection for ``uploads`` concurrent uploads.

    Raises:
        OptionError: a value is not valid.
    """
    for name, value in (("endpoint_url", endpoint_url), ("region", region), ("profile", profile)):
        if value is not None and not isinstance(value, str):
            raise OptionError(f"{name}: {value!r} is not a str")
    _check_own(session, client, endpoint_url=endpoint_url, region=region, profile=profile)
    if endpoint_url and not is_address(endpoint_url):
        raise OptionError(f"endpoint_url: {endpoint_url!r} is not valid; use http://host or https://host:port")
    try:
        customer_key = None if key is None else CustomerKey(key)
    except (TypeError, ValueError) as error:
        raise OptionError(f"sse_c_key: {error}") from None
    return Connection(
        endpoint_url=endpoint_url,
        region=region,
        profile=profile,
        connections=uploads * ((concurrency or MAX_SMALL_FILES) + 1),
        key=customer_key,
        session=session,
        client=client,
    )


def _check_own(session: Any, client: Any, **named: str | None) -> None:
    """Check the caller's session or client, and the arguments that it makes redundant.

    Raises:
        OptionError: it is not a session or client, or an argument repeats what it contains.
    """
    if session is not None and client is not None:
        raise OptionError("session and client cannot be used together")
    if session is not None and not callable(getattr(session, "client", None)):
        raise OptionError(f"session: {session!r} is not a boto3.Session")
    if type(client).__module__.startswith("partway."):
        raise OptionError(
            "client: a partway.Client has these calls itself; use client.upload(...), or for asyncio: "
            "await asyncio.wrap_future(client.submit(...))"
        )
    if client is not None and _service(client) != "s3":
        raise OptionError(f"client: {client!r} is not a boto3 client for S3")
    taken = ["endpoint_url", "region", "profile"] if client is not None else ["profile"] if session is not None else []
    for name in taken:
        if named[name] is not None:
            raise OptionError(f"{name} comes from the {'client' if client is not None else 'session'}; omit it")


def _service(client: Any) -> object:
    try:
        return client.meta.service_model.service_name
    except AttributeError:
        return None


def _after_fork() -> None:
    global _users_lock
    _users_lock = threading.Lock()
    _users.clear()


os.register_at_fork(after_in_child=_after_fork)
