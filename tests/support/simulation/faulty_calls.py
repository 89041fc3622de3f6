"""How a simulated call goes wrong: before it, in the middle of its body, after its effect, much later, or twice."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from partway.engine import errors
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.errors import Transient
from partway.engine.responses.error_translation import translate_errors
from partway.engine.source.part_reader import PartReader
from tests.support.s3_model.errors import S3Error

from .resent_bytes import SendWatch
from .world import BUCKET, KEY, World

T = TypeVar("T")

# busy: refused for now.  ill: busy for the rest of the run.  away: nobody answers for a while.  slow: late but right.
# refused: for good.  half: the body breaks off.  flip: a bit of the body.  lost: done, and the answer is lost.
# late: given up, and done later.  twice: a box in between repeats the request.
FAULTS = {
    "busy": 4.0,
    "ill": 0.2,
    "away": 1,
    "slow": 2,
    "refused": 1,
    "half": 3,
    "flip": 2,
    "lost": 6,
    "late": 2,
    "twice": 2,
}
_WITH_BODY = ("half", "flip")
_READS = ("HeadObject", "ListParts", "ListMultipartUploads")
_ALWAYS = ("AccessRefused", "CredentialsExpired", "Refused")
REFUSALS: dict[str, tuple[str, ...]] = {
    "UploadPart": (*_ALWAYS, "UploadVanished"),
    "ListParts": (*_ALWAYS, "UploadVanished"),
    "CompleteMultipartUpload": (*_ALWAYS, "UploadVanished", "PartsRefused", "Conflict"),
    "HeadObject": (*_ALWAYS, "ObjectMissing"),
}


class FaultyCalls:
    """Makes the calls of one story."""

    def __init__(self, world: World, watch: SendWatch) -> None:
        self._world = world
        self._watch = watch

    def call(self, operation: str, effect: Callable[[], T], algorithm: ChecksumAlgorithm | None = None) -> T:
        """A call without a body; ``algorithm``: the checksum it carries."""
        return self._make(operation, operation, self._fault(operation, body=False), effect, algorithm)

    def send(self, operation: str, body: PartReader, upload_id: str, effect: Callable[[bytes], T]) -> T:
        """A call with a body, which is read in pieces; ``effect`` gets what arrived."""
        number = body.spec.number
        name = f"{operation} {number}"
        fault = self._fault(operation, body=True)
        with self._watch.attempt(upload_id, number, fault) as attempt:

            def read() -> None:
                attempt.data = self._read(name, body, upload_id, fault, attempt.note)

            def arrive() -> T:
                again = attempt.is_there()
                answer = effect(attempt.data)
                attempt.stored(again)
                return answer

            answer = self._make(operation, name, fault, arrive, body.algorithm, read=read)
            attempt.answered = True
        return answer

    def _read(self, name: str, body: PartReader, upload_id: str, fault: str, note: Callable[[int], None]) -> bytes:
        world = self._world
        body.begin_sending()
        data = b""
        piece = world.rng.choice((7, 20, 100))
        while block := body.read(piece):
            data += bytes(block)
            note(len(block))
            world.moment(f"{name}: {len(data)} bytes are sent")
            if fault == "half" and len(data) * 2 >= body.spec.size:
                self._keep_cut(upload_id, body.spec.number, data)
                raise self._transient(name, "ConnectionBroken")
        if fault == "flip" and data:
            world.causes.add("flip")
            at = world.rng.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        return data

    def _keep_cut(self, upload_id: str, number: int, data: bytes) -> None:
        if self._world.story.quirks.stores_cut_parts and upload_id:
            self._world.causes.add("cut")
            try:
                self._world.model.store_cut_part(BUCKET, KEY, upload_id, number, data)
            except S3Error as error:
                self._world.say(f"  the cut part is refused: {error.code}")

    def _fault(self, operation: str, *, body: bool) -> str:
        """What goes wrong with this call; "" for nothing."""
        world, quirks = self._world, self._world.story.quirks
        if operation in world.ill and not world.calm:
            return "ill" if world.ill[operation] == "ill" else "refused"
        if world.calm or world.rng.random() >= world.story.rates.fault:
            return ""
        fault = world.rng.choices(list(FAULTS), list(FAULTS.values()))[0]
        unverified = quirks.unverified_checksums or quirks.content_md5_ignored
        if (fault in _WITH_BODY and not body) or (fault == "flip" and unverified):
            return "busy"
        if fault == "ill":
            world.ill[operation] = fault
        return fault

    def _make(
        self,
        operation: str,
        name: str,
        fault: str,
        effect: Callable[[], T],
        algorithm: ChecksumAlgorithm | None,
        *,
        read: Callable[[], None] = lambda: None,
    ) -> T:
        world = self._world
        world.must(not world.quiet, f"a second upload got as far as {name}")
        world.told["call"] += 1
        world.moment(f"{name}: before")
        if fault:
            world.say(f"{name}: {fault}")
            world.told[f"fault {fault}"] += 1
        self._before(operation, name, fault)
        read()
        if fault == "late" and operation not in _READS:
            # What the client gave up arrives some other time, as it was sent.
            world.ghosts.append(effect)
            world.causes.add("late")
            raise self._transient(name, "NoAnswer")
        answer = self._translated(operation, name, effect, algorithm)
        if fault == "twice":
            answer = self._translated(operation, name, effect, algorithm)
        seen = world.object
        world.moment(f"{name}: after")
        if fault == "lost":
            raise self._transient(name, "NoAnswer")
        if operation == "HeadObject":
            world.seen.append(seen)
        return answer

    def _before(self, operation: str, name: str, fault: str) -> None:
        """Faults that keep a call from having an effect."""
        world = self._world
        if fault == "away":
            world.away_until = world.turns.now + world.rng.choice((0.5, 3.0, 60.0))
        if world.turns.now < world.away_until:
            world.causes.add("transient")
            raise Transient("cannot reach S3", operation=operation, code="Away", unreachable=True)
        if fault in ("busy", "ill"):
            raise self._transient(name, world.rng.choice(("SlowDown", "InternalError")))
        if fault == "slow":
            world.turns.sleep(world.rng.choice((0.1, 2.0)))
        if fault == "refused":
            kind = world.ill.get(operation, "ill")
            if kind == "ill":
                kind = world.rng.choice(REFUSALS.get(operation, _ALWAYS))
            world.say(f"  {kind}")
            if world.rng.random() < 0.1:
                world.ill[operation] = kind
            world.causes.add(kind)
            raise getattr(errors, kind)(f"S3 refused {name}: {kind}", operation=operation, code=kind)

    def _transient(self, name: str, code: str) -> Transient:
        self._world.causes.add("transient")
        return Transient(f"{name} failed: {code}", operation=name.split()[0], code=code)

    def _translated(self, operation: str, name: str, effect: Callable[[], T], algorithm: ChecksumAlgorithm | None) -> T:
        """The answer, or the error that the real backend would make of the model's refusal."""
        try:
            answer = effect()
        except S3Error as error:
            self._world.say(f"{name}: {error.code}")
            self._world.causes.add(error.code)
            code = str(error.status) if operation == "HeadObject" else error.code
            answered = {
                "Error": {"Code": code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status},
            }
            with translate_errors(operation, checksum=algorithm):
                raise ClientError(answered, operation) from error  # type: ignore[arg-type]
            raise AssertionError("translate_errors() lets nothing pass") from error
        self._world.say(f"{name}: ok")
        return answer
