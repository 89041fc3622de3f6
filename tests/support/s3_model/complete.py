"""What CompleteMultipartUpload checks before it makes an object.  Pure: raises S3Error or returns.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

import hashlib
import itertools
import secrets
from collections.abc import Mapping, Sequence

from .checksums import Algorithm, Checksum, ChecksumType, composite_value, encode, joined_digest
from .errors import S3Error, invalid_request
from .quirks import Quirks
from .rules import ServiceRules
from .values import NamedPart, StoredPart, UploadInfo


def check_parts(
    upload: UploadInfo,
    stored: Mapping[int, StoredPart],
    named: Sequence[NamedPart],
    *,
    rules: ServiceRules,
) -> list[StoredPart]:
    """The stored parts that the client named, in order.

    Raises:
        S3Error: MalformedXML, InvalidPartOrder, InvalidPart, InvalidRequest, EntityTooSmall or EntityTooLarge.
    """
    quirks = rules.quirks
    if not named or len(named) > rules.max_parts:
        raise S3Error(
            "MalformedXML",
            400,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    _check_order(upload, [part.number for part in named])
    chosen = [_find(stored, part, quirks) for part in named]
    if quirks.complete_names_all and len(chosen) != len(stored):
        raise _invalid_part()
    if not quirks.no_checksums:
        for want, have in zip(named, chosen, strict=True):
            _check_part_checksum(upload, want, have, quirks)
    for part in chosen[:-1]:
        if part.size < rules.min_part_size:
            raise S3Error(
                "EntityTooSmall",
                400,
                "Your proposed upload is smaller than the minimum allowed size",
                details={
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(rules.min_part_size),
                    "PartNumber": str(part.number),
                    "ETag": part.etag.strip('"'),
                },
            )
    sizes = [part.size for part in chosen]
    if quirks.equal_parts_only and (len(set(sizes[:-1])) > 1 or sizes[-1] > sizes[0]):
        raise S3Error("InvalidPart", 400, "All non-trailing parts must have the same length.")
    if sum(sizes) > rules.max_object_size:
        raise S3Error("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size.")
    return chosen


def object_checksum(
    upload: UploadInfo,
    parts: Sequence[StoredPart],
    given: Checksum | None,
    given_type: ChecksumType | None,
    quirks: Quirks,
) -> tuple[Checksum, ChecksumType]:
    """The object's checksum, compared with the one the client sent.

    An upload that declared nothing gets a full-object CRC64NVME, as S3 gives every object one.

    Raises:
        S3Error: InvalidRequest for another algorithm or type than on Create, BadDigest for a wrong value.
    """
    algorithm = upload.algorithm or Algorithm.CRC64NVME
    kind = upload.checksum_type or ChecksumType.FULL_OBJECT
    if kind is ChecksumType.FULL_OBJECT:
        value = encode(joined_digest(algorithm, [(part.raw_checksum, part.size) for part in parts]))
    else:
        value = composite_value(algorithm, [part.raw_checksum for part in parts])
    if quirks.unverified_checksums:
        return given or Checksum(algorithm=algorithm, value=value), kind
    if given_type is not None and given_type is not upload.checksum_type:
        raise invalid_request(
            f"The upload was created using the {upload.checksum_type or 'null'} checksum mode. "
            "The complete request must use the same checksum mode."
        )
    if given is not None:
        if given.algorithm is not upload.algorithm:
            raise type_mismatch(expected=upload.algorithm, actual=given.algorithm)
        if given.value != value or quirks.refuse_object_checksum:
            raise S3Error("BadDigest", 400, f"The {algorithm} you specified did not match the calculated checksum.")
    return Checksum(algorithm=algorithm, value=value), kind


def multipart_etag(parts: Sequence[StoredPart], *, is_md5: bool) -> str:
    """MD5 of the parts' MD5s and their count, quoted; random where the service's ETags are no MD5."""
    joined = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False).hexdigest()
    return f'"{joined if is_md5 else secrets.token_hex(16)}-{len(parts)}"'


def type_mismatch(*, expected: Algorithm | None, actual: Algorithm | None) -> S3Error:
    """S3's words for a checksum algorithm other than the one declared on Create; None reads ``null``."""
    want, got = (str(a or "null").lower() for a in (expected, actual))
    return invalid_request(
        f"Checksum Type mismatch occurred, expected checksum Type: {want}, actual checksum Type: {got}"
    )


def _check_order(upload: UploadInfo, numbers: Sequence[int]) -> None:
    if any(a >= b for a, b in itertools.pairwise(numbers)):
        raise S3Error(
            "InvalidPartOrder",
            400,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    if upload.algorithm is not None and list(numbers) != list(range(1, len(numbers) + 1)):
        raise S3Error(
            "InvalidPartOrder",
            400,
            "With additional checksums, part numbers must be consecutive and begin with 1.",
        )


def _find(stored: Mapping[int, StoredPart], named: NamedPart, quirks: Quirks) -> StoredPart:
    part = stored.get(named.number)
    if part is None and quirks.unknown_part_is_no_upload:
        raise S3Error("NoSuchUpload", 404, "The specified upload does not exist.")
    if part is None or part.etag.strip('"') != named.etag.strip('"'):
        raise _invalid_part()
    return part


def _check_part_checksum(upload: UploadInfo, named: NamedPart, stored: StoredPart, quirks: Quirks) -> None:
    if named.checksum is None:
        if upload.checksum_type is ChecksumType.COMPOSITE:
            raise invalid_request(
                f"The upload was created using a {str(upload.algorithm).lower()} checksum. The complete request must "
                f"include the checksum for each part. It was missing for part {named.number} in the request."
            )
        return
    if quirks.unverified_checksums:
        return
    if named.checksum.algorithm is not upload.algorithm:
        raise type_mismatch(expected=upload.algorithm, actual=named.checksum.algorithm)
    if named.checksum.value != encode(stored.raw_checksum):
        raise _invalid_part()


def _invalid_part() -> S3Error:
    return S3Error(
        "InvalidPart",
        400,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
        "specified entity tag may not match the part's entity tag.",
    )
