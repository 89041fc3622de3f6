"""What a simulated story lives in: its dice, its log, what was done to whom, and what must never happen."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random

from partway.engine.workers.channel import CancelToken
from tests.support.s3_model.checksums import Algorithm, checksum_of
from tests.support.s3_model.errors import S3Error
from tests.support.s3_model.model import S3Model

from .changing_source import ChangingSource
from .scenario import Story
from .scheduler import Ended, Turns

BUCKET, KEY = "bucket", "key"
MOMENTS = 20_000  # in one run; who needs more is in a loop


_AT_THE_END = ("CompleteMultipartUpload", "UploadCompleting", "HeadObject", "PutObject")


# After these the engine cannot know that the object is finished.
_UNSURE = frozenset({"AccessRefused", "ObjectMissing", "Conflict", "lie", "foreign"})


class Crash(Ended):
    """The process is gone."""


class Broken(Ended):
    """The engine did what it must never do."""


class World:
    """Everything that happens in one story, and the dice that decide it.

    causes: what happened in this run that an error may be about.
    told: counts for the figures.
    ghosts: requests that the client gave up and that take effect later.
    made: the object as it was when a request of this run made it; None: none did.
    seen: the object at each look of this run that was answered.
    finished: the object that a Complete made last, and how often the source had changed by then.
    left: uploads of ours beside an adopted one, which are removed at the end where nothing hinders it.
    is_done: the object of this run is proven, so that such uploads may be aborted.
    ill: operations that fail in the same way for the rest of the run.
    """

    def __init__(self, story: Story, source: ChangingSource, turns: Turns, rng: Random) -> None:
        self.story = story
        self.source = source
        self.turns = turns
        self.rng = rng
        self.log: list[str] = []
        self.model = S3Model(
            min_part_size=story.part_size,
            max_parts=story.max_parts,
            page_size=story.page_size,
            completes_again=story.completes_again,
            quirks=story.quirks,
            clock=lambda: turns.now,
        )
        self.ghosts: list[Callable[[], object]] = []
        self.made: bytes | None = None
        self.seen: list[bytes | None] = []
        self.finished: tuple[bytes | None, int] = (None, 0)
        self.ill: dict[str, str] = {}
        self.left: set[str] = set()
        self.causes: set[str] = set()
        self.told: Counter[str] = Counter()
        self.cancel = CancelToken()
        self.calm = False
        self.dead = False
        self.quiet = False
        self.may_abort = self.is_done = self._unsure = False
        self.away_until = 0.0
        self.moments = 0
        self.start_twin: Callable[[], None] | None = None
        self.broken: list[str] = []

    def begin_run(self, *, calm: bool) -> None:
        """Forget what was about the run before."""
        self.cancel = CancelToken()
        self._unsure = self._is_unsure()
        self.causes = {"edit"} if self.source.content is None else set()
        if self.turns.busy:
            # Threads of the run before still send.
            self.causes.add("late")
        self.calm = calm
        self.dead = self.quiet = self.may_abort = self.is_done = False
        self.away_until = 0.0
        self.moments = 0
        self.made = None
        self.seen = []
        self.ill = {}

    @property
    def object(self) -> bytes | None:
        """The object's bytes now; None when there is none."""
        found = self.model.objects.get((BUCKET, KEY))
        return None if found is None else found.body

    def say(self, text: str) -> None:
        """A line of the story."""
        self.log.append(text)

    def must(self, holds: bool, otherwise: str) -> None:
        """End the story unless this holds."""
        if not holds:
            self.say(f"BROKEN: {otherwise}")
            self.broken.append(otherwise)
            raise Broken(otherwise)

    def moment(self, where: str, *, twin: bool = False) -> None:
        """A moment at which something may happen; ``twin``: also a second upload, since the claim is held."""
        if self.dead:
            raise Crash
        self.moments += 1
        self.must(self.moments < MOMENTS, "an endless loop")
        if self.calm or self.quiet:
            return
        self.turns.pause()
        if self.dead:
            raise Crash
        if self.calm:
            return  # a thread of the run before, that slept until now
        rates = self.story.rates
        # The end of an upload is short, and has the most to lose.
        dice = self.rng.random() / (4 if where.startswith(_AT_THE_END) else 1)
        for rate, happen in (
            (rates.crash, self._crash),
            (rates.edit, self._edit),
            (rates.cancel, self._cancel),
            (rates.twin if twin and not self.turns.in_lane else 0, self._twin),
            (rates.server, self._server),
            (0.3 if self.ghosts else 0, self._ghost),
        ):
            if dice < rate:
                happen(where)
                return
            dice -= rate

    def _is_unsure(self) -> bool:
        return bool(self._unsure or self.may_abort or self.causes & _UNSURE)

    def is_finished(self) -> bool:
        """True when a Complete made the object, its answer got lost, and the engine can find out."""
        ours = self.finished == (self.object, self.source.changes) and self.object == self.source.content
        return ours and not self.story.quirk_names and not self._is_unsure()

    def note_made(self, content: bytes, *, whole: bool) -> None:
        """A request made the object; ``whole``: a PutObject, which costs little to repeat."""
        self.made = content
        self.seen = []  # what was looked at before is no look at this
        if not whole:
            self.finished = (content, self.source.changes_seen)

    def leave_orphan(self) -> None:
        """An unfinished upload that no store knows: of this file, of another one, or cut in another way."""
        model, rng = self.model, self.rng
        try:
            info = model.create_multipart_upload(BUCKET, KEY, algorithm=rng.choice((None, Algorithm.CRC64NVME)))
        except S3Error:
            return
        size = rng.choice((self.story.part_size, self.story.part_size, self.story.part_size * 2))
        content = self.source.content or b""
        for number in range(1, rng.randint(1, 5)):
            piece = content[(number - 1) * size : number * size]
            own = rng.random() < 0.6
            checksum = checksum_of(info.algorithm, piece) if info.algorithm and own else None
            with suppress(S3Error):
                data = piece if own else rng.randbytes(len(piece))
                model.upload_part(BUCKET, KEY, info.upload_id, number, data, checksum=checksum)

    def _crash(self, where: str) -> None:
        self.say(f"CRASH at {where}")
        self.told["crash"] += 1
        self.dead = True
        raise Crash

    def _edit(self, where: str) -> None:
        self.say(f"at {where}: {self.source.change(self.story.part_size * 14)}")
        self.told["edit"] += 1
        self.causes.add("edit")

    def _cancel(self, where: str) -> None:
        self.say(f"cancel at {where}")
        self.told["cancel"] += 1
        self.causes.add("cancel")
        self.cancel.set()

    def _twin(self, where: str) -> None:
        assert self.start_twin is not None
        self.say(f"a second upload at {where}")
        self.told["twin"] += 1
        self.quiet = True
        self.start_twin()
        self.quiet = False

    def _server(self, where: str) -> None:
        kind = self.rng.choice(("expire", "lose", "spoil", "foreign"))
        uploads = self.model.open_uploads
        if kind == "foreign":
            self._write_foreign()
        elif not uploads:
            return
        elif kind == "expire":
            self.model.expire_upload(self.rng.choice(uploads).upload_id)
            self.causes.add("expire")
        else:
            info = uploads[-1]
            parts = self.model.stored_parts(info.upload_id)
            if not parts:
                return
            number = self.rng.choice(sorted(parts))
            if kind == "lose":
                del self.model._uploads[info.upload_id].parts[number]
            else:
                other = self.rng.randbytes(parts[number].size)
                self.model.store_cut_part(BUCKET, KEY, info.upload_id, number, other)
            self.causes.add("lose")
        self.told[kind] += 1
        self.say(f"the service at {where}: {kind}")

    def _write_foreign(self) -> None:
        """Somebody else writes the key."""
        size = len(self.source.content or b"")
        self.model.put_object(BUCKET, KEY, self.rng.randbytes(self.rng.choice((size, self.rng.randint(0, 40)))))
        self.causes.add("foreign")

    def is_proven(self, content: bytes | None) -> bool:
        """True when the engine may call the object done, given what it was told of it in this run."""
        return self.seen[-1] == content if self.seen else self.made == content

    def _ghost(self, where: str) -> None:
        ghost = self.ghosts.pop(self.rng.randrange(len(self.ghosts)))
        self.told["ghost"] += 1
        self.causes.add("ghost")
        try:
            ghost()
        except S3Error as error:
            self.say(f"a late request at {where} is refused: {error.code}")
        else:
            self.say(f"a late request takes effect at {where}")
