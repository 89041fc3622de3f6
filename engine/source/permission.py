"""What to do about a file that may not be read."""

import errno
import sys


def permission_remedy(error: OSError) -> str:
    """What the user can do, to follow a semicolon.

    macOS answers EPERM, not EACCES, where its privacy protection is the reason: permissions look right then, and a
    program that cron starts has less than one in a terminal.
    """
    if sys.platform == "darwin" and error.errno == errno.EPERM:
        return (
            "macOS protects it: allow Full Disk Access for the program that starts partway (the terminal, or "
            "/usr/sbin/cron) in System Settings, Privacy & Security"
        )
    return "check its permissions"
