"""Options are checked before anything is sent, with a message that says what to write."""

import datetime
import re
from typing import Any

import pytest

from partway import Client
from partway._arguments.options import JobOptions, UploadOptions, check_options
from partway.engine.backend.target import ObjectOptions
from partway.engine.walk.filters import Filter
from partway.errors import OptionError, PartwayError, UnknownOption
from tests.support.s3_server.server import StrictS3

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "acl": ({"acl": "open"}, "acl: 'open' is not one of private"),
    "storage class": ({"storage_class": "standard"}, "storage_class: 'standard' is not one of STANDARD"),
    "header": ({"content_type": "text/\n"}, "content_type: 'text/\\n' cannot be sent"),
    "header type": ({"content_type": 3}, "content_type: 3 is not a str"),
    "flag": ({"no_overwrite": 1}, "no_overwrite: 1 is neither True nor False"),
    "date": ({"expires": "tomorrow"}, "expires: 'tomorrow' is not a valid date"),
    "date type": ({"expires": 5}, "expires: 5 is not a valid date"),
    "metadata": ({"metadata": "a=b"}, "metadata: 'a=b' is not a mapping"),
    "metadata value": ({"metadata": {"a": 1}}, "metadata: names and values must be str"),
    "metadata name": ({"metadata": {"a b": "c"}}, "metadata: 'a b' is not a valid name"),
    "metadata twice": ({"metadata": {"a": "b", "A": "b"}}, "metadata: a name is given twice"),
    "metadata size": (
        {"metadata": {"a": "b" * 3000}},
        "the metadata has 3,001 bytes; S3 accepts",
    ),
    "tags": ({"tagging": {str(n): "" for n in range(11)}}, "tagging: use at most 10 tags"),
    "tags text": ({"tagging": "nonsense"}, "tagging: 'nonsense' is not valid"),
    "account": ({"expected_bucket_owner": "12"}, "expected_bucket_owner: '12' is not a valid account ID"),
    "size": ({"part_size": "big"}, "part_size: 'big' is not a valid size; use 16MiB"),
    "size type": ({"part_size": 1.5}, "part_size: 1.5 is not a size"),
    "size below none": ({"part_size": -1}, "part_size: -1 is not a size"),
    "concurrency": ({"concurrency": 0}, "concurrency: 0 is not a number from 1 to 256"),
    "concurrency flag": ({"concurrency": True}, "concurrency: True is not a number"),
    "algorithm": ({"checksum_algorithm": "crc"}, "checksum_algorithm: 'crc' is not one of CRC64NVME"),
    "callback": ({"callback": 3}, "callback: 3 is not callable"),
    "lock": (
        {"object_lock_mode": "GOVERNANCE"},
        "object_lock_retain_until_date must be used together",
    ),
    "key": ({"sse_kms_key_id": "x"}, "sse_kms_key_id requires sse='aws:kms'"),
    "grant": ({"grants": "read=me"}, "grants: 'read=me' is not a valid grant"),
    "grants type": ({"grants": {"read": "a"}}, "is not a list of grants"),
    "grants and acl": ({"grants": "read=id=a", "acl": "private"}, "acl and grants cannot be used together"),
    "age": ({"newer_than": "soon"}, "newer_than: 'soon' is neither an age nor a date"),
    "age type": ({"older_than": []}, "older_than: [] is not a valid time"),
    "order": ({"order": "color"}, "order: 'color' is not a valid order"),
    "filter": ({"include": "*"}, "include applies to several files; add recursive=True"),
    "stream": ({"expected_size": 3}, "expected_size applies to streams"),
}


@pytest.mark.parametrize(("options", "message"), BAD.values(), ids=BAD)
def test_a_bad_value(options: dict[str, Any], message: str) -> None:
    """One clear sentence, by the option's name; an error of partway's and a ValueError."""
    many = not {*options}.isdisjoint(("newer_than", "older_than", "order"))
    with pytest.raises(OptionError, match=re.escape(message)) as failure:
        check_options(options, many=many)

    assert isinstance(failure.value, (PartwayError, ValueError))


