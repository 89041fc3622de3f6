"""Check the handling of unfinished uploads: can they be listed, and does a lifecycle rule remove them?"""

import json
import shlex

from ..backend.bucket import BucketBackend
from ..backend.service import Probe
from ..errors import AccessRefused, Refused, RemoteError
from ..plural import plural, verb
from .check import Check, Health, TimedCalls

_RULE = {
    "ID": "abort-unfinished-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
_MISSING = "unfinished uploads cost storage until they are removed; add a rule that removes them"


def check_orphans(uploads: BucketBackend, calls: TimedCalls, bucket: str, prefix: str) -> Check:
    """Check whether unfinished uploads can be listed, and count them."""
    try:
        found = calls(lambda: uploads.bucket_uploads(bucket, prefix)).uploads
    except Refused as error:
        return Check(
            name="unfinished",
            health=Health.WARNING,
            fact=str(error),
            advice="without it, `partway clean` and --adopt find nothing; uploads still work",
        )
    except RemoteError as error:
        return Check(name="unfinished", health=Health.WARNING, fact=str(error))
    if not found:
        return Check(name="unfinished", health=Health.OK, fact="can be listed; there are none")
    unfinished = f"{plural(len(found), 'upload')} {verb(len(found))} unfinished"
    return Check(
        name="unfinished",
        health=Health.OK,
        fact=f"may be listed; {unfinished}",
        advice=f"to see them: partway clean s3://{bucket}/{prefix} --dry-run",
    )


def check_rules(probe: Probe, calls: TimedCalls, bucket: str, prefix: str) -> Check:
    """Check for a lifecycle rule that removes unfinished uploads, or give the command that adds one.

    S3 rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
    """
    try:
        found = calls(lambda: probe.abort_rules(bucket))
    except AccessRefused:
        return Check(
            name="lifecycle",
            health=Health.WARNING,
            fact="the rules cannot be read (s3:GetLifecycleConfiguration)",
            advice="ask an administrator whether a rule removes unfinished uploads; this command "
            "adds one, and keeps existing rules",
            command=_adding(bucket),
        )
    except RemoteError as error:
        return Check(
            name="lifecycle",
            health=Health.WARNING,
            fact=f"the service reports no rules ({error.code})",
            advice="check the service's documentation for when it removes unfinished uploads, or use `partway clean`",
        )
    if found.dropped:
        return Check(
            name="lifecycle",
            health=Health.OK,
            fact="MinIO removes unfinished uploads itself, after 24 hours unless set otherwise; it has no such rules",
        )
    covering = [days for rule, days in found.aborting if prefix.startswith(rule)]
    if covering:
        days = min(covering)
        return Check(
            name="lifecycle",
            health=Health.OK,
            fact=f"unfinished uploads are removed {plural(days, 'day')} after they started",
        )
    below = ", ".join(sorted(rule for rule, _ in found.aborting))
    return Check(
        name="lifecycle",
        health=Health.WARNING,
        fact=f"a rule removes unfinished uploads only below {below}" if below else "no rule removes unfinished uploads",
        advice=_MISSING,
        command=_adding(bucket) if found.rules else _setting(bucket),
    )


def _setting(bucket: str) -> str:
    """The command for a bucket without rules; it would replace existing ones."""
    rules = json.dumps({"Rules": [_RULE]}, separators=(",", ":"))
    return (
        f"aws s3api put-bucket-lifecycle-configuration --bucket {shlex.quote(bucket)} "
        f"--lifecycle-configuration {shlex.quote(rules)}"
    )


def _adding(bucket: str) -> str:
    """The command for a bucket that has, or may have, rules; it keeps them."""
    name, rule = shlex.quote(bucket), json.dumps(_RULE, separators=(",", ":"))
    adding = shlex.quote(f"{{Rules: (.Rules + [{rule}])}}")
    return (
        f"aws s3api get-bucket-lifecycle-configuration --bucket {name} | jq {adding} > rules.json && "
        f"aws s3api put-bucket-lifecycle-configuration --bucket {name} --lifecycle-configuration file://rules.json"
    )
