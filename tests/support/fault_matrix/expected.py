"""What must come of every trouble.  Decided by S3's rules and partway's promises, not by what the code does."""

from collections.abc import Mapping

from . import faults as t
from .case import Cell, Expected, Operation, Outcome, Times, Trouble

PARTS = 6  # of the file that is uploaded in parts
DONE_BEFORE = 4  # parts that were sent before an upload is resumed

_Row = tuple[Expected, Expected, Expected]

_done, _again_later, _final = (Expected(outcome=o) for o in (Outcome.DONE, Outcome.RESUMABLE, Outcome.FINAL))


def _sent_again(count: int, outcome: Outcome = Outcome.DONE) -> Expected:
    return Expected(outcome=outcome, again=count)


# Trying again helps, and the tries are bounded.
PASSING: _Row = (_done, _done, _again_later)
# The same answer twice means that trying on is useless.
ASKED_ONCE_MORE: _Row = (_done, _again_later, _again_later)
# The effect is seen by the next try, whose answer is S3's own.
SEEN_BY_NEXT: _Row = (_done, _done, _done)
# Somebody has to do something first.
REFUSED: _Row = (_final, _final, _final)
# What S3 says cannot be, and is not believed: nothing is lost by asking later.
LEFT_TO_THE_NEXT_RUN: _Row = (_again_later, _again_later, _again_later)
# Once is believed, gone after or mended; then the service contradicts itself.
FOLLOWED: _Row = (_done, _final, _final)
# As the response to the first request of a run it is what the address leads to.
ELSEWHERE: _Row = (_done, _done, _final)
# The engine has another way.
MENDED: _Row = (_done, _done, _done)

_EVERYWHERE: Mapping[Trouble, _Row] = {
    t.REFUSED: PASSING,
    t.CLOSED_BEFORE: PASSING,
    t.RESET_BEFORE: PASSING,
    t.HALF_ANSWER: PASSING,
    t.GARBAGE_BEFORE: PASSING,
    t.WEB_PAGE: PASSING,
    t.INTERNAL_ERROR: PASSING,
    t.BAD_GATEWAY: PASSING,
    t.SLOW_DOWN: PASSING,
    t.GATEWAY_TIMEOUT: PASSING,
    t.TOO_MANY: PASSING,
    t.TIMEOUT_408: PASSING,
    t.TIMEOUT_400: PASSING,
    t.SKEWED: ASKED_ONCE_MORE,
    # Credentials are read anew once, since somebody may have renewed them; then it is for the user.
    t.EXPIRED: ASKED_ONCE_MORE,
    t.DENIED: REFUSED,
    t.BAD_SIGNATURE: REFUSED,
    t.REDIRECTED: FOLLOWED,
}

# Calls that change nothing have no moment between the effect and the answer.
_READING: Mapping[Trouble, _Row] = {**_EVERYWHERE, t.LATE: PASSING}
_WRITING: Mapping[Trouble, _Row] = {
    **_EVERYWHERE,
    t.CLOSED_AFTER: PASSING,
    t.RESET_AFTER: PASSING,
    t.LATE_AFTER: PASSING,
    t.GARBAGE_AFTER: PASSING,
}
_WITH_BODY: Mapping[Trouble, _Row] = {t.CLOSED_HALF: PASSING, t.RESET_HALF: PASSING, t.TLS_HALF: PASSING}
_OVER_TLS: Mapping[Trouble, _Row] = {t.TLS_CLOSED: PASSING, t.TLS_AFTER: PASSING}

# The next try hears that the upload is gone, which is what was wanted.
_NEXT_TRY_SEES: Mapping[Trouble, _Row] = {
    t.CLOSED_AFTER: SEEN_BY_NEXT,
    t.RESET_AFTER: SEEN_BY_NEXT,
    t.LATE_AFTER: SEEN_BY_NEXT,
    t.GARBAGE_AFTER: SEEN_BY_NEXT,
}

