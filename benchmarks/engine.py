"""Throughput of the engine against vectorised NumPy: `python benchmarks/engine.py`.

The funnel: 5 stages of 2 exits (advance or win, lost), 20 age bins, monthly effects, 24 cells, 12 months;
open deals of any stage and age, known amounts. All three walk the same deals in the same draws, in one run,
and must agree on the mean amount won. "Ordinary" NumPy walks all deals from edge to edge of age and month
bins; "clever" NumPy thins like the engine. NumPy draws its numbers from PCG64 (not keyed).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulations.deals import Deals
from simulations.draws import Draws
from simulations.engine import simulate
from simulations.funnel import Funnel, Kind

AGES = [0, 1, 2, 3, 5, 7, 10, 14, 18, 22, 26, 32, 42, 56, 77, 98, 126, 168, 224, 300]
STAGES, CELLS, MONTHS, REPEATS = 5, 24, 12, 5
DRAWS, DEALS = 40, 50_000


def example(n_draws: int, n_deals: int, seed: int = 1) -> tuple[Draws, Deals]:
    """Draws and open deals of the funnel above."""
    random = np.random.default_rng(seed)
    exits = tuple(pair for s in range(STAGES) for pair in ((s, s + 1), (s, STAGES + 1)))
    names = [f"stage {s}" for s in range(STAGES)]
    funnel = Funnel((*names, "Won", "Lost"), exits, np.array(AGES, dtype=float))

    def around_one(sd: float, *shape: int) -> NDArray[np.float64]:
        return np.exp(sd * random.standard_normal((n_draws, *shape)))

    def same(value: float, *shape: int) -> NDArray[np.float64]:
        return np.full((n_draws, *shape), value)

    draws = Draws(
        funnel=funnel, hazard=0.01 * around_one(0.5, len(exits), len(AGES)),
        effect=around_one(0.3, len(exits), CELLS), calendar=around_one(0.15, len(Kind), MONTHS),
        month_edges=np.linspace(0.0, 365.0, MONTHS + 1), arrival_mean=same(0, MONTHS), arrival_shape=same(1),
        template_cdf=same(1, 0), client_cdf=same(1, 0), amount_kept=same(1, STAGES + 2),
        amount_shift=same(0, STAGES + 2), amount_scale=same(0, STAGES + 2),
        amount_log_mean=same(0, CELLS), amount_log_sd=same(1, CELLS),
    )  # fmt: skip
    deals = Deals(
        key=np.arange(n_deals, dtype=np.uint64), stage=random.integers(0, STAGES, n_deals),
        age=random.exponential(60, n_deals), cell=random.integers(0, CELLS, n_deals),
        amount=random.integers(10_000, 1_000_000, n_deals),
    )  # fmt: skip
    return draws, deals


def ordinary(draws: Draws, deals: Deals) -> NDArray[np.int64]:
    """Amount won by draw and month: all deals of a draw at once, from edge to edge of age and month bins."""
    random, edges, months = np.random.default_rng(0), draws.funnel.age_edges, draws.month_edges
    won = np.zeros((draws.n_draws, draws.n_months), dtype=np.int64)
    uppers = np.append(edges[1:], np.inf)
    for d in range(draws.n_draws):
        hazard = draws.hazard[d].reshape(STAGES, 2, -1)
        effect = draws.effect[d].reshape(STAGES, 2, -1)
        calendar = draws.calendar[d][draws.funnel.kinds].reshape(STAGES, 2, -1)
        stage, age, cell, amount = deals.stage, deals.age, deals.cell, deals.amount
        when, month = np.zeros(len(deals)), np.zeros(len(deals), dtype=np.int64)
        age_bin = np.searchsorted(edges, age, side="right") - 1
        clock = random.standard_exponential(len(deals))
        while len(stage):
            rates = hazard[stage, :, age_bin] * effect[stage, :, cell] * calendar[stage, :, month]
            total = rates.sum(axis=1)
            step = np.minimum(uppers[age_bin] - age, months[month + 1] - when)
            leaves = clock < total * step
            step = np.where(leaves, clock / total, step)
            age, when, clock = age + step, when + step, clock - total * step
            age_bin = age_bin + (~leaves & (age >= uppers[age_bin]))
            month = month + (~leaves & (when >= months[month + 1]))
            forward = random.random(len(stage)) * total < rates[:, 0]
            gains = leaves & forward & (stage == STAGES - 1)
            won[d] += np.bincount(month[gains], amount[gains], MONTHS).astype(np.int64)
            moves = leaves & forward & ~gains
            stage = stage + moves
            age, age_bin = np.where(moves, 0.0, age), np.where(moves, 0, age_bin)
            clock = np.where(moves, random.standard_exponential(len(stage)), clock)
            stays = (moves | ~leaves) & (month < MONTHS)
            stage, age, cell, amount = stage[stays], age[stays], cell[stays], amount[stays]
            when, month, age_bin, clock = when[stays], month[stays], age_bin[stays], clock[stays]
    return won


def clever(draws: Draws, deals: Deals) -> NDArray[np.int64]:
    """Amount won by draw and month: all deals of a draw at once, one thinned proposal each in turn."""
    random, edges, months = np.random.default_rng(0), draws.funnel.age_edges, draws.month_edges
    won = np.zeros((draws.n_draws, draws.n_months), dtype=np.int64)
    bins = len(edges)
    for d in range(draws.n_draws):
        hazard = draws.hazard[d].reshape(STAGES, 2, -1)
        effect = draws.effect[d].reshape(STAGES, 2, -1)
        calendar = draws.calendar[d][draws.funnel.kinds].reshape(STAGES, 2, -1)
        rate = (hazard * calendar.max(axis=2)[:, :, None]).sum(axis=1)
        grown = np.cumsum(rate[:, :-1] * np.diff(edges), axis=1)
        grown = np.concatenate([np.zeros((STAGES, 1)), grown], axis=1)
        bound = effect.max(axis=1)
        # One sorted array for the search in all stages.
        offset = (grown[:, -1].max() + 60.0) * np.arange(STAGES)
        table, rate = (grown + offset[:, None]).ravel(), rate.ravel()
        stage, age, cell, amount = deals.stage, deals.age, deals.cell, deals.amount
        place = stage * bins + np.searchsorted(edges, age, side="right") - 1
        spent = table[place] - offset[stage] + (age - edges[place % bins]) * rate[place]
        when = np.zeros(len(deals))
        while len(stage):
            spent = spent + random.standard_exponential(len(stage)) / bound[stage, cell]
            place = np.searchsorted(table, spent + offset[stage]) - 1
            place = np.minimum(place, stage * bins + bins - 1)
            reached = edges[place % bins] + (spent + offset[stage] - table[place]) / rate[place]
            when = when + reached - age
            on = when <= months[-1]
            stage, cell, amount, place = stage[on], cell[on], amount[on], place[on]
            spent, age, when = spent[on], reached[on], when[on]
            month, age_bin = np.searchsorted(months, when) - 1, place % bins
            level = random.random(len(stage)) * rate[place] * bound[stage, cell]
            forward = hazard[stage, 0, age_bin] * effect[stage, 0, cell] * calendar[stage, 0, month]
            both = forward + hazard[stage, 1, age_bin] * effect[stage, 1, cell] * calendar[stage, 1, month]
            moves = level < forward
            gains = moves & (stage == STAGES - 1)
            won[d] += np.bincount(month[gains], amount[gains], MONTHS).astype(np.int64)
            stays = (moves & ~gains) | (level >= both)
            stage = (stage + moves)[stays]
            age, spent = np.where(moves, 0.0, age)[stays], np.where(moves, 0.0, spent)[stays]
            cell, amount, when = cell[stays], amount[stays], when[stays]
    return won


def engine(draws: Draws, deals: Deals) -> NDArray[np.int64]:
    return simulate(draws, deals, Deals.none(), seed=1).won


def main() -> None:
    draws, deals = example(DRAWS, DEALS)
    contestants: dict[str, Callable[[Draws, Deals], NDArray[np.int64]]] = {
        "engine": engine, "clever NumPy": clever, "ordinary NumPy": ordinary
    }  # fmt: skip
    small = example(2, 100)
    means = {}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        run(*small)  # compile, warm up
    for _ in range(REPEATS):
        for name, run in contestants.items():
            begin = time.perf_counter()
            means[name] = run(draws, deals).sum() / DRAWS
            times[name].append(time.perf_counter() - begin)
    speed = {name: DRAWS * DEALS / np.median(seconds) / 1e6 for name, seconds in times.items()}
    for name in contestants:
        mean = means[name] / 1e8
        print(f"{name}: {speed[name]:.2f} million paths/s; mean won per draw {mean:,.2f} million")
    if max(means.values()) > 1.01 * min(means.values()):
        raise SystemExit("the three disagree about the mean amount won")
    ratio = speed["engine"] / max(speed["clever NumPy"], speed["ordinary NumPy"])
    print(f"engine: {speed['engine']:.1f} million paths/s, {ratio:.1f} times NumPy")


if __name__ == "__main__":
    main()
