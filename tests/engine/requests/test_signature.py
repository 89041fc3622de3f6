"""Signatures are those that botocore makes."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SIGV4_TIMESTAMP, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from partway.engine.requests.signature import timestamp
from partway.engine.requests.template import learn

PUT = {"Bucket": "bucket", "Key": "first", "Body": b""}
PART = PUT | {"Key": "key", "PartNumber": 1, "UploadId": "a/b+c"}
CASES: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
    "object": ("PUT", "https://bucket.s3.eu-west-1.amazonaws.com/first", PUT, {}),
    "object in a path": ("PUT", "http://127.0.0.1:9000/bucket/first", PUT, {}),
    "object of a folder": ("PUT", "https://s3.example.com/bucket/a%20b/first", PUT | {"Key": "a b/first"}, {}),
    "part": ("PUT", "https://s3.example.com/bucket/key?uploadId=a%2Fb%2Bc&partNumber=1", PART, {}),
    "part with a flag": ("PUT", "https://s3.example.com/bucket/key?uploadId=a&partNumber=1&x-id", PART, {}),
    "head": ("HEAD", "https://s3.example.com/bucket/first", {"Key": "first"}, {"x-amz-checksum-mode": "ENABLED"}),
    "IPv6": ("PUT", "http://[::1]:9000/bucket/first", PUT, {}),
    "many headers": (
        "PUT",
        "https://s3.example.com/bucket/first",
        PUT,
        {"x-amz-meta-b": "two  words ", "X-Amz-Meta-A": "\xfc", "Cache-Control": "no-cache", "User-Agent": "partway"},
    ),
}


@pytest.mark.parametrize("token", [None, "session/token=="])
@pytest.mark.parametrize("case", CASES)
def test_a_request_from_a_template_is_signed_as_botocore_signs_it(
    monkeypatch: pytest.MonkeyPatch, case: str, token: str | None
) -> None:
    """The first is signed by botocore; so is, for comparison, the one that its template gives."""
    method, url, params, headers = CASES[case]
    credentials = Credentials("AKID", "secret", token).get_frozen_credentials()
    signer = S3SigV4Auth(credentials, "s3", "eu-west-1")
    first = _signed(signer, method, url, headers)
    template = learn(first, params)
    assert template is not None

    now = datetime.now(UTC).timestamp()
    later = params | ({"PartNumber": 17} if "PartNumber" in params else {"Key": f"{params['Key']}"})
    later |= {"ChecksumCRC64NVME": "AAAAAAAAAAA="} if method == "PUT" else {}
    made = template.request(later, credentials, now)
    own = {"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="} if method == "PUT" else {}
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(now, UTC))
    wanted = _signed(signer, method, made.url, headers | own)

    sent = dict(line.split(": ", 1) for line in made.head.decode("latin-1").split("\r\n")[1:-2])
    assert sent["Authorization"] == wanted.headers["Authorization"]
    assert sent["X-Amz-Date"] == wanted.headers["X-Amz-Date"]
    assert made.head.startswith(f"{method} {made.url.removeprefix(made.origin)} HTTP/1.1\r\n".encode())


def _signed(signer: S3SigV4Auth, method: str, url: str, headers: dict[str, str]) -> AWSRequest:
    request = AWSRequest(method, url, headers={"host": url.split("/")[2], **headers})
    request.context["client_config"] = SimpleNamespace(s3={"payload_signing_enabled": False})
    signer.add_auth(request)
    return request


@pytest.mark.parametrize("seconds", [0.0, 1795818498.9, 4102444799.0])
def test_the_date_is_botocores(seconds: float) -> None:
    assert timestamp(seconds) == datetime.fromtimestamp(seconds, UTC).strftime(SIGV4_TIMESTAMP)
