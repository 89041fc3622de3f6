"""Check what every upload requires: credentials, region, endpoint, clock, bucket."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ..backend.service import EndpointFacts, EndpointResponse, Probe
from ..errors import AccessRefused, ObjectMissing, RemoteError, Transient
from .check import Check, Health, TimedCalls

_CLOCK = 60.0  # seconds of clock skew before a warning


def check_connection(probe: Probe, calls: TimedCalls, *, unsigned: bool, checked: bool) -> Iterator[Check]:
    """Check credentials, region, endpoint and clock.  The last check is FAILED when no further check is possible.

    Args:
        unsigned: True when requests are not signed.
        checked: False when the user disabled the verification of the endpoint's certificate.
    """
    found = _credentials(probe, calls, unsigned)
    yield found
    try:
        endpoint = calls(probe.endpoint)
    except RemoteError as error:
        yield Check(name="endpoint", health=Health.FAILED, fact=str(error))
        return
    yield _region(endpoint)
    if found.health is Health.FAILED:
        yield Check(
            name="endpoint",
            health=Health.FAILED,
            fact=f"{_named(endpoint)}: not checked, because there are no credentials",
            advice="fix the credentials, and run this again",
        )
        return
    yield from _endpoint(probe, calls, endpoint, checked)


def _credentials(probe: Probe, calls: TimedCalls, unsigned: bool) -> Check:
    if unsigned:
        return Check(name="credentials", health=Health.OK, fact="not used (--no-sign-request)")
    try:
        facts = calls(probe.credentials)
    except RemoteError as error:
        return Check(
            name="credentials",
            health=Health.FAILED,
            fact=str(error),
            advice="renew them, or check the AWS configuration",
        )
    if facts is None:
        return Check(
            name="credentials",
            health=Health.FAILED,
            fact="not found",
            advice="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run `aws configure`, or choose "
            "a profile with --profile",
        )
    place = _PLACES.get(facts.method, facts.method)
    profile = f", profile {facts.profile}" if facts.profile else ""
    key = f", key …{facts.key_end}" if facts.key_end else ""
    ends = ""
    if facts.expires is not None:
        left = facts.expires - calls.clock.time()
        ends = f", valid for {left / 60:,.0f} min" if left > 0 else ", expired"
    elif facts.temporary:
        ends = ", temporary"
    return Check(name="credentials", health=Health.OK, fact=f"{place}{profile}{key}{ends}")


_PLACES = {
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS configuration file",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role assumed with a web identity",
    "sso": "AWS single sign-on",
    "login": "aws login",
    "custom-process": "a credential process",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}


def _region(endpoint: EndpointFacts) -> Check:
    if endpoint.region is not None:
        return Check(name="region", health=Health.OK, fact=f"{endpoint.region}, from {endpoint.region_source}")
    return Check(
        name="region",
        health=Health.WARNING if endpoint.is_aws else Health.OK,
        fact="not set; using us-east-1",
        advice="set AWS_REGION, or use --region with the bucket's Region" if endpoint.is_aws else "",
    )


def _named(endpoint: EndpointFacts) -> str:
    return endpoint.url + (f", from {endpoint.source}" if endpoint.source else "")


def _endpoint(probe: Probe, calls: TimedCalls, endpoint: EndpointFacts, checked: bool) -> Iterator[Check]:
    try:
        first = calls(probe.reach)
    except AccessRefused as error:
        yield Check(name="endpoint", health=Health.OK, fact=f"{_named(endpoint)} answers")
        yield Check(name="access", health=Health.FAILED, fact=str(error))
        return
    except RemoteError as error:
        yield Check(
            name="endpoint",
            health=Health.FAILED,
            fact=f"{_named(endpoint)}: {error}",
            advice="check the address, the network and the proxy" if isinstance(error, Transient) else "",
        )
        return
    try:
        second = calls(probe.reach)
    except RemoteError:
        second = first
    health, way, advice = _way(endpoint.url, checked)
    yield Check(
        name="endpoint",
        health=health,
        fact=f"{_named(endpoint)}: {_ms(first)} the first time, then {_ms(second)}; {way}",
        advice=advice,
    )
    yield _clock(second)


def _ms(answered: EndpointResponse) -> str:
    return f"{answered.seconds * 1000:,.0f} ms"


def _way(url: str, checked: bool) -> tuple[Health, str, str]:
    parts = urlsplit(url)
    if parts.scheme == "https" and checked:
        return Health.OK, "TLS, certificate trusted", ""
    if parts.scheme == "https":
        return (
            Health.WARNING,
            "TLS, certificate not checked",
            "trust it with --ca-bundle instead",
        )
    if parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return Health.OK, "no TLS, on this machine", ""
    return Health.WARNING, "no TLS", "use https: anyone on the path can read, and some services verify no checksums"


def _clock(answered: EndpointResponse) -> Check:
    if answered.ahead is None:
        return Check(name="clock", health=Health.OK, fact="the service does not report its time")
    off = -answered.ahead
    if abs(off) < _CLOCK:
        return Check(name="clock", health=Health.OK, fact="agrees with the service's clock")
    word = "ahead of" if off > 0 else "behind"
    return Check(
        name="clock",
        health=Health.WARNING,
        fact=f"{abs(off):,.0f} s {word} the service's clock; partway corrects for it, other tools may fail",
        advice="set this machine's clock",
    )


def check_bucket(probe: Probe, calls: TimedCalls, bucket: str, endpoint: EndpointFacts) -> Check:
    """Check that the bucket exists in the configured region.  FAILED when no further check is possible."""
    try:
        found = calls(lambda: probe.look_at_bucket(bucket))
    except ObjectMissing as error:
        return Check(
            name="bucket",
            health=Health.FAILED,
            fact=str(error),
            advice="create it, or check its name, the region and the endpoint",
        )
    except RemoteError as error:
        return Check(name="bucket", health=Health.FAILED, fact=str(error))
    where = f", in {found.region}" if found.region else ""
    used = endpoint.region or "us-east-1"
    if found.region and endpoint.is_aws and found.region != used:
        return Check(
            name="bucket",
            health=Health.WARNING,
            fact=f"s3://{bucket} is in {found.region}, not in {used}; requests are redirected",
            advice=f"set the region to {found.region}, or use --region {found.region}",
        )
    if not found.permitted:
        where += "; s3:ListBucket is not permitted, but uploads do not need it"
    return Check(name="bucket", health=Health.OK, fact=f"s3://{bucket} exists{where}")
