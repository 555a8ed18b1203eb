"""Why the range is as wide as it is: the variance of revenue, in parts that add up to it.

By pick-freeze (Sobol 1993; Janon et al. 2014): the covariance of two runs that share some of what is uncertain, and
nothing else, is the variance that this explains. Runs are compared that share only the parameters; then the shocks that
all deals meet too; then new deals too; what is left is the luck of the deals that are open. In this order, what two
sources do together counts for the later one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from forecast.config import Config
from forecast.draws import scenario
from forecast.fit import Fit, other_future
from forecast.history import Floats, Ints
from forecast.models.sampling import Progress
from forecast.what_if import WhatIf
from simulations import Assumptions, Draws

PARTS = ("parameters", "shocks", "new_deals", "chance")
MOMENT = 2.0**-10  # days
OTHER_LUCK = np.uint64(0x9E3779B97F4A7C15)


def width(asked: WhatIf, fit: Fit, config: Config, progress: Progress | None = None) -> dict[str, Any]:
    """The parts for every period, as plain data.

    parameters: hazards, effects, how clients differ, arrivals so far, amounts: what is not known yet of the funnel.
    shocks: of months to come, shared by all deals, and how many deals they bring on average. new_deals: how many are
    created, and what becomes of them. chance: what becomes of the deals that are open.
    """
    edges = asked.given.draws.month_edges + fit.history.day
    other = other_future(fit, config.funnel.fiscal_year_starts, asked.seed + 1)
    shocked = scenario(other, edges, (), minor=asked.minor, seed=asked.seed, follow=config.follow_ups).draws
    return parts(asked, shocked, progress)


def parts(asked: WhatIf, shocked: Draws, progress: Progress | None = None) -> dict[str, Any]:
    """The same, given draws with the same parameters and other months to come."""
    lucky, runs = _other_open(asked.given), []
    for number, draws in enumerate((shocked, asked.given.draws, None)):
        if progress is not None:
            progress("Finding where the width comes from", number, 3)
        runs.append(asked.run(lucky).won if draws is None else _other_new(asked, lucky._replace(draws=draws)))
    periods = [_period(asked, number, runs) for number in range(len(asked.periods))]
    return {"draws": asked.given.draws.n_draws, "periods": periods}


def _other_open(given: Assumptions) -> Assumptions:
    """Open deals with other random numbers, which depend on their keys."""
    return given._replace(open_deals=replace(given.open_deals, key=given.open_deals.key ^ OTHER_LUCK))


def _other_new(asked: WhatIf, given: Assumptions) -> Ints:
    """Won by month, new deals having other random numbers: these depend on the number of the month, so a moment in
    front, in which nothing is created, gives each month another one.
    """
    draws = given.draws
    later = replace(
        draws,
        calendar=np.concatenate([draws.calendar[:, :, :1], draws.calendar], axis=2),
        month_edges=np.concatenate([[0.0, MOMENT], draws.month_edges[1:]]),
        arrival_mean=np.pad(draws.arrival_mean, ((0, 0), (1, 0))),
    )
    outcomes = asked.simulated(given._replace(draws=later), asked.kept + 1)
    won = outcomes.won[:, 1:].copy()
    won[:, 0] += outcomes.won[:, 0]
    return won


def _period(asked: WhatIf, number: int, runs: list[Ints]) -> dict[str, Any]:
    period = asked.periods[number]
    revenue = [period.revenue(won) / asked.minor for won in (asked.base.won, *runs)]
    share, error = shares(revenue[0], *revenue[1:])
    told = revenue[0].var() > 0
    low, high = np.quantile(revenue[0], [0.1, 0.9])
    return {
        "period": period.label,
        "p10": float(low),
        "p90": float(high),
        "sd": float(revenue[0].std()),
        "parts": [
            {"part": name, "share": float(share[i]) if told else None, "share_se": float(error[i]) if told else None}
            for i, name in enumerate(PARTS)
        ],
        # The range that would be left if the parameters were known, as a share of the range as it is.
        "narrower_by": float(1 - np.sqrt(np.clip(1 - share[0], 0, 1))) if told else None,
    }


def shares(base: Floats, *nested: Floats) -> tuple[Floats, Floats]:
    """(parts,) shares of the variance of (K,) `base`, and their standard errors.

    nested: runs that share more and more with it. The first share is the first covariance, each further one what the
    covariance grows by, the last one the rest: they sum to one.
    """
    centred = base - base.mean()
    products = [np.zeros_like(base), *(centred * (other - other.mean()) for other in nested), centred**2]
    total = products[-1].mean()
    if total == 0:
        return np.zeros(len(nested) + 1), np.zeros(len(nested) + 1)
    parts = np.diff(np.array(products), axis=0) / total
    share = parts.mean(axis=1)
    spread = parts - share[:, None] * products[-1] / total  # the variance it is a share of is an estimate too
    return share, spread.std(axis=1) / np.sqrt(len(base))
