"""Conversion rate and lead time of every stage, with their posterior: sums over the exits of the hazards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.fit import Fit
from forecast.frailty import clients_apart, expected
from forecast.history import Floats, Ints
from forecast.models.incidence import conversion_and_lead_time
from simulations import Kind

STATED_AGE = 730.0  # days: a visit that has not ended by then counts as still open
MOST_CELLS = 40  # cells averaged over, those with most exits
MOST_DRAWS = 500
DRAWS_AT_A_TIME = 100
FRAILTIES = 8  # groups of clients, by frailty, each taken as one


@dataclass(frozen=True, eq=False)
class StageRates:
    """Of visits to one stage, by draw: `conversion` (draws,) the share that has ended in an advance or a win
    by the stated age; `lead_time` (draws,) the median age in days at which those that did ended.
    """

    conversion: Floats
    lead_time: Floats


def thinned(fit: Fit) -> Ints:
    """The draws that rates are worked out for, evenly spread."""
    return np.linspace(0, fit.n_draws - 1, min(fit.n_draws, MOST_DRAWS)).astype(np.int64)


def stage_rates(fit: Fit, stage: int, seed: int = 1) -> StageRates:
    """Rates of the average visit: cells, months and clients as they were among the visits to the stage.

    Clients are taken at the frailty that each of them has, drawn by `seed` from its posterior in every draw, and not
    at those of a new one: whoever gets far into the funnel is no average client, and only so are the advances
    expected those seen.

    Raises nothing: without exits on record, these are the prior's.
    """
    draws = thinned(fit)
    frailty = _frailties(fit, stage, draws, np.random.default_rng(seed))
    parts = [slice(first, first + DRAWS_AT_A_TIME) for first in range(0, len(draws), DRAWS_AT_A_TIME)]
    done = [_stage_rates(fit, stage, draws[part], frailty[part]) for part in parts]
    return StageRates(
        np.concatenate([rates.conversion for rates in done]), np.concatenate([rates.lead_time for rates in done])
    )


def _frailties(fit: Fit, stage: int, draws: Ints, rng: np.random.Generator) -> Floats:
    """(draws, n) frailties of groups of clients that had the same number of visits to the stage."""
    names, terms = clients_apart(fit)
    if not names:
        return np.ones((len(draws), 1))
    shape = fit.posterior["frailty_shape"][draws][:, None]
    drawn = rng.gamma(shape + terms.exits) / (shape + expected(fit, terms, draws))
    drawn = np.column_stack([drawn, np.ones(len(draws))])  # all others
    visits = fit.history.visits
    client = fit.coding.clients_apart(fit.history)[1][visits.deal[visits.state == stage]]
    weight = np.bincount(np.where(client < 0, len(names), client), minlength=len(names) + 1) + 1e-9
    order = np.argsort(drawn, axis=1)
    ends = np.cumsum(weight[order], axis=1) / weight.sum()
    ranked = np.take_along_axis(drawn, order, axis=1)
    # Of the groups from edge to edge of the cumulated weight, the integrals of the frailty, by straight lines.
    edges = np.linspace(0, 1, FRAILTIES + 1)
    total = np.cumsum(ranked * weight[order], axis=1) / weight.sum()
    integral = [np.interp(edges, np.append(0, x), np.append(0, y)) for x, y in zip(ends, total, strict=True)]
    return np.diff(integral, axis=1) * FRAILTIES


def _stage_rates(fit: Fit, stage: int, draws: Ints, frailty: Floats) -> StageRates:
    funnel, exposure = fit.exposure.funnel, fit.exposure
    exits = np.arange(funnel.first_exit[stage], funnel.first_exit[stage + 1])
    weights = exposure.exits_by_cell[exits].sum(axis=0) + 1e-9
    cells = np.sort(np.argsort(-weights, kind="stable")[:MOST_CELLS])
    weights = np.repeat(weights[cells] / weights[cells].sum() / frailty.shape[1], frailty.shape[1])
    by_month = exposure.days_at_risk[stage].sum(axis=(0, 2)) + 1e-9
    calendar = np.exp(fit.calendar()[draws][:, funnel.kinds[exits], : len(by_month)])
    seasonal = calendar @ (by_month / by_month.sum())
    effect = np.exp(fit.posterior["effect"][draws][:, exits] @ fit.design.matrix[:, cells])
    onwards = np.isin(funnel.kinds[exits], (Kind.ADVANCE, Kind.WON))
    shared = np.where(onwards[:, None], frailty[:, None, :], 1.0)
    effect = (effect[:, :, :, None] * shared[:, :, None, :]).reshape(*effect.shape[:2], -1)

    edges = np.append(funnel.age_edges[funnel.age_edges < STATED_AGE], STATED_AGE)
    base = np.exp(fit.posterior["log_hazard"][draws][:, exits, : len(edges) - 1]) * seasonal[:, :, None]
    hazard = base[:, :, None, :] * effect[:, :, :, None]
    total, leaving = hazard.sum(axis=1), hazard[:, onwards].sum(axis=1)
    return StageRates(*conversion_and_lead_time(leaving, total, weights, edges))
