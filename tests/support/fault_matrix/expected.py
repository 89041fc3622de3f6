"""The required outcome of every fault, derived from S3's rules and partway's promises, not from the code."""

from collections.abc import Mapping

from . import faults as t
from .case import Cell, Expected, Operation, Outcome, Times, Trouble

PARTS = 6  # of the file that is uploaded in parts
DONE_BEFORE = 4  # parts that were sent before an upload is resumed

_Row = tuple[Expected, Expected, Expected]

_done, _again_later, _final = (Expected(outcome=o) for o in (Outcome.DONE, Outcome.RESUMABLE, Outcome.FINAL))


def _sent_again(count: int, outcome: Outcome = Outcome.DONE) -> Expected:
    return Expected(outcome=outcome, again=count)


# A retry helps, and retries are limited.
PASSING: _Row = (_done, _done, _again_later)
# The same response twice means that further retries are useless.
ASKED_ONCE_MORE: _Row = (_done, _again_later, _again_later)
# The next attempt sees the effect, since S3 itself responds to it.
SEEN_BY_NEXT: _Row = (_done, _done, _done)
# The user has to act first.
REFUSED: _Row = (_final, _final, _final)
# S3's response is contradictory and is not trusted: nothing is lost by trying again later.
LEFT_TO_THE_NEXT_RUN: _Row = (_again_later, _again_later, _again_later)
# The first response is trusted and handled; then the service contradicts itself.
FOLLOWED: _Row = (_done, _final, _final)
# If the first request of a run always gets this response, the address is wrong.
ELSEWHERE: _Row = (_done, _done, _final)
# The engine works around it.
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
    # Credentials are read again once, since they may have been renewed; then the user has to act.
    t.EXPIRED: ASKED_ONCE_MORE,
    t.DENIED: REFUSED,
    t.BAD_SIGNATURE: REFUSED,
    t.REDIRECTED: FOLLOWED,
}

# Calls that change nothing have no stage between the effect and the response.
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

# The next attempt is told that the upload does not exist, which was the goal.
_NEXT_TRY_SEES: Mapping[Trouble, _Row] = {
    t.CLOSED_AFTER: SEEN_BY_NEXT,
    t.RESET_AFTER: SEEN_BY_NEXT,
    t.LATE_AFTER: SEEN_BY_NEXT,
    t.GARBAGE_AFTER: SEEN_BY_NEXT,
}

EXPECTED: Mapping[Operation, Mapping[Trouble, _Row]] = {  # pyright: ignore[reportAssignmentType]
    Operation.LIST_UPLOADS: {
        # It only finds uploads missing from the store, so the upload continues without it, unless its own calls would
        # fail as well.
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
        # ListParts is called before the response to one part is trusted; a service that contradicts itself fails.
        t.NO_UPLOAD: FOLLOWED,
        t.EXPIRED_UPLOAD: (_sent_again(3), _sent_again(3), _sent_again(3, Outcome.FINAL)),
    },
    Operation.LIST: {
        **_READING,
        # Without a list the store's receipts are used: Complete lists each of them, and the object is verified.
        t.DENIED: MENDED,
        t.NOT_ALLOWED: MENDED,
        t.NO_BUCKET: REFUSED,
        # S3 reports that it has nothing, so every part is sent to a new upload.
        t.NO_UPLOAD: (_sent_again(DONE_BEFORE),) * 3,
        t.EXPIRED_UPLOAD: (_sent_again(DONE_BEFORE),) * 3,
        t.ROWS_REPEATED: MENDED,
        t.ROWS_UNSORTED: MENDED,
        t.ROW_DROPPED: (_sent_again(1),) * 3,
        t.ROW_CUT: (_sent_again(1),) * 3,
        # Parts that no page lists cannot be assumed to exist.
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
        # S3 requires a new upload with every part sent again.
        t.CONFLICT: (_sent_again(PARTS), _sent_again(PARTS, Outcome.FINAL), _sent_again(PARTS, Outcome.FINAL)),
        # No object is visible, so none was written by someone else: the next run finishes.
        t.TAKEN: LEFT_TO_THE_NEXT_RUN,
    },
    Operation.HEAD: {
        **_READING,
        **_OVER_TLS,
        # The response to HEAD has no body, so a 400 does not show which error it is.
        t.TIMEOUT_400: ASKED_ONCE_MORE,
        t.EXPIRED: ASKED_ONCE_MORE,
        # Without permission to read, the response to Complete is the proof.
        t.SKEWED: MENDED,
        t.DENIED: MENDED,
        t.BAD_SIGNATURE: MENDED,
        # Complete succeeded, so the object must exist: HEAD is sent once more, and again in the next run.
        t.NO_KEY: ASKED_ONCE_MORE,
        # One response may have been truncated inside a number, so HEAD is sent once more before the upload fails.
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
        # No object is visible, so none was written by someone else: the next run finishes.
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

# Cells that would only wait: an abort that was accepted without effect is checked once per second.
_LEFT_OUT = {(Operation.ABORT, t.WEB_PAGE, Times.THREE), (Operation.ABORT, t.WEB_PAGE, Times.EVER)}

CELLS = [
    Cell(operation=operation, trouble=trouble, times=times, expected=expected)
    for operation, rows in EXPECTED.items()
    for trouble, row in rows.items()
    for times, expected in zip(Times, row, strict=True)
    if (operation, trouble, times) not in _LEFT_OUT
]
