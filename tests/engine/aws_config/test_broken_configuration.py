"""An AWS configuration that cannot work: one sentence that names the file or the setting, exit code 1, nothing sent.

Every case is refused while the client is made, before the store is written and before any request.
"""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from partway.cli.runtime.exit_codes import FAILED, INCOMPLETE, exit_code
from partway.engine.aws_config.endpoint import is_address
from partway.engine.aws_config.files import check_config_file, check_credentials_file
from partway.engine.errors import CredentialsExpired, PartwayError, Refused
from partway.engine.s3.backend import S3Backend, S3Config
from tests.support.s3_server.server import StrictS3
from tests.support.shell.command import Shell
from tests.support.shell.unprivileged import unprivileged

Resolve = Callable[..., S3Backend]

DEFAULT = "[default]\n"
ROLE = f"{DEFAULT}role_arn = arn:aws:iam::123456789012:role/x\n"


def _program(key: str | int, secret: str | int) -> str:
    """A profile with a program that prints these keys."""
    printed = json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret})
    return f"{DEFAULT}credential_process = echo {shlex.quote(printed)}\n"


SSO = "sso_account_id = 123456789012\nsso_role_name = x\n"

FILES: dict[str, tuple[str | bytes, str]] = {
    "junk": ("this is junk\n", "<file> is not readable: line 1 comes before any"),
    "no section": ("region = us-east-1\n", "<file> is not readable: line 1 comes before any [section]"),
    "a line without =": (f"{DEFAULT}region\n", "<file> is not readable: line 2 is not a setting"),
    "a section twice": (f"{DEFAULT}region = a\n{DEFAULT}", "the section [default] is duplicated (line 3)"),
    "a setting twice": (f"{DEFAULT}region = a\nregion = b\n", "region is set twice in [default] (line 3)"),
    "not UTF-8": (b"[default]\n# gr\xfcn\n", "<file> is not readable: it is not UTF-8"),
    "a block with junk": (f"{DEFAULT}s3 =\n  junk\n", "<file> is not readable: a block such as `s3 =`"),
    "an empty block": (f"{DEFAULT}s3 =\n", "<file> is not usable: a block such as `s3 =` has no settings"),
    "a flag": (f"{DEFAULT}use_fips_endpoint = yes\n", "'yes' (use_fips_endpoint in <file>) is not a valid flag"),
    "the flag that ignores endpoints": (
        f"{DEFAULT}ignore_configured_endpoint_urls = 1\n",
        "'1' (ignore_configured_endpoint_urls in <file>) is not a valid flag; use true or false",
    ),
    "a flag of the block": (
        f"{DEFAULT}s3 =\n  use_accelerate_endpoint = on\n",
        "'on' (use_accelerate_endpoint in <file>) is not a valid flag",
    ),
    "a number": (f"{DEFAULT}metadata_service_timeout = soon\n", "'soon' (metadata_service_timeout in <file>)"),
    "an endpoint without scheme": (
        f"{DEFAULT}endpoint_url = foo\n",
        "'foo' (endpoint_url in <file>) is not a valid endpoint; use http://host or https://host:port",
    ),
    "an endpoint of another scheme": (f"{DEFAULT}endpoint_url = ftp://foo\n", "'ftp://foo' (endpoint_url in <file>)"),
    "an endpoint with a query": (f"{DEFAULT}endpoint_url = http://foo/?a=b\n", "'http://foo/?a=b' (endpoint_url in"),
    "an endpoint with a password": (
        f"{DEFAULT}endpoint_url = http://user:hunter2@foo:99999\n",
        "an endpoint with a password (endpoint_url in <file>) is not a valid endpoint",
    ),
    "services that are not there": (f"{DEFAULT}services = my\n", "<file> has no section [services my]"),
    "services without settings": (
        f"{DEFAULT}services = my\n[services my]\ns3 = http://foo\n",
        "s3 in [services my] of <file> has no settings below it",
    ),
    "an endpoint of services": (
        f"{DEFAULT}services = my\n[services my]\ns3 =\n  endpoint_url = foo\n",
        "'foo' (endpoint_url in [services my] of <file>) is not a valid endpoint",
    ),
    "a region": (f"{DEFAULT}region = us east 1\n", "'us east 1' (region in the AWS configuration)"),
    "an addressing style": (
        f"{DEFAULT}s3 =\n  addressing_style = foo\n",
        "<file> is not usable: S3 addressing style foo",
    ),
    "SSO without a region": (f"{DEFAULT}sso_start_url = https://x\n{SSO}", "by <file>: The profile"),
    "an SSO session that is not there": (f"{DEFAULT}sso_session = my\n{SSO}", 'does not exist: "my"'),
    "a role without source_profile": (ROLE, "incomplete: Partial credentials found in assume-role, missing: source_"),
    "a source_profile that is not there": (f"{ROLE}source_profile = none\n", 'The source_profile "none"'),
    "a source_profile in a circle": (
        f"{ROLE}source_profile = b\n{ROLE.replace('[default]', '[profile b]')}source_profile = default\n",
        "Infinite loop in credential configuration",
    ),
    "a credential_source": (f"{ROLE}credential_source = Moon\n", 'credential source "Moon"'),
    "a credential_source without credentials": (f"{ROLE}credential_source = Environment\n", "No credentials found in"),
    "a web identity without its file": (f"{ROLE}web_identity_token_file = /none\n", "no such file or directory: /none"),
    "an open quotation": (f"{DEFAULT}credential_process = 'abc\n", "could not be read: No closing quotation"),
    "empty keys": (
        f"{DEFAULT}aws_access_key_id =\naws_secret_access_key =\n",
        "the access key is empty (found by config-",
    ),
    "an empty secret": (f"{DEFAULT}aws_access_key_id = k\naws_secret_access_key =\n", "the secret key is empty (found"),
    "a program that prints an empty key": (
        _program("", "hunter2"),
        "the access key is empty (found by custom-process)",
    ),
    "a program that prints numbers": (_program(1, 2), "the access key is not text (found by custom-process)"),
    "an empty program": (f"{DEFAULT}credential_process =\n", "could not be read: a setting is empty"),
}
VARIABLES = {
    "an unknown profile": (
        {"AWS_PROFILE": "nobody"},
        "there is no profile 'nobody' in <file>; check --profile and AWS_",
    ),
    "a directory": ({"AWS_CONFIG_FILE": "/tmp"}, "AWS_CONFIG_FILE names /tmp, which is a directory"),
    "no file of credentials": ({"AWS_SHARED_CREDENTIALS_FILE": "/none/x"}, "AWS_SHARED_CREDENTIALS_FILE names /none/x"),
    "a flag": ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "yes"}, "'yes' (AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)"),
    "a number": ({"AWS_METADATA_SERVICE_TIMEOUT": "soon"}, "'soon' (AWS_METADATA_SERVICE_TIMEOUT)"),
    "an endpoint": (
        {"AWS_ENDPOINT_URL": "localhost:9000"},
        "'localhost:9000' (AWS_ENDPOINT_URL) is not a valid",
    ),
    "an endpoint of S3": ({"AWS_ENDPOINT_URL_S3": "foo"}, "'foo' (AWS_ENDPOINT_URL_S3) is not a valid endpoint"),
    "a key with a line break": (
        {"AWS_ACCESS_KEY_ID": "key\r", "AWS_SECRET_ACCESS_KEY": "hunter2"},
        "the access key begins or ends with a line break, which does not belong to it (found by env)",
    ),
    "a secret with a line break": (
        {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hunter2\r"},
        "the secret key begins or ends with a line break",
    ),
    "a key of other letters": (
        {"AWS_ACCESS_KEY_ID": "k\xe9y", "AWS_SECRET_ACCESS_KEY": "hunter2"},
        "the access key has a character that cannot be sent (found by env)",
    ),
    "a token of other letters": (
        {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "t\xe4g"},
        "the session token has a character that cannot be sent (found by env)",
    ),
    "a retry mode": ({"AWS_RETRY_MODE": "junk"}, "in AWS_ variables and <file> is not usable: Invalid value provided"),
    "a web identity without its file": (
        {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/none"},
        "no such file or directory: /none",
    ),
}


@pytest.fixture
def resolve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolve]:
    """Read a configuration file of this text, as far as the first request."""
    made: list[S3Backend] = []

    def read(text: str | bytes, **config: str) -> S3Backend:
        (tmp_path / "config").write_bytes(text if isinstance(text, bytes) else text.encode())
        made.append(S3Backend(S3Config(**config)))  # type: ignore[arg-type]
        made[-1].close()
        _ = made[-1].endpoint
        return made[-1]

    # Tests before this one had credentials that worked.
    monkeypatch.setattr("partway.engine.s3.session._worked", set())
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    yield read
    for each in made:
        each.close()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_work(resolve: Resolve, tmp_path: Path, name: str) -> None:
    """What is wrong, and in which file; never a secret that stands beside it."""
    text, words = FILES[name]

    with pytest.raises(Refused) as refused:
        resolve(text)

    sentence = str(refused.value)
    assert words.replace("<file>", str(tmp_path / "config")) in sentence
    assert exit_code(refused.value) == FAILED
    assert "\n" not in sentence and "hunter2" not in sentence


