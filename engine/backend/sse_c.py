"""The customer's own key (SSE-C): S3 encrypts with it and forgets it, and so do we.

It goes with every call about the object.  What is stored is a fingerprint.  (docs/decisions/0016-customer-keys.md)
"""

import base64
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

KEY_SIZE = 32  # bytes; AES256, the only algorithm
_ROUNDS = 100_000  # some hundredths of a second: nothing for one upload, much for who tries many keys
_FINGERPRINT_SIZE = 4  # bytes


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key of 32 bytes; shown as ``CustomerKey()``, so that no message has it.

    Raises:
        ValueError: it has another length.
    """

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.value) != KEY_SIZE:
            raise ValueError(f"a key must have {KEY_SIZE} bytes, not {len(self.value):,}")

    def fingerprint(self, bucket: str) -> str:
        """What may be stored: enough to tell another key, too little to find the key by."""
        return _fingerprint(self.value, bucket)

    def arguments(self) -> dict[str, str]:
        """The parameters of botocore's calls, with the MD5 that S3 compares.

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
