"""The scene of the slow link, inside its namespace: ``python -m benchmarks.inside_link FOLDER`` writes table.json."""

import json
import signal
import sys
from pathlib import Path

from .report import as_json
from .scenes.link import measure
from .stage import Stage

# Whoever started it ends it so; what it started is ended on the way out.
signal.signal(signal.SIGTERM, signal.default_int_handler)
folder = Path(sys.argv[1])
table = measure(Stage(folder=folder), by="tc tbf in a network namespace")
(folder / "table.json").write_text(json.dumps(as_json(table)))
