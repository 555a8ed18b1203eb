"""Throughput of the engine against SimPy, NumPy and a limit, all in one run: `python -m benchmarks.engine`.

The funnel and the contestants are in `_contest.py`; frailty and revised amounts are on. The limit draws the same
keyed numbers as the walk did, and as many, and takes as many logarithms, in flat loops on the same threads. Times
are medians of interleaved repeats. Engine and limit walk more draws than the others: of few, starting threads would
be a fair part of their time. Fails beneath the budgets: 4 times the best NumPy, 1,000 deals in 2,000 draws under
0.3 s, 1,000,000 deals in 1,000 draws under 4 GB (all of its arrays are there; 20 of the draws are walked).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed

from benchmarks._contest import CALM, CLIENTS, SHARP, clever, engine, example, limit, ordinary, simpy_processes
from simulations import Deals, memory_needed
from simulations.engine import Job, run_shard

DRAWS, DEALS, REPEATS = 200, 50_000, 5
NUMPY_DRAWS = 40
SIMPY_DRAWS, SIMPY_DEALS = 2, 4_000
LEAST_NUMPY, LEAST_LIMIT, MOST_SECONDS, MOST_BYTES = 4.0, 0.4, 0.3, 4_000_000_000
MEMORY = "memory"  # argument of the process that measures memory


def medians(runs: Mapping[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, float]:
    """Median seconds of each, run in turn."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # compile, warm up
    for _ in range(repeats):
        for name, run in runs.items():
            begin = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(seconds)) for name, seconds in times.items()}


