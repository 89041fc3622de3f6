"""The ways in which other stores differ, one a test."""

import hashlib
from typing import Any

import pytest

from .checksums import Algorithm, Checksum, checksum_of
from .errors import S3Error
from .model import S3Model
from .quirks import ListAfterComplete, Quirks, RefuseChecksums
from .values import NamedPart, ObjectOptions, StoredObject, StoredPart, UploadInfo

CRC64 = Algorithm.CRC64NVME
WRONG = Checksum(algorithm=CRC64, value="AAAAAAAAAAA=")


def store(page_size: int = 1000, **quirks: Any) -> S3Model:
    return S3Model(min_part_size=1, page_size=page_size, quirks=Quirks(**quirks))


def create(model: S3Model, algorithm: Algorithm | None = CRC64) -> UploadInfo:
    return model.create_multipart_upload("bucket", "key", algorithm=algorithm)


def send(
    model: S3Model, upload: UploadInfo, number: int, data: bytes = b"data", checksum: Checksum | None = None
) -> StoredPart:
    return model.upload_part("bucket", "key", upload.upload_id, number, data, checksum=checksum)


def complete(model: S3Model, upload: UploadInfo, *parts: StoredPart, checksum: Checksum | None = None) -> StoredObject:
    named = [NamedPart(number=p.number, etag=p.etag, checksum=p.checksum) for p in parts]
    return model.complete_multipart_upload("bucket", "key", upload.upload_id, named, checksum=checksum)


def listed(model: S3Model, upload: UploadInfo, marker: int = 0) -> list[int]:
    page = model.list_parts("bucket", "key", upload.upload_id, part_number_marker=marker)
    return [row.number for row in page.rows]


def test_no_checksums_ignores_wrong_ones_and_echoes_none() -> None:
    """Neither part nor object has one."""
    model = store(no_checksums=True)
    upload = create(model)

    part = send(model, upload, 1, checksum=WRONG)
    made = complete(model, upload, part, checksum=WRONG)

    assert (upload.algorithm, part.checksum, made.checksum) == (None, None, None)


@pytest.mark.parametrize(
    ("how", "answer"),
    [
        (RefuseChecksums.NOT_IMPLEMENTED, r"^NotImplemented \(501\)"),
        (RefuseChecksums.INVALID_REQUEST, r"^InvalidRequest \(400\).*x-amz-checksum-crc64nvme"),
    ],
)
def test_refuse_checksums_refuses_the_header(how: RefuseChecksums, answer: str) -> None:
    """In one of two ways; without the header all is well."""
    model = store(refuse_checksums=how)
    upload = create(model, None)
    send(model, upload, 1)

    with pytest.raises(S3Error, match=answer):
        send(model, upload, 1, checksum=checksum_of(CRC64, b"data"))


def test_refuse_checksums_refuses_the_declaration() -> None:
    """Create with an algorithm is refused as well."""
    model = store(refuse_checksums=RefuseChecksums.INVALID_REQUEST)

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*x-amz-checksum-algorithm"):
        create(model)


def test_silent_checksums_verifies() -> None:
    """A wrong one is refused."""
    model = store(silent_checksums=True)
    upload = create(model)

    with pytest.raises(S3Error, match=r"^BadDigest"):
        send(model, upload, 1, checksum=WRONG)


def test_silent_checksums_echoes_nothing() -> None:
    """Neither for the part nor for the object."""
    model = store(silent_checksums=True)
    upload = create(model)

    part = send(model, upload, 1, checksum=checksum_of(CRC64, b"data"))
    made = complete(model, upload, part)

    assert (part.checksum, made.checksum) == (None, None)


def test_unverified_checksums_echoes_what_was_sent() -> None:
    """Even when it is wrong."""
    model = store(unverified_checksums=True)
    upload = create(model)

    part = send(model, upload, 1, checksum=WRONG)

    assert part.checksum == WRONG


def test_refuse_object_checksum_refuses_the_right_one() -> None:
    """BadDigest for a correct value."""
    model = store(refuse_object_checksum=True)
    upload = create(model)
    part = send(model, upload, 1)

    with pytest.raises(S3Error, match=r"^BadDigest"):
        complete(model, upload, part, checksum=checksum_of(CRC64, b"data"))


