"""The code of a multi-factor device, which a profile with ``mfa_serial`` needs.

Python's getpass reads standard input where there is no terminal: that may be the stream that is uploaded, and its end
would be taken for a wish to stop.
"""

import getpass
import os
from typing import Any

from ..errors import AccessRefused
from ..responses.error_translation import one_line

_TERMINAL = "/dev/tty"
_ADVICE = (
    "run it in a terminal, or use credentials that need no code: those of `aws sts get-session-token`, or of "
    "`aws configure export-credentials --profile NAME --format env`"
)


def ask_on_terminal_only(session: Any) -> None:
    """Have a botocore session ask for MFA codes on the terminal and nowhere else."""
    providers = session.get_component("credential_provider")
    providers.get_provider("assume-role")._prompter = _ask


def _ask(prompt: str) -> str:
    """What is typed on the terminal.

    Raises:
        AccessRefused: there is no terminal, or nothing was typed.
    """
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        what = one_line(prompt).strip(": ")
        raise _refused(f"the profile requires an MFA code ({what}), and there is no terminal to prompt on") from error
    try:
        code = getpass.getpass(prompt)
    except EOFError as error:
        raise _refused("the profile requires an MFA code, and none was entered") from error
    if not code.strip():
        raise _refused("the profile requires an MFA code, and none was entered")
    return code.strip()


def _refused(reason: str) -> AccessRefused:
    return AccessRefused(f"{reason}; {_ADVICE}", operation="credentials", code="NoMfaCode")
