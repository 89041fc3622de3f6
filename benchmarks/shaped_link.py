"""A slow link: a network namespace whose loopback tc limits, or a relay with a token bucket where that cannot be."""

import os
import shutil
import subprocess
from collections.abc import Sequence

_SETUP = """
ip link set dev lo mtu 1500 up &&
tc qdisc add dev lo root tbf rate {rate}bit burst 16kb latency 300ms &&
exec "$@"
"""


def in_namespace(rate: int, command: Sequence[str]) -> list[str]:
    """The command, run where there is only a loopback of ``rate`` bits a second; that vanishes with its processes."""
    return ["unshare", "--net", "sh", "-c", _SETUP.format(rate=rate), "sh", *command]


def can_shape() -> bool:
    """True when this user may make such a namespace here."""
    if os.name != "posix" or any(shutil.which(name) is None for name in ("unshare", "ip", "tc")):
        return False
    return subprocess.run(in_namespace(1_000_000, ["true"]), capture_output=True, check=False).returncode == 0
