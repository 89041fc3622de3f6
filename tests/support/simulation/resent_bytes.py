"""Counts bytes sent more than once, and whether that was necessary."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from partway.engine.backend.responses import PartReceipt
from partway.engine.errors import UploadCancelled
from partway.state.uploads import PartRecord

from .allowed_errors import lacks_algorithm
from .scheduler import Ended
from .world import World

# A service that does these cannot show which parts it has: they go again.
_UNSEEN = ("a row is missing", "a row is short", "the marker is ignored", "rows twice", "rows sorted as text")
# After these the receipts are worth nothing, and the parts are proven anew where that is possible.
_DOUBTS = frozenset(
    {
        "PartsRefused",
        "InvalidPart",
        "BadDigest",
        "InvalidRequest",
        "NotImplemented",
        "UploadVanished",
        "NoSuchUpload",
        "fallback",
    }
)


def ignores_digests(quirk_names: Iterable[str]) -> bool:
    """True for a service that stores whatever arrives."""
    return not {"Content-MD5 is ignored", "unverified checksums"}.isdisjoint(quirk_names)


class Attempt:
    """One try of a call with a body."""

    def __init__(self, watch: "SendWatch", upload_id: str, number: int, fault: str) -> None:
        self._watch = watch
        self.upload_id = upload_id
        self.number = number
        self.fault = fault
        self.data = b""
        self.bytes = 0
        self.counted = False
        self.answered = False

    def note(self, count: int) -> None:
        """Bytes were read."""
        self.bytes += count

    def is_there(self) -> bool:
        """True when the service has these bytes already."""
        return self._watch.is_there(self)

    def stored(self, again: bool) -> None:
        """The service took it, now or as a late request; ``again``: it had it already."""
        self._watch.stored(self, again)


class SendWatch:
    """Sees every body of one story.

    again: bytes that were sent again or in vain, by why: ``fault``, ``refused``, ``crash``, ``cancel``, ``lie``,
        ``whole`` (a small file, not proven yet), ``edit`` (the source was another for a while),
        ``resume`` (the run before sent it, and could not say so).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._recorded: dict[tuple[str, int], str] = {}
        self._ours: set[tuple[str, int]] = set()
        self._unanswered: set[tuple[str, int]] = set()
        self._troubled: set[int] = set()
        self._lied = False
        self._forgot = False
        self.again: Counter[str] = Counter()

    def begin_run(self) -> None:
        """Forget what was about the run before."""
        self._troubled = set()
        self._lied = any(name in self._world.story.quirk_names for name in _UNSEEN)

    @contextmanager
    def attempt(self, upload_id: str, number: int, fault: str) -> Iterator[Attempt]:
        """One try to send a part, or with the upload id "" a whole object."""
        if upload_id:
            self._check_needed(upload_id, number)
        attempt = Attempt(self, upload_id, number, fault)
        why = "fault" if fault else "refused"
        try:
            yield attempt
        except Ended:
            why = "crash"
            raise
        except UploadCancelled:
            why = "cancel"
            raise
        finally:
            if fault or not attempt.answered:
                self._troubled.add(number)
            if not attempt.counted:
                self.again[why] += attempt.bytes

    def is_there(self, attempt: Attempt) -> bool:
        """True when the service has the bytes of the attempt already."""
        if not attempt.upload_id:
            return self._world.object == attempt.data
        part = self._world.model.stored_parts(attempt.upload_id).get(attempt.number)
        return part is not None and part.data == attempt.data

    def stored(self, attempt: Attempt, again: bool) -> None:
        """The service has the bytes now."""
        name = (attempt.upload_id, attempt.number)
        if again and name in self._ours and not attempt.counted:
            why = "resume"
            if not attempt.upload_id:
                why = "whole"  # a small file goes again as long as it is not proven
            elif self._world.source.came_back:
                why = "edit"
            elif self._lied or self._doubts or self._forgot or lacks_algorithm(self._world.story) or self._is_torn():
                why = "lie"
            elif attempt.fault or attempt.number in self._troubled or name in self._unanswered:
                why = "fault"
            elif self._was_shown():
                self._world.must(False, f"part {attempt.number} is sent again, and ListParts had shown it")
            self.again[why] += len(attempt.data)
        attempt.counted = True
        self._ours.add(name)
        (self._unanswered.add if attempt.fault else self._unanswered.discard)(name)

    def _is_torn(self) -> bool:
        """True when a part may have changed between its checksum and its bytes without the service noticing."""
        return ignores_digests(self._world.story.quirk_names) and self._world.source.changes > 1

    def _was_shown(self) -> bool:
        """True when ListParts must have shown what earlier runs had sent."""
        return not (self._world.story.quirk_names or self._world.causes & {"edit", "late", "ghost"})

    @property
    def _doubts(self) -> bool:
        return bool(self._world.causes & _DOUBTS)

    def recorded(self, upload_id: str, parts: Iterable[PartRecord], *, only: bool = False) -> None:
        """The store has these receipts; ``only``: and no others."""
        if only and (self._lied or self._doubts):
            self._forgot = True
            self._recorded.clear()
        for part in parts:
            self._recorded[upload_id, part.number] = part.etag

    def _check_needed(self, upload_id: str, number: int) -> None:
        """A part whose receipt is stored, and that the service and the source still have as they were, stays; and so
        does everything when the object is finished already."""
        world = self._world
        late = "late" in world.causes  # a worker of the run before, which nobody could stop
        world.must(late or not world.is_finished(), f"part {number} is sent, and the object was finished before")
        part = world.model.stored_parts(upload_id).get(number)
        receipt = self._recorded.get((upload_id, number))
        if part is None or receipt is None or part.etag.strip('"') != receipt or number in self._troubled:
            return
        if upload_id not in {info.upload_id for info in world.model.open_uploads} or self._is_torn():
            return
        start = (number - 1) * world.story.part_size
        local = (world.source.content or b"")[start : start + world.story.part_size]
        excused = self._lied or self._doubts or world.causes & {"edit", "late"} or world.source.came_back
        world.must(bool(local != part.data or excused), f"part {number} is sent again, and was recorded and is good")

    def listed(self, rows: list[PartReceipt] | None) -> list[PartReceipt] | None:
        """What the service lists; sometimes a lie."""
        world = self._world
        if rows and not world.calm and world.rng.random() < world.story.rates.server * 10:
            self._lied = True
            world.causes.add("lie")
            world.told["lie"] += 1
            at = world.rng.randrange(len(rows))
            row = rows[at]
            kind = world.rng.choice(("drop", "repeat", "short", "etag", "empty", "shuffle", "phantom"))
            world.say(f"  ListParts lies: {kind} {row.number}")
            if kind == "drop":
                rows = rows[:at] + rows[at + 1 :]
            elif kind == "repeat":
                rows = [*rows, row, replace(row, etag="0" * 32)]
            elif kind == "short":
                rows = [*rows[:at], replace(row, size=row.size - 1), *rows[at + 1 :]]
            elif kind == "etag":
                rows = [*rows[:at], replace(row, etag="0" * 32), *rows[at + 1 :]]
            elif kind == "empty":
                rows = []
            elif kind == "shuffle":
                world.rng.shuffle(rows)
            else:
                rows = [*rows, replace(row, number=row.number + 1)]
        return rows

    def completing(self, upload_id: str, parts: Sequence[PartReceipt]) -> None:
        """Complete names parts: with what the service has of them, unless it or the source did something."""
        world = self._world
        have = world.model.stored_parts(upload_id)
        wrong = [p.number for p in parts if p.number not in have or have[p.number].etag.strip('"') != p.etag]
        surprises = {"lose", "expire", "ghost", "late", "lie", "cut", "UploadVanished"} & world.causes
        # Where an answer does not say whether the upload is gone, the receipts stand until Complete is refused.
        listless = {"no ListParts", "vanished is NoSuchKey"} & set(world.story.quirk_names)
        surprised = surprises or world.ghosts or self._lied or listless
        world.must(not wrong or bool(surprised), f"Complete names parts {wrong}, which the service has not")
