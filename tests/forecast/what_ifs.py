"""Forecasts made by hand, of a few deals and without a fit, to be simulated again with something changed."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from forecast.what_if import Aim, WhatIf
from simulations import Assumptions, Deals, Draws, Funnel, simulate
from tests.simulations.examples import calm_draws, deals

ONE_STAGE = Funnel(("Open", "Won", "Lost"), ((0, 1), (0, 2)), np.array([0.0]))
LONG = 4000.0  # days: whatever can happen has happened


def asked_about(
    draws: Draws, opened: Deals, templates: Deals, *periods: tuple[Sequence[bool], int], won: int = 0, minor: int = 1
) -> WhatIf:  # fmt: skip
    """periods: months that belong to each, and its target."""
    kept = len(periods[0][0])
    base = simulate(draws, opened, templates, seed=1, months=kept, arrival_months=kept)
    asked = tuple(Aim(f"P{i}", np.array(mask), won, target) for i, (mask, target) in enumerate(periods))
    labels = tuple(f"2024-{month + 1:02}" for month in range(kept))
    return WhatIf(Assumptions(draws, opened, templates), base, asked, labels, draws.month_edges[: kept + 1], 1, minor)


def ten_deals(target: int = 6, n_draws: int = 4000) -> WhatIf:
    """Ten deals worth 1, each won in the end with probability one half, in one period without an end."""
    draws = calm_draws(ONE_STAGE, [[0.02], [0.02]], [0.0, LONG], n_draws)
    return asked_about(draws, deals(np.zeros(10, dtype=int)), Deals.none("deal"), ([True], target))


def at_least(target: int, n: int, p: float) -> float:
    """P(of n deals at least so many are won)."""
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(target, n + 1))


def on_day(day: float, months: Sequence[float], *periods: tuple[Sequence[bool], int], n_draws: int = 500) -> WhatIf:
    """Ten deals worth 1, each won on this very day (within a hundredth), and none lost."""
    funnel = Funnel(("Open", "Won", "Lost"), ((0, 1), (0, 2)), np.array([0.0, day - 0.01]))
    draws = calm_draws(funnel, [[0.0, 1e4], [0.0, 0.0]], months, n_draws)
    return asked_about(draws, deals(np.zeros(10, dtype=int)), Deals.none("deal"), *periods)


def with_new_deals(target: int, n_draws: int = 1000, *, days: float = 20.0) -> WhatIf:
    """Three months of 30 days, ten deals worth 1 expected in each, half of which is won, after `days` on average; the
    simulator goes on for years.
    """
    rate = 1 / days / 2
    months = [0.0, 30.0, 60.0, 90.0, LONG]
    draws = calm_draws(
        ONE_STAGE, [[rate], [rate]], months, n_draws, arrival_mean=[10.0, 10.0, 10.0, 0.0], template_cdf=[1.0]
    )
    return asked_about(draws, deals(np.zeros(2, dtype=int)), deals(first_key=100), ([True] * 3, target))
