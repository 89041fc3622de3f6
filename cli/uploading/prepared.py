"""An ``upload`` command that was parsed and checked, and has not begun."""

from dataclasses import dataclass

from partway.engine.backend.target import ObjectOptions, Target
from partway.engine.run.settings import UploadSettings
from partway.engine.walk.spec import JobSpec

from ..options.groups import ServiceOptions, UploadOptions
from ..options.job import JobOptions
from ..options.s3_uri import absolute
from ..text.encoding import locale_encoding
from .sources import CheckedSources

# In the meta of click's context: a function that takes the command instead of running it.
TAKES = "partway.takes_prepared"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedUpload:
    """Sources and options; ``service`` has the customer's key."""

    sources: CheckedSources
    many: JobOptions
    service: ServiceOptions
    object_options: ObjectOptions
    options: UploadOptions

    def target(self, endpoint: str) -> Target:
        """The destination of a single file or stream."""
        sources = self.sources
        return Target(bucket=sources.bucket, key=sources.key, endpoint=endpoint, options=self.object_options)

    def spec(self, endpoint: str, settings: UploadSettings, listed: str | None) -> JobSpec:
        """The job of several files.  listed: as in the spec."""
        many, named = self.many, self.sources.named
        return JobSpec(
            # The names in a list stay relative to this directory, wherever the job is resumed.
            sources=named if named or listed is None else (absolute("."),),
            listed=listed,
            bucket=self.sources.bucket,
            prefix=self.sources.key,
            endpoint=endpoint,
            filters=many.filters,
            limits=many.limits,
            order=many.order,
            follow_symlinks=many.follow_symlinks,
            skip_same=many.skip_same,
            key_encoding=many.key_encoding or locale_encoding(),
            part_size=settings.part_size,
            algorithm=settings.algorithm,
            guess_content_type=settings.guess_content_type,
            options=self.object_options,
        )
