"""Scripted faults: every stage and every action, seen from a plain boto3 client."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from tests.support.s3_access.boto_client import boto_client
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_model.model import S3Model
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_server.server import StrictS3

from . import responses
from .faults import (
    Action,
    Answer,
    CallFunction,
    CloseConnection,
    Fault,
    FaultScript,
    FlipBit,
    Garbage,
    Hang,
    Outwait,
    ResetConnection,
    Stage,
    Trickle,
)
from .responses import error_in_200, internal_error, slow_down

KEY = {"Bucket": "bucket", "Key": "key"}
BODY = bytes(range(256)) * 4096
ROOT = Path(__file__).resolve().parents[3]
LONG = 60.0  # seconds that a test waits for what should happen at once


@pytest.fixture(params=[False, True], ids=["http", "https"])
def any_server(request: pytest.FixtureRequest) -> Iterator[StrictS3]:
    """Once over plain HTTP and once over TLS."""
    with StrictS3(tls=request.param) as strict:
        yield strict


@pytest.fixture
def server() -> Iterator[StrictS3]:
    """Plain HTTP."""
    with StrictS3(S3Model(min_part_size=4)) as strict:
        yield strict


def put_fault(stage: Stage, action: Action | tuple[Action, ...]) -> Fault:
    return Fault(operation="PutObject", stage=stage, action=action)


# Stages


@pytest.mark.parametrize("action", [CloseConnection(), ResetConnection()])
@pytest.mark.parametrize("stage", [Stage.BEFORE_READ, Stage.HALF_BODY, Stage.AFTER_BODY])
def test_a_connection_that_ends_early_has_no_effect(any_server: StrictS3, stage: Stage, action: Action) -> None:
    """The client sees a broken connection, the bucket is empty, the next try works."""
    any_server.faults.add(put_fault(stage, action))
    client = boto_client(any_server)

    with pytest.raises(BotoCoreError):
        client.put_object(**KEY, Body=BODY)
    assert not any_server.model.objects
    assert any_server.calls[0].status is None
    client.put_object(**KEY, Body=BODY)
    assert any_server.faults.unused == ()


@pytest.mark.parametrize("action", [CloseConnection(), ResetConnection(), Garbage()])
@pytest.mark.parametrize("stage", [Stage.AFTER_EFFECT, Stage.HALF_ANSWER])
def test_a_connection_that_ends_late_has_its_effect(any_server: StrictS3, stage: Stage, action: Action) -> None:
    """The answer is lost or unreadable, the object is there."""
    any_server.faults.add(Fault(operation="CompleteMultipartUpload", stage=stage, action=action))
    client = boto_client(any_server)
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY)["UploadId"]}
    etag = client.upload_part(**upload, PartNumber=1, Body=BODY)["ETag"]

    with pytest.raises((BotoCoreError, ClientError)):
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert any_server.model.objects["bucket", "key"].body == BODY


def test_a_cut_head_looks_like_an_answer(server: StrictS3) -> None:
    """An answer without a body is cut inside its head; boto3 returns what came, here without the ETag."""
    server.faults.add(put_fault(Stage.HALF_ANSWER, CloseConnection()))

    answer = boto_client(server).put_object(**KEY, Body=BODY)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ETag" not in answer


def test_half_body_is_half_of_it(server: StrictS3) -> None:
    """The journal knows how much was read."""
    server.faults.add(put_fault(Stage.HALF_BODY, CloseConnection()))

    with pytest.raises(BotoCoreError):
        boto_client(server).put_object(**KEY, Body=BODY)
    assert server.bytes_received("PutObject") == len(BODY) // 2


def test_half_of_a_trailer_body(any_server: StrictS3) -> None:
    """Chunked transfer encoding has a half as well."""
    any_server.faults.add(put_fault(Stage.HALF_BODY, CloseConnection()))
    client = boto_client(any_server, request_checksum_calculation="when_supported")

    with pytest.raises(BotoCoreError):
        client.put_object(**KEY, Body=BODY)
    assert any_server.bytes_received("PutObject") == len(BODY) // 2


@pytest.mark.parametrize("stage", [Stage.BEFORE_READ, Stage.HALF_BODY, Stage.AFTER_BODY])
def test_an_error_before_the_effect(any_server: StrictS3, stage: Stage) -> None:
    """The client reads it, however much of the body it had sent."""
    any_server.faults.add(put_fault(stage, slow_down()))

    with pytest.raises(ClientError, match="SlowDown"):
        boto_client(any_server).put_object(**KEY, Body=BODY)
    assert not any_server.model.objects


def test_an_error_before_the_body_without_expect(server: StrictS3) -> None:
    """A client that sends at once still reads the answer."""
    server.faults.add(put_fault(Stage.BEFORE_READ, slow_down()))
    client = boto_client(server)

    def no_expect(request: Any, **_: Any) -> None:
        del request.headers["Expect"]

    client.meta.events.register("before-send.s3.PutObject", no_expect)

    with pytest.raises(ClientError, match="SlowDown"):
        client.put_object(**KEY, Body=BODY)


def test_an_error_after_the_effect(server: StrictS3) -> None:
    """The answer lies: the object is there."""
    server.faults.add(put_fault(Stage.AFTER_EFFECT, internal_error()))

    with pytest.raises(ClientError, match="InternalError"):
        boto_client(server).put_object(**KEY, Body=BODY)
    assert server.model.objects["bucket", "key"].body == BODY


def test_after_effect_waits_for_an_effect(server: StrictS3) -> None:
    """A refused request does not use the fault up."""
    server.faults.add(put_fault(Stage.AFTER_EFFECT, internal_error()))
    client = boto_client(server)

    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(**KEY, Body=BODY, ChecksumCRC64NVME="AAAAAAAAAAA=")
    with pytest.raises(ClientError, match="InternalError"):
        client.put_object(**KEY, Body=BODY)


# Answers


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("slow_down", "SlowDown", 503),
        ("internal_error", "InternalError", 500),
        ("bad_gateway", "502", 502),
        ("gateway_timeout", "504", 504),
        ("too_many_requests", "TooManyRequests", 429),
        ("request_timeout", "RequestTimeout", 400),
        ("request_time_too_skewed", "RequestTimeTooSkewed", 403),
        ("expired_token", "ExpiredToken", 400),
        ("access_denied", "AccessDenied", 403),
        ("conditional_conflict", "ConditionalRequestConflict", 409),
    ],
)
def test_ready_answers(server: StrictS3, name: str, code: str, status: int) -> None:
    """As botocore reads them."""
    server.faults.add(put_fault(Stage.AFTER_BODY, getattr(responses, name)()))

    with pytest.raises(ClientError) as refused:
        boto_client(server).put_object(**KEY, Body=BODY)
    response: Any = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_any_error_with_headers(server: StrictS3) -> None:
    """A test can say anything."""
    answer = Answer(status=418, code="Teapot", message="short", headers={"Retry-After": "3"})
    server.faults.add(put_fault(Stage.AFTER_BODY, answer))

    with pytest.raises(ClientError, match="short") as refused:
        boto_client(server).put_object(**KEY, Body=BODY)
    response: Any = refused.value.response
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"


def test_a_redirect_names_the_region(server: StrictS3) -> None:
    """botocore asks again, signed for the other region."""
    server.faults.add(put_fault(Stage.AFTER_BODY, responses.permanent_redirect("eu-west-1")))

    boto_client(server).head_bucket(Bucket="bucket")
    with pytest.raises(ClientError, match="AuthorizationHeaderMalformed"):
        boto_client(server).put_object(**KEY, Body=BODY)
    assert [call.status for call in server.calls if call.operation == "PutObject"] == [301, 400]


def test_an_error_inside_a_200(server: StrictS3) -> None:
    """Complete answers 200 with an error; botocore makes a 500 of it."""
    server.faults.add(
        Fault(operation="CompleteMultipartUpload", stage=Stage.AFTER_BODY, action=error_in_200("InternalError"))
    )
    client = boto_client(server)
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY)["UploadId"]}
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"any"'}]}

    with pytest.raises(ClientError, match="InternalError") as refused:
        client.complete_multipart_upload(**upload, MultipartUpload=parts)
    response: Any = refused.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert server.calls[-1].status == 200


def test_an_error_for_head_has_no_body(server: StrictS3) -> None:
    """The status says it all, and the connection stays in step."""
    server.faults.add(Fault(operation="HeadObject", stage=Stage.AFTER_BODY, action=slow_down()))
    client = boto_client(server)
    client.put_object(**KEY, Body=BODY)

    with pytest.raises(ClientError, match="503"):
        client.head_object(**KEY)
    assert client.head_object(**KEY)["ContentLength"] == len(BODY)


# Other actions


def test_a_flipped_bit_is_found_by_the_checksum(server: StrictS3) -> None:
    """BadDigest, where the payload is not signed."""
    server.faults.add(put_fault(Stage.AFTER_BODY, FlipBit(index=100)))
    client = boto_client(server, s3={"payload_signing_enabled": False})

    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(**KEY, Body=BODY, ChecksumCRC64NVME=checksum_of(Algorithm.CRC64NVME, BODY).value)


def test_a_flipped_bit_is_stored_where_nothing_checks(server: StrictS3) -> None:
    """Silent corruption: exactly one byte differs."""
    server.faults.add(put_fault(Stage.AFTER_BODY, FlipBit(index=100)))
    boto_client(server, s3={"payload_signing_enabled": False}).put_object(**KEY, Body=BODY)

    stored = server.model.objects["bucket", "key"].body
    assert [index for index, byte in enumerate(stored) if byte != BODY[index]] == [100]


def test_a_hang_is_longer_than_the_clients_patience(server: StrictS3) -> None:
    """The answer comes too late, the object is there all the same."""
    there = threading.Event()
    server.faults.add(put_fault(Stage.AFTER_EFFECT, (CallFunction(function=there.set), Hang())))

    with pytest.raises(ReadTimeoutError):
        boto_client(server, read_timeout=0.2).put_object(**KEY, Body=BODY)
    assert there.wait(LONG)
    assert len(server.model.objects) == 1


def test_a_server_that_outwaits_the_client(server: StrictS3) -> None:
    """It continues when the client has disconnected, and not before."""
    server.faults.add(put_fault(Stage.AFTER_BODY, Outwait()))

    with pytest.raises(ReadTimeoutError):
        boto_client(server, read_timeout=0.2).put_object(**KEY, Body=BODY)
    server.settle()
    assert len(server.model.objects) == 1


def _put_and_fail(client: Any) -> None:
    with pytest.raises(BotoCoreError):
        client.put_object(**KEY, Body=BODY)


def test_a_hang_ends_with_the_server() -> None:
    """Nobody waits for a hang at the end of a test."""
    arrived = threading.Event()
    with StrictS3() as server:
        server.faults.add(put_fault(Stage.BEFORE_READ, (CallFunction(function=arrived.set), Hang())))
        client = boto_client(server)
        thread = threading.Thread(target=_put_and_fail, args=(client,))
        thread.start()
        assert arrived.wait(LONG)

    thread.join(LONG)
    assert not thread.is_alive()


def test_a_hang_ends_when_its_connection_is_cut(server: StrictS3) -> None:
    """Nothing reads what the client sends, so it has to be reset to notice; closing one direction is not enough."""
    hung = threading.Event()
    actions = (CallFunction(function=hung.set), Hang())
    server.faults.add(put_fault(Stage.BEFORE_READ, actions))
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as client:
        client.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        assert hung.wait(LONG)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            # More than the sockets hold.
            while True:
                client.send(BODY)
        client.settimeout(LONG)
        server.refuse()

        with pytest.raises(ConnectionError):
            client.sendall(BODY)


def test_a_short_hang_goes_on(server: StrictS3) -> None:
    """In the middle of the answer, too."""
    server.faults.add(put_fault(Stage.HALF_ANSWER, Hang(seconds=0.2)))
    started = time.monotonic()
    boto_client(server).put_object(**KEY, Body=BODY)

    assert time.monotonic() - started >= 0.2


def test_a_trickle_takes_its_time(server: StrictS3) -> None:
    """Bytes per second, from the stage on."""
    server.faults.add(put_fault(Stage.HALF_BODY, Trickle(bytes_per_second=len(BODY) * 2)))
    started = time.monotonic()
    boto_client(server).put_object(**KEY, Body=BODY)

    assert time.monotonic() - started >= 0.25
    assert server.model.objects["bucket", "key"].body == BODY


def test_a_function_can_kill_the_client(server: StrictS3, tmp_path: Path) -> None:
    """SIGKILL between effect and answer: the client never knows, the part is there."""
    upload = {**KEY, "UploadId": boto_client(server).create_multipart_upload(**KEY)["UploadId"]}
    script = tmp_path / "client.py"
    script.write_text(
        "import boto3\n"
        "boto3.client('s3').upload_part(\n"
        f"    Bucket='bucket', Key='key', UploadId={upload['UploadId']!r}, PartNumber=1, Body=b'data')\n"
    )
    pids: list[int] = []
    started = threading.Event()

    def kill() -> None:
        started.wait(LONG)
        os.kill(pids[0], signal.SIGKILL)

    server.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_EFFECT, action=CallFunction(function=kill)))
    environment = os.environ | server.environment() | {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required"}
    with subprocess.Popen([sys.executable, str(script)], env=environment) as process:
        pids.append(process.pid)
        started.set()

    assert process.returncode == -signal.SIGKILL
    assert list(server.model.stored_parts(upload["UploadId"])) == [1]


def test_a_failing_function_fails_the_test() -> None:
    """The server's own errors are not swallowed."""
    fault = put_fault(Stage.AFTER_BODY, CallFunction(function=lambda: 1 // 0))

    def run() -> None:
        with StrictS3() as server:
            server.faults.add(fault)
            with pytest.raises(ConnectionClosedError):
                boto_client(server).put_object(**KEY, Body=BODY)

    with pytest.raises(RuntimeError, match="the strict S3 itself failed"):
        run()


def test_a_cut_part_can_stay_short(server: StrictS3) -> None:
    """The quirk of a store that keeps what arrived."""
    server.model.quirks = Quirks(stores_cut_parts=True)
    server.faults.add(Fault(operation="UploadPart", stage=Stage.HALF_BODY, action=CloseConnection()))
    client = boto_client(server)
    upload = {**KEY, "UploadId": client.create_multipart_upload(**KEY)["UploadId"]}

    with pytest.raises(BotoCoreError):
        client.upload_part(**upload, PartNumber=1, Body=BODY)
    assert [part["Size"] for part in client.list_parts(**upload)["Parts"]] == [len(BODY) // 2]


# The script


def take(script: FaultScript, operation: str = "UploadPart", part_number: int | None = 1) -> tuple[Action, ...]:
    return script.take(operation, Stage.AFTER_BODY, part_number)


def fault(action: Action, **more: Any) -> Fault:
    return Fault(**({"operation": "UploadPart", "stage": Stage.AFTER_BODY, "action": action} | more))


def test_faults_are_handed_out_in_order() -> None:
    """Each as often as it says, then all is well."""
    script = FaultScript(fault(slow_down(), times=2), fault(Hang()))

    assert [take(script) for _ in range(4)] == [(slow_down(),), (slow_down(),), (Hang(),), ()]


def test_skip_lets_requests_pass() -> None:
    """The third matching one is hit."""
    script = FaultScript(fault(Hang(), skip=2))

    assert [take(script) for _ in range(4)] == [(), (), (Hang(),), ()]


def test_times_none_is_for_ever() -> None:
    """Until the script is cleared."""
    script = FaultScript(fault(Hang(), times=None))

    assert [take(script) for _ in range(3)] == [(Hang(),)] * 3
    script.clear()
    assert take(script) == ()


def test_a_fault_for_one_part_leaves_the_others_alone() -> None:
    """By its number."""
    script = FaultScript(fault(Hang(), part_number=2))

    assert (take(script, part_number=1), take(script, part_number=2)) == ((), (Hang(),))


def test_a_fault_for_one_operation_leaves_the_others_alone() -> None:
    """None is for all of them."""
    script = FaultScript(fault(Hang()), fault(CloseConnection(), operation=None))

    assert take(script, operation="PutObject") == (CloseConnection(),)


def test_unused_faults_can_be_seen() -> None:
    """So that a test can be sure that something happened."""
    used, unused = fault(Hang()), fault(slow_down(), part_number=9)
    script = FaultScript(used, unused)
    take(script)

    assert script.unused == (unused,)


@pytest.mark.parametrize(
    ("stage", "action"),
    [
        (Stage.HALF_ANSWER, slow_down()),
        (Stage.BEFORE_READ, FlipBit()),
        (Stage.AFTER_BODY, Trickle(bytes_per_second=1)),
    ],
)
def test_an_impossible_fault_is_an_error(stage: Stage, action: Action) -> None:
    """It could never be seen."""
    with pytest.raises(ValueError, match="impossible"):
        put_fault(stage, action)
