"""The invariants after each run of a simulated story, and at its end."""

from partway.engine.errors import ObjectExists, PartwayError
from partway.engine.events.upload import UploadDone, UploadSkipped
from partway.engine.limits import MAX_CONCURRENCY
from partway.engine.proof.proof import Proof
from partway.state.store import StateStore
from partway.state.uploads import UNFINISHED, UploadStatus

from .allowed_errors import is_explained, is_final
from .resent_bytes import SendWatch
from .world import World


def check_error(error: PartwayError, world: World, *, calm: bool) -> None:
    """An error has a cause in what happened."""
    taken = world.object is not None
    world.must(not isinstance(error, ObjectExists), "a key that is taken is an error")
    others = taken and world.object != world.source.content
    explained = is_explained(error, world.story, world.causes, key_taken=taken, others=others)
    if not explained and not (calm or is_final(error, world.story, key_taken=taken)):
        world.must(False, f"nothing explains {type(error).__name__}: {error} (causes: {sorted(world.causes)})")


def check_end(end: UploadDone | UploadSkipped, world: World, store: StateStore, *, fresh: bool) -> None:
    """What is called done is the file, as it was at the engine's last look."""
    story, looked = world.story, world.source.looked_at
    if isinstance(end, UploadSkipped):
        here = world.object is not None or "foreign" in world.causes
        world.must(story.no_overwrite and here, "skipped without a reason")
        world.must(not world.is_finished(), "skipped, and the object that exists is the one that this upload made")
        return
    # Where nothing but sizes can be compared, a flipped bit or another's object does not show, and the proof says so.
    others = world.causes & {"flip", "foreign", "ghost", "late"} or world.told["foreign"]
    unproven = not Proof(end.proof).covers_object and bool(others)
    equal = world.is_proven(looked) or world.is_proven(world.source.content)
    world.told["other bytes, and the proof is the size"] += unproven and not equal
    world.must(equal or unproven, "done, and the object is not what was in the file at the last look")
    world.must(end.bytes == len(looked or b""), f"done says {end.bytes} bytes")
    (record,) = [record for record in store.uploads() if record.id == end.upload]
    world.must(record.status is UploadStatus.COMPLETED, f"done, and the store says {record.status}")
    unfinished = {record.id for record in store.uploads(statuses=UNFINISHED)}
    hindered = bool(world.causes) or not Proof(end.proof).covers_object
    world.must(unfinished <= (world.left if hindered else set()), "done, and the store has something unfinished")
    if story.no_overwrite:
        world.must(not story.exists, "an object was overwritten")


def check_nothing_left(world: World) -> None:
    """Where nothing went wrong, S3 has no unfinished upload at the end."""
    rates = world.story.rates
    given_up = world.told["renewed"] or world.story.orphan
    if not (rates.fault or rates.crash or rates.server or rates.store or given_up):
        left = len(world.model.open_uploads)
        world.must(not left, f"{left} unfinished uploads were left on S3")


def check_twice(world: World, watch: SendWatch, crashes: int) -> float:
    """Bytes sent again because of interruptions: below concurrency x part size for each.

    Returns the bytes as a multiple of that, for one interruption.
    """
    # An adopted upload may be cut into parts of twice the size.
    room = (world.story.concurrency or MAX_CONCURRENCY) * world.story.part_size * (2 if world.story.orphan else 1)
    times = crashes + world.told["cancel"] + world.told["disk full"]
    if {"no ListParts", "vanished is NoSuchKey"} & set(world.story.quirk_names):
        # Receipts that could not be written are lost, besides the parts that were in flight.
        times += world.told["disk full"]
    extra = watch.again["crash"] + watch.again["cancel"] + watch.again["resume"]
    world.must(extra <= times * room, f"{extra} bytes were sent again after {times} interruptions ({watch.again})")
    return extra / room / times if times else 0.0
