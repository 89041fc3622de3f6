"""The benchmarks' arithmetic, and their S3 sink; nothing here depends on time."""

import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measure import CommandFailed, Usage, run
from benchmarks.plot import bars
from benchmarks.relay import Relay
from benchmarks.report import GIB, MIB, Figures, Table, as_json, comparison, figures, markdown
from benchmarks.scenes import SCENES
from benchmarks.sink_server import SinkServer
from benchmarks.token_bucket import TokenBucket
from partway.engine.backend.target import Target
from partway.engine.events.upload import UploadDone
from partway.engine.run.context import EngineContext
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.upload.file import upload_file
from partway.state.sqlite.store import SqliteStore


def usage(cpu: float, wall: float, peak: int = MIB) -> Usage:
    """A run that began at 1 s."""
    return Usage(cpu=cpu, started=1.0, ended=1.0 + wall, peak=peak)


@pytest.fixture
def server() -> Iterator[SinkServer]:
    """A sink without nginx, in this process."""
    yield from serve()


def serve(allow_rate: float | None = None) -> Iterator[SinkServer]:
    server = SinkServer(port=0, delay=0.0, allow_rate=allow_rate)
    threading.Thread(target=server.run, daemon=True).start()
    yield server
    server.close()


def ask(server: SinkServer, method: str, path: str, body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    """One request; the answer, read to its end."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_figures_are_medians_a_gib() -> None:
    """One slow run does not count, and half a GiB costs half."""
    found = figures([usage(1, 2), usage(9, 9), usage(2, 3)], GIB // 2)

    assert (found.cpu, found.wall, found.peak) == (4, 6, 1)


def test_a_comparison_divides_ours_by_theirs() -> None:
    """Half of what the other needs is 0.5."""
    found = {"partway": Figures(cpu=1, wall=3, peak=50), "other": Figures(cpu=2, wall=2, peak=20)}

    rows = comparison("t", found).rows

    assert rows["other"] == (2, 2, 20, 0.5, 1.5)
    assert rows["partway"][3:] == (1, 1)


def test_markdown_has_a_line_for_each_row() -> None:
    """Short numbers, a dash for unknown values, notes below."""
    table = Table(title="T", columns=("a", "b"), rows={"x": (1.234, None), "y": (12345.0, "done")}, notes=["N."])

    assert markdown(table) == "## T\n\n| | a | b |\n|---|---|---|\n| x | 1.23 | - |\n| y | 12,345 | done |\n\nN.\n"
    assert json.loads(json.dumps(as_json(table)))["rows"]["y"] == [12345.0, "done"]


def test_the_plot_names_every_client() -> None:
    """A valid drawing with one bar each, and text that cannot break it."""
    from xml.etree import ElementTree

    drawing = bars("a < b", "s", {"partway": 1.0, "other & co": 2.0})

    texts = [element.text for element in ElementTree.fromstring(drawing).iter() if element.tag.endswith("}text")]
    assert texts == ["a < b", "partway", "1.00 s", "other & co", "2.00 s"]


def test_a_run_is_measured(tmp_path: Path) -> None:
    """A child of the command counts too, and the peak is that of the largest process."""
    burn = "import time; b = bytearray(80 << 20)\nwhile time.process_time() < 0.2: pass"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"

    used = run([sys.executable, "-c", outer], {})

    assert used.cpu >= 0.2
    assert used.peak >= 80 * MIB
    assert used.wall > 0


def test_a_wrong_exit_code_is_an_error() -> None:
    """What the command wrote is in the message."""
    with pytest.raises(CommandFailed, match=r"exit code 3\s+oh no"):
        run([sys.executable, "-c", "print('oh no'); raise SystemExit(3)"], {})


def test_partway_proves_an_upload_to_the_sink(
    server: SinkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sink combines the parts' checksums as S3 does, so that what is measured is all of partway."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "bench")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    source = tmp_path / "source"
    source.write_bytes(b"partway!" * (2 * MIB))
    backend = S3Backend(S3Config(endpoint_url=f"http://127.0.0.1:{server.port}"))
    store = SqliteStore(tmp_path / "state")
    target = Target(bucket="bench", key="key", endpoint=backend.endpoint)
    try:
        done = upload_file(source, target, EngineContext(backend=backend, store=store))
    finally:
        backend.close()
        store.close()

    assert isinstance(done, UploadDone)
    assert done.proof == "crc64nvme"
    assert ask(server, "HEAD", "/bench/key").headers["content-length"] == str(16 * MIB)


def test_the_sink_answers_the_multipart_calls(server: SinkServer) -> None:
    """Create, two parts, list, complete, head; and an upload that is over is not found."""
    created = ask(server, "POST", "/b/k?uploads")
    part = ask(server, "PUT", "/b/k?uploadId=upload1&partNumber=2", b"yy", x_amz_checksum_crc64nvme="AAAAAAAAAAA=")
    ask(server, "PUT", "/b/k?uploadId=upload1&partNumber=1", b"xxx", content_md5="AAAAAAAAAAAAAAAAAAAAAA==")
    listed = ask(server, "GET", "/b/k?uploadId=upload1")
    parts = b"<Part><PartNumber>1</PartNumber></Part><Part><PartNumber>2</PartNumber></Part>"
    done = ask(server, "POST", "/b/k?uploadId=upload1", parts)
    again = ask(server, "POST", "/b/k?uploadId=upload1", parts)
    head = ask(server, "HEAD", "/b/k")

    assert [answer.status for answer in (created, part, listed, done, again)] == [200, 200, 200, 200, 404]
    assert part.headers["x-amz-checksum-crc64nvme"] == "AAAAAAAAAAA="
    assert head.headers["content-length"] == "5"
    assert head.headers["etag"].endswith('-2"')


def test_a_part_that_was_not_sent_cannot_be_completed(server: SinkServer) -> None:
    """A client that loses a part is found out."""
    ask(server, "POST", "/b/k?uploads")

    answer = ask(server, "POST", "/b/k?uploadId=upload1", b"<Part><PartNumber>1</PartNumber></Part>")

    assert answer.status == 400


def test_the_sink_counts_chunked_bodies(server: SinkServer) -> None:
    """boto3 sends its trailing checksum in chunks: they are read to the end, and their decoded size counts."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(
            b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Amz-Decoded-Content-Length: 3\r\n\r\n"
            b"2\r\nab\r\n1\r\nc\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\nHEAD /b/k HTTP/1.1\r\n\r\n"
        )
        received = b""
        while received.count(b"HTTP/1.1 200") < 2:
            received += client.recv(65536) or pytest.fail("the sink closed")

    assert b"content-length: 3\r\n" in received


