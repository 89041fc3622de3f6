"""Mask secrets in the logs of other libraries: headers, queries, documents and parameters."""

import os
import re

MASK = "***"
_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PARTWAY_SSE_C_KEY")
_SHORTEST = 8  # minimum length of a variable's value that is masked; shorter ones occur by chance

# Names of secrets, as spelled in headers, query parameters, JSON, XML and Python.
_NAME = (
    r"[\w-]*(?:authorization|secret[_-]?access[_-]?key|secret[_-]?key|client[_-]?secret"
    r"|(?:security|session|access|refresh|identity|web[_-]?identity|bearer|metadata|id)[_-]?token|customer[_-]?key(?:[_-]?md5)?"
    r"|x-amz-signature|x-amz-credential|access[_-]?key[_-]?id|samlassertion|assertion|password|passwd)"
)
_QUOTED = re.compile(rf"""(?ix) (['"]? {_NAME} ['"]? \s* [:=,] \s* b?) (['"]) (?:\\.|(?!\2).)* \2 """, re.DOTALL)
_ELEMENT = re.compile(rf"(?i)(<({_NAME}|token)>)[^<]*(</)")
_PLAIN = re.compile(rf"(?i)(\b{_NAME}[:=])(?!\s*b?['\"])[^\s&;,'\"<>)}}\]]+")
_HEADER_LINE = re.compile(rf"(?im)^(\s*{_NAME}\s*:)(?!\s*b?['\"]).*$")
_JSON_TOKEN = re.compile(r"""(?i)(["']token["']\s*:\s*b?)(["']).*?\2""")
_SIGNED = re.compile(r"(?i)\b(Signature\s*[=:]\s*|Credential=)[^\s,'\"&]+")
_PROXY = re.compile(r"(?i)\b(https?://[^\s/:@'\"]*:)[^\s/@'\"]+(@)")


def mask(text: str) -> str:
    """The text without credentials, signatures, security tokens and customer keys."""
    for variable in _VARIABLES:
        value = os.environ.get(variable, "")
        if len(value) >= _SHORTEST:
            text = text.replace(value, MASK)
    text = _QUOTED.sub(rf"\1\2{MASK}\2", text)
    text = _ELEMENT.sub(rf"\1{MASK}\3", text)
    text = _HEADER_LINE.sub(rf"\1{MASK}", text)
    text = _PLAIN.sub(rf"\1{MASK}", text)
    text = _JSON_TOKEN.sub(rf"\1\2{MASK}\2", text)
    text = _SIGNED.sub(rf"\1{MASK}", text)
    return _PROXY.sub(rf"\1{MASK}\2", text)
