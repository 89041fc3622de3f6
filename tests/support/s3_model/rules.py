"""What every request must pass, whatever it does: sizes, keys, digests, checksum headers, encryption keys."""

from dataclasses import dataclass, replace

from .checksums import Checksum, check_checksum, check_content_md5
from .errors import S3Error, invalid_argument, invalid_request
from .quirks import Quirks, RefuseChecksums
from .values import ObjectOptions


@dataclass(slots=True, kw_only=True)
class ServiceRules:
    """A service's limits (bytes, counts) and quirks; ``quirks`` may be replaced at any time."""

    min_part_size: int
    max_part_size: int
    max_parts: int
    page_size: int
    max_object_size: int
    quirks: Quirks

    @property
    def hides_checksums(self) -> bool:
        """True when no answer tells a checksum."""
        return self.quirks.no_checksums or self.quirks.silent_checksums

    def check_number(self, number: int) -> None:
        """Raises: S3Error: InvalidArgument, the part number is not within 1..max_parts."""
        if not 1 <= number <= self.max_parts:
            raise invalid_argument(f"Part number must be an integer between 1 and {self.max_parts}, inclusive")

    def check_size(self, size: int) -> None:
        """Raises: S3Error: EntityTooLarge, for a part or a PutObject."""
        if size > self.max_part_size:
            raise S3Error(
                "EntityTooLarge",
                400,
                "Your proposed upload exceeds the maximum allowed size",
                details={"ProposedSize": str(size), "MaxSizeAllowed": str(self.max_part_size)},
            )

    def refuse_checksums(self, header: str | None) -> None:
        """Refuse a request that carries ``header``, where the store knows no checksums; None: it carries none."""
        if header is None or self.quirks.refuse_checksums is None:
            return
        if self.quirks.refuse_checksums is RefuseChecksums.NOT_IMPLEMENTED:
            raise S3Error("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
        raise invalid_request(f"Unsupported header '{header}' received for this API call.")

    def screen(self, checksum: Checksum | None) -> Checksum | None:
        """The checksum as this store sees it: refused, ignored (None) or as it is."""
        self.refuse_checksums(checksum.algorithm.header if checksum else None)
        return None if self.quirks.no_checksums else checksum

    def check_digests(self, data: bytes, checksum: Checksum | None, content_md5: str | None) -> None:
        """Raises: S3Error: BadDigest or InvalidDigest, the bytes are not what the client said."""
        if content_md5 is not None and not self.quirks.content_md5_ignored:
            check_content_md5(content_md5, data)
        if checksum is not None and not self.quirks.unverified_checksums:
            check_checksum(checksum, data)

    def kept_options(self, options: ObjectOptions | None) -> ObjectOptions:
        """What the store remembers of a request's options."""
        options = options or ObjectOptions()
        if sum(len(name) + len(value.encode()) for name, value in options.metadata.items()) > 2048:
            raise S3Error("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size")
        return replace(options, metadata={}) if self.quirks.drops_metadata else options

    def etag_is_md5(self, options: ObjectOptions) -> bool:
        """True where an ETag can serve as an MD5."""
        return options.has_md5_etag and not self.quirks.opaque_etags


def check_key(key: str) -> None:
    """Raises: S3Error: KeyTooLongError, above 1024 bytes of UTF-8."""
    if len(key.encode()) > 1024:
        raise S3Error("KeyTooLongError", 400, "Your key is too long")


def check_customer_key(options: ObjectOptions, given_md5: str | None) -> None:
    """Raises: S3Error: the SSE-C key was not sent again, is another one, or was not asked for."""
    if options.customer_key_md5 == given_md5:
        return
    if given_md5 is None:
        raise invalid_request(
            "The object was stored using a form of Server Side Encryption. "
            "The correct parameters must be provided to retrieve the object."
        )
    if options.customer_key_md5 is None:
        raise invalid_request("The encryption parameters are not applicable to this object.")
    raise S3Error("AccessDenied", 403, "The provided encryption key is not the one that was used.")


def check_upload_key(options: ObjectOptions, given_md5: str | None) -> None:
    """The same for the parts of an upload, which S3 refuses in other words."""
    if options.customer_key_md5 == given_md5:
        return
    if given_md5 is None:
        raise invalid_request(
            "The multipart upload initiate requested encryption. Subsequent part requests must include the "
            "appropriate encryption parameters."
        )
    raise invalid_request("The provided encryption parameters did not match the ones used originally.")
