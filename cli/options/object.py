"""The options of ``upload`` for the object, with aws's names and meanings."""

import datetime
import re
import string
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote

import click

from partway.engine.backend.choices import ACLS, STORAGE_CLASSES
from partway.engine.backend.grants import parse_grants
from partway.engine.backend.target import ObjectOptions
from partway.engine.dates import iso, parse_date

from . import values
from .bundle import gathered

F = TypeVar("F", bound=Callable[..., Any])

_MAX_TAGS, _MAX_TAG_LENGTH, _MAX_VALUE_LENGTH = 10, 128, 256
_OWNER = re.compile(r"\d{12}")


def object_options(command: F) -> F:
    """Add the options; the command receives ``object_options``, an ObjectOptions."""
    return gathered(command, _OPTIONS, "object_options", _make)  # type: ignore[no-any-return]


def _make(values: dict[str, Any]) -> ObjectOptions:
    if values["acl"] and values["grants"]:
        raise click.UsageError("--acl and --grants cannot be used together")
    if bool(values["object_lock_mode"]) != bool(values["object_lock_retain_until_date"]):
        raise click.UsageError("--object-lock-mode and --object-lock-retain-until-date must be used together")
    date = values["object_lock_retain_until_date"]
    if date is not None and datetime.datetime.fromisoformat(date) <= datetime.datetime.now(datetime.UTC):
        raise click.UsageError(f"--object-lock-retain-until-date {date} is in the past")
    for name in ("sse_kms_key_id", "sse_bucket_key"):
        if values[name] and not str(values["sse"]).startswith("aws:kms"):
            raise click.UsageError(f"--{name.replace('_', '-')} requires --sse aws:kms")
    return ObjectOptions(**values)


def _tagging(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html"""
    if value is None:
        return None
    if not value.isascii() or not value.isprintable():
        encoded = quote(value, safe=string.punctuation + " ")
        raise click.BadParameter(f"{value!r} is not URL-encoded; write it like {encoded}")
    try:
        tags = parse_qsl(value, keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_TAGS)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a valid tag set; use name=value&other=value, URL-encoded, with at most {_MAX_TAGS} tags"
        ) from None
    names = [name for name, _ in tags]
    if len(set(names)) < len(names):
        raise click.BadParameter("a tag name is given twice")
    if any(not name or len(name) > _MAX_TAG_LENGTH or len(text) > _MAX_VALUE_LENGTH for name, text in tags):
        raise click.BadParameter(
            f"a tag name must have 1 to {_MAX_TAG_LENGTH} characters, and a value at most {_MAX_VALUE_LENGTH}"
        )
    return value


def _grants(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    try:
        return parse_grants(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _date(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else iso(parse_date(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _owner(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _OWNER.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a valid account ID; use its 12 digits")
    return value


def _header(name: str, metavar: str, help: str, *more: str) -> Callable[[F], F]:
    return click.option(name, *more, callback=values.header_value, metavar=metavar, help=help)


_OPTIONS = (
    click.option("--acl", type=click.Choice(ACLS), metavar="ACL", help="Canned ACL of S3, e.g. public-read."),
    click.option(
        "--grants",
        multiple=True,
        callback=_grants,
        metavar="GRANT",
        help="ACL grants, e.g. read=uri=http://acs.amazonaws.com/groups/global/AllUsers.",
    ),
    click.option(
        "--storage-class",
        type=click.Choice(STORAGE_CLASSES),
        metavar="CLASS",
        help=f"Storage class: {', '.join(STORAGE_CLASSES)}.",
    ),
    _header("--content-type", "TYPE", "Content type.  [default: guessed from the file name]"),
    _header("--content-encoding", "NAME", "Content encoding, e.g. gzip."),
    _header("--content-disposition", "TEXT", "Content disposition, e.g. attachment."),
    _header("--content-language", "NAME", "Content language, e.g. en."),
    _header("--cache-control", "TEXT", "Cache control, e.g. max-age=3600."),
    click.option(
        "--expires",
        callback=_date,
        metavar="DATE",
        help="When cached copies expire, e.g. 2030-12-31, or seconds since the epoch.",
    ),
    _header("--website-redirect", "URL", "Redirect website requests for the object to this URL."),
    click.option(
        "--metadata",
        callback=values.metadata_value,
        metavar="MAP",
        help="User metadata: name=value,name=value, JSON, or file://FILE with either.",
    ),
    click.option(
        "--preserve",
        is_flag=True,
        help="Store the file's time and mode as metadata, which `rclone copy -M` restores.",
    ),
    click.option("--tagging", callback=_tagging, metavar="TAGS", help="Tags: name=value&other=value, URL-encoded."),
    click.option(
        "--sse",
        is_flag=False,
        flag_value="AES256",
        type=click.Choice(["AES256", "aws:kms", "aws:kms:dsse"]),
        help="Server-side encryption; AES256 if none is named.",
    ),
    _header("--sse-kms-key-id", "ID", "KMS key for --sse aws:kms."),
    click.option("--sse-bucket-key", is_flag=True, help="Use an S3 Bucket Key with --sse aws:kms."),
    click.option("--object-lock-mode", type=click.Choice(["GOVERNANCE", "COMPLIANCE"]), help="Object Lock mode."),
    click.option("--object-lock-retain-until-date", callback=_date, metavar="DATE", help="Object Lock retention date."),
    click.option("--object-lock-legal-hold", type=click.Choice(["ON", "OFF"]), help="Object Lock legal hold."),
    click.option(
        "--request-payer",
        is_flag=False,
        flag_value="requester",
        type=click.Choice(["requester"]),
        help="Accept that the requester pays.",
    ),
    click.option(
        "--expected-bucket-owner", callback=_owner, metavar="ACCOUNT", help="Fail if another account owns the bucket."
    ),
    click.option("--no-overwrite", is_flag=True, help="Never replace an existing object; skip the upload."),
)
