"""Proof: the object is called equal only for a reason, and the reason is named."""

import base64
import hashlib
from dataclasses import replace

import pytest

from partway.engine.backend.responses import ObjectFacts
from partway.engine.checksums import ChecksumAlgorithm, checksum, combine
from partway.engine.errors import ProofFailed
from partway.engine.proof.proof import Proof, prove, prove_written
from partway.state.uploads import PartRecord

PIECES = [b"first", b"second", b"third"]
WHOLE = b"".join(PIECES)
CRCS = [ChecksumAlgorithm.CRC64NVME, ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32C]
COMPOSITES = [ChecksumAlgorithm.SHA1, ChecksumAlgorithm.SHA256]
MD5 = ChecksumAlgorithm.MD5


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def sent(algorithm: ChecksumAlgorithm, pieces: list[bytes] = PIECES) -> list[PartRecord]:
    """The records of parts that S3 answered with the MD5 as ETag."""
    return [
        PartRecord(number=number, size=len(data), etag=md5(data), checksum=checksum(algorithm, data), run=1)
        for number, data in enumerate(pieces, start=1)
    ]


def facts(checksum: str | None = None, etag: str = "opaque", size: int = len(WHOLE)) -> ObjectFacts:
    return ObjectFacts(size=size, etag=etag, checksum=checksum)


MULTIPART_ETAG = md5(b"".join(hashlib.md5(piece).digest() for piece in PIECES)) + "-3"


@pytest.mark.parametrize("algorithm", ChecksumAlgorithm)
@pytest.mark.parametrize("size", [0, len(WHOLE) - 1, len(WHOLE) + 1])
def test_another_size_is_never_equal(algorithm: ChecksumAlgorithm, size: int) -> None:
    """Even when the checksum agrees; the message has both sizes."""
    agreed = combine(algorithm, [(part.checksum, part.size) for part in sent(algorithm)])

    with pytest.raises(ProofFailed, match=rf"has {size} bytes, the file has {len(WHOLE)}"):
        prove(facts(agreed, MULTIPART_ETAG, size=size), sent(algorithm), algorithm=algorithm)


@pytest.mark.parametrize("algorithm", CRCS)
def test_the_crc_of_the_whole_proves_it(algorithm: ChecksumAlgorithm) -> None:
    """S3's checksum of the object is that of the file's bytes."""
    proof = prove(facts(checksum(algorithm, WHOLE)), sent(algorithm), algorithm=algorithm)

    assert proof == algorithm.value.lower()
    assert proof.covers_object


@pytest.mark.parametrize("algorithm", COMPOSITES)
def test_the_composite_checksum_proves_it(algorithm: ChecksumAlgorithm) -> None:
    """The hash of the parts' hashes, with the number of parts."""
    hashes = b"".join(base64.b64decode(part.checksum) for part in sent(algorithm))
    value = base64.b64encode(hashlib.new(algorithm.value, hashes).digest()).decode() + "-3"

    assert prove(facts(value), sent(algorithm), algorithm=algorithm) == algorithm.value.lower()


@pytest.mark.parametrize("algorithm", [*CRCS, *COMPOSITES])
@pytest.mark.parametrize("suffix", ["-3", ""])
def test_a_composite_checksum_in_any_form_proves_it(algorithm: ChecksumAlgorithm, suffix: str) -> None:
    """Services compute it of CRCs, too, whatever type was declared; some leave the number of parts away."""
    joined = b"".join(base64.b64decode(part.checksum) for part in sent(algorithm))
    value = checksum(algorithm, joined) + suffix

    assert prove(facts(value), sent(algorithm), algorithm=algorithm) == algorithm.value.lower()


@pytest.mark.parametrize("algorithm", [*CRCS, *COMPOSITES])
@pytest.mark.parametrize("etag", ["opaque", MULTIPART_ETAG])
def test_another_checksum_is_another_object(algorithm: ChecksumAlgorithm, etag: str) -> None:
    """Same size and, if it were asked, the same ETag: the checksum alone decides, and the message names both."""
    wrong = combine(algorithm, [(checksum(algorithm, b"x"), 1), (checksum(algorithm, b"y"), 1)])

    with pytest.raises(ProofFailed, match=rf"the {algorithm} of the object on S3 is .*, of the file"):
        prove(facts(wrong, etag), sent(algorithm), algorithm=algorithm)


@pytest.mark.parametrize("algorithm", [*CRCS, *COMPOSITES])
def test_without_a_checksum_only_the_size_was_compared(algorithm: ChecksumAlgorithm) -> None:
    """The service named none; that is no failure and no proof of the whole."""
    proof = prove(facts(None, MULTIPART_ETAG), sent(algorithm), algorithm=algorithm)

    assert proof is Proof.SIZE
    assert not proof.covers_object


@pytest.mark.parametrize("algorithm", [*CRCS, *COMPOSITES])
def test_an_object_in_one_piece_has_the_checksum_of_its_bytes(algorithm: ChecksumAlgorithm) -> None:
    """PutObject: no composite form, no combining."""
    proof = prove(facts(checksum(algorithm, WHOLE)), sent(algorithm, [WHOLE]), algorithm=algorithm, multipart=False)

    assert proof == algorithm.value.lower()


@pytest.mark.parametrize("algorithm", COMPOSITES)
def test_an_object_in_one_piece_has_no_composite_checksum(algorithm: ChecksumAlgorithm) -> None:
    """A value with ``-1`` says that the object came otherwise than it was sent."""
    part = sent(algorithm, [WHOLE])
    composite = combine(algorithm, [(part[0].checksum, part[0].size)])

    with pytest.raises(ProofFailed):
        prove(facts(composite), part, algorithm=algorithm, multipart=False)


