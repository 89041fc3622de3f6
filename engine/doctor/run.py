"""Run all checks, from the credentials to a trial upload, and remove what was created."""

from collections.abc import Callable

from ..backend.bucket import BucketBackend
from ..backend.protocol import MultipartBackend
from ..backend.service import Probe
from ..errors import RemoteError, UploadFailed
from ..workers.channel import CancelToken
from .check import Check, Health, TimedCalls
from .cleanup import Leftovers
from .connection import check_bucket, check_connection
from .lifecycle import check_orphans, check_rules
from .object import try_object
from .parts import try_parts
from .trial import Trial, TrialEnded, failed, new_target

_TIDY = 5.0  # seconds that a call may take during the cleanup


def run_checks(
    probe: Probe,
    backend: MultipartBackend,
    uploads: BucketBackend,
    say: Callable[[Check], None],
    *,
    where: tuple[str, str] | None,
    endpoint: str,
    unsigned: bool = False,
    checked: bool = True,
    leftovers: bool = False,
    cancel: CancelToken | None = None,
) -> None:
    """Run the checks one after the other, and report each.  What was created is removed in any case.

    Args:
        where: Bucket and prefix; None checks only the connection.
        endpoint: As in Target.
        unsigned: True when requests are not signed.
        checked: False when the endpoint's certificate is not verified.
        leftovers: True also tests Complete when its object may not be removable.

    Raises:
        UploadCancelled: the caller asked to stop.
    """
    cancel = cancel or CancelToken()
    calls = TimedCalls(backend, cancel)
    for check in check_connection(probe, calls, unsigned=unsigned, checked=checked):
        say(check)
        if check.health is Health.FAILED and check.name != "credentials":
            return
    if where is None:
        return
    bucket, prefix = where
    found = check_bucket(probe, calls, bucket, calls(probe.endpoint))
    say(found)
    if found.health is Health.FAILED:
        return
    say(check_orphans(uploads, calls, bucket, prefix))
    say(check_rules(probe, calls, bucket, prefix))
    traces = Leftovers(target=new_target(bucket, prefix, endpoint))
    trial = Trial(probe=probe, calls=calls, traces=traces)
    try:
        for check in try_parts(trial):
            say(check)
        for check in try_object(trial, leftovers=leftovers):
            say(check)
    except TrialEnded:
        pass
    except (RemoteError, UploadFailed) as error:
        say(failed("upload", error))
    finally:
        # Not with the caller's cancel token: the cleanup must also run after a cancellation.
        for check in list(traces.remove(probe, TimedCalls(backend, CancelToken(), patience=_TIDY))):
            say(check)
