"""The rules that the S3 for tests enforces, one refusal or result a test."""

import hashlib
from collections.abc import Sequence

import pytest

from .checksums import Algorithm, Checksum, ChecksumType, checksum_of, digest, encode
from .errors import S3Error
from .model import S3Model
from .values import NamedPart, ObjectOptions, StoredPart, UploadInfo

CRC64 = Algorithm.CRC64NVME
SHA256 = Algorithm.SHA256


@pytest.fixture
def model() -> S3Model:
    """Tiny limits: parts of 4 to 16 bytes, 5 of them, 2 rows a page."""
    return S3Model(min_part_size=4, max_part_size=16, max_parts=5, page_size=2)


def create(
    model: S3Model, *, algorithm: Algorithm | None = None, checksum_type: ChecksumType | None = None
) -> UploadInfo:
    return model.create_multipart_upload("bucket", "key", algorithm=algorithm, checksum_type=checksum_type)


def send(model: S3Model, upload: UploadInfo, number: int, data: bytes) -> StoredPart:
    checksum = checksum_of(upload.algorithm, data) if upload.algorithm else None
    return model.upload_part(upload.bucket, upload.key, upload.upload_id, number, data, checksum=checksum)


def named(*parts: StoredPart) -> list[NamedPart]:
    return [NamedPart(number=part.number, etag=part.etag, checksum=part.checksum) for part in parts]


# Things that do not exist


def test_create_in_a_missing_bucket_is_refused(model: S3Model) -> None:
    """NoSuchBucket comes before anything else."""
    with pytest.raises(S3Error, match=r"^NoSuchBucket \(404\)"):
        model.create_multipart_upload("nowhere", "key")


def test_a_part_for_an_unknown_upload_is_refused(model: S3Model) -> None:
    """NoSuchUpload is a 404."""
    with pytest.raises(S3Error, match=r"^NoSuchUpload \(404\)"):
        model.upload_part("bucket", "key", "none", 1, b"data")


def test_an_upload_id_is_good_for_its_own_key_only(model: S3Model) -> None:
    """The same id under another key is another upload, which does not exist."""
    upload = create(model)

    with pytest.raises(S3Error, match=r"^NoSuchUpload"):
        model.upload_part("bucket", "other", upload.upload_id, 1, b"data")


def test_an_aborted_upload_is_gone(model: S3Model) -> None:
    """Nothing can be listed after Abort."""
    upload = create(model)
    model.abort_multipart_upload("bucket", "key", upload.upload_id)

    with pytest.raises(S3Error, match=r"^NoSuchUpload"):
        model.list_parts("bucket", "key", upload.upload_id)


def test_an_expired_upload_is_gone(model: S3Model) -> None:
    """A lifecycle rule ends an upload like Abort does."""
    upload = create(model)
    model.expire_upload(upload.upload_id)

    with pytest.raises(S3Error, match=r"^NoSuchUpload"):
        model.abort_multipart_upload("bucket", "key", upload.upload_id)


def test_a_missing_object_is_refused(model: S3Model) -> None:
    """NoSuchKey is a 404."""
    with pytest.raises(S3Error, match=r"^NoSuchKey \(404\)"):
        model.head_object("bucket", "key")


def test_a_bucket_cannot_be_created_twice(model: S3Model) -> None:
    """The owner gets a 409."""
    model.create_bucket("second")

    with pytest.raises(S3Error, match=r"^BucketAlreadyOwnedByYou \(409\)"):
        model.create_bucket("second")


# Parts


@pytest.mark.parametrize("number", [0, 6])
def test_a_part_number_outside_the_limits_is_refused(model: S3Model, number: int) -> None:
    """Numbers run from 1 to max_parts."""
    upload = create(model)

    with pytest.raises(S3Error, match=r"^InvalidArgument \(400\)"):
        send(model, upload, number, b"data")


def test_a_part_above_the_limit_is_refused(model: S3Model) -> None:
    """One byte too many is EntityTooLarge."""
    upload = create(model)
    send(model, upload, 1, bytes(16))

    with pytest.raises(S3Error, match=r"^EntityTooLarge \(400\)"):
        send(model, upload, 1, bytes(17))


def test_a_part_sent_again_replaces_the_first(model: S3Model) -> None:
    """The number decides; the last one counts."""
    upload = create(model)
    send(model, upload, 1, b"first")
    send(model, upload, 1, b"again")

    assert model.stored_parts(upload.upload_id)[1].data == b"again"