def test_the_sink_refuses_above_the_rate() -> None:
    """A part above the rate gets SlowDown before its body, and counts as refused."""
    for server in serve(allow_rate=1e-6):
        first = ask(server, "PUT", "/b/k", b"x")
        second = ask(server, "PUT", "/b/k", b"x")
        seen = json.loads(_body(server, "/-/seen"))

        assert (first.status, second.status) == (200, 503)
        assert (seen["parts"], seen["refused"]) == (1, 1)


def _body(server: SinkServer, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def test_a_token_bucket_lets_the_rate_through() -> None:
    """The burst at once, then what time allows."""
    bucket = TokenBucket(rate=10, burst=20)

    assert bucket.wait_for(20, now=0.0) == 0
    assert bucket.wait_for(10, now=0.0) == 1
    assert bucket.wait_for(10, now=1.0) == 1
    assert not bucket.take(1, now=1.0)
    assert bucket.take(100, now=2.1)


def test_a_relay_counts_what_clients_send(server: SinkServer) -> None:
    """Heads and bodies, on their way to a server that answers through it."""
    with Relay(server.port, rate=1e9) as relay:
        connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=60)
        connection.request("PUT", "/b/k", b"x" * 1000)
        status = connection.getresponse().status
        connection.close()

    assert status == 200
    assert 1000 < relay.received < 1500


def test_every_scene_says_what_it_measures() -> None:
    """``--list`` has a line for each, and some are played by default."""
    assert all(scene.line for scene in SCENES.values())
    assert any(scene.default for scene in SCENES.values())
