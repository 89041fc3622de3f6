"""The destination of an object, and the options it is created with."""

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOptions:
    """The properties of the object besides its bytes; None leaves the choice to the service.

    metadata: user metadata as ``(name, value)`` pairs.
    preserve: True also stores the file's time and mode.
    file_attributes: these, as user metadata; set when the upload of a file is started.
    tagging: in S3's format, ``name=value&name=value``, URL-encoded.
    grants: ``(permission, grantees)`` pairs, such as ``("GrantRead", 'id="..."')``; not together with an ACL.
    expires, object_lock_retain_until_date: dates in ISO 8601 format.
    request_payer, expected_bucket_owner: sent with every call about the object.
    sse_kms_context: the encryption context of the KMS key, as S3 expects it: JSON in base64.
    checksum_type: S3's FULL_OBJECT or COMPOSITE; None chooses the algorithm's usual type.
    customer_key: the fingerprint of the SSE-C key that encrypts the object; the backend has the key itself.
    no_overwrite: True fails instead of replacing an existing object.
    """

    acl: str | None = None
    storage_class: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    cache_control: str | None = None
    expires: str | None = None
    website_redirect: str | None = None
    tagging: str | None = None
    grants: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    preserve: bool = False
    file_attributes: tuple[tuple[str, str], ...] = ()
    sse: str | None = None
    sse_kms_key_id: str | None = None
    sse_kms_context: str | None = None
    sse_bucket_key: bool = False
    customer_key: str | None = None
    object_lock_mode: str | None = None
    object_lock_retain_until_date: str | None = None
    object_lock_legal_hold: str | None = None
    request_payer: str | None = None
    expected_bucket_owner: str | None = None
    checksum_type: str | None = None
    no_overwrite: bool = False

    def to_json(self) -> str:
        """JSON for the store, with only the options that are set."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ObjectOptions":
        """Read the output of ``to_json``.  An unknown option raises ValueError and is never dropped silently."""
        values = json.loads(text)
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown object options {sorted(unknown)}")
        pairs = {
            field: tuple((name, value) for name, value in values.get(field, ()))
            for field in ("metadata", "grants", "file_attributes")
        }
        return cls(**values | pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The destination of an object.  endpoint: the service's address; "" means AWS."""

    bucket: str
    key: str
    endpoint: str = ""
    options: ObjectOptions = ObjectOptions()

    @property
    def url(self) -> str:
        """The destination as users write it."""
        return f"s3://{self.bucket}/{self.key}"
