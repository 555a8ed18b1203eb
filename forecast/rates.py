"""Conversion rate and lead time of every stage, with their posterior: sums over the exits of the hazards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.fit import Fit
from forecast.history import Floats
from simulations import Kind

STATED_AGE = 730.0  # days: a visit that has not ended by then counts as still open
MOST_CELLS = 40  # cells averaged over, those with most exits
MOST_DRAWS = 500
HALVINGS = 40  # of an age bin, in search of the median: far below a second


@dataclass(frozen=True, eq=False)
class StageRates:
    """Of visits to one stage, by draw: `conversion` (draws,) the share that has ended in an advance or a win
    by the stated age; `lead_time` (draws,) the median age in days at which those that did ended.
    """

    conversion: Floats
    lead_time: Floats


def stage_rates(fit: Fit, stage: int) -> StageRates:
    """Rates of the average visit: cells and months as they were among the visits to the stage.

    Within an age bin the hazard is constant, H in all and h of advancing, so that of the S visits that reach
    it S * h / H * (1 - exp(-H * x)) have advanced x days later. The median is read off that curve: a straight
    line between the edges of its bin would put it too late. Raises nothing: without exits on record, these
    are the prior's.
    """
    funnel, exposure = fit.exposure.funnel, fit.exposure
    exits = np.arange(funnel.first_exit[stage], funnel.first_exit[stage + 1])
    draws = np.linspace(0, fit.n_draws - 1, min(fit.n_draws, MOST_DRAWS)).astype(np.int64)
    weights = exposure.exits_by_cell[exits].sum(axis=0) + 1e-9
    cells = np.sort(np.argsort(-weights, kind="stable")[:MOST_CELLS])
    weights = weights[cells] / weights[cells].sum()
    by_month = exposure.days_at_risk[stage].sum(axis=(0, 2)) + 1e-9
    calendar = np.exp(fit.calendar()[draws][:, funnel.kinds[exits], : len(by_month)])
    seasonal = calendar @ (by_month / by_month.sum())
    effect = np.exp(fit.posterior["effect"][draws][:, exits] @ fit.design.matrix[:, cells])
    onwards = np.isin(funnel.kinds[exits], (Kind.ADVANCE, Kind.WON))

    edges = np.append(funnel.age_edges[funnel.age_edges < STATED_AGE], STATED_AGE)
    base = np.exp(fit.posterior["log_hazard"][draws][:, exits, : len(edges) - 1]) * seasonal[:, :, None]
    hazard = base[:, :, None, :] * effect[:, :, :, None]
    total, leaving = hazard.sum(axis=1), hazard[:, onwards].sum(axis=1)
    spent = np.cumsum(total * np.diff(edges), axis=2)
    entering = weights[:, None] * np.exp(-np.concatenate([np.zeros_like(spent[:, :, :1]), spent[:, :, :-1]], axis=2))
    gained = (entering * _ended(leaving, total, np.diff(edges))).sum(axis=1)
    done = np.cumsum(gained, axis=1)
    half = done[:, -1] / 2
    place = np.minimum((done < half[:, None]).sum(axis=1), len(edges) - 2)
    row = np.arange(len(draws))
    missing = half - (done - gained)[row, place]
    entering, leaving, total = (values[row, :, place] for values in (entering, leaving, total))
    low, high = edges[place], edges[place + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        ended = (entering * _ended(leaving, total, (middle - edges[place])[:, None])).sum(axis=1)
        low, high = np.where(ended < missing, middle, low), np.where(ended < missing, high, middle)
    return StageRates(done[:, -1], (low + high) / 2)


def _ended(leaving: Floats, total: Floats, days: Floats) -> Floats:
    """Share that a constant hazard `leaving`, of `total` in all, has ended after some days."""
    return np.asarray(leaving / np.maximum(total, 1e-300) * -np.expm1(-total * days))
