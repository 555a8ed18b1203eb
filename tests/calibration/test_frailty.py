"""Clients that rise and fall alone, their deals together: what frailty is for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.answer import month_edges
from forecast.draws import scenario
from forecast.fit import fit
from forecast.history import as_of
from simulations import simulate
from tests.forecast.clients import FIRST, FUNNEL, company

PERIODS, MONTHS, DAYS = 200, 18, 30  # each period of its own company, after so many months of 30 days, and as long
VARIANCE = 1.0
CLIENTS, DEALS, WITHIN = 16.0, 4.0, 90.0  # new clients a month, deals of each, days in which they are created
LARGE, LATELY = 2, 60.0  # clients that bring all deals of the last so many days before the period
LOWEST, HIGHEST = 0.75, 0.85  # of the 80 % ranges of revenue that hold the truth


@pytest.mark.calibration
def test_ranges_of_revenue_hold_the_truth_with_frailty_only() -> None:
    """Many small clients in the past tell how clients differ; what is open now hangs on two.

    A share of 200 periods is exact to 2.8 %, so that of a perfect 80 % range the bounds are 1.8 standard errors away.
    The variance of the frailty: 90 % intervals hold 180 of 200 truths, give or take 4.
    """
    held: dict[bool, list[bool]] = {True: [], False: []}
    found, ranks = [], []
    days = 30.0 * MONTHS
    origin, after = (FIRST + pd.Timedelta(days=day) for day in (days, days + DAYS))
    for seed in range(PERIODS):
        made = company(
            seed, variance=VARIANCE, months=MONTHS + DAYS // 30, clients=CLIENTS, deals=DEALS, within=WITHIN,
            large=LARGE, lately=(days - LATELY, days),
        )  # fmt: skip
        past = as_of(made.tables, FUNNEL, origin)
        actual = as_of(made.tables, FUNNEL, after).won_between(past.day, past.day + DAYS)
        for differ in (True, False):
            fitted = fit(past, [], until=after, seed=seed, draws=1000, clients_differ=differ)
            asked = scenario(fitted, month_edges(origin, after), (), minor=100, seed=seed)
            sizes = {name: len(names) for name, names in asked.labels.items()}
            outcomes = simulate(asked.draws, asked.open_deals, asked.templates, seed=seed, group_sizes=sizes)
            revenue = outcomes.won.sum(axis=1) / 100
            low, high = np.quantile(revenue, (0.1, 0.9))
            held[differ].append(bool(low <= actual <= high))
            if differ:
                low, high = np.quantile(1 / fitted.posterior["frailty_shape"], (0.05, 0.95))
                found.append(bool(low <= VARIANCE <= high))
                ranks.append(float((revenue < actual).mean()))
        if seed % 10 == 9:
            print(
                f"{seed + 1} periods: held with frailty {np.mean(held[True]):.3f}, without {np.mean(held[False]):.3f}; "
                f"variance in {sum(found)}; mean rank {np.mean(ranks):.3f}", flush=True,
            )  # fmt: skip
    assert np.mean(found) >= 0.9 - 3 * np.sqrt(0.9 * 0.1 / PERIODS)
    assert LOWEST <= np.mean(held[True]) <= HIGHEST
    assert np.mean(held[False]) < LOWEST
