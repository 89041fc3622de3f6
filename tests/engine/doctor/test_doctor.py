"""The doctor: what is permitted, what the service honours, and nothing left behind."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from partway.engine.doctor.check import Check, Health, TimedCalls
from partway.engine.doctor.run import run_checks
from partway.engine.errors import Transient, UploadCancelled
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.bucket import S3Uploads
from partway.engine.s3.service import S3Probe
from partway.engine.workers.channel import CancelToken
from tests.support.s3_faults.faults import Action, CallFunction, CloseConnection, Fault, Hang, Stage
from tests.support.s3_faults.responses import access_denied, internal_error, s3_error
from tests.support.s3_model.quirks import Quirks, RefuseChecksums
from tests.support.s3_server.server import StrictS3

OK, WARNING, FAILED = Health.OK, Health.WARNING, Health.FAILED
LONG = 120.0  # seconds; nobody waits for them


@dataclass
class Visit:
    """A run at a strict S3, and what was said."""

    server: StrictS3
    said: list[Check] = field(default_factory=list)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_check: Callable[[Check], None] = lambda check: None

    def run(self, where: tuple[str, str] | None = ("bucket", "x/"), **choice: bool) -> None:
        """From the credentials to tidying up."""
        backend = S3Backend(S3Config(endpoint_url=self.server.url, send_timeout=60.0, answer_timeout=60.0))

        def say(check: Check) -> None:
            self.said.append(check)
            self.on_check(check)

        try:
            run_checks(
                S3Probe(backend.config),
                backend,
                S3Uploads(backend.config),
                say,
                where=where,
                endpoint=backend.endpoint,
                cancel=self.cancel,
                **choice,
            )
        finally:
            backend.close()

    def __getitem__(self, name: str) -> Check:
        """The only check of this name."""
        (found,) = [check for check in self.said if check.name == name]
        return found

    @property
    def names(self) -> list[str]:
        return [check.name for check in self.said]

    def break_(self, operation: str, action: Action, *, skip: int = 0, times: int | None = None) -> None:
        """Have every such call fail."""
        self.server.faults.add(
            Fault(operation=operation, stage=Stage.BEFORE_READ, action=action, skip=skip, times=times)
        )

    @property
    def left(self) -> list[str]:
        """Keys of what the server still has."""
        model = self.server.model
        return [key for _, key in model.objects] + [upload.key for upload in model.open_uploads]


@pytest.fixture
def visited(strict: StrictS3, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """One that has not begun."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", strict.region)
    return Visit(server=strict)


def test_all_is_well(visited: Visit) -> None:
    """A service that does all that S3 does gets no word but for its rules, which this one does not tell."""
    visited.run()

    assert [check.name for check in visited.said if check.health is not OK] == ["lifecycle"]
    assert visited["crc64nvme"].fact == "accepted, echoed; a wrong one is refused"
    assert visited["object size"].fact == "a wrong size is refused at Complete"
    assert visited["tidy"].fact.endswith("was removed again")
    assert visited.left == []


def test_without_a_bucket_only_the_connection_is_looked_at(visited: Visit) -> None:
    """Nothing is written anywhere."""
    visited.run(None)

    assert visited.names == ["credentials", "region", "endpoint", "clock"]
    assert set(visited.server.counts) == {"Unknown"}


def test_no_secret_is_told(visited: Visit) -> None:
    """Of the key's id the last four characters, of the secret nothing."""
    visited.run(None)
    told = repr(visited.said)

    assert visited["credentials"].fact == "environment variables, key …RICT"
    assert visited.server.secret_key not in told and visited.server.access_key not in told


@pytest.mark.parametrize(
    ("operation", "name", "health", "word"),
    [
        ("CreateMultipartUpload", "create", FAILED, "s3:PutObject"),
        ("UploadPart", "part", FAILED, "s3:PutObject"),
        ("ListParts", "list parts", WARNING, "s3:ListMultipartUploadParts"),
        ("AbortMultipartUpload", "abort", WARNING, "s3:AbortMultipartUpload"),
        ("CompleteMultipartUpload", "complete", FAILED, "s3:PutObject"),
        ("HeadObject", "head", WARNING, "s3:GetObject"),
        ("DeleteObject", "delete", WARNING, "s3:DeleteObject"),
        ("ListMultipartUploads", "unfinished", WARNING, "s3:ListBucketMultipartUploads"),
        ("HeadBucket", "bucket", OK, "s3:ListBucket"),
    ],
)
def test_what_is_not_permitted(visited: Visit, operation: str, name: str, health: Health, word: str) -> None:
    """The check of that name says so, with the permission; it is a failure only where uploads need it."""
    visited.break_(operation, access_denied())
    visited.run()

    assert visited[name].health is health
    assert word in visited[name].fact + visited[name].advice
    assert visited.left == [] or operation == "AbortMultipartUpload"


