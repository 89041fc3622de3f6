"""Answers that are not S3's: a proxy, a gateway or a web server refuses, and will refuse the same request for ever."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.errors import PartwayError, RemoteError, UploadFailed
from partway.engine.retry.policy import RetryPolicy
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

PAGE = b"<html><head><title>No</title></head><body><hr>nginx</body></html>"
PERMANENT = {
    302: "redirects to https://login.example; use that in --endpoint-url",
    401: "a proxy in front of the service requires a login; check --endpoint-url",
    405: "this address does not accept the request; check --endpoint-url",
    407: "the proxy requires a user name and password; set them in HTTPS_PROXY or HTTP_PROXY",
    411: "removes Content-Length",
    413: "or a proxy in front of it, does not accept a request this large: use a smaller --part-size",
    414: "too long for a proxy",
    431: "use less --metadata or --tagging",
    511: "log in to this network first",
}
CALLS = ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]


@pytest.fixture
def uploading(backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts."""
    return Uploading(path=make_file(3 * PART), backend=backend, endpoint=backend.endpoint)


def page(status: int) -> Answer:
    """What nginx, a proxy or a portal says."""
    return Answer(status=status, body=PAGE, headers={"Location": "https://login.example/?from=secret"})


def failure(uploading: Uploading, call: str) -> PartwayError:
    """The error of an upload that makes this call."""
    if call == "PutObject":
        uploading.path.write_bytes(b"small")
    with pytest.raises(PartwayError) as failed:
        uploading.run(concurrency=1)
    return failed.value


@pytest.mark.parametrize(
    ("status", "call"),
    [
        *((status, "PutObject") for status in PERMANENT),
        # The others come of a network that changed in mid-run, as tests/test_captive_portal.py has it.
        *((status, "UploadPart") for status in PERMANENT.keys() - {302, 407, 511}),
    ],
)
def test_what_will_be_refused_for_ever_is_final(strict: StrictS3, uploading: Uploading, status: int, call: str) -> None:
    """Exit code 1 after one request, and the sentence says what to change; cron does not repeat it."""
    strict.faults.add(Fault(operation=call, stage=Stage.AFTER_BODY, action=page(status), times=None))

    error = failure(uploading, call)

    assert (exit_code(error), strict.counts[call]) == (FAILED, 1)
    assert PERMANENT[status] in str(error)
    assert "secret" not in str(error)


def test_parts_that_are_too_large_are_begun_anew_with_smaller_ones(strict: StrictS3, uploading: Uploading) -> None:
    """--part-size alone changes nothing for an upload that has begun; what was sent before is kept until then."""
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=page(413), part_number=2, times=None)
    )

    error = failure(uploading, "UploadPart")

    assert isinstance(error, UploadFailed)
    assert "a smaller --part-size with --restart" in str(error)
    assert len(uploading.store.parts(uploading.store.uploads()[0].id)) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [400, 404, 501])
def test_a_refusal_without_a_code_is_asked_for_again_and_then_believed(
    strict: StrictS3, uploading: Uploading, status: int, call: str
) -> None:
    """Once it may have been cut off; the second time it is what the endpoint says."""
    strict.faults.add(Fault(operation=call, stage=Stage.AFTER_BODY, action=page(status), times=None))

    error = failure(uploading, call)

    assert exit_code(error) == FAILED
    assert f"{status}" in str(error)


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_without_a_code_that_comes_once_is_forgotten(
    strict: StrictS3, uploading: Uploading, call: str
) -> None:
    """The next try passes."""
    strict.faults.add(Fault(operation=call, stage=Stage.AFTER_BODY, action=page(404)))
    if call == "PutObject":
        uploading.path.write_bytes(b"small")

    assert uploading.run().proof == "crc64nvme"


@pytest.mark.parametrize("status", [425, 499, 502, 507, 509, 520, 522, 524, 530, 599])
def test_trouble_that_passes_is_still_for_another_run(strict: StrictS3, uploading: Uploading, status: int) -> None:
    """What a gateway says of a service that is away, slow or full is no refusal."""
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=page(status), times=None))

    assert exit_code(failure(uploading, "UploadPart")) == INCOMPLETE


@pytest.mark.parametrize("size", [100, 3 * PART])
def test_expect_is_left_away_where_it_is_not_known(strict: StrictS3, uploading: Uploading, size: int) -> None:
    """417 once: the same request goes again without the header, and so does every later one."""
    call = "PutObject" if size < PART else "UploadPart"
    uploading.path.write_bytes(b"x" * size)
    strict.faults.add(Fault(operation=call, stage=Stage.BEFORE_READ, action=page(417)))

    done = uploading.run(concurrency=1)

    first, *others = [each for each in strict.calls if each.operation == call]
    assert (done.proof, done.retries) == ("crc64nvme", 0)
    assert "expect" in first.headers
    assert [each for each in others if "expect" in each.headers] == []


def test_417_without_expect_is_final(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing else can be left away."""
    strict.faults.add(Fault(operation="PutObject", stage=Stage.BEFORE_READ, action=page(417), times=None))

    error = failure(uploading, "PutObject")

    assert (exit_code(error), strict.counts["PutObject"]) == (FAILED, 2)
    assert "supports no Expect header" in str(error)


def test_a_list_that_is_refused_without_a_code_is_none(strict: StrictS3, uploading: Uploading) -> None:
    """404 from a service that does not know ListParts: the receipts stand."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=3))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    strict.faults.add(Fault(operation="ListParts", stage=Stage.AFTER_BODY, action=page(404), times=None))

    assert uploading.run().resumed_bytes == 2 * PART


class Proxy(BaseHTTPRequestHandler):
    """Opens no tunnel."""

    status = 407

    def do_CONNECT(self) -> None:
        self.send_response(self.status, "No")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Backend]:
    """A backend whose endpoint is reached by the proxy alone."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        backend = S3Backend(S3Config(endpoint_url="https://s3.example"))
        yield backend
        backend.close()
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "words", "code"),
    [
        (407, "the proxy requires a user name and password", FAILED),
        (403, "the proxy refuses connections to this endpoint", FAILED),
        (503, "cannot reach", INCOMPLETE),
    ],
)
def test_a_tunnel_that_the_proxy_refuses(
    proxied: S3Backend,
    make_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    words: str,
    code: int,
) -> None:
    """Over https the proxy speaks before the endpoint is asked anything."""
    monkeypatch.setattr(Proxy, "status", status)
    uploading = Uploading(path=make_file(100), backend=proxied, endpoint="https://s3.example")

    with pytest.raises(RemoteError, match=words) as failed:
        uploading.run(policy=RetryPolicy(first_contact=0.0))

    assert exit_code(failed.value) == code
