"""CreateMultipartUpload whose answers are lost: each try may have made an upload, and none of them is left behind."""

from dataclasses import replace

import pytest

from partway.engine.errors import Transient
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_faults.faults import (
    Action,
    Answer,
    CallFunction,
    CloseConnection,
    Fault,
    Garbage,
    ResetConnection,
    Stage,
)
from tests.support.s3_faults.responses import slow_down
from tests.support.s3_model.model import S3Model
from tests.support.s3_server.server import StrictS3

LOST: dict[str, tuple[Stage, Action]] = {
    "closed": (Stage.AFTER_EFFECT, CloseConnection()),
    "reset": (Stage.AFTER_EFFECT, ResetConnection()),
    "half an answer": (Stage.HALF_ANSWER, CloseConnection()),
    "garbage": (Stage.AFTER_EFFECT, Garbage()),
    "a web page": (Stage.AFTER_EFFECT, Answer(status=200, body=b"<html>Sign in</html>")),
    "a gateway": (Stage.AFTER_EFFECT, Answer(status=504, body=b"<html>Gateway Time-out</html>")),
}


def lose(strict: StrictS3, name: str, times: int | None) -> None:
    """Have so many Creates take effect without an answer."""
    stage, action = LOST[name]
    strict.faults.add(Fault(operation="CreateMultipartUpload", stage=stage, action=action, times=times))


def begin(model: S3Model) -> str:
    """A stranger's upload of the key, without a part; its id."""
    return model.create_multipart_upload("bucket", "key").upload_id


@pytest.mark.parametrize("name", LOST)
def test_what_unanswered_tries_made_is_removed(strict: StrictS3, uploading: Uploading, name: str) -> None:
    """Two uploads that nobody knows the ids of; one that was there before stays."""
    before = begin(strict.model)
    lose(strict, name, times=2)

    uploading.run()

    assert strict.counts["CreateMultipartUpload"] == 3
    assert [upload.upload_id for upload in strict.model.open_uploads] == [before]
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


def test_they_are_removed_too_when_no_try_is_answered(strict: StrictS3, uploading: Uploading) -> None:
    """The run ends, to be resumed, and nothing of it is on S3."""
    lose(strict, "a web page", times=None)

    with pytest.raises(Transient):
        uploading.run(policy=replace(uploading.settings.policy, attempts=3))

    assert strict.counts["CreateMultipartUpload"] == 3
    assert strict.model.open_uploads == ()


def test_more_uploads_than_tries_are_not_all_ours(strict: StrictS3, uploading: Uploading) -> None:
    """A stranger began one at that moment: nobody can say which is whose, and none is touched."""
    strict.faults.add(
        Fault(
            operation="CreateMultipartUpload",
            stage=Stage.AFTER_EFFECT,
            action=(CallFunction(function=lambda: begin(strict.model)), CloseConnection()),
        )
    )

    uploading.run()

    assert len(strict.model.open_uploads) == 2
    assert strict.counts["AbortMultipartUpload"] == 0


def test_an_upload_with_a_part_is_not_ours(strict: StrictS3, uploading: Uploading) -> None:
    """Ours have none yet."""

    def send_part() -> None:
        strict.model.upload_part("bucket", "key", begin(strict.model), 1, bytes(PART))

    strict.faults.add(
        Fault(
            operation="CreateMultipartUpload",
            stage=Stage.AFTER_BODY,
            action=(CallFunction(function=send_part), CloseConnection()),
        )
    )

    uploading.run()

    assert len(strict.model.open_uploads) == 1
    assert strict.counts["AbortMultipartUpload"] == 0


def test_a_refusal_made_nothing(strict: StrictS3, uploading: Uploading) -> None:
    """Nothing is looked for after 503: the list before the upload is the only one."""
    strict.faults.add(
        Fault(operation="CreateMultipartUpload", stage=Stage.AFTER_BODY, action=slow_down(), times=2),
    )

    uploading.run()

    assert strict.counts["ListMultipartUploads"] == 1


def test_without_a_list_nothing_is_removed(strict: StrictS3, uploading: Uploading) -> None:
    """Credentials that may not list cost the upload nothing."""
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="ListMultipartUploads", stage=Stage.AFTER_BODY, action=no, times=None))
    lose(strict, "closed", times=1)

    uploading.run()

    assert strict.counts["AbortMultipartUpload"] == 0
