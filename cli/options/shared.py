"""Options shared by several commands, and the parsing of their values."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from partway.engine.limits import AWS, S3Limits
from partway.engine.retry.policy import RetryPolicy

from .values import bandwidth_value, time_value, url_value

F = TypeVar("F", bound=Callable[..., Any])


def state_dir_option(command: F) -> F:
    """--state-dir, for every command that uses the store."""
    return click.option(
        "--state-dir",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Directory of the upload state.  [env: PARTWAY_STATE_DIR]",
    )(command)


def profile_option(command: F) -> F:
    """--profile, for commands that work with a stored upload."""
    return click.option("--profile", metavar="NAME", help="AWS profile to use.  [default: the profile of the upload]")(
        command
    )


def service_options(command: F) -> F:
    """--endpoint-url, --profile and --region, for commands with a bucket as argument."""
    for option in (
        click.option("--region", metavar="NAME", help="AWS Region."),
        click.option("--profile", metavar="NAME", help="AWS profile to use."),
        click.option("--endpoint-url", callback=url_value, metavar="URL", help="Endpoint of a service other than AWS."),
    ):
        command = option(command)
    return command


def dry_run_option(command: F) -> F:
    """--dry-run, with the names that other tools use."""
    return click.option(
        "-n",
        "--dry-run",
        "--dryrun",
        "dry_run",
        is_flag=True,
        help="Show what would be done, and do nothing; at most, S3 is asked whether objects exist.",
    )(command)


def prune_option(command: F) -> F:
    """--prune, for jobs whose files no longer exist."""
    return click.option(
        "--prune",
        is_flag=True,
        help="Accept that files of an unfinished job are gone: forget them, and remove their parts from S3.",
    )(command)


def output_options(command: F) -> F:
    """--quiet, --no-progress, --progress-interval and --json."""
    for option in (
        click.option(
            "--progress-interval",
            type=click.FloatRange(min=0.1, max=86400.0),
            metavar="SECONDS",
            help="Time between updates of the progress.  [default: 5 for lines, 1 for --json]",
        ),
        click.option("--json", "as_json", is_flag=True, help="Write events to stdout, one JSON object per line."),
        click.option("--no-progress", is_flag=True, help="Show no progress, only the summary."),
        click.option("--quiet", "--only-show-errors", "quiet", is_flag=True, help="Print errors only."),
    ):
        command = option(command)
    return command


def log_option(command: F) -> F:
    """--log-file, as ``log_file``."""
    return click.option(
        "--log-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Append a line per event, with the time in UTC.",
    )(command)


def source_options(command: F) -> F:
    """--verify-source, --verify-each and --local-no-check-updated, as ``verify_source``, ... and ``check_updated``."""
    for option in (
        click.option(
            "--local-no-check-updated",
            "check_updated",
            is_flag=True,
            flag_value=False,
            default=True,
            help="Upload the file as it is at the start, even if it grows or is touched during the upload (log files).",
        ),
        click.option(
            "--verify-source",
            is_flag=True,
            help="Read the file again at the end, and compare every part before completing the upload.",
        ),
        click.option(
            "--verify-each",
            is_flag=True,
            help="Ask S3 for every object after it is written, instead of trusting the checksum in its response.",
        ),
    ):
        command = option(command)
    return command


def max_parts_option(command: F) -> F:
    """--max-parts, as ``max_parts``."""
    return click.option(
        "--max-parts",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Maximum number of parts, for services that accept fewer than 10,000.",
    )(command)


def limits_of(max_parts: int | None) -> S3Limits:
    """The service's limits, with the number of parts from --max-parts."""
    return AWS if max_parts is None else replace(AWS, max_parts=max_parts)


def pace_options(command: F) -> F:
    """--concurrency, --bwlimit, --max-duration and --retry-for."""
    for option in (
        click.option(
            "--max-duration",
            callback=time_value,
            metavar="TIME",
            help="Stop cleanly after this time, e.g. 6h, with exit code 75; the same command resumes.",
        ),
        click.option(
            "--retry-for",
            callback=time_value,
            metavar="TIME",
            help="How long to retry while the endpoint is unreachable, e.g. 90s or 2h.  "
            "[default: 15min; 20s if it never responded]",
        ),
        click.option(
            "--bwlimit",
            callback=bandwidth_value,
            metavar="RATE",
            help="Bandwidth limit in bytes per second for all connections: 20M, off, or a timetable such as "
            "'08:00,2M 19:00,20M 23:00,off'.",
        ),
        click.option(
            "-c",
            "--concurrency",
            type=click.IntRange(1, 256),
            metavar="N",
            help="Maximum number of parts in flight.  [default: as many as increase throughput, up to 32]",
        ),
    ):
        command = option(command)
    return command


def retry_policy(retry_for: float | None) -> RetryPolicy:
    """The default policy, with the value of --retry-for if given."""
    return RetryPolicy() if retry_for is None else RetryPolicy(budget=retry_for, first_contact=retry_for)
