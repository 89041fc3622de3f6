"""Refusals that are not from S3: HTTP statuses without an S3 error document, from a proxy, a gateway or a web server.

A retry gets the same response, so each message says what to change.
https://www.rfc-editor.org/rfc/rfc9110#section-15
"""

import re

_TUNNEL = re.compile(r"Tunnel connection failed: (4\d\d)")
_ENDPOINT = "check --endpoint-url: it must be the address of the S3 API"
# From a system between this machine and the service; they affect every request.
OF_THE_NETWORK = frozenset({407, 511})
# The service is temporarily unavailable, slow or full: statuses of HTTP, and of nginx (499), hosting providers (509),
# Cloudflare (520 to 530) and proxies (598, 599).
PASSING = frozenset({408, 425, 429, 499, 500, 502, 503, 504, 507, 509, *range(520, 531), 598, 599})
_SMALLER = (
    "the service, or a proxy in front of it, does not accept a request this large: use a smaller "
    "--part-size{restart}, or raise "
    "its limit (client_max_body_size in nginx)"
)
_TODO = {
    401: f"a proxy in front of the service requires a login; {_ENDPOINT}",
    402: "the service requires payment; check the account",
    405: f"this address does not accept the request; {_ENDPOINT}",
    406: _ENDPOINT,
    407: "the proxy requires a user name and password; set them in HTTPS_PROXY or HTTP_PROXY, or "
    "bypass it with NO_PROXY",
    410: _ENDPOINT,
    411: "a proxy in front of the service removes Content-Length; use another route to the service",
    414: "the key is too long for a proxy in front of the service",
    415: _ENDPOINT,
    417: "a proxy in front of the service supports no Expect header, and does not accept the request without it",
    421: _ENDPOINT,
    426: "the service requires another version of HTTP",
    431: "the headers are too large for a proxy in front of the service; use less --metadata or --tagging",
    451: "the service refuses this for legal reasons",
    505: "the service requires another version of HTTP",
    511: "log in to this network first",
}


def todo(operation: str, status: int) -> str | None:
    """Advice for a response without an S3 error document; None for a status that S3 itself may have sent.

    operation: S3's name for the call.
    """
    if status == 413:
        return _SMALLER.format(restart="" if operation == "PutObject" else " with --restart")
    return _ENDPOINT if 300 <= status < 400 else _TODO.get(status)


def tunnel_refused(text: str) -> str | None:
    """Advice for a proxy that refuses a tunnel to the endpoint; None when it may allow it later.

    Args:
        text: urllib3's message.
    """
    found = _TUNNEL.search(text)
    if found is None:
        return None
    return _TODO.get(int(found[1]), f"the proxy refuses connections to this endpoint ({found[1]}); ask its operator")
