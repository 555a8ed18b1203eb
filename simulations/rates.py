"""One draw, prepared for the walk: bounding hazards by state and age, effects, calendar, frailties of clients."""

from __future__ import annotations

import numpy as np

from simulations import streams
from simulations.arrays import (
    BOUND,
    GROWN_A,
    RATE_A,
    WEIGHT_A,
    WEIGHT_B,
    Floats,
    Parameters,
    Rates,
    Table,
)
from simulations.streams import compiled, path_key

NEVER = 1e300  # the integral at bins that do not exist
MOST_DAYS = 2**12  # of the guide to months; later days are reached from its end, month by month


@compiled
def new_rates(p: Parameters) -> Rates:
    """The parts that all draws share, and room for the others."""
    states, bins, cells, width, most = len(p.first_exit) - 1, len(p.age_edges), p.effect.shape[2], 1, 1
    months = len(p.month_edges) - 1
    while width < bins:
        width *= 2
    for s in range(states):
        most = max(most, p.first_exit[s + 1] - p.first_exit[s])
    edge, number = np.zeros(width), np.zeros(states, np.uint32)
    edge[:bins] = p.age_edges
    ends = np.zeros((3, states * most), np.uint32)
    for s in range(states):
        number[s] = p.first_exit[s + 1] - p.first_exit[s]
        for e in range(number[s]):
            j = p.first_exit[s] + e
            ends[0, s * most + e], ends[1, s * most + e], ends[2, s * most + e] = p.targets[j], j, p.advances[j]
    after = np.full(months + 2, np.inf)
    after[: months + 1] = p.month_edges
    guide = np.zeros(int(min(p.month_edges[-1], MOST_DAYS)) + 1, np.uint32)
    for day in range(1, len(guide)):
        guide[day] = guide[day - 1]
        while after[guide[day] + 1] < day:
            guide[day] += 1
    return Rates(
        1 if len(p.frailty_shape) else 0, np.zeros(states * width * 4), np.zeros(states * cells * 4), edge,
        np.zeros(states * most * width), np.zeros(states * most * cells), np.zeros(states * most * max(months, 1)),
        number, ends[0], ends[1], ends[2], after, guide, np.ones(len(p.frailty_key)),
    )  # fmt: skip


@compiled
def prepare(p: Parameters, table: Table, seed: np.uint64, draw: int, rates: Rates) -> None:
    """Fill the rates of one draw."""
    states, bins, cells, months = len(p.first_exit) - 1, len(p.age_edges), p.effect.shape[2], len(p.month_edges) - 1
    width, most = len(rates.edge), len(rates.target) // states
    rates.bins[:] = 0.0
    rates.cells[:] = 0.0
    for s in range(states):
        for e in range(rates.number[s]):
            j, x = p.first_exit[s] + e, s * most + e
            column = 1 if rates.split == 1 and rates.acts[x] == 0 else 0
            peak = 0.0
            for m in range(months):
                rates.calendar[x * months + m] = p.calendar[draw, p.kinds[j], m]
                peak = max(peak, rates.calendar[x * months + m])
            for b in range(bins):
                rates.hazard[x * width + b] = p.hazard[draw, j, b]
                rates.bins[4 * (s * width + b) + RATE_A + column] += p.hazard[draw, j, b] * peak
            for c in range(cells):
                rates.effect[x * cells + c] = p.effect[draw, j, c]
                at = 4 * (s * cells + c) + WEIGHT_A + column
                rates.cells[at] = max(rates.cells[at], p.effect[draw, j, c])
        for column in range(2):
            _integrate(rates.bins, 4 * s * width + column, p.age_edges, width)
    for at in range(0, len(rates.cells), 4):
        rates.cells[at + BOUND] = 1.0
        if rates.split == 0:  # one hazard, in units of the cell's largest effect
            rates.cells[at + BOUND] = rates.cells[at + WEIGHT_A]
            rates.cells[at + WEIGHT_A], rates.cells[at + WEIGHT_B] = 1.0, 0.0
    if rates.split == 1:
        _draw_frailties(p, table, seed, draw, rates.frailty)


@compiled
def _integrate(table: Floats, at: int, edges: Floats, width: int) -> None:
    """Integral of a piecewise constant hazard, of which bin 0 is at `at` + RATE_A, to the lower edges of the bins."""
    grown, rate = at + GROWN_A, at + RATE_A
    for b in range(1, len(edges)):
        step = table[rate + 4 * (b - 1)] * (edges[b] - edges[b - 1])
        table[grown + 4 * b] = table[grown + 4 * (b - 1)] + step
    for b in range(len(edges), width):
        table[grown + 4 * b] = NEVER


@compiled
def _draw_frailties(p: Parameters, table: Table, seed: np.uint64, draw: int, frailty: Floats) -> None:
    theta, key = p.frailty_shape[draw], streams.simulation_key(seed, np.uint64(draw))
    exposure = p.frailty_exposure[min(draw, len(p.frailty_exposure) - 1)]
    for c in range(len(frailty)):
        if table.used[c]:
            shape = theta + p.frailty_exits[c]
            frailty[c] = multiplier(path_key(key, p.frailty_key[c]), shape, theta + exposure[c])


@compiled
def multiplier(path: np.uint64, shape: float, rate: float) -> float:
    """The frailty of a client whose random numbers have this path."""
    return 1.0 if np.isinf(rate) else streams.gamma(path, shape) / rate