def test_the_multipart_etag_proves_it() -> None:
    """With MD5 the ETag is the MD5 of the parts' MD5s."""
    proof = prove(facts(etag=MULTIPART_ETAG), sent(MD5), algorithm=MD5)

    assert proof is Proof.ETAG
    assert proof.covers_object


def test_the_etag_of_one_piece_proves_it() -> None:
    """With PutObject it is the MD5 itself."""
    assert prove(facts(etag=md5(WHOLE)), sent(MD5, [WHOLE]), algorithm=MD5, multipart=False) is Proof.ETAG


def test_one_part_is_not_one_piece() -> None:
    """A multipart upload of a single part has the form with -1, and PutObject's ETag does not pass for it."""
    assert prove(facts(etag=md5(WHOLE)), sent(MD5, [WHOLE]), algorithm=MD5) is Proof.MD5


def test_an_opaque_etag_leaves_the_md5s_of_the_parts() -> None:
    """Each part was answered with its MD5; that the object is made of them is compared by size only."""
    proof = prove(facts(etag="opaque"), sent(MD5), algorithm=MD5)

    assert proof is Proof.MD5
    assert not proof.covers_object


def test_one_part_with_an_opaque_etag_leaves_only_the_size() -> None:
    """A chain is as strong as its weakest part."""
    first, *rest = sent(MD5)
    parts = [PartRecord(number=1, size=first.size, etag="opaque", checksum=first.checksum, run=1), *rest]

    assert prove(facts(etag="opaque"), parts, algorithm=MD5) is Proof.SIZE


def test_an_opaque_etag_of_one_piece_leaves_only_the_size() -> None:
    """There is no part whose receipt could say more."""
    assert prove(facts(etag="opaque"), sent(MD5, [WHOLE]), algorithm=MD5, multipart=False) is Proof.SIZE


def test_an_empty_object_is_proven_too() -> None:
    """No bytes, and still a checksum."""
    algorithm = ChecksumAlgorithm.CRC64NVME
    empty = facts(checksum(algorithm, b""), size=0)

    assert prove(empty, sent(algorithm, [b""]), algorithm=algorithm, multipart=False) is Proof.CRC64NVME


def test_parts_in_another_order_are_another_object() -> None:
    """The order of the records is that of the object."""
    algorithm = ChecksumAlgorithm.CRC64NVME

    with pytest.raises(ProofFailed):
        prove(facts(checksum(algorithm, WHOLE)), sent(algorithm)[::-1], algorithm=algorithm)


CRC64NVME = ChecksumAlgorithm.CRC64NVME
OURS = checksum(CRC64NVME, WHOLE)


@pytest.mark.parametrize("etags_agree", [True, False])
@pytest.mark.parametrize("etag", ["abc-3", '"abc-3"', "ABC-3", 'W/"abc-3"'])
def test_the_answer_counts_for_the_object_that_it_named(etag: str, etags_agree: bool) -> None:
    """HEAD shows the same ETag, however it is written, and names no checksum."""
    proof = prove_written(
        facts(None, etag), facts(OURS, "abc-3"), sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=etags_agree
    )

    assert proof is Proof.CRC64NVME


@pytest.mark.parametrize(("head", "written"), [("abc-3", "def-3"), ("", "def-3"), ("abc-3", ""), ("", "")])
def test_the_answer_counts_for_no_other_object(head: str, written: str) -> None:
    """Another ETag, or none: the object that HEAD shows was compared by its size alone."""
    proof = prove_written(
        facts(None, head), facts(OURS, written), sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=False
    )

    assert proof is Proof.SIZE


def test_another_etag_is_another_object_where_etags_agree() -> None:
    """On AWS."""
    with pytest.raises(ProofFailed, match="it was replaced"):
        prove_written(facts(None, "abc"), facts(OURS, "def"), sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=True)


def test_an_etag_that_is_missing_is_no_other_object() -> None:
    """Nothing was named that could differ."""
    proof = prove_written(facts(None, ""), facts(OURS, "def"), sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=True)

    assert proof is Proof.SIZE


@pytest.mark.parametrize(("head", "proof"), [("1", Proof.CRC64NVME), ("2", Proof.SIZE), (None, Proof.CRC64NVME)])
def test_versions_are_stronger_than_etags(head: str | None, proof: Proof) -> None:
    """Equal bytes have equal ETags in every version; where HEAD names no version, the ETag decides."""
    written = replace(facts(OURS, "abc"), version="1")
    shown = replace(facts(None, "abc"), version=head)

    assert prove_written(shown, written, sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=False) is proof


def test_the_objects_own_checksum_is_stronger_than_its_etag() -> None:
    """Another ETag and the right checksum: the bytes are the file's."""
    proof = prove_written(
        facts(OURS, "abc"), facts(OURS, "def"), sent(CRC64NVME), algorithm=CRC64NVME, etags_agree=True
    )

    assert proof is Proof.CRC64NVME


def test_only_size_and_md5_prove_less_than_the_whole() -> None:
    """Every algorithm has a proof of its name, and two proofs are weaker than all others."""
    assert {algorithm.value.lower() for algorithm in ChecksumAlgorithm} <= set(Proof)
    assert [proof for proof in Proof if not proof.covers_object] == [Proof.MD5, Proof.SIZE]
