"""Connection options, for every command that makes requests to S3."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from partway.engine.backend.sse_c import CustomerKey

from .bundle import gathered

F = TypeVar("F", bound=Callable[..., Any])

_FOR_EVER = 86400.0  # seconds; aws accepts 0 as no timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to connect.

    verify: as in S3Config.
    unsigned: True sends requests without a signature.
    connect_timeout, read_timeout: seconds; None means the default.
    customer_key: as in S3Config.
    """

    verify: bool | str | None = None
    unsigned: bool = False
    connect_timeout: float | None = None
    read_timeout: float | None = None
    customer_key: CustomerKey | None = None

    @property
    def config(self) -> dict[str, Any]:
        """Arguments for S3Config."""
        timeouts = {"send_timeout": self.connect_timeout, "answer_timeout": self.read_timeout}
        given = {name: seconds or _FOR_EVER for name, seconds in timeouts.items() if seconds is not None}
        return given | {"verify": self.verify, "unsigned": self.unsigned, "customer_key": self.customer_key}


def connection_options(command: F) -> F:
    """Add the options; the command receives ``connection``, a Connection."""
    return gathered(command, _OPTIONS, "connection", _make)  # type: ignore[no-any-return]


def _make(values: dict[str, Any]) -> Connection:
    if values["no_verify_ssl"] and values["ca_bundle"]:
        raise click.UsageError("--no-verify-ssl and --ca-bundle cannot be used together")
    return Connection(
        verify=verification(values["ca_bundle"], values["no_verify_ssl"]),
        unsigned=values["no_sign_request"],
        connect_timeout=values["cli_connect_timeout"],
        read_timeout=values["cli_read_timeout"],
    )


_OPTIONS = (
    click.option(
        "--ca-bundle",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="File of CA certificates to trust.  [env: AWS_CA_BUNDLE]",
    ),
    click.option("--no-verify-ssl", is_flag=True, help="Do not verify the endpoint's certificate."),
    click.option("--no-sign-request", is_flag=True, help="Do not sign requests; no credentials are needed."),
    click.option(
        "--cli-connect-timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Timeout to connect and to send a block; 0 means none.  [default: 30]",
    ),
    click.option(
        "--cli-read-timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Timeout for a response; 0 means none.  [default: 60]",
    ),
)


def verification(ca_bundle: str | None, no_verify_ssl: bool) -> bool | str | None:
    """The ``verify`` setting for --ca-bundle and --no-verify-ssl; the latter prints a warning."""
    if not no_verify_ssl:
        return ca_bundle
    print(
        "warning: the endpoint's certificate is not verified; anyone on the network path can read "
        "and change the upload",
        file=sys.stderr,
    )
    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
    return False
