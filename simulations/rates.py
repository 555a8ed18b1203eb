"""One draw, prepared for the walk: bounding hazards by state and age, effects, calendar, frailties of clients."""

from __future__ import annotations

import numpy as np

from simulations import streams
from simulations.arrays import (
    BOUND,
    EFFECT,
    GROWN_A,
    HAZARD,
    RATE_A,
    STUCK,
    WEIGHT_A,
    WEIGHT_B,
    WON,
    Floats,
    Parameters,
    Rates,
    Table,
)
from simulations.compiling import compiled
from simulations.streams import path_key

NEVER = 1e300  # the integral at bins that do not exist
MOST_DAYS = 2**12  # of the guide to months; later days are reached from its end, month by month


def new_rates(p: Parameters) -> Rates:
    """The parts that all draws share, and room for the others."""
    number = np.diff(p.first_exit)
    states, cells, months, most = len(number), p.effect.shape[2], len(p.month_edges) - 1, max(1, int(number.max()))
    width, bin_bits, cell_bits = (int(n - 1).bit_length() for n in (len(p.age_edges), HAZARD + most, EFFECT + most))
    edge = np.zeros(2**width)
    edge[: len(p.age_edges)] = p.age_edges
    ends = np.zeros((2, states, most), np.uint32)
    target = np.repeat(np.arange(states, dtype=np.uint32)[:, None], most + 1, axis=1)
    after = np.where(number > 0, np.arange(states), states + STUCK)
    after[states - 2] = states + WON
    for s, n in enumerate(number):
        exits = np.arange(p.first_exit[s], p.first_exit[s] + n)
        ends[0, s, :n], ends[1, s, :n], target[s, :n] = exits, p.advances[exits], after[p.targets[exits]]
    days = np.arange(int(min(p.month_edges[-1], MOST_DAYS)) + 1)
    guide = np.maximum(np.searchsorted(p.month_edges, days, side="left") - 1, 0)
    last = np.searchsorted(p.month_edges, np.append(days[1:], p.month_edges[-1]), side="left") - 1
    return Rates(
        1 if len(p.frailty_shape) else 0, bin_bits, cell_bits, int((last - guide).max()),
        np.zeros(states << (width + bin_bits)), np.zeros(states * cells << cell_bits),
        np.zeros(states * max(months, 1) * most), edge, target.ravel(), ends[0].ravel(), ends[1].ravel(),
        np.append(p.month_edges[1:], np.inf), guide.astype(np.uint32), np.ones(len(p.frailty_key)),
    )  # fmt: skip


@compiled
def prepare(p: Parameters, table: Table, seed: np.uint64, draw: int, rates: Rates) -> None:
    """Fill the rates of one draw."""
    states, n_bins, n_cells, months = len(p.first_exit) - 1, len(p.age_edges), p.effect.shape[2], len(p.month_edges) - 1
    width, most, split = len(rates.edge), len(rates.acts) // states, rates.split
    bins, cells, calendar, acts, edges = rates.bins, rates.cells, rates.calendar, rates.acts, p.age_edges
    hazards, effects, seasons, first_exit, kinds = p.hazard, p.effect, p.calendar, p.first_exit, p.kinds
    for i in range(len(bins)):
        bins[i] = 0.0
    for i in range(len(cells)):
        cells[i] = 0.0
    for s in range(states):
        for j in range(first_exit[s], first_exit[s + 1]):
            e = j - first_exit[s]
            column = 1 if split == 1 and acts[s * most + e] == 0 else 0
            peak = 0.0
            for m in range(months):
                calendar[(s * months + m) * most + e] = seasons[draw, kinds[j], m]
                peak = max(peak, seasons[draw, kinds[j], m])
            for b in range(n_bins):
                row = (s * width + b) << rates.bin_bits
                bins[row + HAZARD + e] = hazards[draw, j, b]
                bins[row + RATE_A + column] += hazards[draw, j, b] * peak
            for c in range(n_cells):
                row = (s * n_cells + c) << rates.cell_bits
                cells[row + EFFECT + e] = effects[draw, j, c]
                cells[row + WEIGHT_A + column] = max(cells[row + WEIGHT_A + column], effects[draw, j, c])
        for column in range(2):  # integrals of the piecewise constant hazards
            for b in range(1, width):
                row = (s * width + b) << rates.bin_bits
                before = row - (1 << rates.bin_bits)
                bins[row + GROWN_A + column] = NEVER
                if b < n_bins:
                    step = bins[before + RATE_A + column] * (edges[b] - edges[b - 1])
                    bins[row + GROWN_A + column] = bins[before + GROWN_A + column] + step
    for row in range(0, len(cells), 1 << rates.cell_bits):
        cells[row + BOUND] = 1.0
        if split == 0:  # one hazard, in units of the cell's largest effect
            cells[row + BOUND] = cells[row + WEIGHT_A]
            cells[row + WEIGHT_A], cells[row + WEIGHT_B] = 1.0, 0.0
    if split == 1:
        _draw_frailties(p, table, seed, draw, rates.frailty)


@compiled
def _draw_frailties(p: Parameters, table: Table, seed: np.uint64, draw: int, frailty: Floats) -> None:
    theta, key = p.frailty_shape[draw], streams.simulation_key(seed, np.uint64(draw))
    used, keys, exits, exposure = table.used, p.frailty_key, p.frailty_exits, p.frailty_exposure
    row = min(draw, len(exposure) - 1)
    for c in range(len(frailty)):
        if used[c]:
            frailty[c] = multiplier(path_key(key, keys[c]), theta + exits[c], theta + exposure[row, c])


@compiled
def multiplier(path: np.uint64, shape: float, rate: float) -> float:
    """The frailty of a client whose random numbers have this path."""
    return 1.0 if np.isinf(rate) else streams.gamma(path, shape) / rate
