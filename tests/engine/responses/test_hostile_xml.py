"""XML that wants to hurt: entities, depth, size, and what is no XML at all.

botocore feeds the whole body of an answer to ``xml.etree.ElementTree.XMLParser`` (``_parse_xml_string_to_dom`` in
botocore/parsers.py), so that external entities are never fetched and the document's own are expanded.  The parser is
expat, which from 2.4.1 on stops an expansion beyond a hundredfold of what was read
(https://docs.python.org/3/library/xml.html, "XML security").
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from pyexpat import version_info

import pytest

from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import CredentialsExpired, PartwayError
from partway.engine.s3.backend import S3Backend
from tests.support.s3_access.backend import backend_on
from tests.support.s3_faults.faults import Answer, Fault, Stage
from tests.support.s3_server.server import StrictS3

MIB = 1024 * 1024
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
BILLION = HEAD + b'<!DOCTYPE x [<!ENTITY l0 "haha haha">%s]>' % LAUGHS
QUADRATIC = HEAD + b'<!DOCTYPE x [<!ENTITY a "%s">]>' % (b"a" * 100_000)
ERROR = b"<Error><Code>AccessDenied</Code><Message>%s</Message></Error>"
CREATED = b"<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>"
LISTED = b"<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></ListPartsResult>"
DEPTH = 100_000
SECRET = "the content of a file of this machine"
# What stands where a text should, and what stands before the document.
TRICKS: dict[str, tuple[bytes, bytes]] = {
    "billion laughs": (BILLION, b"&l9;"),
    "quadratic": (QUADRATIC, b"&a;" * 50_000),
    "entity of a file": (HEAD + b'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{file}">]>', b"&e;"),
    "entity of a server": (HEAD + b'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/entity">]>', b"&e;"),
    "parameter entity": (HEAD + b'<!DOCTYPE x [<!ENTITY % e SYSTEM "{url}/dtd"> %e;]>', b"x"),
    "DOCTYPE of a server": (HEAD + b'<!DOCTYPE x SYSTEM "{url}/dtd">', b"x"),
    "DOCTYPE": (HEAD + b"<!DOCTYPE x>", b"x"),
    "deep": (HEAD, b"<a>" * DEPTH + b"</a>" * DEPTH),
    "deep and cut off": (HEAD, b"<a>" * DEPTH),
    "no UTF-8": (HEAD, b"\xff\xfe\xfd"),
    "surrogates": (HEAD, b"\xed\xa0\x80"),
    "another encoding": (b'<?xml version="1.0" encoding="UTF-16"?>\n', b"x"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?>\n', b"x"),
    "NUL": (HEAD, b"\0"),
    "long attribute": (HEAD, b'<a b="%s"/>' % (b"c" * MIB)),
    "many attributes": (HEAD, b"<a %s/>" % b" ".join(b'a%d=""' % n for n in range(50_000))),
}
DOCUMENTS = {"error": (403, ERROR), "create": (200, CREATED), "list": (200, LISTED)}


@pytest.fixture(scope="module")
def server() -> Iterator[StrictS3]:
    """What answers; and nothing else may be asked."""
    with StrictS3() as server:
        yield server


@pytest.fixture(scope="module")
def backend(server: StrictS3) -> Iterator[S3Backend]:
    """One client for every test here."""
    with backend_on(server) as backend:
        yield backend


@pytest.fixture
def ask(server: StrictS3, backend: S3Backend) -> Callable[[str, bytes], object]:
    """Have a call answered with a body; the value or the PartwayError that came of it."""
    target = Target(bucket="bucket", key="key", endpoint=server.url)

    def ask(document: str, body: bytes) -> object:
        server.faults.clear()
        answer = Answer(status=DOCUMENTS[document][0], body=body)
        server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=answer))
        try:
            if document == "list":
                return backend.list_parts(target, "U", ChecksumAlgorithm.MD5)
            return backend.create_upload(target, ChecksumAlgorithm.MD5)
        except PartwayError as error:
            return error

    return ask


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_is_an_answer_or_an_error(
    server: StrictS3, ask: Callable[[str, bytes], object], tmp_path: Path, document: str, name: str
) -> None:
    """Nothing else is raised, nothing is fetched, and no file of this machine is in what is told."""
    (tmp_path / "file").write_text(SECRET)
    before, content = TRICKS[name]
    before = before.replace(b"{file}", bytes(tmp_path / "file")).replace(b"{url}", server.url.encode())
    asked = len(server.calls)

    found = ask(document, before + DOCUMENTS[document][1] % content)
    assert len(server.calls) == asked + 1
    assert SECRET not in repr(found) + str(found)
    assert document != "error" or isinstance(found, PartwayError)
    assert not isinstance(found, CredentialsExpired)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_that_is_cut_off(ask: Callable[[str, bytes], object], document: str) -> None:
    """At any byte: an error, or what the status alone says."""
    whole = HEAD + DOCUMENTS[document][1] % b"x"

    found = [ask(document, whole[:length]) for length in range(1, len(whole), 7)]
    assert all(isinstance(each, PartwayError) for each in found)


def test_expat_is_one_that_limits_amplification() -> None:
    """The expat that this Python was built with; an older one would not stop at a hundredfold."""
    assert version_info >= (2, 4, 1)


PROGRAM = """
import json, resource, sys
from partway.engine.backend.protocol import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import CredentialsExpired, PartwayError
from partway.engine.s3.backend import S3Backend, S3Config
backend = S3Backend(S3Config(endpoint_url=sys.argv[1]))
target = Target(bucket="bucket", key="key", endpoint=backend.endpoint)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    found = type(backend.list_parts(target, "U", ChecksumAlgorithm.MD5)).__name__
except PartwayError as error:
    found = type(error).__name__
print(json.dumps([found, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024]))
"""


@pytest.mark.parametrize(
    ("body", "most"),
    [
        (BILLION + LISTED % b"&l9;", 200),
        (QUADRATIC + LISTED % (b"&a;" * 50_000), 200),
        (HEAD + LISTED % (b"a" * (50 * MIB)), 400),
        (HEAD + LISTED % (b"<a/>" * (5 * MIB // 4)), 200),
    ],
    ids=["billion laughs", "quadratic", "50 MiB of text", "5 MiB of elements"],
)
def test_memory_stays_bounded(server: StrictS3, body: bytes, most: int) -> None:
    """In MiB; what an answer takes is a small multiple of its own size."""
    server.faults.clear()
    server.faults.add(Fault(operation=None, stage=Stage.AFTER_BODY, action=Answer(status=200, body=body)))
    command = [sys.executable, "-c", PROGRAM, server.url]
    environment = {"PATH": "", **server.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    found, grown = json.loads(done.stdout)

    # None is "no list": what is too long for one may be the object, from a service that lists nothing.
    assert found in ("list", "NoneType", "Transient", "Refused")
    assert grown < most