def test_a_wrong_content_md5_is_refused(model: S3Model) -> None:
    """BadDigest, and nothing is stored."""
    upload = create(model)

    with pytest.raises(S3Error, match=r"^BadDigest \(400\)"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data", content_md5=encode(bytes(16)))
    assert not model.stored_parts(upload.upload_id)


def test_a_malformed_content_md5_is_refused(model: S3Model) -> None:
    """InvalidDigest is not the same as BadDigest."""
    upload = create(model)

    with pytest.raises(S3Error, match=r"^InvalidDigest \(400\)"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data", content_md5="no base64")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_wrong_part_checksum_is_refused(model: S3Model, algorithm: Algorithm) -> None:
    """Every algorithm is verified."""
    upload = create(model, algorithm=algorithm)

    with pytest.raises(S3Error, match=r"^BadDigest \(400\)"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data", checksum=checksum_of(algorithm, b"Data"))


def test_a_malformed_part_checksum_is_refused(model: S3Model) -> None:
    """Base64 of the wrong length is InvalidRequest."""
    upload = create(model, algorithm=CRC64)

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*x-amz-checksum-crc64nvme"):
        model.upload_part(
            "bucket", "key", upload.upload_id, 1, b"data", checksum=Checksum(algorithm=CRC64, value="AAAA")
        )


def test_a_checksum_that_was_not_declared_is_refused(model: S3Model) -> None:
    """An upload without an algorithm takes no checksummed parts."""
    upload = create(model)

    with pytest.raises(S3Error, match="expected checksum Type: null, actual checksum Type: crc64nvme"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data", checksum=checksum_of(CRC64, b"data"))


def test_another_algorithm_than_declared_is_refused(model: S3Model) -> None:
    """The message names both."""
    upload = create(model, algorithm=SHA256)

    with pytest.raises(S3Error, match="expected checksum Type: sha256, actual checksum Type: crc64nvme"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data", checksum=checksum_of(CRC64, b"data"))


def test_a_composite_upload_needs_a_checksum_for_each_part(model: S3Model) -> None:
    """The server does not compute what the composite is made of."""
    upload = create(model, algorithm=SHA256)

    with pytest.raises(S3Error, match="expected checksum Type: sha256, actual checksum Type: null"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data")


def test_a_full_object_upload_takes_parts_without_checksum(model: S3Model) -> None:
    """The server computes it and tells it."""
    upload = create(model, algorithm=CRC64)

    part = model.upload_part("bucket", "key", upload.upload_id, 1, b"data")

    assert part.checksum == checksum_of(CRC64, b"data")


def test_sse_c_needs_the_key_with_every_part(model: S3Model) -> None:
    """An upload opened with a customer key takes no part without it."""
    options = ObjectOptions(headers={"x-amz-server-side-encryption-customer-key-md5": "md5"})
    upload = model.create_multipart_upload("bucket", "key", options=options)

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\)"):
        model.upload_part("bucket", "key", upload.upload_id, 1, b"data")


# Checksum types


@pytest.mark.parametrize(
    ("algorithm", "wanted"),
    [
        (Algorithm.CRC64NVME, ChecksumType.COMPOSITE),
        (Algorithm.SHA1, ChecksumType.FULL_OBJECT),
        (Algorithm.SHA256, ChecksumType.FULL_OBJECT),
    ],
)
def test_an_impossible_checksum_type_is_refused(model: S3Model, algorithm: Algorithm, wanted: ChecksumType) -> None:
    """CRC64NVME is full-object only, SHA is composite only."""
    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\)"):
        create(model, algorithm=algorithm, checksum_type=wanted)


@pytest.mark.parametrize("algorithm", [Algorithm.CRC32, Algorithm.CRC32C, Algorithm.CRC64NVME])
def test_a_full_object_checksum_is_that_of_all_bytes(model: S3Model, algorithm: Algorithm) -> None:
    """CRCs of parts combine to the CRC of the whole."""
    upload = create(model, algorithm=algorithm, checksum_type=ChecksumType.FULL_OBJECT)
    parts = named(send(model, upload, 1, b"first"), send(model, upload, 2, b"second"))

    made = model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    assert made.checksum == checksum_of(algorithm, b"firstsecond")


@pytest.mark.parametrize("algorithm", [Algorithm.CRC32, Algorithm.CRC32C, Algorithm.SHA1, Algorithm.SHA256])
def test_a_composite_checksum_is_that_of_the_raw_part_checksums(model: S3Model, algorithm: Algorithm) -> None:
    """With the number of parts behind it."""
    upload = create(model, algorithm=algorithm)
    parts = named(send(model, upload, 1, b"first"), send(model, upload, 2, b"second"))

    made = model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    raw = digest(algorithm, b"first") + digest(algorithm, b"second")
    assert made.checksum == Checksum(algorithm=algorithm, value=encode(digest(algorithm, raw)) + "-2")


def test_crc64nvme_has_its_check_value() -> None:
    """The published check value of the algorithm."""
    assert digest(CRC64, b"123456789").hex() == "ae8b14860a799888"


# Complete


def test_complete_makes_an_object_of_the_named_parts(model: S3Model) -> None:
    """Bytes in order, the ETag of MD5s with the count."""
    upload = create(model)
    parts = named(send(model, upload, 1, b"first"), send(model, upload, 3, b"third"))

    made = model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    joined = hashlib.md5(b"first").digest() + hashlib.md5(b"third").digest()
    assert model.get_object("bucket", "key").body == b"firstthird"
    assert made.etag == f'"{hashlib.md5(joined).hexdigest()}-2"'


def test_complete_without_parts_is_refused(model: S3Model) -> None:
    """An empty list is MalformedXML."""
    upload = create(model)

    with pytest.raises(S3Error, match=r"^MalformedXML \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, [])


def test_a_small_part_in_the_middle_is_refused(model: S3Model) -> None:
    """EntityTooSmall names the part; the upload stays."""
    upload = create(model)
    parts = named(send(model, upload, 1, b"123"), send(model, upload, 2, b"last"))

    with pytest.raises(S3Error, match=r"^EntityTooSmall \(400\)") as refused:
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)
    assert refused.value.details["PartNumber"] == "1"
    assert model.open_uploads == (upload,)


def test_the_last_part_may_be_small(model: S3Model) -> None:
    """Only the others have a least size."""
    upload = create(model)
    parts = named(send(model, upload, 1, b"1234"), send(model, upload, 2, b"5"))

    model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    assert model.objects["bucket", "key"].body == b"12345"


def test_a_part_that_was_never_sent_is_refused(model: S3Model) -> None:
    """InvalidPart for an unknown number."""
    upload = create(model)
    part = send(model, upload, 1, b"data")

    with pytest.raises(S3Error, match=r"^InvalidPart \(400\)"):
        model.complete_multipart_upload(
            "bucket", "key", upload.upload_id, [*named(part), NamedPart(number=2, etag=part.etag)]
        )


def test_the_etag_of_a_replaced_part_is_refused(model: S3Model) -> None:
    """InvalidPart: only the last ETag of a number is good."""
    upload = create(model)
    old = send(model, upload, 1, b"first")
    send(model, upload, 1, b"again")

    with pytest.raises(S3Error, match=r"^InvalidPart \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, named(old))


@pytest.mark.parametrize("order", [(2, 1), (1, 1)])
def test_parts_must_be_named_in_ascending_order(model: S3Model, order: Sequence[int]) -> None:
    """InvalidPartOrder, also for a number named twice."""
    upload = create(model)
    parts = {number: send(model, upload, number, b"data") for number in (1, 2)}

    with pytest.raises(S3Error, match=r"^InvalidPartOrder \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, named(*(parts[number] for number in order)))


@pytest.mark.parametrize("numbers", [(2, 3), (1, 3)])
def test_with_checksums_numbers_start_at_one_without_holes(model: S3Model, numbers: Sequence[int]) -> None:
    """InvalidPartOrder, though the numbers ascend."""
    upload = create(model, algorithm=CRC64)
    parts = named(*(send(model, upload, number, b"data") for number in numbers))

    with pytest.raises(S3Error, match=r"^InvalidPartOrder \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)


def test_a_wrong_part_checksum_at_complete_is_refused(model: S3Model) -> None:
    """InvalidPart, though number and ETag are right."""
    upload = create(model, algorithm=CRC64)
    part = send(model, upload, 1, b"data")
    wrong = NamedPart(number=1, etag=part.etag, checksum=checksum_of(CRC64, b"Data"))

    with pytest.raises(S3Error, match=r"^InvalidPart \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, [wrong])


def test_a_composite_complete_needs_every_parts_checksum(model: S3Model) -> None:
    """InvalidRequest names the part without one."""
    upload = create(model, algorithm=SHA256)
    part = send(model, upload, 1, b"data")

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*missing for part 1"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, [NamedPart(number=1, etag=part.etag)])


def test_a_wrong_full_object_checksum_is_refused(model: S3Model) -> None:
    """BadDigest, and the upload stays open."""
    upload = create(model, algorithm=CRC64)
    parts = named(send(model, upload, 1, b"data"))

    with pytest.raises(S3Error, match=r"^BadDigest \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts, checksum=checksum_of(CRC64, b"Data"))
    assert model.open_uploads == (upload,)


def test_the_right_full_object_checksum_is_taken(model: S3Model) -> None:
    """Together with its type."""
    upload = create(model, algorithm=CRC64)
    parts = named(send(model, upload, 1, b"data"))

    model.complete_multipart_upload(
        "bucket",
        "key",
        upload.upload_id,
        parts,
        checksum=checksum_of(CRC64, b"data"),
        checksum_type=ChecksumType.FULL_OBJECT,
    )

    assert model.head_object("bucket", "key").checksum == checksum_of(CRC64, b"data")


def test_another_checksum_type_at_complete_is_refused(model: S3Model) -> None:
    """The type was fixed on Create."""
    upload = create(model, algorithm=CRC64)
    parts = named(send(model, upload, 1, b"data"))

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*FULL_OBJECT"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts, checksum_type=ChecksumType.COMPOSITE)


def test_another_algorithm_at_complete_is_refused(model: S3Model) -> None:
    """For the object as for a part."""
    upload = create(model, algorithm=CRC64)
    part = send(model, upload, 1, b"data")
    other = checksum_of(Algorithm.CRC32, b"data")

    with pytest.raises(S3Error, match="expected checksum Type: crc64nvme, actual checksum Type: crc32"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, named(part), checksum=other)
    with pytest.raises(S3Error, match="expected checksum Type: crc64nvme, actual checksum Type: crc32"):
        model.complete_multipart_upload(
            "bucket", "key", upload.upload_id, [NamedPart(number=1, etag=part.etag, checksum=other)]
        )


def test_an_object_above_the_limit_is_refused() -> None:
    """EntityTooLarge at Complete, when the sum is known."""
    model = S3Model(min_part_size=1, max_object_size=3)
    upload = create(model)
    parts = named(send(model, upload, 1, b"data"))

    with pytest.raises(S3Error, match=r"^EntityTooLarge \(400\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)


@pytest.mark.parametrize("size", [3, 5])
def test_a_wrong_object_size_is_refused(model: S3Model, size: int) -> None:
    """MpuObjectSize must be exact."""
    upload = create(model)
    parts = named(send(model, upload, 1, b"data"))

    with pytest.raises(S3Error, match=r"^InvalidRequest \(400\).*x-amz-mp-object-size"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts, object_size=size)


def test_a_second_complete_finds_nothing(model: S3Model) -> None:
    """NoSuchUpload, though the object is there."""
    upload = create(model)
    parts = named(send(model, upload, 1, b"data"))
    model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    with pytest.raises(S3Error, match=r"^NoSuchUpload"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)


def test_a_second_complete_can_answer_like_the_first(model: S3Model) -> None:
    """As S3 does for a while."""
    model.completes_again = True
    upload = create(model)
    parts = named(send(model, upload, 1, b"data"))

    first = model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    assert model.complete_multipart_upload("bucket", "key", upload.upload_id, parts) == first


def test_complete_over_an_existing_key_can_be_forbidden(model: S3Model) -> None:
    """If-None-Match: * is a 412 and changes nothing."""
    model.put_object("bucket", "key", b"old")
    upload = create(model)
    parts = named(send(model, upload, 1, b"data"))

    with pytest.raises(S3Error, match=r"^PreconditionFailed \(412\)"):
        model.complete_multipart_upload("bucket", "key", upload.upload_id, parts, if_none_match="*")
    assert model.objects["bucket", "key"].body == b"old"


# Whole objects


def test_put_over_an_existing_key_can_be_forbidden(model: S3Model) -> None:
    """If-None-Match: * is a 412 here too."""
    model.put_object("bucket", "key", b"old", if_none_match="*")

    with pytest.raises(S3Error, match=r"^PreconditionFailed \(412\)"):
        model.put_object("bucket", "key", b"new", if_none_match="*")


def test_a_put_with_a_wrong_checksum_stores_nothing(model: S3Model) -> None:
    """BadDigest."""
    with pytest.raises(S3Error, match=r"^BadDigest \(400\)"):
        model.put_object("bucket", "key", b"data", checksum=checksum_of(SHA256, b"Data"))
    assert not model.objects


def test_every_object_has_a_checksum(model: S3Model) -> None:
    """S3 adds a CRC64NVME where none was sent."""
    model.put_object("bucket", "key", b"data")

    assert model.head_object("bucket", "key").checksum == checksum_of(CRC64, b"data")


def test_a_put_has_the_md5_as_etag(model: S3Model) -> None:
    """Quoted, in hex."""
    made = model.put_object("bucket", "key", b"data")

    assert made.etag == f'"{hashlib.md5(b"data").hexdigest()}"'


def test_with_sse_kms_the_etag_is_no_md5(model: S3Model) -> None:
    """It says nothing about the bytes."""
    options = ObjectOptions(headers={"x-amz-server-side-encryption": "aws:kms"})

    made = model.put_object("bucket", "key", b"data", options=options)

    assert hashlib.md5(b"data").hexdigest() not in made.etag


def test_options_are_kept_from_create_to_object(model: S3Model) -> None:
    """A test can look at what was asked for."""
    options = ObjectOptions(metadata={"colour": "red"}, headers={"x-amz-acl": "private", "content-type": "text/plain"})
    upload = model.create_multipart_upload("bucket", "key", options=options)
    parts = named(send(model, upload, 1, b"data"))
    model.complete_multipart_upload("bucket", "key", upload.upload_id, parts)

    assert model.objects["bucket", "key"].options == options


def test_large_metadata_is_refused(model: S3Model) -> None:
    """2 KB is the limit."""
    with pytest.raises(S3Error, match=r"^MetadataTooLarge \(400\)"):
        model.put_object("bucket", "key", b"", options=ObjectOptions(metadata={"name": "x" * 2045}))


def test_a_key_above_1024_bytes_is_refused(model: S3Model) -> None:
    """Bytes of UTF-8 count, not letters."""
    model.put_object("bucket", "é" * 512, b"")

    with pytest.raises(S3Error, match=r"^KeyTooLongError \(400\)"):
        model.put_object("bucket", "é" * 512 + "x", b"")


def test_delete_is_content_with_a_missing_key(model: S3Model) -> None:
    """Deleting twice is not an error."""
    model.put_object("bucket", "key", b"data")
    model.delete_object("bucket", "key")
    model.delete_object("bucket", "key")

    assert not model.objects


# Listings


def test_parts_come_in_pages(model: S3Model) -> None:
    """In order of their numbers, holes and all, the marker excluded."""
    upload = create(model)
    for number in (5, 1, 4):
        send(model, upload, number, b"data")

    first = model.list_parts("bucket", "key", upload.upload_id)
    second = model.list_parts("bucket", "key", upload.upload_id, part_number_marker=first.next_marker)

    assert ([row.number for row in first.rows], first.is_truncated) == ([1, 4], True)
    assert ([row.number for row in second.rows], second.is_truncated) == ([5], False)


def test_a_client_can_ask_for_smaller_pages_only(model: S3Model) -> None:
    """Above the service's page size there is nothing to have."""
    upload = create(model)
    for number in (1, 2, 3):
        send(model, upload, number, b"data")

    sizes = [len(model.list_parts("bucket", "key", upload.upload_id, max_parts=n).rows) for n in (1, 2, 3)]

    assert sizes == [1, 2, 2]


def test_uploads_come_in_pages_by_key_and_age(model: S3Model) -> None:
    """The markers lead through all of them."""
    ids = [model.create_multipart_upload("bucket", key).upload_id for key in ("b", "a", "b")]

    first = model.list_multipart_uploads("bucket")
    second = model.list_multipart_uploads(
        "bucket", key_marker=first.next_key_marker, upload_id_marker=first.next_upload_id_marker
    )

    assert [upload.upload_id for upload in first.uploads + second.uploads] == [ids[1], ids[0], ids[2]]
    assert (first.is_truncated, second.is_truncated) == (True, False)


def test_uploads_are_found_by_prefix(model: S3Model) -> None:
    """Other keys are not shown."""
    model.create_multipart_upload("bucket", "logs/1")
    model.create_multipart_upload("bucket", "data/1")

    page = model.list_multipart_uploads("bucket", prefix="logs/")

    assert [upload.key for upload in page.uploads] == ["logs/1"]


def test_an_upload_tells_when_it_will_be_aborted() -> None:
    """Days after it was created, by the model's clock."""
    model = S3Model(abort_after_days=7, clock=lambda: 1000.0)

    assert create(model).abort_time == 1000.0 + 7 * 24 * 60 * 60
