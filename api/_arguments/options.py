"""The options of uploads: their names and types for type checkers, and the checks before anything is sent.

Names and meaning are those of the command's options: ``storage_class=`` is ``--storage-class``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, TypedDict

from partway.engine.backend.choices import (
    ACLS,
    ENCRYPTIONS,
    LEGAL_HOLDS,
    LOCK_MODES,
    REQUEST_PAYERS,
    STORAGE_CLASSES,
)
from partway.engine.backend.target import ObjectOptions
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.events import Event
from partway.engine.walk.filters import Filter

from . import values
from .errors import OptionError, UnknownOption


class ClientOptions(TypedDict, total=False):
    """The arguments of ``Client`` that are no options of an upload."""

    session: Any
    client: Any
    profile: str | None
    region: str | None
    endpoint_url: str | None
    sse_c_key: bytes | None
    state_dir: str | os.PathLike[str] | None
    bandwidth: int | str | None
    retry_for: float | str | None
    max_parts: int | None


class UploadOptions(TypedDict, total=False):
    """The options of an upload; each may be left out.

    The object: acl, storage_class, content_type (default: by the file's name), content_encoding, content_disposition,
    content_language, cache_control, expires, website_redirect, metadata, tagging, sse, sse_kms_key_id,
    sse_bucket_key, object_lock_mode, object_lock_retain_until_date, object_lock_legal_hold, request_payer,
    expected_bucket_owner; ``no_overwrite=True`` raises ObjectExists instead of replacing an object.

    How it is sent: part_size and concurrency (default: those of the Client), checksum_algorithm ("CRC64NVME", ...:
    this one or an error), guess_mime_type=False leaves the content type to the service, restart=True aborts an
    unfinished upload of this source and starts over, adopt=True resumes an upload found on S3 but missing from the
    local state, verify_source=True reads the source once more and compares every part before completing,
    verify_each=True asks for every object of a directory after its write, check_updated=False uploads a growing file
    as it is at the start.

    Streams (file objects, bytes, pipes): expected_size in bytes, equal_parts, allow_empty=True uploads no bytes as an
    empty object instead of refusing it.

    Progress: on_event is called with each event (``partway.events``), callback with the number of bytes since its last
    call, as boto3 has it: negative when bytes have to be sent again.  Both are called in the thread of the upload; what
    they raise stops the upload, which can be resumed.
    """

    acl: str
    storage_class: str
    content_type: str
    content_encoding: str
    content_disposition: str
    content_language: str
    cache_control: str
    expires: str | datetime | date
    website_redirect: str
    metadata: Mapping[str, str]
    tagging: Mapping[str, str] | str
    sse: str
    sse_kms_key_id: str
    sse_bucket_key: bool
    object_lock_mode: str
    object_lock_retain_until_date: str | datetime | date
    object_lock_legal_hold: str
    request_payer: str
    expected_bucket_owner: str
    no_overwrite: bool
    part_size: int | str
    concurrency: int
    checksum_algorithm: str
    guess_mime_type: bool
    restart: bool
    adopt: bool
    verify_source: bool
    verify_each: bool
    check_updated: bool
    expected_size: int | str
    equal_parts: bool
    allow_empty: bool
    on_event: Callable[[Event], object]
    callback: Callable[[int], object]


class JobOptions(UploadOptions, total=False):
    """The options of an upload of many files.

    include: patterns; only files that match one of them are uploaded.
    exclude: patterns; files that match one of them are not uploaded, whatever ``include`` says.  ``*`` matches
        anything, also a slash; compared with the file's path below the source directory.
    follow_symlinks: default True.
    skip_existing: True does not send a file that the service has already, by size and checksum.
    key_encoding: of file names that are not UTF-8, such as "latin-1"; default: refuse such files.
    fail_fast: True stops at the first failure; default: all other files are uploaded first.
    prune: True accepts that files of an interrupted upload are gone.
    fail_if_empty: True raises when no file matches.
    """

    include: Sequence[str] | str
    exclude: Sequence[str] | str
    follow_symlinks: bool
    skip_existing: bool
    key_encoding: str
    fail_fast: bool
    prune: bool
    fail_if_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Checked options.  ``given`` has the rest by name, each checked: what is not there was not given."""

    object: ObjectOptions
    filters: tuple[Filter, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an option; the default when it was not given."""
        return self.given.get(name, default)


_Check = Callable[[str, Any], Any]
_OBJECT: dict[str, _Check] = {
    "acl": values.one_of(ACLS),
    "storage_class": values.one_of(STORAGE_CLASSES),
    "content_type": values.header,
    "content_encoding": values.header,
    "content_disposition": values.header,
    "content_language": values.header,
    "cache_control": values.header,
    "expires": values.time,
    "website_redirect": values.header,
    "metadata": values.metadata,
    "tagging": values.tagging,
    "sse": values.one_of(ENCRYPTIONS),
    "sse_kms_key_id": values.header,
    "sse_bucket_key": values.flag,
    "object_lock_mode": values.one_of(LOCK_MODES),
    "object_lock_retain_until_date": values.time,
    "object_lock_legal_hold": values.one_of(LEGAL_HOLDS),
    "request_payer": values.one_of(REQUEST_PAYERS),
    "expected_bucket_owner": values.account,
    "no_overwrite": values.flag,
}
_SENDING: dict[str, _Check] = {
    "part_size": values.size,
    "concurrency": values.concurrency,
    "checksum_algorithm": values.one_of(tuple(each.value for each in ChecksumAlgorithm), upper=True),
    "guess_mime_type": values.flag,
    "restart": values.flag,
    "adopt": values.flag,
    "verify_source": values.flag,
    "verify_each": values.flag,
    "check_updated": values.flag,
    "expected_size": values.size,
    "equal_parts": values.flag,
    "allow_empty": values.flag,
    "on_event": values.function,
    "callback": values.function,
}
_FILTERS: dict[str, _Check] = {"include": values.patterns, "exclude": values.patterns}
_JOB: dict[str, _Check] = {
    "follow_symlinks": values.flag,
    "skip_existing": values.flag,
    "key_encoding": values.encoding,
    "fail_fast": values.flag,
    "prune": values.flag,
    "fail_if_empty": values.flag,
}
_STREAM_ONLY = ("expected_size", "equal_parts", "allow_empty")


def check_options(options: Mapping[str, Any], *, many: bool = False, stream: bool = False) -> Options:
    """The options, checked; None counts as not given.

    many, stream: what is uploaded; options of the others are refused.

    Raises:
        UnknownOption: there is no such option.
        OptionError: a value is not valid, options exclude each other, or are for another kind of source.
    """
    named = {name: value for name, value in options.items() if value is not None}
    for name in named:
        _check_name(name, many=many, stream=stream)
    found = {name: _check(name)(name, value) for name, value in named.items()}
    about_object = {name: value for name, value in found.items() if name in _OBJECT}
    _check_together(about_object)
    return Options(
        object=ObjectOptions(**about_object),
        filters=_filters(found.get("include", ()), found.get("exclude", ())),
        given={name: value for name, value in found.items() if name not in _OBJECT and name not in _FILTERS},
    )


def _check(name: str) -> _Check:
    return (_OBJECT | _SENDING | _FILTERS | _JOB)[name]


def _check_name(name: str, *, many: bool, stream: bool) -> None:
    known = [*_OBJECT, *_SENDING, *_FILTERS, *_JOB]
    if name not in known:
        close = get_close_matches(name, known, n=1)
        raise UnknownOption(f"there is no option {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    if not many and (name in _JOB or name in _FILTERS):
        raise OptionError(f"{name} is for directories; add recursive=True")
    if not stream and name in _STREAM_ONLY:
        raise OptionError(f"{name} is for streams: file objects, bytes and pipes")


def _filters(include: Sequence[str], exclude: Sequence[str]) -> tuple[Filter, ...]:
    only = [Filter(include=False, pattern="*")] if include else []
    return (
        *only,
        *(Filter(include=True, pattern=each) for each in include),
        *(Filter(include=False, pattern=each) for each in exclude),
    )


def _check_together(found: Mapping[str, Any]) -> None:
    if ("object_lock_mode" in found) != ("object_lock_retain_until_date" in found):
        raise OptionError("object_lock_mode and object_lock_retain_until_date need each other")
    for name in ("sse_kms_key_id", "sse_bucket_key"):
        if found.get(name) and not str(found.get("sse", "")).startswith("aws:kms"):
            raise OptionError(f"{name} needs sse='aws:kms'")
