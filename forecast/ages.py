"""How old open deals are, among deals of their kind that moved on: shares of the posterior lead time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.fit import Fit
from forecast.history import Floats, Ints
from forecast.overdue import MOVED_ON
from simulations import Kind

STATED_AGE = 730.0  # days: who has not moved on by then, never does
MOST_DRAWS = 100  # of the posterior: what is told is an average over them
STEPS = 8  # within an age bin: lines between them are off by less than a percent of the bin's exits


@dataclass(frozen=True, eq=False)
class Ages:
    """Of N open deals, each (N,). age: days in the stage. moved_on: share of the deals of its kind that moved on
    from the stage which had done so by that age. limit: days after which the deal is overdue.
    """

    age: Floats
    moved_on: Floats
    limit: Floats

    @property
    def overdue(self) -> NDArray[np.bool_]:
        return np.asarray(self.age > self.limit)


def ages(fit: Fit, open_visit: Ints, expected_days: Mapping[str, float]) -> Ages:
    """Ages of the deals that are open in these visits; a deal's kind is its cell.

    Posterior mean, in months as they were on record. expected_days: by stage, what replaces the limit.
    """
    visits, cell = fit.history.visits, fit.cell_of_deal[fit.history.visits.deal[open_visit]]
    state = visits.state[open_visit]
    age = fit.history.day - visits.entered[open_visit]
    moved_on, limit = np.zeros(len(age)), np.full(len(age), np.inf)
    for stage in np.unique(state):
        here = np.flatnonzero(state == stage)
        cells, index = np.unique(cell[here], return_inverse=True)
        grid, shares = _moved_on(fit, int(stage), cells)
        for c, curve in enumerate(shares):
            own = here[index == c]
            moved_on[own] = np.interp(age[own], grid, curve)
            if curve[-1] > 0:  # else none ever moves on
                limit[own] = np.interp(MOVED_ON, curve, grid)
        name = fit.history.states[stage]
        if name in expected_days:
            limit[here] = expected_days[name]
    return Ages(age, moved_on, limit)


def _moved_on(fit: Fit, stage: int, cells: Ints) -> tuple[Floats, Floats]:
    """A grid of ages, and (cells, grid) the share of the visits that ever move on which have done so by then.

    Of the S visits that reach an age bin of total hazard H, h of it onwards, S h / H (1 - exp(-H x)) have moved on
    x days later.
    """
    funnel, exposure = fit.exposure.funnel, fit.exposure
    exits = np.arange(funnel.first_exit[stage], funnel.first_exit[stage + 1])
    onwards = np.isin(funnel.kinds[exits], (Kind.ADVANCE, Kind.WON))
    by_month = exposure.days_at_risk[stage].sum(axis=(0, 2)) + 1e-9
    by_month = by_month / by_month.sum()
    edges = np.append(funnel.age_edges[funnel.age_edges < STATED_AGE], STATED_AGE)
    width, part = np.diff(edges), np.arange(STEPS) / STEPS
    grid = np.append((edges[:-1, None] + width[:, None] * part).ravel(), STATED_AGE)
    total_moved = np.zeros((len(cells), len(grid)))
    calendar = fit.calendar()[:, funnel.kinds[exits], : len(by_month)]
    matrix = fit.design.matrix[:, cells]
    for draw in np.linspace(0, fit.n_draws - 1, min(fit.n_draws, MOST_DRAWS)).astype(np.int64):
        base = np.exp(fit.posterior["log_hazard"][draw, exits][:, : len(width)])
        level = np.exp(calendar[draw]) @ by_month
        effect = np.exp(fit.posterior["effect"][draw, exits] @ matrix)
        hazard = (base * level[:, None])[:, None, :] * effect[:, :, None]
        total, leaving = hazard.sum(axis=0), hazard[onwards].sum(axis=0)
        start = np.exp(-np.cumsum(np.pad(total * width, ((0, 0), (1, 0))), axis=1))
        within = -np.expm1(-total[:, :, None] * width[:, None] * np.append(part, 1.0))
        gained = (start[:, :-1] * leaving / np.maximum(total, 1e-300))[:, :, None] * within
        before = np.cumsum(np.pad(gained[:, :, -1], ((0, 0), (1, 0))), axis=1)
        total_moved[:, :-1] += (before[:, :-1, None] + gained[:, :, :-1]).reshape(len(cells), -1)
        total_moved[:, -1] += before[:, -1]
    return grid, total_moved / np.maximum(total_moved[:, -1:], 1e-300)