def test_what_cannot_be_aborted_is_told_with_the_command(visited: Visit) -> None:
    """One tiny upload stays, no second one is begun, and somebody who may can remove it."""
    visited.break_("AbortMultipartUpload", access_denied())
    visited.run()
    (upload,) = visited.server.model.open_uploads

    left = visited["left over"]
    assert upload.key in left.fact
    assert left.command == (
        f"aws s3api abort-multipart-upload --bucket bucket --key {upload.key} --upload-id {upload.upload_id}"
    )
    assert visited.server.counts["CreateMultipartUpload"] == 1


def test_what_cannot_be_deleted_is_not_made(visited: Visit) -> None:
    """Complete is left out; what it would have shown is not claimed."""
    visited.break_("DeleteObject", access_denied())
    visited.run()

    assert "Complete is not tested" in visited["delete"].fact
    assert "complete" not in visited.names
    assert visited["head"].fact == "permitted"
    assert visited.server.counts["CompleteMultipartUpload"] == 0


def test_with_the_users_word_it_is_made_and_told(visited: Visit) -> None:
    """--allow-leftovers: where it is, and the command that removes it."""
    visited.break_("DeleteObject", access_denied())
    visited.run(leftovers=True)
    (key,) = visited.left

    assert visited["complete"].health is OK
    left = [check for check in visited.said if check.name == "left over"]
    assert left and f"s3://bucket/{key}" in left[0].fact
    assert left[0].command == f"aws s3api delete-object --bucket bucket --key {key}"


@pytest.mark.parametrize(
    ("quirks", "name", "health", "fact"),
    [
        (
            Quirks(no_checksums=True),
            "crc64nvme",
            WARNING,
            "accepted, not echoed, but not validated: a wrong one is accepted too",
        ),
        (
            Quirks(unverified_checksums=True),
            "crc64nvme",
            WARNING,
            "accepted, echoed, but not validated: a wrong one is accepted too",
        ),
        (Quirks(silent_checksums=True), "crc64nvme", OK, "accepted, not echoed; a wrong one is refused"),
        (Quirks(unverified_checksums=True), "sha256", WARNING, "but not validated: a wrong one is accepted too"),
        (Quirks(refuse_checksums=RefuseChecksums.NOT_IMPLEMENTED), "crc64nvme", WARNING, "not accepted: "),
        (Quirks(refuse_checksums=RefuseChecksums.INVALID_REQUEST), "crc32c", WARNING, "not accepted: "),
        (Quirks(list_parts_unsupported=True), "list parts", WARNING, "not supported by the service"),
        (Quirks(list_drops=frozenset({1})), "list parts", WARNING, "is not listed"),
        (Quirks(bad_part_destroys_upload=True), "list parts", WARNING, "ended the whole upload"),
        (Quirks(checksum_missing_on_head=True), "head", OK, "reports no checksum"),
    ],
)
def test_what_the_service_honours(visited: Visit, quirks: Quirks, name: str, health: Health, fact: str) -> None:
    """A wrong value shows whether the right one means anything; nothing stays, whatever the service is like."""
    visited.server.model.quirks = quirks
    visited.run()

    assert visited[name].health is health
    assert fact in visited[name].fact
    assert FAILED not in {check.health for check in visited.said}
    assert visited.left == []


def test_a_wrong_part_that_meets_other_trouble(visited: Visit) -> None:
    """A 500 is no word about the checksum."""
    visited.server.faults.add(
        Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=internal_error(), times=1, part_number=2)
    )
    visited.run()

    assert "whether a wrong one is refused is not known" in visited["crc64nvme"].fact
    assert visited["crc32c"].fact == "accepted, echoed; a wrong one is refused"


def test_conditions_that_are_ignored(visited: Visit) -> None:
    """Both ways to write over an object, which both succeed here."""
    visited.server.model.quirks = Quirks(preconditions_ignored=True)
    visited.run()

    found = [check for check in visited.said if check.name == "no overwrite"]
    assert [check.health for check in found] == [WARNING, WARNING]
    assert visited.left == []


