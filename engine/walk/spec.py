"""The specification of a job: what it uploads and how, and its JSON form in the store."""

import json
from dataclasses import asdict, dataclass, field

from ..backend.target import ObjectOptions, Target
from ..checksums import ChecksumAlgorithm
from ..errors import PlanError
from ..file_names import decode_name, is_utf8
from .file_limits import FileLimits
from .filters import Filter
from .order import Order, OrderBy


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """The files, destination and options of a job.

    sources: absolute paths of files and directories.  If ``listed`` is set, a single directory that names are below.
    listed: absolute path of a file with names, one per line or separated by NUL; "-" means standard input; None walks
        the sources themselves.
    bucket, prefix: the key of a file is the prefix followed by its name; a prefix is empty or ends in a slash.
    endpoint: "" means AWS.
    filters: the last matching filter decides.
    limits: sizes and times of the files.
    order: None means that of the directories.
    skip_same: True skips a file whose object has the same size and checksum.
    key_encoding: encoding of names that are not UTF-8; None rejects them.
    part_size: bytes; None means chosen for each file.
    algorithm: the required checksum algorithm; None means CRC64NVME, or what the service supports instead.
    guess_content_type: True derives the content type from the file's name, unless the options set one.
    """

    sources: tuple[str, ...]
    listed: str | None = None
    bucket: str
    prefix: str
    endpoint: str = ""
    filters: tuple[Filter, ...] = ()
    limits: FileLimits = field(default_factory=FileLimits)
    order: Order | None = None
    follow_symlinks: bool = True
    skip_same: bool = False
    key_encoding: str | None = None
    part_size: int | None = None
    algorithm: ChecksumAlgorithm | None = None
    guess_content_type: bool = True
    options: ObjectOptions = field(default_factory=ObjectOptions)

    @property
    def url(self) -> str:
        """The destination as users write it."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def identity(self) -> str:
        """A string that is equal for jobs with the same sources and destination, whatever their other options."""
        return json.dumps([self.sources, self.listed, self.bucket, self.prefix, self.endpoint])

    def target(self, key: str) -> Target:
        """The destination of the file with this key."""
        return Target(bucket=self.bucket, key=key, endpoint=self.endpoint, options=self.options)

    def key(self, name: str) -> str:
        """The key of a file, from its name below the source.

        Raises:
            PlanError: the name is not UTF-8, and ``key_encoding`` is None or cannot decode it.
        """
        if not is_utf8(name):
            if self.key_encoding is None:
                raise PlanError(
                    "its name is not valid UTF-8; rename it, or set its encoding with --key-encoding (e.g. latin-1)"
                )
            try:
                name = decode_name(name, self.key_encoding)
            except UnicodeDecodeError:
                raise PlanError(f"its name is not valid {self.key_encoding}; rename it") from None
        return self.prefix + name

    def to_json(self) -> str:
        """The JSON form for the store.  Equal specs have equal forms.

        Defaults are omitted, so that a field added by a later version does not change the form of unfinished jobs.
        """
        defaults = asdict(JobSpec(sources=self.sources, bucket=self.bucket, prefix=self.prefix))
        named = {"sources", "bucket", "prefix"}
        values = {name: value for name, value in asdict(self).items() if name in named or value != defaults[name]}
        if "options" in values:
            values["options"] = self.options.to_json()
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "JobSpec":
        """Read the output of ``to_json``.

        Raises:
            ValueError, TypeError, KeyError: the text is not a job specification.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("not the text of a job")
        algorithm, order = values.get("algorithm"), values.get("order")
        return cls(
            **values
            | {
                "sources": tuple(values["sources"]),
                "algorithm": None if algorithm is None else ChecksumAlgorithm(algorithm),
                "filters": tuple(Filter(**each) for each in values.get("filters", ())),
                "limits": FileLimits(**values.get("limits", {})),
                "order": None if order is None else Order(**order | {"by": OrderBy(order["by"])}),
                "options": ObjectOptions.from_json(values.get("options", "{}")),
            }
        )
