"""What a client is made from: endpoint, credentials, timeouts."""

from dataclasses import dataclass
from typing import Any

from ..backend.sse_c import CustomerKey
from ..limits import MAX_CONCURRENCY

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
    verify: None checks certificates as the AWS configuration says; False does not, a path names a CA bundle.
    connections: how many calls may run at the same time.
    unsigned: True signs nothing, and needs no credentials.
    customer_key: encrypts the objects (SSE-C); None: no such key.
    send_timeout: seconds that a connection or a block of the body may take.
    answer_timeout: seconds without a byte of the answer.
    complete_timeout: the same for CompleteMultipartUpload.
    session: a ``boto3.Session`` to make clients from; None makes one of the configuration.  Its profile, region,
        credentials and event handlers are used; ``profile`` is ignored.
    client: a boto3 or botocore client for S3, used as it is: its endpoint, region, credentials, timeouts, retries and
        event handlers.  Of the other fields only ``customer_key`` is read.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    verify: bool | str | None = None
    connections: int = MAX_CONCURRENCY + 1
    unsigned: bool = False
    customer_key: CustomerKey | None = None
    send_timeout: float = SEND_TIMEOUT
    answer_timeout: float = ANSWER_TIMEOUT
    complete_timeout: float = COMPLETE_TIMEOUT
    session: Any = None
    client: Any = None

    @property
    def is_default(self) -> bool:
        """True when neither session nor client were handed in."""
        return self.session is None and self.client is None
