"""Lifecycle rules on a service that removes unfinished uploads itself: a server that responds as MinIO does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from partway.engine.doctor.check import Check, Health, TimedCalls
from partway.engine.doctor.lifecycle import check_rules
from partway.engine.s3.backend import S3Backend
from partway.engine.s3.config import S3Config
from partway.engine.s3.service import S3Probe
from partway.engine.workers.channel import CancelToken

NO_RULES = b"<Error><Code>NoSuchLifecycleConfiguration</Code><Message>There is none</Message></Error>"


class NoRules(BaseHTTPRequestHandler):
    """A service whose buckets have no lifecycle rules."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", str(len(NO_RULES)))
        self.end_headers()
        self.wfile.write(NO_RULES)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The service's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoRules)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def rules(endpoint: str) -> Check:
    """The doctor's line."""
    backend = S3Backend(S3Config(endpoint_url=endpoint, region="us-east-1"))
    try:
        return check_rules(S3Probe(backend.config), TimedCalls(backend, CancelToken()), "bucket", "")
    finally:
        backend.close()


@pytest.mark.parametrize(("server", "proposed"), [("MinIO", False), ("nginx", True)])
def test_no_rule_is_proposed_where_it_would_be_dropped(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, server: str, proposed: bool
) -> None:
    """MinIO accepts such rules and drops them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(NoRules, "version_string", lambda _: server)

    check = rules(endpoint)

    assert (check.health is Health.WARNING, bool(check.command)) == (proposed, proposed)