def test_a_missing_configuration_file_is_none(resolve: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images set AWS_CONFIG_FILE to a file that need not exist; aws reads nothing then."""
    for variable, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/none/x")

    assert resolve(DEFAULT).endpoint == ""


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_cannot_work(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The sentence names the variable."""
    variables, words = VARIABLES[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(Refused) as refused:
        resolve(DEFAULT)

    assert words.replace("<file>", str(tmp_path / "config")) in str(refused.value)
    assert exit_code(refused.value) == FAILED


@pytest.mark.parametrize(
    "text", [f"{DEFAULT}aws_secret_access_key hunter2\n", f"{DEFAULT}aws_secret_access_key = hunter2\n hunter2\n[\n"]
)
def test_a_file_with_secrets_is_not_quoted(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    """A wrong line of the credentials file may be the secret: its number is named alone."""
    (tmp_path / "credentials").write_text(text)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    with pytest.raises(PartwayError) as refused:
        resolve(DEFAULT)

    assert "hunter2" not in str(refused.value)
    assert "credentials is not readable: line" in str(refused.value)


def test_who_only_has_to_log_in_may_run_again(
    resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session of single sign-on that ended is no fault of the configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    session = "[sso-session my]\nsso_region = us-east-1\nsso_start_url = https://x.example\n"

    with pytest.raises(CredentialsExpired) as expired:
        resolve(f"{DEFAULT}sso_session = my\n{SSO}{session}")

    assert exit_code(expired.value) == INCOMPLETE


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Path]:
    """A file that may not be read, in a directory that may be entered."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").touch(mode=0)
    yield folder / "file"
    folder.chmod(0o700)


@pytest.mark.parametrize(
    ("variable", "check"),
    [("AWS_CONFIG_FILE", check_config_file), ("AWS_SHARED_CREDENTIALS_FILE", check_credentials_file)],
)
def test_an_unreadable_file_is_named(
    secret: Path, monkeypatch: pytest.MonkeyPatch, variable: str, check: Callable[[], None]
) -> None:
    """botocore takes a file without permission for an empty one, and would send to AWS instead of its endpoint."""
    monkeypatch.setenv(variable, str(secret))

    with pytest.raises(Refused, match=f"file {secret} is not readable by this user; check its permissions"):
        unprivileged(check)


def test_a_home_of_somebody_else_has_no_files(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container HOME may be root's: nothing is found below it, as for every tool, and nothing fails."""
    secret.parent.chmod(0)
    monkeypatch.setenv("HOME", str(secret.parent))
    monkeypatch.delenv("AWS_CONFIG_FILE")

    unprivileged(check_config_file)


@pytest.mark.parametrize(
    "url", ["http://h", "https://h:9000", "http://[::1]:9000/path", "http://10.0.0.1", "http://a_b"]
)
def test_addresses(url: str) -> None:
    """A host with or without port and path."""
    assert is_address(url) is ("_" not in url)


def test_nothing_is_stored(shell: Shell, server: StrictS3) -> None:
    """The command ends with 1 and one line; there is no record, and no request was made."""
    (shell.folder / "config").write_text(f"{DEFAULT}endpoint_url = foo\n")
    variables = {"AWS_CONFIG_FILE": "config", "AWS_ENDPOINT_URL": ""}
    result = shell.run("upload", "source.bin", "s3://bucket/key", variables=variables)

    assert (result.code, result.err.count("\n")) == (1, 1), result
    assert "'foo' (endpoint_url in config) is not a valid endpoint" in result.err
    assert shell.run("list", "--all").out == "no uploads yet\n"
    assert server.journal.calls == []
