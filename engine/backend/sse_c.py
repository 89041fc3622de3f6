"""Customer-provided keys (SSE-C): S3 encrypts with the key and does not store it, and neither does partway.

The key is sent with every call about the object.  Only a fingerprint is stored.  (docs/decisions/0016-customer-keys.md)
"""

import base64
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

KEY_SIZE = 32  # bytes; AES256, the only algorithm
_ROUNDS = 100_000  # takes some 10 ms: negligible for an upload, expensive for an attack that tries many keys
_FINGERPRINT_SIZE = 4  # bytes


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key of 32 bytes.  Its repr is ``CustomerKey()``, so it never appears in a message.

    Raises:
        ValueError: the length is not 32 bytes.
    """

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.value) != KEY_SIZE:
            raise ValueError(f"a key must have {KEY_SIZE} bytes, not {len(self.value):,}")

    def fingerprint(self, bucket: str) -> str:
        """What may be stored: long enough to detect a different key, too short to recover the key from."""
        return _fingerprint(self.value, bucket)

    def arguments(self) -> dict[str, str]:
        """The parameters for botocore's calls, with the MD5 that S3 checks.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
        """
        md5 = hashlib.md5(self.value, usedforsecurity=False).digest()
        return {
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKey": base64.b64encode(self.value).decode(),
            "SSECustomerKeyMD5": base64.b64encode(md5).decode(),
        }


@lru_cache(maxsize=64)
def _fingerprint(key: bytes, bucket: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", key, f"partway {bucket}".encode(), _ROUNDS, _FINGERPRINT_SIZE).hex()


NOT_ENCRYPTED = "it does not support customer-provided keys (SSE-C); do not send secrets to it"
