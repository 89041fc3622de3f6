"""How stores that speak S3 differ from S3.  Everything is off unless a test turns it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RefuseChecksums(StrEnum):
    """How a store says that it does not know x-amz-checksum-* headers."""

    NOT_IMPLEMENTED = "NotImplemented"
    INVALID_REQUEST = "InvalidRequest"


class ListAfterComplete(StrEnum):
    """What a store lists, with status 200, for an upload that was completed."""

    EMPTY = "empty"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """The ways in which a store differs.

    Checksums and ETags:
    no_checksums: ignores x-amz-checksum-* wholly, echoes nothing.
    refuse_checksums: refuses every request that carries one; None: does not.
    silent_checksums: verifies them and never echoes one.
    unverified_checksums: echoes whatever value was sent, never verifies.
    refuse_object_checksum: answers BadDigest even to the right full-object value on Complete.
    checksum_missing_on_head: HEAD and GET never tell the checksum.
    content_md5_ignored: a wrong or malformed Content-MD5 passes.
    opaque_etags: ETags are random; they look like an MD5 and are none.
    empty_complete_etag: Complete answers an empty ETag.
    head_etag_differs: HEAD and GET tell another ETag than Complete did.
    checksum_type_missing: HEAD and GET tell a checksum without its type.
    part_numbers_ignored: HEAD of one part tells about the whole object.
    attributes_ignored: GetObjectAttributes answers with the object's own bytes.

    Listings:
    list_parts_unsupported: ListParts is 405 MethodNotAllowed.
    list_parts_ignored: ListParts answers as GetObject does: with the object of that key, or NoSuchKey.
    list_repeats: every row comes twice, and a part that was sent again also shows its old row, last.
    list_unsorted: numbers are sorted (and paged) as strings, 10000 before 1000.
    list_drops: part numbers that are never listed.
    list_truncates: part number -> size in bytes that is listed instead.
    list_ignores_marker: every page is the first page.
    list_ignores_max_parts: one page has everything.
    list_marker_inclusive: a page starts with the marker's own part.
    list_after_complete: what is listed after Complete; None: the upload is gone.
    list_uploads_exact_key: ListMultipartUploads takes its prefix for a whole key.

    The rest:
    vanished_as: (code, status) for an upload that is gone.
    complete_names_all: Complete must name every part that was sent.
    unknown_part_is_no_upload: Complete answers NoSuchUpload for a part that was never sent.
    bad_part_destroys_upload: a part with a wrong digest removes the upload.
    equal_parts_only: all parts but the last must have one size.
    stores_cut_parts: a part whose body broke off stays, short.
    preconditions_ignored: If-None-Match passes.
    ignores_customer_keys: SSE-C headers pass, and nothing is encrypted.
    drops_metadata: user metadata is forgotten.
    errors_without_message: error documents have no Message.
    no_amz_headers: no response has a header that begins with x-amz-.
    """

    no_checksums: bool = False
    refuse_checksums: RefuseChecksums | None = None
    silent_checksums: bool = False
    unverified_checksums: bool = False
    refuse_object_checksum: bool = False
    checksum_missing_on_head: bool = False
    content_md5_ignored: bool = False
    opaque_etags: bool = False
    empty_complete_etag: bool = False
    head_etag_differs: bool = False
    checksum_type_missing: bool = False
    part_numbers_ignored: bool = False
    attributes_ignored: bool = False
    list_parts_unsupported: bool = False
    list_parts_ignored: bool = False
    list_repeats: bool = False
    list_unsorted: bool = False
    list_drops: frozenset[int] = frozenset()
    list_truncates: Mapping[int, int] = field(default_factory=dict)
    list_ignores_marker: bool = False
    list_ignores_max_parts: bool = False
    list_marker_inclusive: bool = False
    list_after_complete: ListAfterComplete | None = None
    list_uploads_exact_key: bool = False
    vanished_as: tuple[str, int] = ("NoSuchUpload", 404)
    complete_names_all: bool = False
    unknown_part_is_no_upload: bool = False
    bad_part_destroys_upload: bool = False
    equal_parts_only: bool = False
    stores_cut_parts: bool = False
    preconditions_ignored: bool = False
    ignores_customer_keys: bool = False
    drops_metadata: bool = False
    errors_without_message: bool = False
    no_amz_headers: bool = False


NO_QUIRKS = Quirks()
