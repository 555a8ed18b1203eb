"""Deals still to be created: which months are early enough for a period, and how many a number of sales needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.history import Floats, Ints
from forecast.what_if import Aim, WhatIf
from simulations import Assumptions, Deals, Outcomes, levers, simulate

TOO_LATE = 0.1  # share of its wins below which a month's new deals count for the next period
ENOUGH = 20_000  # deals simulated of a month, so that a share is known to about one point
FEWEST_DRAWS = 20
PER_MONTH = 365.25 / 12
VISITORS = 100  # deals put into each stage of every draw
REVERSE_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Useful:
    """Of the deals created in each month kept: `expected` (M,) their number; `p_win` (M,) the share won before the
    horizon of the simulator ends; `in_time` (M, P) the share of those wins that fall into each period.
    """

    expected: Floats
    p_win: Floats
    in_time: Floats

    def months(self, period: int) -> Floats:
        """(M,) 1 where at least TOO_LATE of the wins of the month's new deals fall into the period."""
        return np.asarray(self.in_time[:, period] >= TOO_LATE, dtype=np.float64)


def expected_per_month(outcomes: Outcomes, edges: Floats) -> float:
    """Deals created a month, the mean over the simulations and all months between the edges (M + 1,) in days."""
    created = outcomes.created if outcomes.followed is None else outcomes.created + outcomes.followed
    return float(created.sum(axis=1).mean() / (edges[-1] - edges[0]) * PER_MONTH)


def useful_months(asked: WhatIf) -> Useful:
    """By simulating the deals created in one month at a time, and nothing else, to the end of the horizon."""
    draws, kept = asked.given.draws, asked.kept
    expected = draws.arrival_mean[:, :kept].mean(axis=0)
    p_win, in_time = np.zeros(kept), np.zeros((kept, len(asked.periods)))
    for month in np.flatnonzero(expected > 0):
        number = int(np.clip(np.ceil(ENOUGH / expected[month]), FEWEST_DRAWS, draws.n_draws))
        some = draws.first(number)
        only = np.where(np.arange(draws.n_months) == month, some.arrival_mean, 0.0)
        alone = replace(some, arrival_mean=only)
        after = simulate(
            alone, Deals.none(), asked.given.templates, seed=asked.seed, arrival_months=int(month) + 1,
            **asked.place,
        )  # fmt: skip
        wins = after.wins.sum(axis=0)
        p_win[month] = wins.sum() / max(after.created.sum(), 1)
        for place, period in enumerate(asked.periods):
            in_time[month, place] = wins[:kept][period.months].sum() / max(wins.sum(), 1)
    return Useful(expected, p_win, in_time)


def more_new_deals(months: Floats, given: Assumptions, change: float) -> Assumptions:
    """New deals times 1 + change in the months (M,) marked 1."""
    by_month = np.zeros(given.draws.n_months)
    by_month[: len(months)] = change * months
    return levers.new_deals(given, by_month)


def won_by_new_deals(asked: WhatIf) -> Callable[[Assumptions], Ints]:
    """What is won in the first draws where only new deals differ from what was: open deals, which then bring what
    they did, are not simulated again. Nothing is simulated twice for several periods.
    """
    known: dict[bytes, Ints] = {}

    def won(given: Assumptions) -> Ints:
        expected = given.draws.arrival_mean[:, : asked.kept].tobytes()
        if expected not in known:
            known[expected] = asked.run(given._replace(open_deals=Deals.none())).won
        return known[expected]

    as_it_was = asked.fewer()
    return lambda given: asked.base.won[: as_it_was.draws.n_draws] - won(as_it_was) + won(given)


def reverse_funnel(p_win: Sequence[float] | Floats, sales: float) -> Floats:
    """Deals that have to enter each stage for a number of sales, p_win being the share of them that is won.

    In a linear funnel p_win of a stage is the product of the conversion rates from it on: one sale at rates of 1/2
    and 1/4 takes 4 deals in the second stage, 8 in the first.
    """
    p = np.asarray(p_win, dtype=np.float64)
    return np.asarray(np.divide(sales, p, out=np.full(p.shape, np.inf), where=p > 0), dtype=np.float64)


def wins_from(given: Assumptions, seed: int, **place: Any) -> tuple[Floats, Floats]:
    """(open stages,) share of the deals entering each stage at the origin that is won before the horizon ends, and
    its standard error over draws.

    Deals like the templates are put into every stage at an age of nothing, each worth one unit, so that what a stage
    brings is its number of wins. place: threads or cluster, see `simulate`.
    """
    draws, rows = given.draws.first(REVERSE_DRAWS), len(given.templates)
    stages = draws.funnel.n_open
    chosen = np.tile(np.linspace(0, rows - 1, min(VISITORS, rows)).round().astype(np.int64), stages)
    number = len(chosen)
    stage = np.repeat(np.arange(stages), number // stages)
    templates = given.templates
    visitors = Deals(
        key=np.arange(number, dtype=np.uint64), stage=stage, age=np.zeros(number), cell=templates.cell[chosen],
        amount=np.ones(number, dtype=np.int64), client=templates.clients[chosen], groups={"stage": stage},
    )  # fmt: skip
    certain = replace(
        draws, amount_kept=np.ones_like(draws.amount_kept), arrival_mean=np.zeros_like(draws.arrival_mean)
    )  # fmt: skip
    outcomes = simulate(
        certain, visitors, Deals.none("stage"), seed=seed, group_sizes={"stage": stages}, arrival_months=0,
        **place,
    )  # fmt: skip
    share = outcomes.by["stage"].sum(axis=1) / (number // stages)
    return share.mean(axis=0), share.std(axis=0) / np.sqrt(len(share))


def mean_win(asked: WhatIf, period: Aim) -> float:
    """Mean amount of a win in the period, in units of currency; 0 where nothing is won."""
    wins = int(asked.base.wins[:, period.months].sum())
    return float(asked.base.won[:, period.months].sum()) / max(wins, 1) / asked.minor
