"""What the doctor reads of a bucket's settings: rules, versions, locks.  On moto, which has them."""

import itertools
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from partway.engine.backend.target import Target
from partway.engine.doctor.check import Check, Health, TimedCalls
from partway.engine.doctor.lifecycle import check_rules
from partway.engine.doctor.run import run_checks
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.bucket import S3Uploads
from partway.engine.s3.client import client_for
from partway.engine.s3.service import S3Probe
from partway.engine.workers.channel import CancelToken

_numbers = itertools.count()


class Moto:
    """A bucket of one test's own."""

    def __init__(self, url: str) -> None:
        self.backend = S3Backend(S3Config(endpoint_url=url))
        self.client: Any = client_for(self.backend.config)
        self.name = f"doctor-{next(_numbers)}"

    def make(self, **options: Any) -> None:
        self.client.create_bucket(Bucket=self.name, **options)

    def rules(self, prefix: str = "") -> Check:
        calls = TimedCalls(self.backend, CancelToken())
        return check_rules(S3Probe(self.backend.config), calls, self.name, prefix)

    def set_rules(self, *rules: dict[str, Any]) -> None:
        self.client.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration={"Rules": list(rules)})

    def run_checks(self) -> dict[str, Check]:
        """What is said, by name."""
        said: dict[str, Check] = {}
        run_checks(
            S3Probe(self.backend.config),
            self.backend,
            S3Uploads(self.backend.config),
            lambda check: said.update({check.name: check}),
            where=(self.name, ""),
            endpoint=self.backend.endpoint,
        )
        return said

    @property
    def left(self) -> list[Any]:
        """Versions, delete markers and uploads."""
        versions = self.client.list_object_versions(Bucket=self.name)
        uploads = self.client.list_multipart_uploads(Bucket=self.name)
        return [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ()), *uploads.get("Uploads", ())]


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moto]:
    """A bucket that is not made yet."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    moto = Moto(moto_url)
    yield moto
    moto.backend.close()


def rule(prefix: str, days: int = 3, status: str = "Enabled") -> dict[str, Any]:
    """One that removes unfinished uploads."""
    return {
        "ID": f"rule-{prefix}-{days}",
        "Status": status,
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }


EXPIRY = {"ID": "expiry", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}


@pytest.mark.parametrize(
    ("rules", "prefix", "fact"),
    [
        ((rule(""),), "", "removed 3 days after they started"),
        ((rule(""),), "x/", "removed 3 days after they started"),
        ((rule("x/"), rule("", days=1)), "x/y", "removed 1 day after they started"),
        ((rule("x/"),), "", "only below x/"),
        ((rule("x/"),), "y/", "only below x/"),
        ((rule("", status="Disabled"),), "", "no rule removes"),
        ((EXPIRY,), "", "no rule removes"),
    ],
)
def test_rules(moto: Moto, rules: tuple[dict[str, Any], ...], prefix: str, fact: str) -> None:
    """A rule counts when it is enabled and covers every key below the prefix."""
    moto.make()
    moto.set_rules(*rules)

    check = moto.rules(prefix)

    assert fact in check.fact
    assert check.health is (Health.OK if "days after" in fact or "1 day" in fact else Health.WARNING)


def test_the_command_for_a_bucket_without_rules_works(moto: Moto) -> None:
    """What it sets makes the next run content."""
    moto.make()
    words = shlex.split(moto.rules().command)
    configuration = json.loads(words[words.index("--lifecycle-configuration") + 1])

    moto.client.put_bucket_lifecycle_configuration(Bucket=moto.name, LifecycleConfiguration=configuration)

    assert words[:3] == ["aws", "s3api", "put-bucket-lifecycle-configuration"]
    assert moto.rules().health is Health.OK


def test_rules_that_are_there_are_not_lost(moto: Moto) -> None:
    """Setting rules replaces all there are, so that they are read first."""
    moto.make()
    moto.set_rules(EXPIRY)

    command = moto.rules().command

    assert command.startswith(f"aws s3api get-bucket-lifecycle-configuration --bucket {moto.name} | jq ")
    assert ".Rules + [" in command


def test_a_bucket_that_keeps_versions(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """No version and no delete marker stays; each delete names a version, or S3 would make a marker of it."""
    deleted: list[str | None] = []
    delete = S3Probe.delete

    def noting(self: S3Probe, target: Target, version: str | None) -> None:
        deleted.append(version)
        delete(self, target, version)

    monkeypatch.setattr(S3Probe, "delete", noting)
    moto.make()
    moto.client.put_bucket_versioning(Bucket=moto.name, VersioningConfiguration={"Status": "Enabled"})

    said = moto.run_checks()

    assert "keeps versions, and they can be deleted" in said["delete"].fact
    assert said["complete"].health is Health.OK
    assert moto.left == []
    assert deleted and None not in deleted


def test_a_bucket_that_kept_versions_once(moto: Moto) -> None:
    """A plain delete would leave a marker there."""
    moto.make()
    for status in ("Enabled", "Suspended"):
        moto.client.put_bucket_versioning(Bucket=moto.name, VersioningConfiguration={"Status": status})

    moto.run_checks()

    assert moto.left == []


def test_a_bucket_that_locks(moto: Moto) -> None:
    """What nobody could remove is not made."""
    moto.make(ObjectLockEnabledForBucket=True)
    moto.client.put_object_lock_configuration(
        Bucket=moto.name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )

    said = moto.run_checks()

    assert "locks every new object for some time; Complete is not tested" in said["delete"].fact
    assert "complete" not in said
    assert moto.left == []