def flat(draws: int, deals: int, attempts: int, amounts: int, threads: int) -> None:
    """The limit on as many threads as the engine has."""
    room = np.zeros((threads, 256))
    shares = [number // threads for number in (draws * deals, attempts, amounts, draws * CLIENTS)]
    Parallel(n_jobs=threads, prefer="threads")(delayed(limit)(*shares, room[i]) for i in range(threads))


def contest(calendar: float) -> dict[str, float]:
    """Million paths per second of each contestant and of the limit; all must agree on what is won."""
    draws, deals = example(DRAWS, DEALS, calendar=calendar)
    fewer = example(NUMPY_DRAWS, DEALS, calendar=calendar)
    small = example(SIMPY_DRAWS, SIMPY_DEALS, calendar=calendar)
    _, sums, _ = run_shard(Job(draws, deals, Deals.none(), 1, {}, {}, 0, draws.n_months), 0, DRAWS)
    attempts, wins = int(sums.attempts.sum()), int(sums.wins.sum())
    print(f"{attempts / DRAWS / DEALS:.2f} attempts a path")
    won: dict[str, float] = {}

    def told(name: str, run: Callable[..., Any], *case: Any) -> Callable[[], None]:
        def timed() -> None:
            won[name] = float(run(*case).mean()) / len(case[1].key)

        return timed

    seconds = medians(
        {
            "engine": told("engine", engine, draws, deals),
            "clever NumPy": told("clever NumPy", clever, *fewer),
            "ordinary NumPy": told("ordinary NumPy", ordinary, *fewer),
            "limit": lambda: flat(DRAWS, DEALS, attempts, wins, cpu_count()),
        }
    )
    seconds["SimPy"] = medians({"SimPy": told("SimPy", simpy_processes, *small)}, repeats=1)["SimPy"]
    told("engine, NumPy's case", engine, *fewer)()
    told("engine, SimPy's case", engine, *small)()
    paths = {
        "clever NumPy": NUMPY_DRAWS * DEALS, "ordinary NumPy": NUMPY_DRAWS * DEALS, "SimPy": SIMPY_DRAWS * SIMPY_DEALS,
    }  # fmt: skip
    speed = {name: paths.get(name, DRAWS * DEALS) / taken / 1e6 for name, taken in seconds.items()}
    for name, millions in speed.items():
        print(f"  {name}: {millions:.3g} million paths/s")
    # Monte Carlo error: the deviation of what a path wins is about 3 times its mean here, and paths of a draw
    # share frailties: the spread of a client's share adds as much again.
    for name, other, clients in (
        ("engine, NumPy's case", "clever NumPy", NUMPY_DRAWS * CLIENTS),
        ("engine, NumPy's case", "ordinary NumPy", NUMPY_DRAWS * CLIENTS),
        ("engine, SimPy's case", "SimPy", SIMPY_DRAWS * CLIENTS),
    ):
        tolerance = 4 * np.sqrt(2) * (3 / np.sqrt(paths[other]) + 0.5 / np.sqrt(clients))
        if abs(won[other] / won[name] - 1) > tolerance:
            raise SystemExit(f"{other} wins {won[other]:.0f} a path and month, {name} {won[name]:.0f}")
    return speed


def scaling() -> None:
    """How speed moves with each size, the others being kept."""
    base = {"draws": NUMPY_DRAWS, "deals": DEALS // 5, "stages": 5, "threads": cpu_count()}
    sizes = {
        "deals": (100, 1_000, 10_000, 100_000), "draws": (10, 100, 1_000), "stages": (2, 5, 10),
        "threads": tuple(range(1, cpu_count() + 1)),
    }  # fmt: skip
    for name, values in sizes.items():
        line = []
        for value in values:
            at = {**base, name: value}
            draws, deals = example(at["draws"], at["deals"], stages=at["stages"])
            run = {"engine": partial(engine, draws, deals, threads=at["threads"])}
            line.append(f"{value:,}: {at['draws'] * at['deals'] / medians(run, 3)['engine'] / 1e6:.1f}")
        print(f"  {name} {', '.join(line)} million paths/s")


def memory() -> int:
    """Peak bytes of a process that walks 1,000,000 deals in `draws` draws, threads and compiled code included."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.engine", MEMORY], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def walk_a_million() -> None:
    draws, deals = example(1_000, 1_000_000)
    few = 20  # draws that are walked; the sums of all 1,000 are allocated, which is what grows with them
    sizes = {"client": CLIENTS}
    deals = Deals(deals.key, deals.stage, deals.age, deals.cell, deals.amount, {"client": deals.clients}, deals.clients)
    job = Job(draws, deals, Deals.none("client"), 1, sizes, {}, 0, draws.n_months)
    sums = job.empty(0, job.total)
    for array in sums:
        array.fill(0)
    for first, part, _ in Parallel(n_jobs=cpu_count(), prefer="threads", return_as="generator_unordered")(
        delayed(run_shard)(job, first, first + few // 4) for first in range(0, few, few // 4)
    ):
        sums.by[first : first + len(part.won)] = part.by
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def main() -> int:
    failed = []
    for name, calendar in (("sharp", SHARP), ("calm", CALM)):
        print(f"{name} calendar: ", end="")
        speed = contest(calendar)
    ratio = speed["engine"] / max(speed["clever NumPy"], speed["ordinary NumPy"])
    of_limit = speed["engine"] / speed["limit"]
    print("scaling (calm):")
    scaling()
    draws, deals = example(2_000, 1_000)
    slider = medians({"engine": lambda: engine(draws, deals)})["engine"]
    print(f"1,000 deals x 2,000 draws: {slider:.3f} s (budget {MOST_SECONDS} s)")
    stated = memory_needed(example(1_000, 10)[0], 1_000_000, group_sizes={"client": CLIENTS})
    peak = memory()
    print(f"1,000,000 deals x 1,000 draws: {peak / 1e9:.2f} GB at most, {stated / 1e9:.2f} GB of them stated before")
    print(f"engine: {speed['engine']:.1f} million paths/s, {ratio:.1f} times NumPy, {of_limit:.2f} of the limit")
    for told, fine in (
        (f"{LEAST_NUMPY} times NumPy", ratio >= LEAST_NUMPY), (f"{LEAST_LIMIT} of the limit", of_limit >= LEAST_LIMIT),
        (f"{MOST_SECONDS} s", slider <= MOST_SECONDS), (f"{MOST_BYTES / 1e9} GB", peak <= MOST_BYTES),
    ):  # fmt: skip
        if not fine:
            failed.append(told)
    if failed:
        print(f"missed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] == [MEMORY]:
        walk_a_million()
    else:
        sys.exit(main())
