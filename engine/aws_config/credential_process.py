"""Run the program of ``credential_process``, which prints credentials.

botocore waits for it forever, lets it read standard input, which may be the stream that is being uploaded, and does not
say which program failed to print credentials.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import os
import shlex
import subprocess
from functools import partial
from typing import Any

from botocore.credentials import ProcessProvider
from botocore.exceptions import CredentialRetrievalError

from ..last_acts import last_acts
from ..process_family import Family, is_in_foreground

# Seconds; the same as in the SDK for Go.
TIMEOUT = 60.0


def bound_programs(session: Any, seconds: float = TIMEOUT) -> None:
    """Make a botocore session limit the programs of its profiles to this many seconds, and name one that fails."""

    def provider(profile: str) -> _Provider:
        popen = partial(_Program, seconds=seconds)
        return _Provider(profile_name=profile, load_config=lambda: session.full_config, popen=popen)

    providers = session.get_component("credential_provider").providers
    for place, each in enumerate(providers):
        if isinstance(each, ProcessProvider):
            providers[place] = provider(each._profile_name)  # type: ignore[attr-defined]
        # Also for the profile that a role is assumed from.
        builder = getattr(each, "_profile_provider_builder", None)
        if builder is not None:
            builder._create_process_provider = provider


class _Program(subprocess.Popen[bytes]):
    def __init__(self, arguments: list[str], *, seconds: float, **pipes: Any) -> None:
        # The program may prompt on a terminal, but must not read a stream.
        stdin = None if _is_terminal(0) else subprocess.DEVNULL
        # In the foreground of a terminal it stays in this process's group: from another group it could not prompt.
        group = None if is_in_foreground() else 0
        with last_acts.adding(self._end_at_once):
            super().__init__(arguments, stdin=stdin, process_group=group, **pipes)
            self._family = Family(self.pid, own_group=group == 0)
        self._seconds = seconds

    def _end_at_once(self) -> None:
        self._family.kill()

    def communicate(self, input: Any = None, timeout: float | None = None) -> Any:
        try:
            return super().communicate(timeout=self._seconds)
        except BaseException:
            # Also end the processes that it started: they may hold the pipes open, so do not wait for their end.
            self._family.end()
            self.wait()
            for pipe in (self.stdout, self.stderr):
                if pipe is not None:
                    pipe.close()
            raise
        finally:
            last_acts.remove(self._end_at_once)


class _Provider(ProcessProvider):
    _profile_name: str

    def _retrieve_credentials_using(self, command: str) -> Any:
        """Run the program.

        Raises:
            CredentialRetrievalError: it failed or timed out.  The message has its name, never its arguments.
            ValueError: it did not print credentials, or the setting is not a command.
        """
        name = f"the program {shlex.split(command)[0]} (credential_process of profile {self._profile_name})"
        try:
            return super()._retrieve_credentials_using(command)  # type: ignore[misc]
        except subprocess.TimeoutExpired as error:
            reason = f"it did not end within {error.timeout:g} s; run it by hand to see what it waits for"
            raise CredentialRetrievalError(provider=name, error_msg=reason) from error
        except CredentialRetrievalError as error:
            raise CredentialRetrievalError(provider=name, error_msg=str(error.kwargs.get("error_msg"))) from error
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{name} did not print JSON with credentials") from error


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
