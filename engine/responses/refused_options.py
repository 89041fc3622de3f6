"""Find out which options of an upload a refusal is about.

Services report what they refuse in many ways: with a specific code, with the header in the document, or only in the
message.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..backend.target import ObjectOptions


@dataclass(frozen=True, slots=True)
class _Option:
    """An option of the command, and how to recognize it in a refusal.

    words: in lower case; a refusal that contains one of them is about this option.
    permission: the permission that it requires besides permission to write; "" for none.
    common: True when every service supports it.
    """

    flag: str
    words: tuple[str, ...]
    permission: str = ""
    common: bool = False


_ACL = ("acl", "accesscontrollist", "access control list", "x-amz-grant")
_LOCK = ("object-lock", "object lock", "objectlock", "retention", "retain", "legal hold", "legal-hold", "legalhold")
_SSE = ("server-side-encryption", "server side encryption", "encryption", "kms", "sse algorithm")
_OPTIONS = {
    "acl": _Option("--acl", _ACL, "s3:PutObjectAcl"),
    "grants": _Option("--grants", (*_ACL, "grant"), "s3:PutObjectAcl"),
    "tagging": _Option("--tagging", ("tagging", "tag set", "tagset", "invalidtag"), "s3:PutObjectTagging"),
    "storage_class": _Option("--storage-class", ("storage class", "storage-class", "storageclass")),
    "sse": _Option("--sse", _SSE, "kms:GenerateDataKey"),
    "sse_kms_key_id": _Option("--sse-kms-key-id", ("kms",), "kms:GenerateDataKey"),
    "sse_bucket_key": _Option("--sse-bucket-key", ("bucket-key", "bucket key", "bucketkey")),
    "customer_key": _Option("--sse-c", ("customer-key", "customer-algorithm", "customer key", "customer-provided")),
    "object_lock_mode": _Option("--object-lock-mode", _LOCK, "s3:PutObjectRetention"),
    "object_lock_retain_until_date": _Option("--object-lock-retain-until-date", _LOCK, "s3:PutObjectRetention"),
    "object_lock_legal_hold": _Option("--object-lock-legal-hold", _LOCK, "s3:PutObjectLegalHold"),
    "website_redirect": _Option("--website-redirect", ("website",)),
    "request_payer": _Option("--request-payer", ("request-payer", "requestpayer", "requester pays")),
    "expected_bucket_owner": _Option("--expected-bucket-owner", ("expected-bucket-owner", "expectedbucketowner")),
    "no_overwrite": _Option("--no-overwrite", ("if-none-match", "precondition", "conditional")),
    "metadata": _Option("--metadata", ("x-amz-meta", "metadata"), common=True),
    "content_encoding": _Option("--content-encoding", ("content-encoding",), common=True),
    "content_disposition": _Option("--content-disposition", ("content-disposition",), common=True),
    "content_language": _Option("--content-language", ("content-language",), common=True),
    "cache_control": _Option("--cache-control", ("cache-control",), common=True),
    "expires": _Option("--expires", ("expires header",), common=True),
}
_NAMES = frozenset({"BucketName", "Endpoint", "HostId", "Key", "RequestId", "Resource", "UploadId"})
_ARN = re.compile(r"\barn:\S+")
_MOST_READ = 2000  # maximum characters of a document that are examined
_OPTION_STATUSES = frozenset({400, 405, 501})
_EVERY_CALL = frozenset({"customer_key", "request_payer", "expected_bucket_owner"})
_AT_THE_END = frozenset({"no_overwrite"})


def said_of(problem: Mapping[str, object]) -> str:
    """The text of an error document in lower case, without the names of buckets, keys and resources."""
    words = " ".join(str(value) for name, value in problem.items() if name not in _NAMES)
    return _ARN.sub("", words[:_MOST_READ]).lower()


@dataclass(frozen=True, slots=True)
class SentOptions:
    """The options that were sent with one call.

    Args:
        operation: S3's name for the call.
        options: The options of the upload.
    """

    operation: str
    options: ObjectOptions = field(default_factory=ObjectOptions)

    @property
    def _sent(self) -> list[_Option]:
        return [option for name, option in _OPTIONS.items() if getattr(self.options, name) and self._goes_along(name)]

    def _goes_along(self, name: str) -> bool:
        if name in _EVERY_CALL or self.operation == "PutObject":
            return True
        if self.operation == "CompleteMultipartUpload":
            return name in _AT_THE_END
        return self.operation == "CreateMultipartUpload" and name not in _AT_THE_END

    def named_in(self, text: str) -> list[str]:
        """The flags of the options that a text, in lower case, is about."""
        return [option.flag for option in self._sent if any(word in text for word in option.words)]

    @property
    def uncommon(self) -> list[str]:
        """The flags of the options that a service may not support."""
        return [option.flag for option in self._sent if not option.common]

    @property
    def permissions(self) -> list[str]:
        """The permissions that the options require besides permission to write, each once."""
        return list(dict.fromkeys(option.permission for option in self._sent if option.permission))


def advice(sent: SentOptions, code: str, status: int, text: str) -> str:
    """Advice about the options that a refusal names or may be about; "" when it is about none.

    Args:
        text: The text of the response, in lower case.
    """
    named = sent.named_in(text)
    if code == "AccessControlListNotSupported":
        return f"this bucket has no ACLs: omit {_and(named or ['--acl'])}, and use a bucket policy"
    if code == "AccessDenied":
        if named:
            return f"check that these credentials may use {_and(named)}, or omit it"
        needs = sent.permissions
        return f"check that these credentials may write there; the options also require {_and(needs)}" if needs else ""
    if named and status in _OPTION_STATUSES:
        return f"the service does not accept {_and(named)} as given; omit it or change it"
    if status == 501 and (may_be := sent.uncommon):
        return f"perhaps the service does not support {' or '.join(may_be)}; omit it"
    return ""


def is_about_options(sent: SentOptions, status: int, text: str) -> bool:
    """True for a refusal that names an option that was sent, or that can be about nothing else.

    Args:
        text: The text of the response, in lower case.
    """
    return status in _OPTION_STATUSES and bool(sent.named_in(text) or (status == 501 and sent.uncommon))


def _and(words: list[str]) -> str:
    return " and ".join(words)
