"""Exact win probabilities of open deals: occupancy by (state, age) carried forward on a grid of days.

In a step h all mass of a state ages by h; the share that leaves in it is exact, 1 - exp(-h * total hazard),
as the edges of ages and months lie on the grid. Mass that arrives within a step begins its new visit at the
end of the step. That is the only error, it is smooth in h, and Richardson's extrapolation removes its first
two orders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulations import Deals, Draws


def win_by_month(draws: Draws, deals: Deals, h: float) -> NDArray[np.float64]:
    """(N, M) probability of being won by month, draw 0 and cell 0; all edges and ages multiples of h."""
    funnel, months = draws.funnel, draws.month_edges
    steps, n = round(draws.horizon / h), len(deals)
    origins = [here for here, _ in funnel.exits]

    def by_age(first_age: float) -> NDArray[np.float64]:
        """(J, steps) baseline hazards along a visit that is first_age days old at the origin."""
        middles = first_age + h * (np.arange(steps) + 0.5)
        bins = np.searchsorted(funnel.age_edges, middles, side="right") - 1
        return draws.hazard[0][:, bins] * draws.effect[0, :, 0, None]

    def leaving(hazard: NDArray[np.float64], month: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of the origin's mass that leaves in one step, by exit; share that stays, by state."""
        rates = hazard * draws.calendar[0][funnel.kinds, month, None]
        total = np.zeros((funnel.n_states, rates.shape[1]))
        np.add.at(total, origins, rates)
        stays = np.exp(-h * total)
        share = np.divide(rates, total[origins], out=np.zeros_like(rates), where=total[origins] > 0)
        return share * (1 - stays[origins]), stays

    fresh = by_age(0.0)
    own = [by_age(age) for age in deals.age]
    first = np.ones(n)  # mass still in its first visit
    later = np.zeros((n, funnel.n_states, steps + 1))  # mass in later visits, by age
    won = np.zeros((n, draws.n_months))
    for month in range(draws.n_months):
        out, stays = leaving(fresh, month)
        own_out, own_stays = zip(*(leaving(hazard, month) for hazard in own), strict=True)
        for step in range(round(months[month] / h), round(months[month + 1] / h)):
            flows = np.einsum("nja,ja->nj", later[:, origins, :steps], out)
            for i, stage in enumerate(deals.stage):
                flows[i] += first[i] * own_out[i][:, step] * (np.array(origins) == stage)
                first[i] *= own_stays[i][stage, step]
            later[:, :, 1:] = later[:, :, :steps] * stays
            later[:, :, 0] = 0.0
            for j, (_, there) in enumerate(funnel.exits):
                if there == funnel.won:
                    won[:, month] += flows[:, j]
                else:
                    later[:, there, 0] += flows[:, j]
    return won


def extrapolated(draws: Draws, deals: Deals, h: float) -> tuple[NDArray[np.float64], float]:
    """Win probabilities from grids of h, h/2 and h/4, and the last change as a bound of their error."""
    coarse, middle, fine = (win_by_month(draws, deals, h / k) for k in (1, 2, 4))
    first_order = 2 * fine - middle
    result = first_order + (first_order - (2 * middle - coarse)) / 3
    return result, float(np.abs(result - first_order).max())
