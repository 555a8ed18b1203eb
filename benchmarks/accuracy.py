"""How far off the forecasts are, beside every baseline: on data that nobody made for them, and on generated companies.

The sample `maven`; the loan applications of BPI Challenge 2012 (van Dongen 2012, 4TU.ResearchData; not
redistributed), where the folder FUNNEL_DATA holds bpi2012/cases.csv and bpi2012/events.csv.gz; and the companies of
_companies.py, which `make calibration` judges. Questions already answered by the same program are not asked again:
they are kept in benchmarks/results. accuracy.md tells what was tried, and what it brought.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from benchmarks._companies import SEEDS, study, table
from forecast import scores, terminal_backtest
from forecast.backtest import LEVELS, Settings, backtest, grouping_of
from forecast.executors import executor
from forecast.options import SAMPLES
from forecast.outputs import finite
from forecast.scoreboard import scoreboard
from forecast.screen import Column, console, tables
from forecast.sources import load
from forecast.synthetic import KINDS
from forecast.windows import windows

PROCESSES = 2
FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"


def ask(source: Path, name: str, **asked: Any) -> dict[str, Any]:
    """Run (or read) one backtest and show its scoreboard."""
    config, found = load(source)
    past = windows(found, **asked)
    settings = Settings(grouping=grouping_of(found, None), horizon=asked["horizon"])
    start = time.perf_counter()
    cases = backtest(config, found, past, settings, folder=RESULTS / name)
    board = scoreboard(config, past, settings, cases)
    terminal_backtest.show(finite(board), console())
    print(f"\n{len(cases)} questions in {time.perf_counter() - start:.0f} s\n", flush=True)
    return board


def pooled(boards: Sequence[dict[str, Any]]) -> None:
    """Coverage of all data sets together; windows overlap, so that the intervals are too narrow."""
    names = [line["forecast"] for line in boards[0]["all"]]
    columns = []
    for index, level in enumerate(LEVELS):
        cells = []
        for name in names:
            parts = [line["coverage"][index] for board in boards for line in board["all"] if line["forecast"] == name]
            held, of = (sum(part[key] for part in parts) for key in ("held", "of"))
            low, high = scores.share_interval(held, of)
            cells.append(f"{held} of {of} ({100 * low:.0f} to {100 * high:.0f} %)")
        columns.append(Column(f"{100 * level:.0f} %", cells))
    screen = console()
    for part in tables("Held, all data sets", names, columns, screen.width):
        screen.print(part)
    screen.print(Text("In brackets, 95 % intervals as if questions were independent.", style="dim"))


def main() -> None:
    maven = SAMPLES / "maven" / "funnel.toml"
    boards = [
        ask(maven, "maven", origins=["2017-06-01..2017-11-01"], horizon="quarter"),
        ask(maven, "maven", origins=["2017-07-17..2017-11-27"], every="week", horizon="4w"),
    ]
    if not (Path(os.environ.get("FUNNEL_DATA", "")) / "bpi2012" / "cases.csv").is_file():
        print("BPI Challenge 2012 is left out: FUNNEL_DATA does not lead to bpi2012.\n")
    else:
        weeks = ["2011-11-14..2012-02-06"]
        boards.append(ask(FOLDER / "bpi2012.toml", "bpi2012", origins=weeks, every="week", horizon="4w"))
    pooled(boards)
    with executor(PROCESSES, None) as processes:
        asked = study(tuple(KINDS), SEEDS, RESULTS / "companies", processes, print)
    print(table(asked))


if __name__ == "__main__":
    main()
