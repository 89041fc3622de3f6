"""Parse the rows of ListParts.  botocore takes 120 microseconds per row, mostly for a date that is rarely used.

Anything unusual is left to botocore, so that only one parser decides what an unusual response means.
"""

from typing import Any
from xml.etree import ElementTree

_FACTS = frozenset({"Bucket", "IsTruncated", "Key", "Part", "UploadId"})  # every list has some of them
_NUMBERS = ("PartNumber", "Size")
_WANTED = (*_NUMBERS, "ETag", "LastModified")


def take_rows(response_dict: Any, customized_response_dict: Any, **_: Any) -> None:
    """A handler for botocore's "before-parse.s3.ListParts": take the rows out of the body before botocore parses it.

    They are returned in the response's "Parts", like botocore's own, but only with the fields that the engine uses, and
    with dates as text.
    """
    if response_dict["status_code"] != 200:
        return
    try:
        root = ElementTree.fromstring(response_dict["body"], ElementTree.XMLParser(encoding="utf-8"))
        if not {_name(child) for child in root} & _FACTS:
            _refuse_object(response_dict)
            return
        parts = [child for child in root if _name(child) == "Part"]
        rows = [_row(part) for part in parts]
        for part in parts:
            root.remove(part)
        rest = ElementTree.tostring(root)
    except ElementTree.ParseError:
        _refuse_object(response_dict)
        return
    except (ValueError, RecursionError):
        return
    if rows:
        response_dict["body"] = rest
        customized_response_dict["Parts"] = rows


def _refuse_object(response_dict: Any) -> None:
    """Turn the response into a refusal if the service does not support ListParts and sent the object instead.

    Only an object has an ETag; a truncated list or a proxy's page is requested again.
    """
    if "etag" in response_dict["headers"]:
        response_dict["status_code"] = 501
        response_dict["body"] = (
            b"<Error><Code>NotImplemented</Code><Message>the service gave the object, not a list</Message></Error>"
        )


def _row(part: ElementTree.Element) -> dict[str, Any]:
    fields = {_name(field): field.text or "" for field in part}
    if len(fields) != len(part):
        raise ValueError("a field is duplicated")
    row: dict[str, Any] = {
        name: text for name, text in fields.items() if name in _WANTED or name.startswith("Checksum")
    }
    for name in _NUMBERS:
        if row.get(name):
            row[name] = int(row[name])
    # Ignore elements without content.
    return {name: value for name, value in row.items() if value != ""}


def _name(element: ElementTree.Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]
