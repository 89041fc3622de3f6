"""ARNs instead of a bucket: access points, Multi-Region Access Points and Outposts, as in aws."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from partway.cli.options.s3_uri import parse_bucket, parse_destination, parse_target
from partway.cli.uploading.stream import StreamOptions
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import UploadFailed
from partway.engine.run.stored_options import target_of
from partway.engine.s3 import client
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.bucket import S3Uploads
from partway.engine.s3.session import clock_skew_for
from tests.support.engine.upload_case import PART, Uploading
from tests.support.s3_access.redirected import Redirected
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

POINT = "arn:aws:s3:us-west-2:123456789012:accesspoint/name"
MULTI_REGION = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
OUTPOST = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/name"
CHINA = "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/name"
ARNS = (POINT, POINT.replace("accesspoint/", "accesspoint:"), MULTI_REGION, OUTPOST, OUTPOST.replace("/", ":"), CHINA)

SIGV4, SIGV4A = "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"
WHERE = {
    POINT: ("name-123456789012.s3-accesspoint.us-west-2.amazonaws.com", SIGV4, "us-west-2/s3", ""),
    MULTI_REGION: ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", SIGV4A, "s3", "*"),
    OUTPOST: (
        "name-123456789012.op-01234567890123456.s3-outposts.us-west-2.amazonaws.com",
        SIGV4A,
        "s3-outposts",
        "*",
    ),
}


@pytest.mark.parametrize("arn", ARNS)
def test_an_arn_is_the_bucket(arn: str) -> None:
    """The ARN and a slash are followed by the key, the prefix, or nothing."""
    assert parse_target(f"s3://{arn}/some/key", "/file") == (arn, "some/key")
    assert parse_target(f"s3://{arn}/", "/file") == (arn, "file")
    assert parse_target(f"s3://{arn}", "/file") == (arn, "file")
    assert parse_destination(f"s3://{arn}/some/") == (arn, "some/")
    assert parse_destination(f"s3://{arn}") == (arn, "")
    assert parse_bucket(f"s3://{arn}") == (arn, "")
    assert parse_bucket(f"s3://{arn}/some/prefix") == (arn, "some/prefix")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("s3://arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/name/key", "S3 Object Lambda access point"),
        (f"s3://{OUTPOST.replace('accesspoint', 'bucket')}/key", "a bucket on Outposts is reached through an access"),
        ("s3://arn:aws:s3:us-west-2:1234:accesspoint/name/key", "is not the ARN of an access point; use s3://arn:"),
        ("s3://arn:aws:s3:::bucket/key", "is not the ARN of an access point"),
        ("s3://arn:aws:s3:us-west-2:123456789012:accesspoint//key", "is not the ARN of an access point"),
        (f"s3://{POINT}:key", "is not the ARN of an access point"),
        ("s3://arn:aws:sqs:us-west-2:123456789012:queue/key", "is not the ARN of an access point"),
    ],
)
def test_other_arns_are_refused(target: str, words: str) -> None:
    """They do not accept uploads: an error, instead of a key with half an ARN."""
    with pytest.raises(click.UsageError, match=words):
        parse_target(target, "/file")


def test_a_stream_needs_a_key_after_the_arn() -> None:
    """The slash within the ARN does not start a key."""
    stream = StreamOptions(expected_size=None, equal_parts=False, allow_empty=False, from_command="x", dry_run=True)

    assert stream.check("-", f"s3://{POINT}/key")
    with pytest.raises(click.UsageError, match="a stream has no file name"):
        stream.check("-", f"s3://{POINT}")


@pytest.fixture
def redirected(strict: StrictS3, monkeypatch: pytest.MonkeyPatch) -> Redirected:
    """Redirects all requests to the strict S3; the configuration is for AWS in another region."""
    redirected = Redirected(strict)
    monkeypatch.setattr(client, "send", redirected)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return redirected


@pytest.fixture
def aws(redirected: Redirected) -> Iterator[S3Backend]:
    """A backend on AWS."""
    backend = S3Backend(S3Config())
    backend.close()
    yield backend
    backend.close()


@pytest.fixture
def uploading(aws: S3Backend, make_file: Callable[..., Path]) -> Uploading:
    """A file of six parts."""
    return Uploading(path=make_file(5 * PART + 10), backend=aws, endpoint=aws.endpoint)


@pytest.mark.parametrize("arn", WHERE)
def test_every_request_goes_to_the_access_point(
    strict: StrictS3, redirected: Redirected, uploading: Uploading, arn: str
) -> None:
    """Its own host, signed for its region or for all regions, whatever region is configured; for a whole upload."""
    done = replace(uploading, bucket=arn).run()

    assert {(each.host, each.scheme, each.scope, each.regions) for each in redirected.sent} == {WHERE[arn]}
    assert {each.path for each in redirected.sent} == {"/", "/key"}
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()
    assert done.target == f"s3://{arn}/key"


@pytest.mark.parametrize("arn", WHERE)
def test_the_record_resumes(strict: StrictS3, redirected: Redirected, uploading: Uploading, arn: str) -> None:
    """The ARN is stored as the bucket: a resume sends the missing parts to the same access point."""
    uploading = replace(uploading, bucket=arn)
    no = Answer(status=403, code="AccessDenied")
    strict.faults.add(Fault(operation="UploadPart", stage=Stage.AFTER_BODY, action=no, part_number=5))
    with pytest.raises(UploadFailed):
        uploading.run(concurrency=1)
    (record,) = uploading.store.uploads()
    before = len(redirected.sent)

    uploading.run()

    target = target_of(record)
    assert (target.bucket, target.endpoint) == (arn, "")
    assert parse_target(target.url, "/x") == (arn, "key")
    assert [each.operation for each in redirected.sent[before:]].count("UploadPart") == 2
    assert {each.host for each in redirected.sent[before:]} == {WHERE[arn][0]}
    assert strict.model.get_object("bucket", "key").body == uploading.path.read_bytes()


@pytest.mark.parametrize("arn", WHERE)
def test_unfinished_uploads_are_listed_through_it(aws: S3Backend, redirected: Redirected, arn: str) -> None:
    """`clean` and `doctor` use it, too."""
    target = Target(bucket=arn, key="a/key", endpoint="")
    created = aws.create_upload(target, ChecksumAlgorithm.CRC64NVME)

    found = S3Uploads(aws.config).bucket_uploads(arn, "a/")

    assert [each.upload_id for each in found.uploads] == [created.upload_id]
    assert {each.host for each in redirected.sent} == {WHERE[arn][0]}


def test_a_wrong_clock_does_not_sign_for_one_region(
    aws: S3Backend, redirected: Redirected, uploading: Uploading
) -> None:
    """A request signed for all regions keeps that signature even with a known clock skew."""
    clock_skew_for(aws.config).seconds = 1.0

    replace(uploading, bucket=MULTI_REGION).run()

    assert {each.scheme for each in redirected.sent} == {SIGV4A}
