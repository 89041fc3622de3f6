"""Check credentials: reject values that cannot be used to sign or send a request."""

from typing import Any


def check_values(credentials: Any, method: str) -> None:
    """Reject an unusable access key, secret key or session token.

    The access key and the session token are sent in headers, so they must be printable ASCII.

    Args:
        credentials: botocore's frozen credentials.
        method: Where botocore found them, such as "env".

    Raises:
        ValueError: the message says which value is wrong and where it was found, but never shows it.
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
