"""What a job uploads and how: a value, and the JSON text by which the store finds it again."""

import json
from dataclasses import asdict, dataclass, field

from ..backend.target import ObjectOptions, Target
from ..checksums import ChecksumAlgorithm
from ..errors import PlanError
from ..file_names import decode_name, is_utf8
from .filters import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """Many sources to one place.

    sources: absolute paths of files and folders; of at most one folder when ``listed`` is set: names are below it.
    listed: absolute path of a file that names the files, one a line or separated by NUL; "-" for standard input;
        None means that the sources are walked through.
    bucket, prefix: the key of a file is the prefix and its name; a prefix is empty or ends in a slash.
    endpoint: "" means AWS.
    filters: the last that matches decides.
    skip_same: a file that the service has already, by size and checksum, is not sent.
    key_encoding: of names that are no UTF-8; None refuses them.
    part_size: bytes; None means chosen for each file.
    algorithm: the checksum to use or fail; None means CRC64NVME, or what the service supports instead.
    guess_content_type: True names each content type by the file's name, when the options name none.
    """

    sources: tuple[str, ...]
    listed: str | None = None
    bucket: str
    prefix: str
    endpoint: str = ""
    filters: tuple[Filter, ...] = ()
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
        """Text that is equal for commands of the same sources and destination, whatever their options are."""
        return json.dumps([self.sources, self.listed, self.bucket, self.prefix, self.endpoint])

    def target(self, key: str) -> Target:
        """Where the file of this key goes."""
        return Target(bucket=self.bucket, key=key, endpoint=self.endpoint, options=self.options)

    def key(self, name: str) -> str:
        """The key of a file, by its name below the source.

        Raises:
            PlanError: the name is no UTF-8, and no encoding was named.
        """
        if not is_utf8(name):
            if self.key_encoding is None:
                raise PlanError(
                    "its name is not valid UTF-8; rename it, or say what it is with --key-encoding (such as latin-1)"
                )
            try:
                name = decode_name(name, self.key_encoding)
            except UnicodeDecodeError:
                raise PlanError(f"its name is not valid {self.key_encoding}; rename it") from None
        return self.prefix + name

    def to_json(self) -> str:
        """Text for the store; equal specs give equal texts.

        Only what is not as usual: a field that a later version adds leaves the texts of unfinished jobs as they are.
        """
        usual = asdict(JobSpec(sources=self.sources, bucket=self.bucket, prefix=self.prefix))
        named = {"sources", "bucket", "prefix"}
        values = {name: value for name, value in asdict(self).items() if name in named or value != usual[name]}
        if "options" in values:
            values["options"] = self.options.to_json()
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "JobSpec":
        """What ``to_json`` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        values = json.loads(text)
        algorithm = values.get("algorithm")
        return cls(
            **values
            | {
                "sources": tuple(values["sources"]),
                "algorithm": None if algorithm is None else ChecksumAlgorithm(algorithm),
                "filters": tuple(Filter(**each) for each in values.get("filters", ())),
                "options": ObjectOptions.from_json(values.get("options", "{}")),
            }
        )
