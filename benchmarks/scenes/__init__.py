"""The scenes by name.  Each is a function that plays on a stage and returns its tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..report import Table
from ..stage import Stage
from . import folders, kills, latency, link, many_parts, memory, resume, start_up, throttle, throughput


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """line: what is measured.  default: played when no scene is named."""

    line: str
    play: Callable[[Stage], Sequence[Table]]
    default: bool = False


SCENES: Mapping[str, Scene] = {
    "throughput-https": Scene(line="one large file over TLS, all clients", play=throughput.https, default=True),
    "throughput-http": Scene(line="one large file without TLS, all clients", play=throughput.http, default=True),
    "many-parts": Scene(line="1,000 and 10,000 parts of 5 MiB from a sparse file", play=many_parts.play),
    "latency": Scene(line="every part is answered 200 ms late", play=latency.play),
    "throttle": Scene(line="503 SlowDown above a rate", play=throttle.play),
    "link": Scene(line="a link of 20 Mbit/s", play=link.play),
    "resume-90": Scene(line="resuming 10,000 parts at 90 %", play=resume.play),
    "start-up": Scene(line="--version, and an upload of 1 KiB", play=start_up.play),
    "memory": Scene(line="peak memory by file size, part size and workers", play=memory.play),
    "small-files": Scene(line="a folder of 5,000 files of 4 KiB", play=folders.small),
    "medium-files": Scene(line="100 files of 20 MiB, answered at once and 100 ms late", play=folders.medium),
    "kills": Scene(line="an upload to rclone's server, killed ten times, then compared", play=kills.play),
}