EXPECTED: Mapping[Operation, Mapping[Trouble, _Row]] = {  # pyright: ignore[reportAssignmentType]
    Operation.LIST_UPLOADS: {
        # It only looks for what nobody remembers: an upload goes on without, unless nobody would hear it either.
        **dict.fromkeys(_READING, MENDED),
        t.REFUSED: PASSING,
        t.EXPIRED: ASKED_ONCE_MORE,
        t.NO_BUCKET: MENDED,
        t.NOT_ALLOWED: MENDED,
    },
    Operation.CREATE: {
        **_WRITING,
        **_OVER_TLS,
        t.NO_BUCKET: REFUSED,
        t.ABORTED: PASSING,
    },
    Operation.PART: {
        **_WRITING,
        **_WITH_BODY,
        **_OVER_TLS,
        t.FLIPPED: ASKED_ONCE_MORE,
        t.NO_BUCKET: REFUSED,
        # ListParts is asked before the word of one part is believed; a server that contradicts itself is given up.
        t.NO_UPLOAD: FOLLOWED,
        t.EXPIRED_UPLOAD: (_sent_again(3), _sent_again(3), _sent_again(3, Outcome.FINAL)),
    },
    Operation.LIST: {
        **_READING,
        # Without a list the store's receipts stand: Complete names each, and the whole is proven.
        t.DENIED: MENDED,
        t.NOT_ALLOWED: MENDED,
        t.NO_BUCKET: REFUSED,
        # S3 says that it has nothing: everything goes to a new upload.
        t.NO_UPLOAD: (_sent_again(DONE_BEFORE),) * 3,
        t.EXPIRED_UPLOAD: (_sent_again(DONE_BEFORE),) * 3,
        t.ROWS_REPEATED: MENDED,
        t.ROWS_UNSORTED: MENDED,
        t.ROW_DROPPED: (_sent_again(1),) * 3,
        t.ROW_CUT: (_sent_again(1),) * 3,
        # What is on no page cannot be known to be there.
        t.MARKER_IGNORED: (_sent_again(DONE_BEFORE - 2),) * 3,
        t.MARKER_INCLUSIVE: MENDED,
    },
    Operation.COMPLETE: {
        **_WRITING,
        **_NEXT_TRY_SEES,
        **_WITH_BODY,
        **_OVER_TLS,
        t.TLS_AFTER: SEEN_BY_NEXT,
        t.LATE_BEFORE: PASSING,
        t.RESET_AFTER_ONLY_NEW: SEEN_BY_NEXT,
        t.FLIPPED_ETAG: FOLLOWED,
        t.FLIPPED_XML: ASKED_ONCE_MORE,
        t.ERROR_IN_200: PASSING,
        t.INVALID_PART: FOLLOWED,
        t.TOO_SMALL: REFUSED,
        t.NO_BUCKET: REFUSED,
        t.NO_UPLOAD: FOLLOWED,
        t.EXPIRED_UPLOAD: (_sent_again(PARTS), _sent_again(PARTS), _sent_again(PARTS, Outcome.FINAL)),
        t.ABORTED: PASSING,
        # S3 wants a new upload and every part again.
        t.CONFLICT: (_sent_again(PARTS), _sent_again(PARTS, Outcome.FINAL), _sent_again(PARTS, Outcome.FINAL)),
        # No object shows, so it is nobody's: the next run finishes.
        t.TAKEN: LEFT_TO_THE_NEXT_RUN,
    },
    Operation.HEAD: {
        **_READING,
        **_OVER_TLS,
        # The answer to HEAD has no body, so a 400 does not say which it is.
        t.TIMEOUT_400: ASKED_ONCE_MORE,
        t.EXPIRED: ASKED_ONCE_MORE,
        # Whoever may write and not read has what Complete answered as the proof.
        t.SKEWED: MENDED,
        t.DENIED: MENDED,
        t.BAD_SIGNATURE: MENDED,
        # Complete said that the object is there: it is looked for once more, and after that by the next run.
        t.NO_KEY: ASKED_ONCE_MORE,
        # One answer may have been cut inside a number: the object is looked at once more before it is called wrong.
        t.OTHER_OBJECT: FOLLOWED,
    },
    Operation.ABORT: {
        **_WRITING,
        **_NEXT_TRY_SEES,
        t.NO_BUCKET: REFUSED,
        t.EXPIRED_UPLOAD: MENDED,
        t.ABORTED: PASSING,
    },
    Operation.PUT: {
        **_WRITING,
        **_WITH_BODY,
        **_OVER_TLS,
        t.WEB_PAGE: ELSEWHERE,
        t.LATE_BEFORE: PASSING,
        t.RESET_AFTER_ONLY_NEW: SEEN_BY_NEXT,
        t.FLIPPED: ASKED_ONCE_MORE,
        t.NO_BUCKET: REFUSED,
        t.ABORTED: PASSING,
        t.CONFLICT: PASSING,
        # No object shows, so it is nobody's: the next run finishes.
        t.TAKEN: LEFT_TO_THE_NEXT_RUN,
    },
    Operation.CREDENTIALS: {
        t.PROGRAM_FAILS: ASKED_ONCE_MORE,
        t.PROGRAM_GARBLES: ASKED_ONCE_MORE,
        t.PROGRAM_EMPTY: ASKED_ONCE_MORE,
        t.PROGRAM_STALE: ASKED_ONCE_MORE,
        t.PROGRAM_GONE: ASKED_ONCE_MORE,
        t.ROTATED: ASKED_ONCE_MORE,
    },
}

# Cells that would only wait: an abort that is believed and did nothing is looked after once a second.
_LEFT_OUT = {(Operation.ABORT, t.WEB_PAGE, Times.THREE), (Operation.ABORT, t.WEB_PAGE, Times.EVER)}

CELLS = [
    Cell(operation=operation, trouble=trouble, times=times, expected=expected)
    for operation, rows in EXPECTED.items()
    for trouble, row in rows.items()
    for times, expected in zip(Times, row, strict=True)
    if (operation, trouble, times) not in _LEFT_OUT
]
