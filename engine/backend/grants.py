"""ACL grants as ``aws`` writes them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from collections.abc import Iterable

_PERMISSIONS = {
    "read": "GrantRead",
    "full": "GrantFullControl",
    "readacl": "GrantReadACP",
    "writeacl": "GrantWriteACP",
}
_GRANTEES = {"id": "id", "uri": "uri", "emailaddress": "emailAddress"}


def parse_grants(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The grants of ``permission=type=grantee`` texts, as ``ObjectOptions`` takes them.

    A text may have several, separated by spaces or commas; after a comma the permission may be left out:
    ``read=id=a,id=b``.

    Raises:
        ValueError: one is not valid.
    """
    found: dict[str, list[str]] = {}
    for group in " ".join(texts).split():
        permission = ""
        for text in filter(None, group.split(",")):
            first, _, rest = text.partition("=")
            if first in _PERMISSIONS:
                permission, (kind, _, who) = first, rest.partition("=")
            else:
                kind, who = first, rest
            if not permission or kind.lower() not in _GRANTEES or not who or '"' in who:
                raise ValueError(
                    f"{text!r} is not a valid grant; use permission=type=grantee, with the permission read, readacl, "
                    "writeacl or full, and the type id, uri or emailaddress"
                )
            found.setdefault(_PERMISSIONS[permission], []).append(f'{_GRANTEES[kind.lower()]}="{who}"')
    return tuple((name, ",".join(grantees)) for name, grantees in sorted(found.items()))