def test_checksum_missing_on_head() -> None:
    """Complete tells it, HEAD does not."""
    model = store(checksum_missing_on_head=True)
    upload = create(model)

    made = complete(model, upload, send(model, upload, 1))

    assert made.checksum == checksum_of(CRC64, b"data")
    assert model.head_object("bucket", "key").checksum is None


def test_content_md5_ignored_takes_anything() -> None:
    """Also what is no MD5 at all."""
    model = store(content_md5_ignored=True)

    model.put_object("bucket", "key", b"data", content_md5="no base64")

    assert model.objects["bucket", "key"].body == b"data"


def test_opaque_etags_are_no_md5() -> None:
    """They differ even for equal bytes."""
    model = store(opaque_etags=True)
    upload = create(model, None)

    parts = [send(model, upload, 1), send(model, upload, 2)]
    made = complete(model, upload, *parts)

    assert hashlib.md5(b"data").hexdigest() not in parts[0].etag
    assert parts[0].etag != parts[1].etag
    assert made.etag.endswith('-2"')


def test_head_etag_differs() -> None:
    """Complete and HEAD disagree."""
    model = store(head_etag_differs=True)
    upload = create(model)

    made = complete(model, upload, send(model, upload, 1))

    assert model.head_object("bucket", "key").etag != made.etag


def test_list_parts_unsupported() -> None:
    """405 for every upload."""
    model = store(list_parts_unsupported=True)
    upload = create(model)

    with pytest.raises(S3Error, match=r"^MethodNotAllowed \(405\)"):
        listed(model, upload)


def test_list_repeats_shows_rows_twice_and_the_old_row_last() -> None:
    """A number does not name one row."""
    model = store(list_repeats=True)
    upload = create(model)
    send(model, upload, 1, b"first")
    send(model, upload, 1, b"second")

    page = model.list_parts("bucket", "key", upload.upload_id)

    assert [(row.number, row.size) for row in page.rows] == [(1, 6), (1, 6), (1, 5)]


def test_list_repeats_keeps_the_rows_of_a_number_on_one_page() -> None:
    """A marker cannot point between them."""
    model = store(page_size=1, list_repeats=True)
    upload = create(model)
    send(model, upload, 1)
    send(model, upload, 2)

    assert (listed(model, upload), listed(model, upload, 1)) == ([1, 1], [2, 2])


def test_list_unsorted_sorts_and_pages_as_strings() -> None:
    """10000 comes before 1000, and no part is lost."""
    model = store(page_size=2, list_unsorted=True)
    upload = create(model)
    for number in (2, 1000, 10000):
        send(model, upload, number)

    assert (listed(model, upload), listed(model, upload, 1000)) == ([10000, 1000], [2])


def test_list_drops_numbers() -> None:
    """They are stored all the same."""
    model = store(list_drops=frozenset({2}))
    upload = create(model)
    for number in (1, 2, 3):
        send(model, upload, number)

    assert listed(model, upload) == [1, 3]
    assert list(model.stored_parts(upload.upload_id)) == [1, 2, 3]


def test_list_truncates_sizes() -> None:
    """The row is shorter than the part."""
    model = store(list_truncates={1: 2})
    upload = create(model)
    send(model, upload, 1)

    assert model.list_parts("bucket", "key", upload.upload_id).rows[0].size == 2


def test_list_ignores_marker() -> None:
    """Every page is the first."""
    model = store(page_size=1, list_ignores_marker=True)
    upload = create(model)
    send(model, upload, 1)
    send(model, upload, 2)

    assert (listed(model, upload), listed(model, upload, 1)) == ([1], [1])


def test_list_ignores_max_parts() -> None:
    """One page has everything."""
    model = store(page_size=1, list_ignores_max_parts=True)
    upload = create(model)
    send(model, upload, 1)
    send(model, upload, 2)

    page = model.list_parts("bucket", "key", upload.upload_id, max_parts=1)

    assert (len(page.rows), page.is_truncated) == (2, False)


