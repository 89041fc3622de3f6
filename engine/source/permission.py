"""Advice for a file that is not readable."""

import errno
import sys


def permission_remedy(error: OSError) -> str:
    """What the user can do, as a clause that follows a semicolon.

    macOS returns EPERM, not EACCES, when its privacy protection is the reason: then the permissions look right, and a
    program started by cron has fewer rights than one in a terminal.
    """
    if sys.platform == "darwin" and error.errno == errno.EPERM:
        return (
            "macOS protects it: allow Full Disk Access for the program that starts partway (the terminal, or "
            "/usr/sbin/cron) in System Settings, Privacy & Security"
        )
    return "check its permissions"
