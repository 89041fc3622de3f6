"""The faults of the fault matrix."""

from tests.support.s3_faults import responses as answers
from tests.support.s3_faults.faults import (
    Answer,
    BreakTls,
    CloseConnection,
    FlipBit,
    Garbage,
    Outwait,
    ResetConnection,
    Stage,
)
from tests.support.s3_model.quirks import Quirks

from .case import Expiring, Listing, Program, Refusing, Rotating, Scripted, Trouble

ANSWER_TIMEOUT = 0.25  # seconds; of the client in cells with late responses
LATER = 0.1  # seconds; by then the next attempt is under way, or not
OTHER_REGION = "eu-west-1"

_PAGE = b"<html><head><title>Welcome</title></head><body>Please sign in to the network.</body></html>"


def _at(name: str, stage: Stage, action: object, **flags: bool) -> Trouble:
    return Trouble(name=name, how=Scripted(stage=stage, action=action), **flags)  # type: ignore[arg-type]


def _instead(name: str, answer: Answer, **flags: bool) -> Trouble:
    return _at(name, Stage.AFTER_BODY, answer, **flags)


REFUSED = Trouble(name="connection refused", how=Refusing())
CLOSED_BEFORE = _at("closed before the request is read", Stage.BEFORE_READ, CloseConnection())
RESET_BEFORE = _at("reset before the request is read", Stage.BEFORE_READ, ResetConnection())
CLOSED_HALF = _at("closed after half the body", Stage.HALF_BODY, CloseConnection())
RESET_HALF = _at("reset after half the body", Stage.HALF_BODY, ResetConnection())
CLOSED_AFTER = _at("closed after the effect, before the response", Stage.AFTER_EFFECT, CloseConnection())
RESET_AFTER = _at("reset after the effect, before the response", Stage.AFTER_EFFECT, ResetConnection())
RESET_AFTER_ONLY_NEW = _at(
    "reset after the effect, with `--no-overwrite`", Stage.AFTER_EFFECT, ResetConnection(), no_overwrite=True
)
HALF_ANSWER = _at("half a response, then closed", Stage.HALF_ANSWER, CloseConnection())
LATE_BEFORE = _at("effect and response too late", Stage.AFTER_BODY, Outwait(seconds=LATER), is_late=True)
LATE = _at("response too late", Stage.AFTER_BODY, Outwait(seconds=LATER), is_late=True)
LATE_AFTER = _at("effect in time, response too late", Stage.AFTER_EFFECT, Outwait(seconds=LATER), is_late=True)
GARBAGE_BEFORE = _at("garbage instead of HTTP", Stage.BEFORE_READ, Garbage())
GARBAGE_AFTER = _at("effect, then garbage instead of HTTP", Stage.AFTER_EFFECT, Garbage())
TLS_HALF = _at("TLS: broken record after half the body", Stage.HALF_BODY, BreakTls(), is_tls=True)
TLS_AFTER = _at("TLS: broken record after the effect", Stage.AFTER_EFFECT, BreakTls(), is_tls=True)
TLS_CLOSED = _at("TLS: closed before the request is read", Stage.BEFORE_READ, CloseConnection(), is_tls=True)