def test_list_marker_inclusive() -> None:
    """A page begins with the part that ended the last one."""
    model = store(page_size=2, list_marker_inclusive=True)
    upload = create(model)
    for number in (1, 2, 3):
        send(model, upload, number)

    assert (listed(model, upload), listed(model, upload, 2)) == ([1, 2], [2, 3])


@pytest.mark.parametrize(("what", "numbers"), [(ListAfterComplete.EMPTY, []), (ListAfterComplete.ALL, [1])])
def test_list_after_complete(what: ListAfterComplete, numbers: list[int]) -> None:
    """A finished upload can still be listed."""
    model = store(list_after_complete=what)
    upload = create(model)
    complete(model, upload, send(model, upload, 1))

    assert listed(model, upload) == numbers


def test_list_uploads_exact_key() -> None:
    """A prefix that is no whole key finds nothing."""
    model = store(list_uploads_exact_key=True)
    create(model)

    found = [len(model.list_multipart_uploads("bucket", prefix=prefix).uploads) for prefix in ("ke", "key", "")]

    assert found == [0, 1, 1]


@pytest.mark.parametrize(("code", "status"), [("NoSuchKey", 404), ("InternalError", 500)])
def test_vanished_as(code: str, status: int) -> None:
    """A missing upload has another name."""
    model = store(vanished_as=(code, status))

    with pytest.raises(S3Error, match=rf"^{code} \({status}\)"):
        model.list_parts("bucket", "key", "none")


def test_complete_names_all() -> None:
    """A part that was sent and is not named is InvalidPart."""
    model = store(complete_names_all=True)
    upload = create(model)
    part = send(model, upload, 1)
    send(model, upload, 2)

    with pytest.raises(S3Error, match=r"^InvalidPart "):
        complete(model, upload, part)


def test_unknown_part_is_no_upload() -> None:
    """NoSuchUpload, though the upload is intact."""
    model = store(unknown_part_is_no_upload=True)
    upload = create(model, None)

    with pytest.raises(S3Error, match=r"^NoSuchUpload"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, [NamedPart(number=1, etag="none")])
    assert model.open_uploads == (upload,)


def test_bad_part_destroys_upload() -> None:
    """One wrong digest destroys the upload."""
    model = store(bad_part_destroys_upload=True)
    upload = create(model)

    with pytest.raises(S3Error, match=r"^BadDigest"):
        send(model, upload, 1, checksum=WRONG)
    assert model.open_uploads == ()


@pytest.mark.parametrize("sizes", [(2, 1, 2), (1, 2)])
def test_equal_parts_only_refuses_other_sizes(sizes: tuple[int, ...]) -> None:
    """All but the last are equal, and the last is not larger."""
    model = store(equal_parts_only=True)
    upload = create(model)
    parts = [send(model, upload, number, bytes(size)) for number, size in enumerate(sizes, 1)]

    with pytest.raises(S3Error, match=r"^InvalidPart \(400\)"):
        complete(model, upload, *parts)


def test_equal_parts_only_takes_a_short_last_part() -> None:
    """As every file has."""
    model = store(equal_parts_only=True)
    upload = create(model)
    parts = [send(model, upload, number, bytes(size)) for number, size in ((1, 2), (2, 2), (3, 1))]

    assert complete(model, upload, *parts).size == 5


def test_preconditions_ignored() -> None:
    """If-None-Match overwrites."""
    model = store(preconditions_ignored=True)
    model.put_object("bucket", "key", b"old")
    model.put_object("bucket", "key", b"new", if_none_match="*")

    assert model.objects["bucket", "key"].body == b"new"


def test_drops_metadata() -> None:
    """The rest of the options stays."""
    model = store(drops_metadata=True)
    options = ObjectOptions(metadata={"colour": "red"}, headers={"content-type": "text/plain"})
    model.put_object("bucket", "key", b"", options=options)

    kept = model.objects["bucket", "key"].options

    assert (kept.metadata, kept.content_type) == ({}, "text/plain")
