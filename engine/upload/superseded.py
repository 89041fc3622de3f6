"""Remove what a finished upload supersedes: other unfinished uploads of the same file to the same key."""

from contextlib import suppress
from dataclasses import replace

from ..errors import PartwayError
from ..events.upload import UploadDone
from ..proof.proof import Proof
from ..run.run import UploadRun
from .abort import abort

_PATIENCE = 10.0  # seconds to wait for an endpoint that becomes unreachable after the object is done
_ATTEMPTS = 3


def remove_superseded(run: UploadRun, done: UploadDone) -> None:
    """Abort the file's other unfinished uploads to the key, such as the one that ``--adopt`` left for a better one.

    Only after the object is verified: until then their parts may be needed.  The caller holds the lock of the file and
    the key.  An upload that cannot be aborted now stays in the store and on S3, where ``partway list`` shows it; the
    finished upload succeeds anyway.
    """
    if not Proof(done.proof).covers_object:
        return
    policy = run.settings.policy
    brief = replace(
        policy,
        attempts=min(policy.attempts, _ATTEMPTS),
        budget=min(policy.budget, _PATIENCE),
        first_contact=min(policy.first_contact, _PATIENCE),
    )
    context = replace(run.context, settings=replace(run.settings, policy=brief))
    target = run.target
    for record in run.store.unfinished_to(target.endpoint, target.bucket, target.key):
        if record.source == run.record.source and not record.is_stream:
            with suppress(PartwayError):
                abort(record, context, run.shared_workers)
