"""Prompt for the MFA code that a profile with ``mfa_serial`` requires.

Without a terminal, Python's getpass reads standard input: that may be the stream that is being uploaded, and its end
would be treated as a cancellation.
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
    """Make a botocore session prompt for MFA codes on the terminal only."""
    providers = session.get_component("credential_provider")
    providers.get_provider("assume-role")._prompter = _ask


def _ask(prompt: str) -> str:
    """The code that the user enters on the terminal.

    Raises:
        AccessRefused: there is no terminal, or nothing was entered.
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
