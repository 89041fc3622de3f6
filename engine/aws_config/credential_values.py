"""Credentials that were found, and with which no request can be signed or sent."""

from typing import Any


def check_values(credentials: Any, method: str) -> None:
    """Refuse an access key, a secret key and a session token that cannot be used.

    The access key and the session token travel in headers, so that they have to be printable ASCII.

    Args:
        credentials: botocore's frozen credentials.
        method: Where botocore found them, like "env".

    Raises:
        ValueError: names the value and where it was found, and never says what it is.
    """
    key, secret, token = credentials.access_key, credentials.secret_key, credentials.token
    for name, value in (("access key", key), ("secret key", secret), ("session token", token)):
        if name == "session token" and value is None:
            continue
        if not isinstance(value, str):
            raise ValueError(f"the {name} is not text (found by {method})")
        if not value and name != "session token":
            raise ValueError(f"the {name} is empty (found by {method})")
        if value != value.strip("\r\n"):
            raise ValueError(
                f"the {name} begins or ends with a line break, which does not belong to it (found by {method})"
            )
        if name != "secret key" and not (value.isascii() and value.isprintable()):
            raise ValueError(f"the {name} has a character that cannot be sent (found by {method})")
