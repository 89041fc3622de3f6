"""A backend straight over the model of S3: no network, and every call may go wrong in any way that calls do."""

from collections.abc import Sequence
from math import floor

from partway.engine.backend.protocol import MultipartBackend
from partway.engine.backend.responses import CreatedUpload, FoundUpload, ObjectFacts, PartReceipt
from partway.engine.backend.target import Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import CredentialsExpired, Refused
from partway.engine.source.part_reader import PartReader
from partway.engine.upload.overwrite import check_free
from tests.support.s3_model.checksums import Algorithm, Checksum, ChecksumType
from tests.support.s3_model.errors import S3Error
from tests.support.s3_model.quirks import Quirks
from tests.support.s3_model.values import NamedPart

from .faulty_calls import FaultyCalls
from .resent_bytes import SendWatch
from .world import BUCKET, KEY, World


class SimulatedS3(MultipartBackend):
    """The model of ``world``, with its faults; ``watch`` sees what is sent."""

    def __init__(self, world: World, watch: SendWatch) -> None:
        self._world = world
        self._watch = watch
        self._calls = FaultyCalls(world, watch)

    def renew_credentials(self) -> None:
        """There are none."""

    def create_upload(self, target: Target, algorithm: ChecksumAlgorithm) -> CreatedUpload:
        declares = algorithm is not ChecksumAlgorithm.MD5 and not self._quirks.no_checksums

        def effect() -> CreatedUpload:
            info = self._world.model.create_multipart_upload(
                BUCKET,
                KEY,
                algorithm=Algorithm(algorithm.value) if declares else None,
                checksum_type=_type(algorithm) if declares else None,
            )
            told = declares and not self._quirks.silent_checksums
            return CreatedUpload(
                upload_id=info.upload_id, algorithm=algorithm if told else None, created_at=info.initiated
            )

        return self._calls.call("CreateMultipartUpload", effect, algorithm)

    def upload_part(self, target: Target, upload_id: str, body: PartReader) -> PartReceipt:
        checksum, md5 = self._digests(body)

        def effect(data: bytes) -> PartReceipt:
            part = self._world.model.upload_part(
                BUCKET, KEY, upload_id, body.spec.number, data, checksum=checksum, content_md5=md5
            )
            told = _told(part.checksum, body.algorithm)
            return PartReceipt(number=part.number, size=body.spec.size, etag=_plain(part.etag), checksum=told)

        return self._calls.send("UploadPart", body, upload_id, effect)

    def put_object(self, target: Target, body: PartReader) -> ObjectFacts:
        checksum, md5 = self._digests(body)
        none_match = "*" if target.options.no_overwrite else None

        def effect(data: bytes) -> ObjectFacts:
            made = self._world.model.put_object(
                BUCKET, KEY, data, checksum=checksum, content_md5=md5, if_none_match=none_match
            )
            self._world.note_made(made.body, whole=True)
            told = _told(made.checksum, body.algorithm)
            return ObjectFacts(size=body.spec.size, etag=_plain(made.etag), checksum=told)

        check_free(self, target, body.algorithm)
        return self._calls.send("PutObject", body, "", effect)

    def list_parts(self, target: Target, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        rows = self._calls.call("ListParts", lambda: self._all_pages(upload_id, algorithm))
        return self._watch.listed(rows)

    def list_uploads(self, target: Target) -> list[FoundUpload] | None:
        def effect() -> list[FoundUpload]:
            return [
                FoundUpload(
                    upload_id=info.upload_id,
                    initiated=info.initiated,
                    algorithm=None
                    if info.algorithm is None or self._quirks.silent_checksums
                    else ChecksumAlgorithm(info.algorithm.value),
                )
                for info in self._world.model.list_multipart_uploads(BUCKET, prefix=KEY).uploads
            ]

        try:
            return self._calls.call("ListMultipartUploads", effect)
        except CredentialsExpired:
            raise
        except Refused:
            return None

    def complete_upload(
        self,
        target: Target,
        upload_id: str,
        parts: Sequence[PartReceipt],
        *,
        algorithm: ChecksumAlgorithm,
        checksum: str,
        size: int,
    ) -> ObjectFacts:
        md5 = algorithm is ChecksumAlgorithm.MD5
        blind = md5 or self._quirks.no_checksums
        named = [
            NamedPart(number=part.number, etag=part.etag, checksum=None if md5 else _sent(algorithm, part.checksum))
            for part in parts
        ]

        def effect() -> ObjectFacts:
            made = self._world.model.complete_multipart_upload(
                BUCKET,
                KEY,
                upload_id,
                named,
                checksum=None if blind or not algorithm.full_object else _sent(algorithm, checksum),
                checksum_type=None if blind else _type(algorithm),
                object_size=None if md5 else size,
                if_none_match="*" if target.options.no_overwrite else None,
            )
            self._world.note_made(made.body, whole=False)
            etag = "" if self._quirks.empty_complete_etag else _plain(made.etag)
            return ObjectFacts(size=size, etag=etag, checksum=_told(made.checksum, algorithm))

        check_free(self, target, algorithm)
        self._watch.completing(upload_id, parts)
        return self._calls.call("CompleteMultipartUpload", effect, algorithm)

    def abort_upload(self, target: Target, upload_id: str) -> None:
        taken = target.options.no_overwrite and self._world.object is not None
        empty = not self._world.model.stored_parts(upload_id)
        allowed = self._world.may_abort or self._world.is_done or taken or empty
        self._world.must(allowed, "the engine aborted an upload by itself")
        self._calls.call(
            "AbortMultipartUpload", lambda: self._world.model.abort_multipart_upload(BUCKET, KEY, upload_id)
        )

    def head_object(self, target: Target, algorithm: ChecksumAlgorithm, *, version: str | None = None) -> ObjectFacts:
        def effect() -> ObjectFacts:
            found = self._world.model.head_object(BUCKET, KEY)
            return ObjectFacts(
                size=found.size,
                etag=_plain(found.etag),
                checksum=_told(found.checksum, algorithm),
                modified=floor(found.modified),
                told_at=floor(self._world.turns.now),
            )

        return self._calls.call("HeadObject", effect)

    @property
    def _quirks(self) -> Quirks:
        return self._world.story.quirks

    def _digests(self, body: PartReader) -> tuple[Checksum | None, str | None]:
        """What goes with a body: a checksum, or Content-MD5; taken before it is sent."""
        _ = body.checksum
        if body.algorithm is ChecksumAlgorithm.MD5:
            return None, body.checksum
        return (None if self._quirks.no_checksums else _sent(body.algorithm, body.checksum)), None

    def _all_pages(self, upload_id: str, algorithm: ChecksumAlgorithm) -> list[PartReceipt] | None:
        """Every row, found as the real backend finds them."""
        rows: list[PartReceipt] = []
        seen: set[int] = set()
        markers = [0]
        while True:
            try:
                page = self._world.model.list_parts(BUCKET, KEY, upload_id, part_number_marker=markers[-1])
            except S3Error as error:
                if error.status in (405, 501) or error.code == "NoSuchKey":
                    return None
                raise
            for row in page.rows:
                told = _told(row.checksum, algorithm)
                rows.append(PartReceipt(number=row.number, size=row.size, etag=_plain(row.etag), checksum=told))
            news = {row.number for row in page.rows} - seen
            if not page.is_truncated or not news or page.next_marker in markers:
                return rows
            seen |= news
            markers.append(page.next_marker)


def _plain(etag: str) -> str:
    return etag.strip('"')


def _type(algorithm: ChecksumAlgorithm) -> ChecksumType:
    return ChecksumType.FULL_OBJECT if algorithm.full_object else ChecksumType.COMPOSITE


def _sent(algorithm: ChecksumAlgorithm, value: str | None) -> Checksum | None:
    return None if value is None else Checksum(algorithm=Algorithm(algorithm.value), value=value)


def _told(checksum: Checksum | None, algorithm: ChecksumAlgorithm) -> str | None:
    """The checksum, when it is in the algorithm that the engine asks for."""
    return checksum.value if checksum is not None and checksum.algorithm.value == algorithm.value else None
