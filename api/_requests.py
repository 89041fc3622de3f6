"""A caller's request, checked before its thread starts."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.checksums import ChecksumAlgorithm
from partway.engine.flow.bandwidth import TokenBucket
from partway.engine.flow.pace import Limit
from partway.engine.flow.shared_slots import SharedSlots
from partway.engine.job.context import JobSettings
from partway.engine.limits import AWS, S3Limits
from partway.engine.retry.policy import RetryPolicy
from partway.engine.run.context import EngineContext
from partway.engine.run.settings import UploadSettings
from partway.engine.walk.file_list import LISTED_ON_STDIN
from partway.engine.walk.spec import JobSpec

from ._arguments import values
from ._arguments.destination import object_address, prefix_address
from ._arguments.options import Options, check_options
from ._arguments.selection import Names, limits
from ._arguments.sources import PathSource, StreamSource, absolute, source_of
from ._run import calls
from ._run.connection import Place
from ._run.progress import ByteCounter
from ._run.results import JobResult, UploadResult
from .errors import OptionError
from .events import Event, JobPlanned, UploadPlanned


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The settings of a client that apply to all its uploads."""

    concurrency: int | None = None
    part_size: int | None = None
    bandwidth: Limit = None
    policy: RetryPolicy
    limits: S3Limits = AWS
    bucket: TokenBucket | None = None
    slots: SharedSlots | None = None

    @classmethod
    def checked(cls, *, retry_for: object, max_parts: object, **given: object) -> Self:
        """Check the values; None means not given.

        Raises:
            OptionError
        """
        checks = {"concurrency": values.concurrency, "part_size": values.size, "bandwidth": values.bandwidth}
        found: dict[str, Any] = {
            name: None if value is None else checks[name](name, value) for name, value in given.items()
        }
        patience = None if retry_for is None else values.seconds("retry_for", retry_for)
        policy = RetryPolicy() if patience is None else RetryPolicy(budget=patience, first_contact=patience)
        limits = AWS if max_parts is None else replace(AWS, max_parts=values.max_parts("max_parts", max_parts))
        limit = found["bandwidth"]
        # A timetable is followed by the uploads that share the bucket.
        bucket = None if limit is None else TokenBucket(limit if isinstance(limit, int) else None, time.monotonic)
        number = found["concurrency"]
        slots = None if number is None else SharedSlots(number)
        return cls(policy=policy, limits=limits, bucket=bucket, slots=slots, **found)

    def settings(self, options: Options | None = None) -> UploadSettings:
        """The engine's settings for one upload."""
        options = options or Options(object=ObjectOptions())
        algorithm = options.get("checksum_algorithm")
        return UploadSettings(
            part_size=options.get("part_size", self.part_size),
            concurrency=options.get("concurrency", self.concurrency),
            bandwidth=self.bandwidth,
            bucket=self.bucket,
            slots=self.slots,
            limits=self.limits,
            policy=self.policy,
            algorithm=None if algorithm is None else ChecksumAlgorithm(algorithm),
            guess_content_type=options.get("guess_mime_type", True),
            restart=options.get("restart", False),
            adopt=options.get("adopt", False),
            check_updated=options.get("check_updated", True),
            verify_source=options.get("verify_source", False),
            verify_each=options.get("verify_each", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    options: Options
    settings: UploadSettings

    @property
    def sinks(self) -> tuple[Callable[[Event], object] | None, ...]:
        """The callbacks given for this upload."""
        callback = self.options.get("callback")
        return None if callback is None else ByteCounter(callback), self.options.get("on_event")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRequest(_Request):
    """One source to one object."""

    source: PathSource | StreamSource
    bucket: str
    key: str

    def target(self, endpoint: str) -> Target:
        """The destination."""
        return Target(bucket=self.bucket, key=self.key, endpoint=endpoint, options=self.options.object)

    def plan(self, context: EngineContext, endpoint: str) -> UploadPlanned:
        """What ``send`` would do with a file.

        Raises:
            OptionError: it is a stream.
        """
        if not isinstance(self.source, PathSource):
            raise OptionError("only paths can be planned; a stream is not known before it is read")
        return calls.plan_path(self.source.path, self.target(endpoint), context)

    def send(self, context: EngineContext, place: Place, directory: Path) -> UploadResult:
        """Upload it."""
        target = self.target(place.endpoint)
        if isinstance(self.source, PathSource):
            return calls.send_path(self.source, target, context, region=place.region, profile=place.profile)
        return calls.send_stream(
            self.source, target, context, self.options, directory, region=place.region, profile=place.profile
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest(_Request):
    """Many files below one prefix."""

    sources: tuple[str, ...]
    names: Names | None
    bucket: str
    prefix: str

    def spec(self, endpoint: str) -> JobSpec:
        """The job in the engine's form."""
        return JobSpec(
            sources=self.sources,
            listed=None if self.names is None else self.names.path or LISTED_ON_STDIN,
            bucket=self.bucket,
            prefix=self.prefix,
            endpoint=endpoint,
            filters=self.options.filters,
            limits=limits(self.options.given),
            order=self.options.get("order"),
            follow_symlinks=self.options.get("follow_symlinks", True),
            skip_same=self.options.get("skip_existing", False),
            key_encoding=self.options.get("key_encoding"),
            part_size=self.settings.part_size,
            algorithm=self.settings.algorithm,
            guess_content_type=self.settings.guess_content_type,
            options=self.options.object,
        )

    def send(self, context: EngineContext, place: Place, directory: Path) -> JobResult:
        """Upload them."""
        return calls.send_files(
            self.spec(place.endpoint),
            context,
            self._job,
            names=self._text,
            region=place.region,
            profile=place.profile,
        )

    def plan(self, context: EngineContext, endpoint: str) -> JobPlanned:
        """What ``send`` would do."""
        return calls.plan_files(self.spec(endpoint), context, self._job, names=self._text)

    @property
    def _text(self) -> bytes:
        return b"" if self.names is None else self.names.text

    @property
    def _job(self) -> JobSettings:
        return JobSettings(
            fail_fast=self.options.get("fail_fast", False),
            prune=self.options.get("prune", False),
            fail_if_empty=self.options.get("fail_if_empty", False),
        )


def make_request(source: Any, destination: str, options: Mapping[str, Any], defaults: Defaults) -> ObjectRequest:
    """One source to one object.

    Raises:
        OptionError, SourceError.
    """
    read = source_of(source)
    is_stream = isinstance(read, StreamSource)
    checked = check_options(options, stream=is_stream)
    name = os.path.basename(read.path) if isinstance(read, PathSource) else None  # noqa: PTH119 - undecodable names
    bucket, key = object_address(destination, name)
    return ObjectRequest(options=checked, settings=defaults.settings(checked), source=read, bucket=bucket, key=key)


def make_pipe(destination: str, options: Mapping[str, Any], defaults: Defaults) -> ObjectRequest:
    """Bytes from a writer to one object.

    Raises:
        OptionError
    """
    checked = check_options(options, stream=True)
    bucket, key = object_address(destination, None)
    nothing = StreamSource(lambda size: b"")
    return ObjectRequest(options=checked, settings=defaults.settings(checked), source=nothing, bucket=bucket, key=key)


def make_job(source: Any, destination: str, options: Mapping[str, Any], defaults: Defaults) -> JobRequest:
    """Many files below one prefix.

    Raises:
        OptionError, SourceError.
    """
    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(paths, (list, tuple)) or not paths:
        raise OptionError(f"{source!r} is not a path or a list of paths, which recursive=True requires")
    checked = check_options(options, many=True)
    limits(checked.given)
    # Of a single file, a destination without a slash may be meant as the key.
    no_file = not any(os.path.isfile(each) for each in paths)  # noqa: PTH113 - keeps undecodable names
    bucket, prefix = prefix_address(destination, add_slash=no_file)
    sources = tuple(absolute(path) for path in paths)
    names: Names | None = checked.get("files_from")
    if names is not None and not (len(sources) == 1 and os.path.isdir(sources[0])):  # noqa: PTH112
        raise OptionError("files_from takes one source: the directory that the names are relative to")
    return JobRequest(
        options=checked,
        settings=defaults.settings(checked),
        sources=sources,
        names=names,
        bucket=bucket,
        prefix=prefix,
    )
