"""Use a client of the caller, with its own region, endpoint, credentials, event handlers and retries."""

import copy
from typing import Any

from ..responses.connection import install


def copy_of(client: Any) -> Any:
    """A copy of a botocore client, with its own events and connections.

    The engine's handlers, and its way of reading responses, must not affect the caller's other calls.  Handlers that
    the caller registers later do not affect the copy.
    """
    # Not copy.copy: its lookup of methods on the empty copy makes a client's __getattr__ recurse without end.
    ours = object.__new__(type(client))
    ours.__dict__.update(client.__dict__)
    ours.meta = copy.copy(client.meta)
    ours.meta.events = copy.copy(client.meta.events)
    # The engine sends its checksums as headers; botocore would add its own.
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