def test_a_name_that_is_mistyped() -> None:
    """The nearest one is named; it is a TypeError, as of any function."""
    with pytest.raises(TypeError, match="'storage_clas'; did you mean 'storage_class'") as failure:
        check_options({"storage_clas": "STANDARD"})

    assert isinstance(failure.value, UnknownOption)


@pytest.mark.parametrize("many", [False, True])
def test_type_checkers_know_every_option(many: bool) -> None:
    """The names that are checked are those of the TypedDict, and no others."""
    known = (JobOptions if many else UploadOptions).__optional_keys__

    for name in known:
        with pytest.raises(OptionError) as failure:
            check_options({name: object()}, many=many, stream=not many)
        assert not isinstance(failure.value, UnknownOption)
    with pytest.raises(UnknownOption):
        check_options({"other": 1})


def test_values_reach_the_engine_as_it_takes_them() -> None:
    """Dates in UTC, mappings as pairs."""
    zone = datetime.timezone(datetime.timedelta(hours=2))
    found = check_options(
        {
            "expires": datetime.datetime(2030, 1, 1, 2, tzinfo=zone),
            "metadata": {"a": "b"},
            "tagging": {"x": "1 2"},
            "checksum_algorithm": "sha256",
            "part_size": "1.5MiB",
            "acl": None,
            "grants": ["read=id=a,id=b", "full=uri=c"],
        }
    )

    assert found.object == ObjectOptions(
        expires="2030-01-01T00:00:00Z",
        metadata=(("a", "b"),),
        tagging="x=1+2",
        grants=(("GrantFullControl", 'uri="c"'), ("GrantRead", 'id="a",id="b"')),
    )
    assert (found.get("checksum_algorithm"), found.get("part_size")) == ("SHA256", 3 * 2**19)


def test_include_and_exclude_as_filters() -> None:
    """As ordered patterns, of which the last that matches decides."""
    found = check_options({"exclude": ["b"], "include": "a"}, many=True)

    assert [(each.include, each.pattern) for each in found.filters] == [(False, "*"), (True, "a"), (False, "b")]
    assert all(isinstance(each, Filter) for each in found.filters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoint_url": "localhost"}, "endpoint_url: 'localhost' is not valid"),
        ({"endpoint_url": 3}, "endpoint_url: 3 is not a str"),
        ({"bandwidth": "1KiB"}, "bandwidth: 1KiB is 1,024 bytes per second; the minimum is 4KiB"),
        ({"retry_for": "soon"}, "retry_for: 'soon' is not a valid time"),
        ({"retry_for": -1}, "retry_for: -1 is not a valid time"),
        ({"max_parts": 10_001}, "max_parts: 10001 is not a number"),
        ({"max_uploads": 0}, "max_uploads: 0 is not a number"),
        ({"sse_c_key": b"short"}, "sse_c_key: a key must have 32 bytes, not 5"),
        ({"state_dir": 3}, "state_dir: 3 is not a path"),
        ({"on_event": 3}, "on_event: 3 is not callable"),
    ],
)
def test_a_clients_bad_value(options: dict[str, Any], message: str) -> None:
    """As those of an upload."""
    with pytest.raises(OptionError, match=re.escape(message)):
        Client(**options)


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        ("bucket/key", "'bucket/key' is not a valid S3 address; use s3://bucket/key"),
        ("s3://", "'s3://' has no bucket"),
        ("s3://bucket", "has no object name; use s3://bucket/name"),
        ("s3://bucket/below/", "has no object name"),
        ("s3://arn:aws:nonsense", "is not the ARN of an access point"),
        (3, "the destination 3 is not a str"),
    ],
)
def test_a_bad_destination(client: Client, strict: StrictS3, destination: Any, message: str) -> None:
    """Refused before a request."""
    with pytest.raises(OptionError, match=re.escape(message)):
        client.upload(b"x", destination)

    assert strict.calls == []
