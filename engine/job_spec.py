"""What a job uploads and how: a value, and the JSON text by which the store finds it again."""

import codecs
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from .backend import ObjectOptions, Target
from .checksum import ChecksumAlgorithm
from .errors import PlanError
from .filters import Filter
from .limits import KIB
from .names import decode_name, is_utf8

LISTED_ON_STDIN = "-"


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


def listed_names(chunks: Iterator[bytes]) -> Iterator[str]:
    """The names in a list, one a line, or separated by NUL when there is one in the first 64 KiB; empty ones are left
    out, and so is the byte order mark that some editors put before the first line.

    Raises:
        PlanError: the list is UTF-16.
    """
    rest = b""
    while len(rest) < 64 * KIB and (chunk := next(chunks, None)) is not None:
        rest += chunk
    if rest.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise PlanError("the list is UTF-16; write it as UTF-8")
    separator = b"\0" if b"\0" in rest[: 64 * KIB] else b"\n"
    if separator == b"\n":
        rest = rest.removeprefix(codecs.BOM_UTF8)
    while True:
        *names, rest = rest.split(separator)
        for name in names:
            if name := name if separator == b"\0" else name.removesuffix(b"\r"):
                yield os.fsdecode(name)
        chunk = next(chunks, None)
        if chunk is None:
            break
        rest += chunk
    if rest := rest if separator == b"\0" else rest.removesuffix(b"\r"):
        yield os.fsdecode(rest)


def listed_sources(spec: JobSpec, chunks: Iterator[bytes]) -> Iterator[tuple[str, str | None]]:
    """Paths and names of the files and folders in a list.  A relative name is below the source folder, and "" is that
    folder.

    Raises:
        PlanError: a name leads out of the folder, so that it makes no key; or as ``listed_names``.
    """
    (below,) = spec.sources
    for name in listed_names(chunks):
        path = os.path.normpath(os.path.join(below, name))  # noqa: PTH118 - keeps undecodable names
        if path == below:
            yield path, ""
        elif path.startswith(below.rstrip("/") + "/"):
            yield path, path.removeprefix(below.rstrip("/") + "/")
        elif os.path.isabs(name):  # noqa: PTH117
            yield path, path.lstrip("/")
        else:
            raise PlanError(f"{name!r} in the list leads out of {below}; name the folder above it as SOURCE")
