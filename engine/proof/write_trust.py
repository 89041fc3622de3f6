"""Decide whether the response to PutObject is proof enough, so that no HEAD is needed.

S3 computes the declared checksum of the stored bytes, refuses the write if it differs, and returns it:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
Other services may echo the checksum that they received.  So their first responses are compared with HEAD, and later
ones occasionally; after one difference, every object of the run is checked.
"""

from ..backend.responses import ObjectFacts
from ..limits import is_aws

_FIRST = 10  # responses of a service that are compared before it is trusted
_ONE_IN = 100  # of the later ones


class WriteTrust:
    """Whether the service's responses to PutObject can be trusted in this run.

    Thread-safe without a lock: a lost count only costs one more HEAD.

    Args:
        endpoint: The service's address; "" means AWS.
        always_ask: True checks every object.
    """

    def __init__(self, endpoint: str, *, always_ask: bool) -> None:
        self._is_aws = is_aws(endpoint)
        self._always_ask = always_ask
        self._agreed = 0
        self._unasked = 0

    def is_proof(self, answer: ObjectFacts, checksum: str) -> bool:
        """True when the response alone proves the object.

        Args:
            answer: The response to PutObject.
            checksum: Of the bytes that were sent, base64, in the declared algorithm.
        """
        if self._always_ask or answer.checksum != checksum:
            return False
        if self._is_aws:
            return True
        if self._agreed < _FIRST:
            return False
        self._unasked = (self._unasked + 1) % _ONE_IN
        return self._unasked != 0

    def compare(self, answer: ObjectFacts, found: ObjectFacts) -> None:
        """Record whether HEAD confirms the response to PutObject."""
        if answer.checksum is None:
            return
        if found.checksum == answer.checksum and found.size == answer.size:
            self._agreed += 1
        else:
            self._always_ask = True
