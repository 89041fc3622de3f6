"""Where temporary credentials come from: a server that is container endpoint, instance metadata, STS and SSO in one."""

import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape

ROLE = "arn:aws:iam::123456789012:role/uploader"

_SSO_START = "https://example.awsapps.com/start"


def sso_login(cache: Path) -> str:
    """Leave what ``aws sso login`` leaves in its cache folder; the profile that uses it."""
    login = {
        "startUrl": _SSO_START,
        "region": "us-east-1",
        "accessToken": "a-login-token",
        "expiresAt": (datetime.now(UTC) + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    cache.mkdir()
    (cache / f"{hashlib.sha1(_SSO_START.encode()).hexdigest()}.json").write_text(json.dumps(login))
    return (
        f"[default]\nsso_start_url = {_SSO_START}\nsso_region = us-east-1\n"
        "sso_account_id = 123456789012\nsso_role_name = uploader\n"
    )


class CredentialSource:
    """Gives temporary credentials to whoever asks; it works inside ``with``.

    Used from the test's thread; ``given`` counts how often credentials were handed out.
    """

    def __init__(self) -> None:
        self.given = 0
        self._document: dict[str, str] = {}
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(source._metadata(self.path))

            def do_PUT(self) -> None:
                self._answer("a-metadata-token")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(source._assumed_role())

            def log_message(self, format: str, *args: object) -> None:
                pass

            def _answer(self, text: str) -> None:
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def gives(self, access_key: str, secret_key: str, token: str, *, lasts: timedelta) -> None:
        """From now on it gives these credentials, good for ``lasts``."""
        self._document = {
            "Code": "Success",
            "AccessKeyId": access_key,
            "SecretAccessKey": secret_key,
            "Token": token,
            "Expiration": (datetime.now(UTC) + lasts).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _metadata(self, path: str) -> str:
        if path.endswith("/security-credentials/"):
            return "uploader"
        self.given += 1
        if path.startswith("/federation/credentials"):
            return json.dumps({"roleCredentials": self._sso_document()})
        return json.dumps(self._document)

    def _sso_document(self) -> dict[str, str | int]:
        document = self._document
        return {
            "accessKeyId": document["AccessKeyId"],
            "secretAccessKey": document["SecretAccessKey"],
            "sessionToken": document["Token"],
            "expiration": int(datetime.fromisoformat(document["Expiration"]).timestamp() * 1000),
        }

    def _assumed_role(self) -> str:
        self.given += 1
        names = {"AccessKeyId", "SecretAccessKey", "Expiration"}
        fields = {name: value for name, value in self._document.items() if name in names}
        fields["SessionToken"] = self._document["Token"]
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
        return (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"{inside}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
