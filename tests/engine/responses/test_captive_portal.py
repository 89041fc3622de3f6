"""A captive portal or a wrong proxy that answers every request from some moment on, as plain http allows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.errors import PartwayError
from partway.engine.events.upload import NetworkLost, UploadSkipped
from partway.engine.retry.policy import RetryPolicy
from partway.engine.s3.backend import S3Backend
from tests.support.engine.upload_case import PART, QUICK, Uploading
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

PAGE = b"<!-- portal --><!DOCTYPE html><html><body>Please sign in.</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}
PORTALS = {
    "200": Answer(status=200, body=PAGE, headers=HTML),
    "200 of a file": Answer(status=200, body=PAGE, headers=HTML | {"ETag": '"5f3c-264"', "Last-Modified": "x"}),
    "302": Answer(status=302, body=PAGE, headers=HTML | {"Location": "http://login.example/?from=secret"}),
    "511": Answer(status=511, body=PAGE, headers=HTML),
    "407": Answer(status=407, body=PAGE, headers=HTML),
}
SOON = RetryPolicy(attempts=2, first_wait=0.001, max_wait=0.01, budget=0.0, first_contact=0.0)
REQUESTS = {"parts": 5, "small": 1, "small, no overwrite": 2, "parts, no overwrite": 6}  # at least so many


@pytest.fixture(params=REQUESTS)
def kind(request: pytest.FixtureRequest) -> str:
    """What is uploaded."""
    return str(request.param)


@pytest.fixture
def uploading(kind: str, backend: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of three parts, or one of a few bytes."""
    found = Uploading(path=make_file(3 * PART if "parts" in kind else 100), backend=backend, endpoint=backend.endpoint)
    found.options = replace(found.options, no_overwrite="overwrite" in kind)
    return found


def take_over(strict: StrictS3, name: str, after: int = 0) -> None:
    """Have the portal answer everything after so many requests."""
    strict.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=PORTALS[name], times=None, skip=after))


@pytest.mark.parametrize("name", PORTALS)
def test_a_portal_that_is_there_first_ends_the_run_for_good(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """Exit code 1 and the cause: at once, or for a web page, which may come of half a response, after some tries."""
    take_over(strict, name)

    with pytest.raises(PartwayError) as failed:
        uploading.end(policy=SOON)

    assert exit_code(failed.value) == FAILED
    assert any(words in str(failed.value) for words in ("log in", "the proxy requires a user name"))
    assert "secret" not in str(failed.value)
    assert strict.counts.total() <= 2 * SOON.attempts
    assert uploading.of(UploadSkipped) == []


@pytest.mark.parametrize("name", PORTALS)
def test_a_portal_in_mid_run_is_a_network_that_is_away(
    strict: StrictS3, uploading: Uploading, kind: str, name: str
) -> None:
    """Wherever it begins, the run ends with 75, and the next one makes the object of what was sent."""
    for after in range(1, REQUESTS[kind]):
        uploading.key = f"key {after}"
        take_over(strict, name, after)
        with pytest.raises(PartwayError) as failed:
            uploading.end(policy=SOON, concurrency=1)
        strict.faults.clear()

        assert exit_code(failed.value) == INCOMPLETE, (after, failed.value)
        assert all(made.body == uploading.path.read_bytes() for made in strict.model.objects.values())
        assert uploading.of(UploadSkipped) == []
        assert uploading.run().proof == "crc64nvme"
        assert strict.model.get_object("bucket", uploading.key).body == uploading.path.read_bytes()


@pytest.mark.parametrize("name", ["302", "407", "511"])
@pytest.mark.parametrize("kind", ["parts"], indirect=True)
def test_a_portal_that_goes_is_waited_for(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """As for an endpoint that is out of reach: the same run ends well, however often a call was answered by it."""
    strict.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=PORTALS[name], times=QUICK.attempts + 2, skip=1)
    )

    done = uploading.run(concurrency=1)

    assert done.proof == "crc64nvme"
    assert uploading.of(NetworkLost)


@pytest.mark.parametrize("name", PORTALS)
@pytest.mark.parametrize("kind", ["parts"], indirect=True)
def test_a_portal_before_a_resume_costs_nothing(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """That run ends for good; the parts and the record of them stay for the next."""
    take_over(strict, "511", after=4)
    with pytest.raises(PartwayError):
        uploading.end(policy=SOON, concurrency=1)
    strict.faults.clear()
    take_over(strict, name)
    with pytest.raises(PartwayError) as failed:
        uploading.end(policy=SOON)
    strict.faults.clear()

    assert exit_code(failed.value) == FAILED
    assert uploading.run().resumed_bytes == 2 * PART
