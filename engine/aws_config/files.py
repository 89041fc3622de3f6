"""Check the files and flags of the AWS configuration before anything is sent.

botocore ignores a missing or unreadable file, and treats any unknown word as "false".  Then an endpoint that the user
configured would not be used, and the data would go elsewhere.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Refused

CONFIG_VARIABLE = "AWS_CONFIG_FILE"
CREDENTIALS_VARIABLE = "AWS_SHARED_CREDENTIALS_FILE"
_DEFAULTS = {CONFIG_VARIABLE: "~/.aws/config", CREDENTIALS_VARIABLE: "~/.aws/credentials"}
# Flags by their name in a profile, with their variable or None.
_FLAGS = {
    "ignore_configured_endpoint_urls": "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "use_fips_endpoint": "AWS_USE_FIPS_ENDPOINT",
    "use_dualstack_endpoint": "AWS_USE_DUALSTACK_ENDPOINT",
}
_S3_FLAGS = {
    "use_accelerate_endpoint": None,
    "use_dualstack_endpoint": None,
    "payload_signing_enabled": None,
    "use_arn_region": "AWS_S3_USE_ARN_REGION",
    "s3_disable_multiregion_access_points": "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
}
_NUMBERS = {
    "metadata_service_timeout": "AWS_METADATA_SERVICE_TIMEOUT",
    "metadata_service_num_attempts": "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
}


def config_file() -> str:
    """The path of the configuration file, whether it exists or not."""
    return _path(CONFIG_VARIABLE)


def refused(sentence: str) -> Refused:
    """The error for a configuration that cannot work."""
    return Refused(sentence, code="InvalidConfiguration")


def check_config_file() -> None:
    """Reject an existing configuration file that botocore would ignore.  A missing one is accepted, as by the AWS CLI:
    container images set AWS_CONFIG_FILE to a file that need not exist.

    Raises:
        Refused: it is a directory, or is unreadable.
    """
    if os.path.exists(config_file()):  # noqa: PTH110 - Path.exists() raises when a directory is not searchable
        _check_file(CONFIG_VARIABLE, "the AWS configuration file")


def check_credentials_file() -> None:
    """Explain why a configuration has no credentials; return when the credentials file is not the reason.

    Raises:
        Refused: AWS_SHARED_CREDENTIALS_FILE names a missing file or a directory, or the file is unreadable.
    """
    _check_file(CREDENTIALS_VARIABLE, "the AWS credentials file")


def check_settings(profile: Mapping[str, Any]) -> None:
    """Reject flags that are neither true nor false, and invalid numbers.

    Raises:
        Refused: the message names the setting or the variable.
    """
    block = profile.get("s3")
    inner = block if isinstance(block, dict) else {}
    for settings, flags in ((profile, _FLAGS), (inner, _S3_FLAGS)):
        for name, variable in flags.items():
            for place, value in _values(settings, name, variable):
                if value.lower() not in ("true", "false"):
                    raise refused(f"{value[:70]!r} ({place}) is not a valid flag; use true or false")
    for name, variable in _NUMBERS.items():
        for place, value in _values(profile, name, variable):
            if not value.isdecimal():
                raise refused(f"{value[:70]!r} ({place}) is not a valid number; use one like 5")


def _values(settings: Mapping[str, Any], name: str, variable: str | None) -> list[tuple[str, str]]:
    """Each place that has the setting, with its value; an empty variable counts as not set."""
    named = os.environ.get(variable) if variable else None
    configured = settings.get(name)
    places = [(variable or "", named), (f"{name} in {config_file()}", configured)]
    return [(place, value.strip()) for place, value in places if isinstance(value, str) and value]


def _path(variable: str) -> str:
    named = os.environ.get(variable, _DEFAULTS[variable])
    return os.path.expanduser(os.path.expandvars(named))  # noqa: PTH111 - as botocore does


def _check_file(variable: str, what: str) -> None:
    path = Path(_path(variable))
    named = os.environ.get(variable)
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError:
        # Another user's home directory: no tool can read a file there.
        is_folder, is_there = False, False
    if named and not is_there:
        raise refused(f"{variable} names {path}, which does not exist; create the file, or unset the variable")
    if named and is_folder:
        raise refused(f"{variable} names {path}, which is a directory; use a file, or unset the variable")
    if is_there and not os.access(path, os.R_OK):
        raise refused(f"{what} {path} is not readable by this user; check its permissions")
