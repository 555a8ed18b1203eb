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


@dataclass(frozen=True, eq=False)
class StageRates:
    """Of visits to one stage, by draw: `conversion` (draws,) the share that has ended in an advance or a win by the
    stated age; `lead_time` (draws,) the median age in days at which those that did ended.
    """

    conversion: Floats
    lead_time: Floats


def stage_rates(fit: Fit, stage: int) -> StageRates:
    """Rates of the average visit: cells and months as they were among the visits to the stage.

    Within an age bin the hazard is constant, H in all and h of advancing, so that of the S visits that reach it
    S * h / H * (1 - exp(-H * width)) advance. Raises nothing: a stage without exits on record gives the prior's rates.
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
    width = np.diff(edges)
    done = np.zeros((len(draws), len(edges)))
    for cell, weight in enumerate(weights):
        hazard = base * effect[:, :, cell, None]
        total = hazard.sum(axis=1)
        survival = np.exp(-np.cumsum(total * width, axis=1))
        entering = np.column_stack([np.ones(len(draws)), survival[:, :-1]])
        advanced = (entering - survival) * hazard[:, onwards].sum(axis=1) / np.maximum(total, 1e-300)
        done[:, 1:] += weight * np.cumsum(advanced, axis=1)
    half = done[:, -1] / 2
    place = np.minimum((done < half[:, None]).sum(axis=1), len(edges) - 1)
    row = np.arange(len(draws))
    below, above = done[row, place - 1], done[row, place]
    share = (half - below) / np.maximum(above - below, 1e-300)
    return StageRates(done[:, -1], edges[place - 1] + share * width[place - 1])
