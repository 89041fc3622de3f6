"""The source and destination of ``upload``: a file, a stream or a job, and the options that apply to it."""

import os
from dataclasses import dataclass

import click

from partway.engine.walk.file_limits import FileLimits

from ..options.job import JobOptions
from ..options.s3_uri import absolute, check_destination, parse_destination, parse_target
from ..text.escape import printable
from .stream import StreamOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSources:
    """The checked sources and destination.

    source: the absolute path of a file, "-" for a stream, or "" for a job.
    named: the absolute paths of all sources; empty for a stream.
    key: for a job, the prefix.
    """

    source: str
    named: tuple[str, ...]
    is_stream: bool
    is_job: bool
    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSources:
    """Sources and destination as typed, with the options about them."""

    sources: tuple[str, ...]
    target: str
    many: JobOptions
    stream: StreamOptions

    def checked(self) -> CheckedSources:
        """Check the sources, the destination and the options.

        Raises:
            click.UsageError: the sources are ambiguous, or an option does not apply to them.
        """
        many, sources = self.many, self.sources
        if many.files_from is None:
            check_destination(sources, self.target, "SOURCE")
            if not sources:
                raise click.UsageError("SOURCE is missing: give a file, or a directory with -r")
        is_job = many.recursive or len(sources) != 1 or many.files_from is not None
        if is_job:
            source, is_stream = "", False
            self.stream.check_none(sources)
            bucket, key = parse_destination(self.target, add_slash=many.recursive and not _has_file(sources))
            _check_sources(sources, many)
        else:
            is_stream = self.stream.check(sources[0], self.target)
            source = sources[0] if is_stream else absolute(sources[0])
            _check_no_job_options(many, "" if is_stream else source)
            bucket, key = parse_target(self.target, source)
        named = () if is_stream else tuple(absolute(each) for each in sources)
        return CheckedSources(source=source, named=named, is_stream=is_stream, is_job=is_job, bucket=bucket, key=key)


def _has_file(sources: tuple[str, ...]) -> bool:
    """True if one of the sources is a file: a destination without a slash may then be intended as its key."""
    return any(os.path.isfile(each) for each in sources)  # noqa: PTH113 - keeps undecodable names


def _check_sources(sources: tuple[str, ...], many: JobOptions) -> None:
    """Check that the sources make a job.

    Raises:
        click.UsageError
    """
    folders = [each for each in sources if os.path.isdir(each)]  # noqa: PTH112 - keeps undecodable names
    if folders and not many.recursive and many.files_from is None:
        raise click.UsageError(f"{printable(folders[0])} is a directory; add -r to upload the files in it")
    if many.files_from is not None and (len(sources) > 1 or len(folders) != len(sources)):
        raise click.UsageError("--files-from takes at most one SOURCE: the directory that the names are relative to")


def _check_no_job_options(many: JobOptions, source: str) -> None:
    """Check that no option for many files is used with a single one.

    Raises:
        click.UsageError
    """
    if os.path.isdir(source):  # noqa: PTH112 - keeps undecodable names
        raise click.UsageError(f"{printable(source)} is a directory; add -r to upload the files in it")
    flags = {
        "--include and --exclude": bool(many.filters),
        "--min-size, --max-size, --newer-than and --older-than": many.limits != FileLimits(),
        "--order": many.order is not None,
        "--skip-existing": many.skip_same,
        "--fail-fast": many.fail_fast,
        "--fail-if-empty": many.fail_if_empty,
        "--prune": many.prune,
        "--key-encoding": many.key_encoding is not None,
    }
    if given := [flag for flag, is_given in flags.items() if is_given]:
        raise click.UsageError(f"{given[0]} can only be used for several files; add -r")
