"""Time from the command to the answer: `funnel forecast` on the sample, first with empty caches, then in a
new process on data one week newer. Each run is a process of its own, which notes when its parts begin.
Its seconds of processor time, on all cores, tell a busy machine from slow code.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

FIRST, SECOND = 60.0, 20.0  # budgets in seconds
WEEK_LATER = "2017-10-08"
# What is reported while each part runs, in order; the last one ends with the process.
PARTS = {
    "start": "start of Python",
    "Reading the rows": "reading",
    "Loading the model": "import",
    "loaded": "preparation",
    "Preparing the model": "model",
    "Sampling the posterior": "sampling",
    "Simulating deals": "simulation",
    "end": "",
}


def timed(log: Path, arguments: list[str]) -> None:
    """`funnel ARGUMENTS`, with the time of the first report of every part written to `log`."""
    begun: dict[str, float] = {}

    def note(part: str, *_: int) -> None:
        begun.setdefault(part, time.time())
        if part == "Loading the model":
            importlib.import_module("forecast.answer")  # which is what is done next
            begun["loaded"] = time.time()

    from forecast import cli

    shown = patch.object(cli, "bars", lambda: nullcontext(note))
    with shown, patch.object(sys, "argv", ["funnel", *arguments]):
        try:
            cli.main()
        finally:  # it may end by leaving the process
            log.write_text(json.dumps(begun), encoding="utf-8")


def run(folder: Path, *arguments: str) -> dict[str, float]:
    """Seconds of each part of one fresh process, `total` and `processor`; caches are in `folder`."""
    log = folder / "log.json"
    flags = [*filter(None, [os.environ.get("PYTENSOR_FLAGS")]), f"base_compiledir={folder / 'pytensor'}"]
    caches = {"NUMBA_CACHE_DIR": str(folder / "numba"), "PYTENSOR_FLAGS": ",".join(flags)}
    command = [sys.executable, "-m", "benchmarks.forecast_cli", str(log), "forecast", "--fresh", *arguments]
    before = os.times()
    start = time.time()
    done = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True)
    end, after = time.time(), os.times()
    if done.returncode:
        raise SystemExit(f"funnel {' '.join(arguments)} failed:\n{done.stderr}")
    begun = {"start": start, **json.loads(log.read_text(encoding="utf-8")), "end": end}
    seen = [part for part in PARTS if part in begun]
    parts = {PARTS[part]: begun[following] - begun[part] for part, following in pairwise(seen)}
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return {**parts, "total": end - start, "processor": spent}


def main() -> None:
    from forecast.options import SAMPLES

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(SAMPLES / "maven", folder / "maven")
        first = run(folder, "--sample", "maven")
        print(f"first run {first['total']:.1f} s (budget {FIRST:.0f} s)", flush=True)
        second = run(folder, str(folder / "maven"), "--as-of", WEEK_LATER)
        print(f"new process, a week later {second['total']:.1f} s (budget {SECOND:.0f} s)")
    print(f"\n{'seconds':<16}{'first':>14}{'week later':>14}")
    for part in first:
        told = (f"{found[part]:.1f} ({found[part] / found['total']:4.0%})" for found in (first, second))
        print(f"{part:<16}" + "".join(f"{one:>14}" for one in told))
    if first["total"] > FIRST or second["total"] > SECOND:
        raise SystemExit("over budget")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        timed(Path(sys.argv[1]), sys.argv[2:])
    else:
        main()
