"""A program for ``credential_process``, and the AWS configuration that names it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Credentials that end within botocore's ten minutes are fetched anew for every request.
SOON = timedelta(minutes=5)
LATER = timedelta(hours=1)


class CredentialProgram:
    """A shell script that prints credentials.

    Args:
        folder: Where it lives, next to the AWS configuration that names it.
        profile: Of that configuration.
    """

    def __init__(self, folder: Path, profile: str = "program") -> None:
        self.profile = profile
        self.config_file = folder / "config"
        self._script = folder / "credentials.sh"
        self._runs = folder / "runs"
        self.config_file.write_text(f"[profile {profile}]\ncredential_process = {self._script}\n")

    @property
    def runs(self) -> int:
        """How often it ran."""
        return len(self._runs.read_bytes()) if self._runs.exists() else 0

    def gives(self, access_key: str, secret_key: str, *, lasts: timedelta) -> None:
        """It prints these credentials, good from now on for ``lasts``."""
        document = {
            "Version": 1,
            "AccessKeyId": access_key,
            "SecretAccessKey": secret_key,
            "Expiration": (datetime.now(UTC) + lasts).isoformat(),
        }
        self.does(f"cat <<'END'\n{json.dumps(document)}\nEND")

    def does(self, script: str | None) -> None:
        """It runs this; None: it is not there."""
        if script is None:
            self._script.unlink()
            return
        new = self._script.with_suffix(".new")
        new.write_text(f"#!/bin/sh\nprintf x >> '{self._runs}'\n{script}\n")
        new.chmod(0o755)
        new.replace(self._script)
