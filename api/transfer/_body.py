"""The body of a request, and the checksum that goes with it."""

from typing import Any

from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import UploadCancelled
from partway.engine.source.part_reader import PartReader

_HANDLER = "partway-transfer-checksum"


class Body:
    """A part as botocore reads it.  s3transfer's handlers, which every manager registers, call the signals.

    computed: False leaves the checksum to botocore.
    """

    def __init__(self, part: PartReader, *, computed: bool) -> None:
        self._part = part
        self._computed = computed

    def read(self, size: int = -1) -> bytes:
        """The next block, as ``PartReader.read``, or all that is left."""
        if size >= 0:
            return self._block(size)
        return b"".join(iter(lambda: self._block(size), b""))

    def _block(self, size: int) -> bytes:
        try:
            return bytes(self._part.read(size))
        except UploadCancelled:
            if self._part.is_sending:
                raise
            # Native code that reads for a signature cannot pass it on.  The first read for the network raises it again.
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move within the part."""
        return self._part.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._part.tell()

    def __len__(self) -> int:
        return len(self._part)

    def __bool__(self) -> bool:
        return True

    def signal_transferring(self) -> None:
        """Reads go to the network from now on."""
        self._part.begin_sending()

    def signal_not_transferring(self) -> None:
        """Reads are for a signature from now on."""
        self._part.pause_sending()

    def headers(self) -> dict[str, str]:
        """The header with the checksum."""
        if not self._computed:
            return {}
        if self._part.algorithm is ChecksumAlgorithm.MD5:
            return {"Content-MD5": self._part.checksum}
        return {f"x-amz-checksum-{self._part.algorithm.lower()}": self._part.checksum}


def send_checksums(client: Any) -> None:
    """Make the client send the checksum that is already known, instead of computing it again.

    A header, not a parameter: event handlers and Stubber see the parameters that boto3 would have passed.
    """
    for operation in ("PutObject", "UploadPart"):
        client.meta.events.register(f"before-call.s3.{operation}", _add, unique_id=f"{_HANDLER}-{operation}")


def _add(params: dict[str, Any], **_: Any) -> None:
    body = params.get("body")
    if not isinstance(body, Body):
        return
    present = {name.lower() for name in params["headers"]}
    params["headers"].update({name: value for name, value in body.headers().items() if name.lower() not in present})
    planned = params["context"].get("checksum", {}).get("request_algorithm")
    if isinstance(planned, dict) and planned["name"] in params["headers"]:
        # Over TLS botocore planned to append it to the body.  The signature must not say so.
        planned["in"] = "header"
