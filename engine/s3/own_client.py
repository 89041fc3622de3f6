"""A client that the caller made: its region, endpoint, credentials, event handlers and retries are used as they are."""

import copy
from typing import Any

from ..responses.connection import install


def copy_of(client: Any) -> Any:
    """A copy of a botocore client, with events and connections of its own.

    What the engine registers, and how it reads responses, must not change the caller's other calls.  Later handlers of
    the caller's client are not seen by the copy.
    """
    # Not copy.copy: looking for its methods on the empty copy, a client's __getattr__ does not end.
    ours = object.__new__(type(client))
    ours.__dict__.update(client.__dict__)
    ours.meta = copy.copy(client.meta)
    ours.meta.events = copy.copy(client.meta.events)
    # The checksums of the engine go as headers; botocore would add one of its own.
    config = ours.meta._client_config = ours._client_config = copy.copy(client.meta.config)
    config.request_checksum_calculation = config.response_checksum_validation = "when_required"
    ours._endpoint = copy.copy(client._endpoint)
    ours._endpoint._event_emitter = ours.meta.events
    ours._endpoint.http_session = _connections_like(client._endpoint.http_session)
    return ours


def _connections_like(session: Any) -> Any:
    ours = copy.copy(session)
    ours._pool_classes_by_scheme = dict(session._pool_classes_by_scheme)
    ours._proxy_managers = {}
    ours._manager = type(session._manager)(**session._get_pool_manager_kwargs())
    ours._manager.pool_classes_by_scheme = ours._pool_classes_by_scheme
    install(ours)
    return ours
