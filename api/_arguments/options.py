"""The options of uploads: names and types for type checkers, and checks before anything is sent.

Names and meanings match the command's options: ``storage_class=`` is ``--storage-class``.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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

from . import selection, values
from .errors import OptionError, UnknownOption


class ClientOptions(TypedDict, total=False):
    """The arguments of ``Client`` that are not options of an upload."""

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
    """The options of an upload; all are optional.

    The object: acl, grants (texts such as "read=id=..."), storage_class, content_type (default: guessed from the file
    name), content_encoding, content_disposition, content_language, cache_control, expires, website_redirect, metadata,
    tagging, sse, sse_kms_key_id, sse_bucket_key, object_lock_mode, object_lock_retain_until_date,
    object_lock_legal_hold,
    request_payer, expected_bucket_owner; ``no_overwrite=True`` raises ObjectExists instead of replacing an object,
    ``preserve=True`` stores the time and mode of a file as metadata, which ``rclone copy --metadata`` restores.

    Sending: part_size and concurrency (default: those of the Client), checksum_algorithm (for example "CRC64NVME"; an
    error if the service does not support it), guess_mime_type=False leaves the content type to the service,
    restart=True aborts an unfinished upload of this source and starts over, adopt=True resumes an upload found on S3
    but missing from the local state, verify_source=True reads the source again and compares every part before
    completing, verify_each=True checks every object of a directory with a separate request after its upload,
    check_updated=False uploads a growing file as it is at the start.

    Streams (file objects, bytes, pipes): expected_size in bytes, equal_parts; allow_empty=True creates an empty object
    for an empty stream instead of refusing it.

    Progress: progress=True shows bars on standard error, in a terminal and in Jupyter.  on_event is called with each
    event (``partway.events``), and callback with the number of bytes since its last call, as boto3's Callback is:
    negative when bytes have to be sent again.  Both are called in the upload's thread.  An exception from either stops
    the upload, which can then be resumed.
    """

    acl: str
    grants: Sequence[str] | str
    storage_class: str
    content_type: str
    content_encoding: str
    content_disposition: str
    content_language: str
    cache_control: str
    expires: str | datetime | date
    website_redirect: str
    metadata: Mapping[str, str]
    preserve: bool
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
    progress: bool
    on_event: Callable[[Event], object]
    callback: Callable[[int], object]


class JobOptions(UploadOptions, total=False):
    """The options of an upload of many files.

    include: patterns; only files that match one of them are uploaded.
    exclude: patterns; files that match one of them are not uploaded, even if they match ``include``.  A pattern is
        matched against the path below the source directory; ``*`` matches anything, including a slash.
    files_from: the names of the files, instead of all: a list, or the path of a file with one per line (# begins a
        comment) or separated by NUL.  Names are relative to the source directory; a directory stands for its files.
    min_size, max_size: bytes, or text such as "50MiB"; smaller or larger files are not uploaded.
    newer_than, older_than: files modified before or after this are not uploaded.  An age (seconds, a timedelta, or text
        such as "7d") counts from the start of the first run; or a date.
    order: "size", "name" or "mtime", and ",desc" for the largest, last or newest first; default: as they are found.
    follow_symlinks: default True.
    skip_existing: True skips files whose objects have the same size and checksum.
    key_encoding: the encoding of file names that are not UTF-8, such as "latin-1"; default: refuse such files.
    fail_fast: True stops at the first failure; by default, the other files are still uploaded.
    prune: True accepts that files of an interrupted upload no longer exist.
    fail_if_empty: True raises an error when no file matches.
    """

    include: Sequence[str] | str
    exclude: Sequence[str] | str
    files_from: Sequence[str | os.PathLike[str]] | str | os.PathLike[str]
    min_size: int | str
    max_size: int | str
    newer_than: float | str | timedelta | datetime | date
    older_than: float | str | timedelta | datetime | date
    order: str
    follow_symlinks: bool
    skip_existing: bool
    key_encoding: str
    fail_fast: bool
    prune: bool
    fail_if_empty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Checked options.  ``given`` has those that are not fields of their own, by name; missing means not given."""

    object: ObjectOptions
    filters: tuple[Filter, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an option, or the default when it was not given."""
        return self.given.get(name, default)


_Check = Callable[[str, Any], Any]
_OBJECT: dict[str, _Check] = {
    "acl": values.one_of(ACLS),
    "grants": values.grants,
    "storage_class": values.one_of(STORAGE_CLASSES),
    "content_type": values.header,
    "content_encoding": values.header,
    "content_disposition": values.header,
    "content_language": values.header,
    "cache_control": values.header,
    "expires": values.time,
    "website_redirect": values.header,
    "metadata": values.metadata,
    "preserve": values.flag,
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
    "progress": values.flag,
    "on_event": values.function,
    "callback": values.function,
}
_FILTERS: dict[str, _Check] = {"include": values.patterns, "exclude": values.patterns}
_JOB: dict[str, _Check] = {
    "files_from": selection.names,
    "min_size": values.size,
    "max_size": values.size,
    "newer_than": selection.age,
    "older_than": selection.age,
    "order": selection.order,
    "follow_symlinks": values.flag,
    "skip_existing": values.flag,
    "key_encoding": values.encoding,
    "fail_fast": values.flag,
    "prune": values.flag,
    "fail_if_empty": values.flag,
}
_STREAM_ONLY = ("expected_size", "equal_parts", "allow_empty")


def check_options(options: Mapping[str, Any], *, many: bool = False, stream: bool = False) -> Options:
    """Check the options; None means not given.

    many, stream: the kind of source; options for other kinds are refused.

    Raises:
        UnknownOption: there is no such option.
        OptionError: a value is not valid, or options cannot be combined or do not apply to this kind of source.
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
        raise OptionError(f"{name} applies to several files; add recursive=True")
    if stream and name == "preserve":
        raise OptionError("preserve is for files: other sources have no time and mode")
    if not stream and name in _STREAM_ONLY:
        raise OptionError(f"{name} applies to streams: file objects, bytes and pipes")


def _filters(include: Sequence[str], exclude: Sequence[str]) -> tuple[Filter, ...]:
    only = [Filter(include=False, pattern="*")] if include else []
    return (
        *only,
        *(Filter(include=True, pattern=each) for each in include),
        *(Filter(include=False, pattern=each) for each in exclude),
    )


def _check_together(found: Mapping[str, Any]) -> None:
    if found.get("acl") and found.get("grants"):
        raise OptionError("acl and grants cannot be used together")
    if ("object_lock_mode" in found) != ("object_lock_retain_until_date" in found):
        raise OptionError("object_lock_mode and object_lock_retain_until_date must be used together")
    for name in ("sse_kms_key_id", "sse_bucket_key"):
        if found.get(name) and not str(found.get("sse", "")).startswith("aws:kms"):
            raise OptionError(f"{name} requires sse='aws:kms'")
