"""From the rows of a million deals, four million stage rows in Parquet, to the exposure table: time and memory.

The rows are made once per run (not counted). Reading runs in a process of its own, so that its peak memory is its own.
Seconds of processor time, on all cores, tell a busy machine from slow code: the budget holds for the smaller of both.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

DEALS = 1_000_000
STAGES = ("Lead", "Qualified", "Offer", "Choice", "Closing")
SECONDS, GIGABYTES = 60.0, 4.0  # budgets
KILO = 1024  # getrusage counts kilobytes


def write(folder: Path, deals: int) -> int:
    """Write deals and their stage rows, four on average; return the number of stage rows."""
    rng = np.random.default_rng(1)
    visits = rng.integers(3, 6, deals)
    first = np.cumsum(visits) - visits
    deal = np.repeat(np.arange(deals), visits)
    place = np.arange(len(deal)) - first[deal]
    stay = np.where(place == 0, 0, rng.integers(0, 60, len(deal)))
    since = np.cumsum(stay)
    begun = rng.integers(0, 1000, deals)
    day = begun[deal] + since - since[first][deal]
    stage = np.array(STAGES, dtype=object)[np.minimum(place, len(STAGES) - 1)]
    ends = first + visits - 1
    stage[ends] = rng.choice(["Won", "Lost", "Closing"], deals, p=[0.4, 0.5, 0.1])
    epoch, names = np.datetime64("2020-01-01", "us"), pd.Series(np.arange(deals)).map("D{:07d}".format)
    history = pd.DataFrame({"deal_id": names.to_numpy()[deal], "stage": stage})
    history["entered"] = epoch + day.astype("timedelta64[D]")
    history["amount"] = rng.integers(1, 1000, deals)[deal] * 100.0
    table = pd.DataFrame({"deal_id": names, "created": epoch + begun.astype("timedelta64[D]")})
    for name, levels in (("client", 50_000), ("owner", 40), ("region", 6)):
        table[name] = pd.Series(rng.integers(0, levels, deals)).map((name[0].upper() + "{}").format)
    history.to_parquet(folder / "stage_history.parquet", index=False)
    table.to_parquet(folder / "deals.parquet", index=False)
    return len(history)


def read(folder: Path) -> None:
    """Print the seconds of each step, and the peak memory in gigabytes, as JSON."""
    from forecast.exposure import cell_table, expose
    from forecast.history import as_of
    from forecast.sources import load

    parts, before = {}, np.array([time.perf_counter(), time.process_time()])

    def done(part: str) -> None:
        nonlocal before
        now = np.array([time.perf_counter(), time.process_time()])
        parts[part], before = (now - before).tolist(), now

    config, tables = load(folder)
    done("load")
    history = as_of(tables, config.funnel, tables.recorded_until)
    done("as of a day")
    exposure = expose(history, *cell_table(history, ["owner", "region"]))
    done("exposure")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILO / 1e9
    counts = {"deals": len(tables.deals), "rows": tables.ledger.used, "exits": exposure.exits_by_age.sum()}
    print(json.dumps({"seconds": parts, "peak": peak, **counts}))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        rows = write(Path(name), DEALS)
        command = [sys.executable, "-m", "benchmarks.sources", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    total = np.sum(list(found["seconds"].values()), axis=0)
    print(f"{found['deals']:,} deals, {rows:,} stage rows, {found['exits']:,.0f} exits, 240 cells")
    print(f"{'seconds':<12}{'elapsed':>10}{'processor':>10}")
    for part, (elapsed, spent) in {**found["seconds"], "in all": total}.items():
        print(f"{part:<12}{elapsed:10.1f}{spent:10.1f}")
    print(f"budget {SECONDS:.0f} s; peak memory {found['peak']:.2f} GB (budget {GIGABYTES:.0f} GB)")
    if min(total) > SECONDS or found["peak"] > GIGABYTES:
        raise SystemExit("over budget")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(Path(sys.argv[1]))
    else:
        main()
