"""The key, options and checksum algorithm that S3 fixes when an upload is created.  A later run cannot change them."""

from dataclasses import fields, replace

from partway.state.uploads import UploadRecord

from ..backend.content_types import content_type
from ..backend.protocol import MultipartBackend
from ..backend.target import ObjectOptions, Target
from ..checksums import ChecksumAlgorithm
from ..errors import PlanError, StateDamaged
from ..limits import S3Limits

_START_OVER = "start over with --restart"


def target_of(record: UploadRecord) -> Target:
    """The destination of a stored upload, with the options it was created with."""
    return Target(
        bucket=record.bucket,
        key=record.key,
        endpoint=record.endpoint,
        options=stored_options(record),
    )


def url_of(record: UploadRecord) -> str:
    """The destination of a stored upload as users write it.  Works even when its options are unreadable."""
    return Target(bucket=record.bucket, key=record.key).url


def stored_options(record: UploadRecord) -> ObjectOptions:
    """The options in the record.

    Raises:
        StateDamaged: they are unreadable.
    """
    try:
        return ObjectOptions.from_json(record.options)
    except (ValueError, TypeError, AttributeError) as error:
        raise StateDamaged(f"upload {record.id} has unreadable options in the store; {_START_OVER}") from error


def check_record(record: UploadRecord, limits: S3Limits) -> None:
    """Reject a record that no version of partway could have written.

    Raises:
        StateDamaged: its algorithm is unknown, or its part size is outside S3's limits.
    """
    if not {record.checksum_algorithm, record.wanted_algorithm} <= {*ChecksumAlgorithm, None}:
        raise StateDamaged(f"upload {record.id} has an unknown checksum algorithm in the store; {_START_OVER}")
    if not limits.min_part_size <= record.part_size <= limits.max_part_size:
        raise StateDamaged(f"upload {record.id} has an impossible part size in the store; {_START_OVER}")


def check_key(target: Target, limits: S3Limits) -> None:
    """Reject a key that S3 would reject.

    Raises:
        PlanError: it is too long, or not valid UTF-8.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    try:
        length = len(target.key.encode())
    except UnicodeEncodeError:
        raise PlanError("the key is not valid UTF-8; set the key in the destination, or rename the file") from None
    if length > limits.max_key_bytes:
        raise PlanError(f"the key has {length:,} bytes; S3 accepts at most {limits.max_key_bytes:,}")


def with_sse_c_fingerprint(target: Target, backend: MultipartBackend) -> Target:
    """The destination with the fingerprint of the SSE-C key that the backend sends.

    Raises:
        PlanError: the destination is known to need a key, and the backend has none or a different one.
    """
    given, needed = backend.customer_key(target.bucket), target.options.customer_key
    if needed is not None and given != needed:
        raise PlanError(_wrong_key("this was started", given))
    return replace(target, options=replace(target.options, customer_key=given))


def _wrong_key(what: str, given: str | None) -> str:
    if given is None:
        return (
            f"{what} with a customer-provided key (SSE-C), which is never stored; give it with "
            "--sse-c-key fileb://FILE, or in PARTWAY_SSE_C_KEY"
        )
    return f"{what} with a key other than --sse-c-key; nothing was sent: give the original key"


def options_at_create(record: UploadRecord, wanted: ObjectOptions) -> ObjectOptions:
    """The options that S3 fixed when the upload was created.

    Raises:
        PlanError: the user now asks for different ones, so it is unclear which are intended.
    """
    frozen = stored_options(record)
    if frozen.customer_key is not None and wanted.customer_key != frozen.customer_key:
        reason = _wrong_key(f"upload {record.id} of this file was started", wanted.customer_key)
        raise PlanError(f"{reason}, or start over with --restart")
    for field in fields(ObjectOptions):
        now, then = getattr(wanted, field.name), getattr(frozen, field.name)
        if now and now != then:
            raise PlanError(
                f"upload {record.id} of this file was started with another {field.name.replace('_', ' ')}, and S3 "
                "cannot change it now; omit the option to finish it as it is, or start over with --restart"
            )
    return frozen


def check_algorithm(record: UploadRecord, wanted: ChecksumAlgorithm | None) -> None:
    """Reject a checksum algorithm other than that of the finished parts.  None accepts any.

    Raises:
        PlanError: the user now asks for a different one.
    """
    if wanted not in (None, record.checksum_algorithm):
        raise PlanError(
            f"upload {record.id} of this file was started with {record.checksum_algorithm} "
            "checksums; omit --checksum-algorithm to finish it as it is, or start over with --restart"
        )


def with_content_type(options: ObjectOptions, name: str) -> ObjectOptions:
    """The options with the content type for the extension of a path or key, unless they already set one."""
    if options.content_type is not None:
        return options
    return replace(options, content_type=content_type(name))
