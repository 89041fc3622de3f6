"""``python -m benchmarks [SCENE...]``: play scenes, print their tables, and write them as Markdown, JSON and SVG."""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from partway.engine.quantities import parse_size

from . import peers, plot
from .measure import CommandFailed
from .report import Table, as_json, markdown
from .scenes import SCENES
from .sink import SinkFailed
from .stage import Stage, say


def main() -> int:
    """The command; returns its exit code."""
    wish = _arguments()
    if wish.list:
        for name, scene in SCENES.items():
            print(f"{name:18}{scene.line}{'  (default)' if scene.default else ''}")
        return 0
    _find_clients_of_this_environment()
    if lacking := peers.missing():
        say(f"missing: {', '.join(lacking)}; try: pip install -c constraints.txt -e '.[bench]'")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="partway-bench-"))
    try:
        names = wish.scenes or [name for name, scene in SCENES.items() if scene.default]
        for name in names:
            say(f"== {name}: {SCENES[name].line}")
            tables = SCENES[name].play(Stage(folder=folder, size=wish.size, rounds=wish.rounds))
            print("\n".join(markdown(table) for table in tables), flush=True)
            if wish.out:
                _write(wish.out, name, tables)
    except (SinkFailed, CommandFailed) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenes", nargs="*", choices=[*SCENES, []], metavar="SCENE", help="see --list")
    parser.add_argument("--list", action="store_true", help="say which scenes there are")
    parser.add_argument("--size", type=parse_size, default=parse_size("2GiB"), help="of the large file (default: 2GiB)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each client runs (default: 3)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write SCENE.md, SCENE.json and plots here")
    return parser.parse_args()


def _find_clients_of_this_environment() -> None:
    """The programs that pip installed beside this Python come first, also when the environment is not activated."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _write(folder: Path, name: str, tables: Sequence[Table]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text("\n".join(markdown(table) for table in tables))
    machine = {"system": platform.system(), "machine": platform.machine(), "cores": os.cpu_count()}
    found = {"machine": machine, "python": platform.python_version(), "versions": peers.versions()}
    (folder / f"{name}.json").write_text(json.dumps(found | {"tables": [as_json(t) for t in tables]}, indent=1) + "\n")
    for table in tables:
        if table.columns[0] == "CPU s/GiB":
            values = {row: float(cells[0] or 0) for row, cells in table.rows.items()}
            (folder / f"{name}.svg").write_text(plot.bars(f"{table.title}; lower is better", "CPU s/GiB", values))


if __name__ == "__main__":
    sys.exit(main())
