"""Translate botocore's errors about the AWS configuration into one sentence that names the file or the setting.

No S3 call is made here.  A configuration that cannot work is Refused, so that nothing is retried; credentials that may
become valid by themselves or with a login are CredentialsExpired.
"""

import configparser
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError

from ..errors import CredentialsExpired, PartwayError, Refused
from ..responses.error_translation import EXPIRED, NO_CREDENTIALS, one_line, translate_errors
from .files import config_file, refused

CREDENTIALS = "credentials"

_LONGEST = 300  # maximum characters of a reason


@contextmanager
def reading_configuration() -> Iterator[None]:
    """Read the configuration files, and raise errors as PartwayError only.

    Raises:
        Refused: a file is not a configuration file, or its settings cannot work.
    """
    try:
        yield
    except (PartwayError, KeyboardInterrupt):
        raise
    except boto.ConfigParseError as error:
        raise refused(_unreadable(error)) from error
    except boto.ProfileNotFound as error:
        raise refused(
            f"there is no profile {error.kwargs.get('profile')!r} in {config_file()}; check --profile and AWS_PROFILE, "
            "and that its section is called [profile NAME]"
        ) from error
    except BotoCoreError as error:
        # botocore does not say whether the setting is in a variable or in a file.
        raise refused(
            f"the AWS configuration in AWS_ variables and {config_file()} is not usable: {_reason(error)}"
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise refused(
            f"the AWS configuration in {config_file()} is not usable: a block such as `s3 =` has no settings below it; "
            "add some, or remove it"
        ) from error
    except (LookupError, ValueError, RuntimeError, OSError) as error:
        raise refused(f"the AWS configuration in {config_file()} is not usable: {_reason(error)}") from error


@contextmanager
def reading_credentials(*, worked: bool) -> Iterator[None]:
    """Find or renew credentials, and raise errors as PartwayError only.

    Args:
        worked: True when this process already had credentials from this configuration, so it is not at fault.

    Raises:
        Refused: the configuration cannot provide credentials.
        CredentialsExpired: it did, or will once the user logs in or the source recovers.
        Transient: a service that provides credentials could not be reached.
    """
    with translate_errors(CREDENTIALS):
        try:
            yield
        except (boto.ConfigParseError, boto.ProfileNotFound):
            with reading_configuration():
                raise
        except (boto.HTTPClientError, boto.ConnectionError, *NO_CREDENTIALS):
            raise
        except EXPIRED as error:
            if "in credential_source" in str(error):
                raise refused(f"the AWS credentials cannot be found by {config_file()}: {_reason(error)}") from error
            raise
        except (boto.InvalidConfigError, boto.UnknownCredentialError) as error:
            raise refused(f"the AWS credentials cannot be found by {config_file()}: {_reason(error)}") from error
        except (BotoCoreError, LookupError, TypeError, AttributeError, ValueError, OSError, RuntimeError) as error:
            # botocore raises RuntimeError for fresh credentials that have already expired.
            kind = CredentialsExpired if worked or isinstance(error, RuntimeError) else Refused
            raise kind(
                f"the AWS credentials could not be read: {_reason(error)}",
                operation=CREDENTIALS,
                code=type(error).__name__,
            ) from error


def _unreadable(error: boto.ConfigParseError) -> str:
    """Where the file is invalid.  Never shows its text, which may contain secrets."""
    inner = error.kwargs.get("error")
    path = error.kwargs.get("path")
    match inner:
        case configparser.DuplicateSectionError():
            reason = f"the section [{inner.section}] is duplicated (line {inner.lineno})"
        case configparser.DuplicateOptionError():
            reason = f"{inner.option} is set twice in [{inner.section}] (line {inner.lineno})"
        case configparser.MissingSectionHeaderError():
            reason = f"line {inner.lineno} comes before any [section]"
        case configparser.ParsingError():
            reason = f"line {inner.errors[0][0]} is not a setting" if inner.errors else "it is not a configuration file"
        case UnicodeDecodeError():
            reason = "it is not UTF-8"
        case ValueError():
            reason = "a block such as `s3 =` has a line without ="
        case _:
            reason = "it is not a configuration file"
    return f"the AWS configuration file {path} is not readable: {reason}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return one_line(f"{error.strerror.lower()}{f': {error.filename}' if error.filename else ''}")[:_LONGEST]
    if isinstance(error, LookupError):
        return f"a setting is empty or incomplete ({one_line(error)})"
    return one_line(error)[:_LONGEST].rstrip(". ")
