"""What is masked in the lines that botocore and urllib3 log."""

import pytest

from partway.cli.verbosity.secrets import mask

SECRET = "PLANTED/secret+value=="
LINES = {
    "headers of a request": f"{{'Authorization': b'AWS4-HMAC-SHA256 Credential={SECRET}/us-east-1, Signature=0f'}}",
    "token in headers": f"'X-Amz-Security-Token': b'{SECRET}', 'Content-Length': b'0'",
    "quotes in a value": f"'X-Amz-Security-Token': 'it\\'s {SECRET}'",
    "canonical request": f"CanonicalRequest:\nPUT\n/key\n\nhost:s3\nx-amz-security-token:{SECRET}\nx-amz-date:1",
    "customer key": f"x-amz-server-side-encryption-customer-key:{SECRET}",
    "its MD5": f"'x-amz-server-side-encryption-customer-key-MD5': '{SECRET}'",
    "parameters of a call": f"{{'Bucket': 'b', 'SSECustomerKey': '{SECRET}', 'SSECustomerKeyMD5': '{SECRET}'}}",
    "bytes": f"'SSECustomerKey': b'{SECRET}'",
    "a presigned URL": f"https://b/k?X-Amz-Credential={SECRET}&X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}",
    "a signature": f"Signature:\n{SECRET}",
    "an old signature": f"GET /k?AWSAccessKeyId={SECRET}&Signature={SECRET}",
    "STS's XML": f"b'<Credentials><AccessKeyId>{SECRET}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>"
    f"<SessionToken>{SECRET}</SessionToken></Credentials>'",
    "the metadata service": f'{{"AccessKeyId": "{SECRET}", "SecretAccessKey" : "{SECRET}", "Token": "{SECRET}"}}',
    "SSO": f'{{"accessToken":"{SECRET}","refreshToken":"{SECRET}","clientSecret":"{SECRET}"}}',
    "IMDS token": f"'x-aws-ec2-metadata-token': '{SECRET}'",
    "web identity": f"{{'WebIdentityToken': '{SECRET}', 'RoleArn': 'arn'}}",
    "a proxy": f"Starting new HTTPS connection via http://user:{SECRET.replace('/', '')}@proxy:3128",
}


@pytest.mark.parametrize("name", LINES)
def test_secrets_are_masked(name: str) -> None:
    """In every form in which they are logged."""
    masked = mask(LINES[name])

    assert "PLANTED" not in masked
    assert "***" in masked


@pytest.mark.parametrize(
    "text",
    [
        'https://s3.amazonaws.com:443 "PUT /bucket/key?partNumber=1&uploadId=abc HTTP/1.1" 200 0',
        "'x-amz-checksum-crc64nvme': 'AAAA', 'x-amz-server-side-encryption-customer-algorithm': 'AES256'",
        "Response body:\n<Error><Code>NoSuchKey</Code><Key>my-token-list</Key></Error>",
    ],
)
def test_the_rest_stays(text: str) -> None:
    """What one looks for in a log."""
    assert mask(text) == text


def test_values_of_variables_are_masked_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no name says what they are; a short value would occur by chance."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")

    assert mask(f"something with {SECRET} in it, and key") == "something with *** in it, and key"
