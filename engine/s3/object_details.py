"""Get the service's report of a finished object and of its parts."""

from typing import Any

from ..backend.protocol import ObjectPart
from ..backend.responses import ObjectDetails
from ..checksums import ChecksumAlgorithm
from ..errors import CredentialsExpired, ForeignResponse, Refused, Transient
from ..responses.error_translation import bad_response, translate_errors
from ..responses.missing_headers import size_of
from ..responses.pages import Pages
from ..responses.values import checksum_name, etag_in

_EXPRESS = "--x-s3"  # ends the name of a directory bucket, whose ETags are not MD5s


def object_details(client: Any, about: dict[str, Any]) -> ObjectDetails:
    """HeadObject with checksums.  about: the object and its customer key, as botocore's parameters.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    with translate_errors("HeadObject"):
        answer = client.head_object(**about, ChecksumMode="ENABLED")
        if not answer.keys() & {"ETag", "LastModified"}:
            raise bad_response("HeadObject")
        return ObjectDetails(
            size=size_of(client, about, answer),
            etag=etag_in(answer),
            checksums=tuple(
                (algorithm, answer[name])
                for algorithm in ChecksumAlgorithm
                if (name := checksum_name(algorithm)) in answer
            ),
            checksum_type=answer.get("ChecksumType"),
            md5_etag="SSECustomerAlgorithm" not in answer
            and answer.get("ServerSideEncryption") in (None, "AES256")
            and not about["Bucket"].endswith(_EXPRESS),
        )


def object_part(client: Any, about: dict[str, Any], number: int) -> ObjectPart | None:
    """HeadObject of one part; None when the service does not support it, or responds about the whole object."""
    try:
        with translate_errors("HeadObject"):
            answer = client.head_object(**about, PartNumber=number)
            if not answer.keys() >= {"PartsCount", "ContentLength"}:
                return None
            return ObjectPart(size=answer["ContentLength"], count=answer["PartsCount"])
    except (CredentialsExpired, ForeignResponse):
        raise
    except Refused:
        return None


def part_sizes(client: Any, about: dict[str, Any]) -> tuple[int, ...] | None:
    """The sizes of all parts in order, by GetObjectAttributes; None when the service does not list them all.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
    """
    sizes: list[int] = []
    marker = 0
    pages = Pages("GetObjectAttributes", max_pages=1000, max_rows=100_000)
    while True:
        try:
            with translate_errors("GetObjectAttributes"):
                answer = client.get_object_attributes(
                    **about, ObjectAttributes=["ObjectParts"], PartNumberMarker=marker
                )
                listed = answer.get("ObjectParts") or {}
                rows = listed.get("Parts") or ()
                sizes.extend(row["Size"] for row in rows)
                marker = listed.get("NextPartNumberMarker") or 0
                truncated, count = bool(listed.get("IsTruncated")), len(rows)
                more = pages.has_next(truncated=truncated, rows=count, new_rows=count, marker=marker)
        except (CredentialsExpired, ForeignResponse):
            raise
        except (Refused, Transient) as error:
            # A service without this call may respond with the object's own bytes, which botocore reports as a 500.
            # The parts can be requested one by one instead.
            if isinstance(error, Transient) and error.unreachable:
                raise
            return None
        if more:
            continue
        is_whole = not truncated and sizes and len(sizes) == listed.get("TotalPartsCount", len(sizes))
        return tuple(sizes) if is_whole else None