INTERNAL_ERROR = _instead("500 InternalError", answers.internal_error())
BAD_GATEWAY = _instead("502 with a web page", answers.bad_gateway())
SLOW_DOWN = _instead("503 SlowDown", answers.slow_down())
GATEWAY_TIMEOUT = _instead("504 with a web page", answers.gateway_timeout())
TOO_MANY = _instead("429 TooManyRequests", answers.too_many_requests())
TIMEOUT_408 = _instead("408 without a body", Answer(status=408))
TIMEOUT_400 = _instead("400 RequestTimeout", answers.request_timeout())
SKEWED = _instead("403 RequestTimeTooSkewed", answers.request_time_too_skewed())
EXPIRED = _instead("400 ExpiredToken, static credentials", answers.expired_token())
DENIED = _instead("403 AccessDenied", answers.access_denied())
BAD_SIGNATURE = _instead("403 SignatureDoesNotMatch", answers.s3_error("SignatureDoesNotMatch", 403))
REDIRECTED = Trouble(
    name="301 to another region",
    how=Scripted(stage=Stage.BEFORE_READ, action=answers.permanent_redirect(OTHER_REGION), region=OTHER_REGION),
)
NO_BUCKET = _instead("404 NoSuchBucket", answers.s3_error("NoSuchBucket", 404))
NO_UPLOAD = _instead("404 NoSuchUpload, but the upload exists", answers.s3_error("NoSuchUpload", 404))
EXPIRED_UPLOAD = Trouble(name="404 NoSuchUpload, and the upload no longer exists", how=Expiring())
NO_KEY = _instead("404", answers.s3_error("NoSuchKey", 404))
NOT_ALLOWED = _instead("405 MethodNotAllowed", answers.s3_error("MethodNotAllowed", 405))
CONFLICT = _instead("409 ConditionalRequestConflict", answers.conditional_conflict(), no_overwrite=True)
ABORTED = _instead("409 OperationAborted", answers.s3_error("OperationAborted", 409))
TAKEN = _instead("412 PreconditionFailed", answers.s3_error("PreconditionFailed", 412), no_overwrite=True)
INVALID_PART = _instead("400 InvalidPart", answers.s3_error("InvalidPart", 400))
TOO_SMALL = _instead("400 EntityTooSmall", answers.s3_error("EntityTooSmall", 400))
ERROR_IN_200 = _instead("200 with an `<Error>` body", answers.error_in_200())
WEB_PAGE = _instead("200 with a web page", Answer(status=200, body=_PAGE, headers={"Content-Type": "text/html"}))
OTHER_OBJECT = _instead(
    "200 with another object's size",
    Answer(status=200, headers={"Content-Length": "5", "ETag": '"0123456789abcdef0123456789abcdef"'}),
)
FLIPPED = _at("a flipped bit in the body", Stage.AFTER_BODY, FlipBit(index=77))
FLIPPED_ETAG = _at("a flipped bit in the body, in a part's ETag", Stage.AFTER_BODY, FlipBit(index=115))
FLIPPED_XML = _at("a flipped bit in the body, in its XML", Stage.AFTER_BODY, FlipBit())

ROWS_REPEATED = Trouble(name="rows repeated, pages of 2", how=Listing(quirks=Quirks(list_repeats=True)))
ROWS_UNSORTED = Trouble(name="rows sorted as text, pages of 2", how=Listing(quirks=Quirks(list_unsorted=True)))
ROW_DROPPED = Trouble(name="a row dropped, pages of 2", how=Listing(quirks=Quirks(list_drops=frozenset({2}))))
ROW_CUT = Trouble(name="a row with a short size, pages of 2", how=Listing(quirks=Quirks(list_truncates={2: 7})))
MARKER_IGNORED = Trouble(
    name="every page is the first, pages of 2", how=Listing(quirks=Quirks(list_ignores_marker=True))
)
MARKER_INCLUSIVE = Trouble(name="pages overlap by a row", how=Listing(quirks=Quirks(list_marker_inclusive=True)))

PROGRAM_FAILS = Trouble(name="the program fails", how=Program(script="echo 'no session' >&2; exit 1"))
PROGRAM_GARBLES = Trouble(name="the program prints no JSON", how=Program(script="echo Please log in."))
PROGRAM_EMPTY = Trouble(name="the program prints JSON without keys", how=Program(script="""echo '{"Version": 1}'"""))
PROGRAM_STALE = Trouble(
    name="the program prints expired credentials",
    how=Program(
        script="""echo '{"Version": 1, "AccessKeyId": "old", "SecretAccessKey": "old", """
        """"Expiration": "2020-01-01T00:00:00Z"}'"""
    ),
)
PROGRAM_GONE = Trouble(name="the program no longer exists", how=Program(script=None))
ROTATED = Trouble(name="400 ExpiredToken before they expire", how=Rotating())
