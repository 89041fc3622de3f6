"""The configuration of a client: endpoint, credentials, timeouts."""

from dataclasses import dataclass
from typing import Any

from ..backend.sse_c import CustomerKey
from ..limits import MAX_SMALL_FILES

# Seconds without progress after which a send is stalled.  Also the connect timeout.
SEND_TIMEOUT = 30.0


ANSWER_TIMEOUT = 60.0


# Assembling 10,000 parts may take a service minutes, and a retry makes some services start over.
COMPLETE_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """How to reach the service.  Contains no AWS credentials: they come from the user's AWS configuration.

    endpoint_url, region, profile: None uses the AWS configuration and environment; "" as the endpoint means AWS itself,
        whatever the configuration says.
    verify: None verifies certificates as configured for AWS; False does not verify them; a path names a CA bundle.
    connections: the maximum number of concurrent calls.
    unsigned: True does not sign requests, and needs no credentials.
    customer_key: encrypts the objects (SSE-C); None means no such key.
    send_timeout: seconds to connect, or to send one block of the body.
    answer_timeout: seconds to wait for each byte of the response.
    complete_timeout: the same, for CompleteMultipartUpload.
    session: a ``boto3.Session`` to create clients from; None creates one from the configuration.  Its profile, region,
        credentials and event handlers are used; ``profile`` is ignored.
    client: a boto3 or botocore client for S3, used with its own endpoint, region, credentials, timeouts, retries and
        event handlers.  Of the other fields only ``customer_key`` is used.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    verify: bool | str | None = None
    connections: int = MAX_SMALL_FILES + 1
    unsigned: bool = False
    customer_key: CustomerKey | None = None
    send_timeout: float = SEND_TIMEOUT
    answer_timeout: float = ANSWER_TIMEOUT
    complete_timeout: float = COMPLETE_TIMEOUT
    session: Any = None
    client: Any = None

    @property
    def is_default(self) -> bool:
        """True when the caller gave neither a session nor a client."""
        return self.session is None and self.client is None
