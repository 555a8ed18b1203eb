"""Every notebook from top to bottom about the sample, each in a kernel of its own, beyond the one fit that they share
(the last one drafts a funnel file, and fits that); then the sliders in JupyterLab, in a real browser: the time from
a key to the frame that shows the new chance. Seconds of processor time, on all cores, tell a busy machine from slow
code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from forecast.lab import copied, notebooks
from tests.browser.browsers import lacking, opened
from tests.browser.lab import run_all, seconds_of, serving, slider
from tests.notebooks.running import executed, outputs

SAMPLE = "maven"
ALL, MOVE = 150.0, 1.0  # budgets in seconds
MOVES = 9
LAST = "07_bring_your_own_data"  # which takes rows instead of a source: by default the sample's


def timed(told: str, run: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processor time of child processes, which are printed."""
    before, start = os.times(), time.perf_counter()
    run()
    taken, after = time.perf_counter() - start, os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    print(f"{told:<32}{taken:>8.1f}{spent:>12.1f}", flush=True)
    return taken, spent


def forecast() -> None:
    command = [sys.executable, "-c", "from forecast.cli import main; main()", "forecast", "--sample", SAMPLE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def book(stem: str, folder: Path) -> None:
    """Run one notebook in a folder of its own; AssertionError where a cell fails or complains."""
    folder.mkdir()
    outputs(executed(folder, {stem: {} if stem == LAST else {"source": SAMPLE}}, {})[stem])


def moves(folder: Path) -> list[float]:
    """Seconds of every move of a slider about the sample."""
    copied(folder / "books")
    with serving(folder / "books", folder) as address, opened() as (page, _):
        run_all(page, address, "03_explore_assumptions")
        handle, taken = slider(page, "conversion").first, []
        for _ in range(MOVES):
            page.wait_for_timeout(1500)  # nobody moves faster who reads what it does
            taken.append(seconds_of(page, handle, "ArrowRight"))
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        print(f"{'seconds':<32}{'clock':>8}{'processor':>12}")
        timed("the shared fit: funnel forecast", forecast)
        clock = processor = 0.0
        for stem in (path.stem for path in notebooks()):
            taken, spent = timed(stem, partial(book, stem, folder / stem))
            clock, processor = clock + taken, processor + spent
        print(f"{'all notebooks':<32}{clock:>8.1f}{processor:>12.1f} (budget {ALL:.0f} s)\n", flush=True)
        over = clock > ALL
        if lacking():
            print(f"Sliders are left out: {lacking()}.")
        else:
            moved = moves(folder)
            told = ", ".join(f"{one:.2f}" for one in moved)
            print(f"from a key to the chance: median {median(moved):.2f} s of {told} (budget {MOVE:.0f} s)")
            over = over or median(moved) > MOVE
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if over:
        raise SystemExit("over budget")


if __name__ == "__main__":
    main()
