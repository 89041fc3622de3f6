"""Find the proxy that the environment names for an endpoint.

botocore uses what Python finds: an address that is not an HTTP proxy's fails in every call, and networks such as
10.0.0.0/8 in NO_PROXY, which curl and the other SDKs support, are ignored.
"""

import ipaddress
import os
import re
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .files import refused

_AWS = "https://s3.amazonaws.com"


def find_proxies(endpoint_url: str | None) -> dict[str, str]:
    """Proxies by the scheme of the endpoint; empty when no proxy is used.

    Args:
        endpoint_url: None means AWS's own.

    Raises:
        Refused: the setting is not a proxy that can be used.
    """
    url = urlsplit(endpoint_url or _AWS)
    proxies = getproxies()
    if proxy_bypass(url.netloc) or _is_in_networks(url.hostname or "", proxies.get("no", "")):
        return {}
    proxy = proxies.get(url.scheme)
    if not proxy:
        return {}
    scheme, mark, rest = proxy.partition("://")
    name = _name(url.scheme)
    if mark and scheme.lower() not in ("http", "https"):
        raise refused(
            f"{name} names a {scheme[:20]}:// proxy, which is not supported; use an http:// proxy, or list the host "
            "in NO_PROXY"
        )
    address = f"{scheme.lower()}://{rest}" if mark else f"http://{proxy.removeprefix('//')}"
    if not _is_address(address):
        # The value is not shown: it may contain a password.
        raise refused(f"{name} is not a valid proxy address; use one like http://host:3128")
    return {url.scheme: address}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and not re.search(r"\s", url) and parts.port != 0
    except ValueError:
        return False


def _name(scheme: str) -> str:
    """The variable that names the proxy, in the case in which it is set."""
    names = (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    return next((name for name in names if os.environ.get(name)), "the system's settings")


def _is_in_networks(host: str, no_proxy: str) -> bool:
    """True for an IP address that is in the list, or in one of its networks.  Host names are not resolved."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for entry in no_proxy.split(","):
        try:
            if address in ipaddress.ip_network(entry.strip().strip("[]"), strict=False):
                return True
        except ValueError:
            continue
    return False
