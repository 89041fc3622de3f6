"""Settings of the AWS configuration and environment that decide which service is used, and how."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from partway.engine.errors import Refused
from partway.engine.s3.backend import S3Backend, S3Config
from partway.engine.s3.client import client_for
from partway.engine.s3.session import region_for

ELSEWHERE = "http://127.0.0.1:9"

WriteConfig = Callable[[str], None]
Connect = Callable[..., S3Backend]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteConfig:
    """Make the text the AWS configuration file."""

    def write(text: str) -> None:
        path = tmp_path / "config"
        path.write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return write


@pytest.fixture
def connect(configure: WriteConfig) -> Iterator[Connect]:
    """Make a backend that has read nothing yet, with the arguments of S3Config."""
    made: list[S3Backend] = []

    def new(**config: Any) -> S3Backend:
        made.append(S3Backend(S3Config(**config)))
        made[-1].close()
        return made[-1]

    yield new
    for each in made:
        each.close()


@pytest.mark.parametrize(("value", "endpoint"), [("true", ""), ("TRUE", ""), ("false", ELSEWHERE), ("", ELSEWHERE)])
def test_the_variable_ignores_configured_endpoints(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, value: str, endpoint: str
) -> None:
    """AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true sends to AWS although AWS_ENDPOINT_URL names another service."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ELSEWHERE)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", value)

    assert connect().endpoint == endpoint


@pytest.mark.parametrize(("value", "endpoint"), [("true", ""), ("false", ELSEWHERE)])
def test_the_profile_ignores_configured_endpoints(
    configure: WriteConfig, connect: Connect, value: str, endpoint: str
) -> None:
    """ignore_configured_endpoint_urls of the profile counts, too."""
    configure(f"[default]\nendpoint_url = {ELSEWHERE}\nignore_configured_endpoint_urls = {value}\n")

    assert connect().endpoint == endpoint


def test_the_endpoint_of_the_command_is_never_ignored(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is about configured endpoints, and --endpoint-url is none."""
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")

    assert connect(endpoint_url=ELSEWHERE).endpoint == ELSEWHERE


def test_an_interface_endpoint_is_remembered(connect: Connect) -> None:
    """A resume of an upload by a VPC's interface endpoint goes there again: nothing else may be reachable."""
    private = "https://bucket.vpce-1a2b-3c4d.s3.eu-west-1.vpce.amazonaws.com"

    assert connect(endpoint_url=private).endpoint == private
    assert connect(endpoint_url="https://s3.eu-west-1.amazonaws.com").endpoint == ""


@pytest.mark.parametrize(("setting", "signed"), [("", False), ("  payload_signing_enabled = true\n", True)])
def test_the_body_is_signed_when_the_profile_says_so(
    configure: WriteConfig, connect: Connect, setting: str, signed: bool
) -> None:
    """Over https the body is signed only where the `s3 =` block asks for it."""
    configure(f"[default]\ns3 =\n  addressing_style = path\n{setting}")

    assert client_for(connect().config).meta.config.s3["payload_signing_enabled"] is signed


REGIONS = {
    "nothing": ({}, None, None),
    "AWS_REGION alone": ({"AWS_REGION": "eu-west-1"}, None, "eu-west-1"),
    "AWS_DEFAULT_REGION alone": ({"AWS_DEFAULT_REGION": "eu-west-2"}, None, "eu-west-2"),
    "both": ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, None, "eu-west-1"),
    "empty before a good one": ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, None, "eu-west-2"),
    "empty before the profile": ({"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "eu-west-3", "eu-west-3"),
    "before the profile": ({"AWS_REGION": "eu-west-1"}, "eu-west-3", "eu-west-1"),
    "empty in the profile": ({}, "", None),
}


@pytest.mark.parametrize("name", REGIONS)
def test_the_region(configure: WriteConfig, connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """AWS_REGION, AWS_DEFAULT_REGION, the profile: the order of the AWS CLI; an empty value is no value."""
    variables, profile, region = REGIONS[name]
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    configure("[default]\n" + ("" if profile is None else f"region = {profile}\n"))
    backend = connect()

    assert region_for(backend.config).name == region
    assert backend.region == (region or "us-east-1")


def test_the_region_of_the_command_wins(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """--region counts before both variables."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    assert connect(region="us-east-2").region == "us-east-2"


@pytest.mark.parametrize("value", ["us east 1", "eu-west-1\n", "-", "x" * 64, "https://s3.eu-west-1.amazonaws.com"])
def test_a_region_that_is_none(connect: Connect, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """It is refused with what names it, before anything is sent."""
    monkeypatch.setenv("AWS_REGION", value)

    with pytest.raises(Refused, match=r"\(AWS_REGION\) is not a valid region; use one like eu-west-1"):
        _ = connect().endpoint


PROFILES = "[default]\nregion = eu-west-3\n[profile a]\nregion = eu-west-1\n[profile b]\nregion = eu-west-2\n"


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, "eu-west-1"),
        ({"AWS_DEFAULT_PROFILE": "b"}, "eu-west-2"),
        ({"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "b"}, "eu-west-2"),
        ({"AWS_PROFILE": ""}, "eu-west-3"),
    ],
)
def test_the_profile(
    configure: WriteConfig,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    region: str,
) -> None:
    """AWS_PROFILE before AWS_DEFAULT_PROFILE, as in version 2 of the AWS CLI; an empty one is none."""
    configure(PROFILES)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert connect().region == region


def test_the_profile_is_remembered_when_it_gave_the_credentials(
    configure: WriteConfig, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resume in another shell names the profile again, unless variables gave the credentials: naming a profile
    would have them ignored."""
    configure(f"{PROFILES}aws_access_key_id = AKIAB\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_PROFILE", "b")
    by_variables = connect().profile
    by_command = connect(profile="b").profile
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    by_profile = connect().profile

    assert (by_variables, by_command, by_profile) == (None, "b", "b")