@pytest.mark.parametrize(
    ("variables", "name", "fact"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "credentials", "not found"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "access", "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "access", "InvalidAccessKeyId"),
    ],
)
def test_bad_credentials(
    visited: Visit, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, fact: str
) -> None:
    """Nothing further is asked."""
    for key, value in variables.items():
        monkeypatch.setenv(key, value) if value else monkeypatch.delenv(key)
    visited.run()

    assert visited[name].health is FAILED
    assert fact in visited[name].fact
    assert "bucket" not in visited.names


def test_no_such_bucket(visited: Visit) -> None:
    """Nothing further is asked of it."""
    visited.run(("nobody-has-it", ""))

    assert (visited["bucket"].health, visited.names[-1]) == (FAILED, "bucket")


def test_an_endpoint_that_refuses_connections(visited: Visit) -> None:
    """It is said at once."""
    visited.server.refuse()
    visited.run()

    assert (visited["endpoint"].health, visited.names[-1]) == (FAILED, "endpoint")
    assert "connection refused" in visited["endpoint"].fact


def test_the_patience_is_for_all_tries_together(visited: Visit) -> None:
    """An endpoint that never answers costs no more than that, and a call that is cancelled says so."""
    calls = TimedCalls(S3Backend(S3Config(endpoint_url=visited.server.url)), visited.cancel, patience=0.2)
    over = threading.Event()
    began = time.monotonic()
    try:
        with pytest.raises(Transient, match="no response within 0 s"):
            calls(lambda: over.wait(LONG))
        visited.cancel.set()
        with pytest.raises(UploadCancelled):
            calls(lambda: over.wait(LONG))

        assert time.monotonic() - began < LONG / 2
    finally:
        over.set()


def test_a_clock_that_is_off(visited: Visit) -> None:
    """How much, and in which direction; the rest works all the same."""
    visited.server.clock = lambda: time.time() + 3600
    visited.run()

    assert visited["clock"].health is WARNING
    assert "s behind the service's clock" in visited["clock"].fact
    assert visited["complete"].health is OK


@pytest.mark.parametrize("name", ["create", "part", "crc64nvme", "list parts", "complete", "head", "no overwrite"])
def test_whoever_stops_it_leaves_nothing(visited: Visit, name: str) -> None:
    """After Ctrl-C at any moment what was made is removed."""

    def stop(check: Check) -> None:
        if check.name == name:
            visited.cancel.set()

    visited.on_check = stop
    with pytest.raises(UploadCancelled):
        visited.run()

    assert visited.left == []


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"])
@pytest.mark.parametrize("skip", [0, 1])
def test_an_answer_that_is_lost_leaves_nothing(visited: Visit, operation: str, skip: int) -> None:
    """The call took effect, and nobody knows: the doctor looks for what came of it."""
    visited.server.faults.add(
        Fault(operation=operation, stage=Stage.AFTER_EFFECT, action=CloseConnection(), times=None, skip=skip)
    )
    visited.run()

    assert visited.left == []


def test_a_stop_while_a_call_runs_leaves_nothing(visited: Visit) -> None:
    """The answer to Create comes after the wish to stop: its id is looked up."""
    stop = CallFunction(function=visited.cancel.set)
    visited.server.faults.add(
        Fault(operation="CreateMultipartUpload", stage=Stage.AFTER_EFFECT, action=(stop, Hang(seconds=1.5)))
    )
    with pytest.raises(UploadCancelled):
        visited.run()

    assert visited.left == []


def test_a_reader_that_is_gone_leaves_nothing(visited: Visit) -> None:
    """Whoever listened raises in the middle."""

    def fail(check: Check) -> None:
        if check.name == "part":
            raise BrokenPipeError

    visited.on_check = fail
    with pytest.raises(BrokenPipeError):
        visited.run()

    assert visited.left == []


def test_a_busy_service_is_asked_again(visited: Visit) -> None:
    """One 503 is no finding."""
    visited.break_("CreateMultipartUpload", s3_error("SlowDown", 503), times=1)
    visited.run()

    assert visited["create"].health is OK


@pytest.mark.parametrize(
    ("variables", "health", "fact"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, OK, "eu-west-1, from AWS_DEFAULT_REGION"),
        ({}, OK, "not set; using us-east-1"),
        ({"AWS_REGION": "eu-west-1"}, OK, "eu-west-1, from AWS_REGION"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, OK, "eu-west-1, from AWS_REGION"),
    ],
)
def test_the_region(
    visited: Visit, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], health: Health, fact: str
) -> None:
    """Which, and what named it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    visited.run(None)

    assert visited["region"].health is health
    assert visited["region"].fact.startswith(fact)
