"""How long a posterior takes: with more deals, more stages, more cells, and against PyMC's own sampler.

Deals move through a line of stages with a chance of about 0.7 each, 30 months on record; levels of attributes and
months make them quicker or slower, and more or less likely to move on. The
cost of one evaluation of the density with its gradient depends on the exposure table alone; sampling also on how many
evaluations a draw takes. The ratio of 1,000,000 deals to 20,000 has a budget, the rest is for information.
"""

from __future__ import annotations

import resource
import sys
import time
from typing import NamedTuple

import numpy as np
import pandas as pd
import pymc as pm

from forecast.exposure import cell_table, expose, month_starts
from forecast.history import History, Ints, Visits
from forecast.models import design
from forecast.models.amounts import NO_AMOUNTS
from forecast.models.arrivals import arrival_terms, count_arrivals
from forecast.models.clients import NO_CLIENTS
from forecast.models.definition import define, density_of_all, flat, initial_point
from forecast.models.density import Terms
from forecast.models.exits import exit_terms
from forecast.models.priors import Priors
from forecast.models.sampling import sample

FEW, MANY, BUDGET = 20_000, 1_000_000, 1.3
STAGES, CELLS = (4, 8, 16), ((4, 6), (10, 20), (10, 10, 20))  # levels of each attribute
DRAWS, EVALUATIONS = 1000, 200
FIRST, ORIGIN = pd.Timestamp("2023-01-01"), pd.Timestamp("2025-07-01")
RELATIVE = "--pymc"


class Cost(NamedTuple):
    """Seconds of an evaluation and of sampling (elapsed, and of the processor), divergences, and entries of the
    exposure table.
    """

    evaluation: float
    sampling: float
    processor: float
    divergences: int
    entries: int


def history(deals: int, stages: int, levels: tuple[int, ...]) -> History:
    rng = np.random.default_rng(1)
    end = (ORIGIN - FIRST) / pd.Timedelta(days=1)
    since = (FIRST - pd.Timestamp(0)) / pd.Timedelta(days=1)
    entered = np.sort(rng.uniform(0, end, deals))
    created, deal, parts = entered.copy(), np.arange(deals), []
    level = {f"attribute {n}": rng.integers(0, size, deals) for n, size in enumerate(levels)}
    speed, lean = (sum(rng.normal(0, 0.15, n.max() + 1)[n] for n in level.values()) for _ in range(2))
    month = rng.normal(0, 0.15, (2, int(end / 30) + 1))
    for stage in range(stages):
        when = (entered / 30).astype(np.int64)
        left = entered + rng.gamma(2.0, 15.0, len(deal)) * np.exp(-speed[deal] - month[0, when])
        odds = np.exp(np.log(0.7 / 0.3) + lean[deal] + month[1, when])
        to = np.where(rng.random(len(deal)) < odds / (1 + odds), stage + 1, stages + 1)
        ended = left < end
        parts.append((deal, np.full(len(deal), stage), entered, np.minimum(left, end), np.where(ended, to, -1)))
        closed = ended & (to >= stages)
        parts.append((deal[closed], to[closed], left[closed], np.full(closed.sum(), end), np.full(closed.sum(), -1)))
        on = ended & (to == stage + 1) & (to < stages)
        deal, entered = deal[on], left[on]
    who, state, begun, left, to = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((begun, who))
    visits = Visits(who[order], state[order], begun[order] + since, left[order] + since, to[order], np.ones(len(order)))
    table = pd.DataFrame({name: which.astype(str) for name, which in level.items()})
    table["created"] = FIRST + pd.to_timedelta(created, unit="D")
    states = (*(f"Stage {n}" for n in range(1, stages + 1)), "Won", "Lost")
    return History(states, 0, ORIGIN, table, visits, since, True, {})


def terms(made: History) -> Terms:
    names = [str(name) for name in made.deals if name != "created"]
    cells, cell_of_deal = cell_table(made, names)
    exposure = expose(made, cells, cell_of_deal)
    months = month_starts(FIRST, ORIGIN - pd.Timedelta(days=1))
    number: Ints = np.asarray(months.month[:-1], dtype=np.int64)
    calendar = design.calendar((number - 1) % 3, len(number) - 1)
    arrivals = design.arrivals(number - 1, len(number) - 1, True)
    priors = Priors()
    return Terms(
        exit_terms(exposure, calendar, design.cells(cells), priors),
        arrival_terms(count_arrivals(made, months), arrivals, priors), NO_AMOUNTS, NO_CLIENTS,
    )  # fmt: skip


def cost(data: Terms) -> Cost:
    point, density = flat(initial_point(data)), density_of_all(data)
    density(point)  # compiled
    start = time.perf_counter()
    for _ in range(EVALUATIONS):
        density(point)
    evaluation = (time.perf_counter() - start) / EVALUATIONS
    start, processor = time.perf_counter(), time.process_time()
    _, divergences = sample(data, DRAWS, 1, 0.9, 1, lambda *_: None)
    return Cost(
        evaluation, time.perf_counter() - start, time.process_time() - processor, divergences,
        len(data.exits.rows.days),
    )  # fmt: skip


def row(name: str, found: Cost) -> str:
    return (
        f"{name:<44}{found.entries:>11,}{1e3 * found.evaluation:>12.2f}{found.sampling:>12.1f}"
        f"{found.processor:>12.1f}{found.divergences:>10}"
    )


def main() -> int:
    print(f"{DRAWS:,} draws after 4 x 500 tuning steps")
    print(f"{'':<44}{'entries':>11}{'evaluation':>12}{'sampling':>12}{'processor':>12}{'diverged':>10}")
    print(f"{'':<44}{'':>11}{'ms':>12}{'s':>12}{'s':>12}{'draws':>10}")
    costs = {}
    for deals in (FEW, MANY):
        costs[deals] = cost(terms(history(deals, 4, CELLS[0])))
        print(row(f"{deals:,} deals, 4 stages, 24 cells", costs[deals]), flush=True)
    ratio = costs[MANY].processor / costs[FEW].processor
    print(f"sampling, {MANY:,} deals against {FEW:,}: {ratio:.2f} times (budget {BUDGET})", flush=True)
    for stages in STAGES:
        for levels in CELLS:
            name = f"{FEW:,} deals, {stages} stages, {np.prod(levels):,} cells"
            print(row(name, cost(terms(history(FEW, stages, levels)))), flush=True)
    if RELATIVE in sys.argv:
        with define(terms(history(FEW, 4, CELLS[0]))):
            start = time.perf_counter()
            pm.sample(draws=250, tune=500, chains=4, cores=2, random_seed=1, progressbar=False)
        print(f"PyMC's own sampler, {FEW:,} deals, 4 stages, 24 cells: {time.perf_counter() - start:.0f} s", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB")
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
