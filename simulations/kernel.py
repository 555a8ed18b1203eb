"""The compiled walk of deals through their stages.

A visit ends by *thinning* (Lewis and Shedler 1979). With a bounding hazard that is never below the true one
and whose integral over age is known, an exit is proposed where that integral has grown by a standard
exponential; one further uniform accepts it and picks the exit in proportion to hazard * effect * calendar (*
frailty), or the visit goes on from there. The bound of a deal of cell c and frailty z in state s is

    without frailty   bound[s, c] * sum_j hazard[j, b] * peak_j,       bound = max_j effect[j, c]
    with frailty      z * weight_a[s, c] * sum over exits that frailty acts on of hazard[j, b] * peak_j
                      + weight_b[s, c] * the same over the others,     weights: max_j effect[j, c] of each,

peak_j being the largest calendar effect of the exit over the horizon. Both are inverted exactly, by search.

Deals are walked in blocks, one attempt of every deal in turn, in short loops without branches that depend on
the data: the processor then works on several deals at a time, and never guesses wrong. Where a condition would
tempt the compiler to branch, the sign bit of a difference stands for it. Each attempt takes at least MIN_STEP
of the time that is left, so that the walk ends whatever the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulations import streams
from simulations.arrays import (
    BOUND,
    EFFECT,
    GROWN_A,
    GROWN_B,
    HAZARD,
    RATE_A,
    RATE_B,
    SLOT,
    STAGE_BITS,
    WEIGHT_A,
    WEIGHT_B,
    Block,
    Floats,
    Rates,
    Small,
    Sums,
    place,
    whole,
)
from simulations.compiling import compiled, compiled_apart
from simulations.streams import mix, unit

MIN_STEP = 2.0**-20  # days (0.08 s), the shortest stay


@compiled
def below(x: float, y: float) -> Any:
    """-1 (all bits set) if x < y, else 0; neither may be NaN, nor both infinite."""
    return np.float64(x - y).view(np.int64) >> 63


@compiled
def walk(rates: Rates, block: Block, alive: int, until: float, won: int, sums: Sums, row: int, record: int) -> int:
    """Walk the first `alive` deals of the block until won, stuck, or past `until`; the number of wins.

    row: the simulation, in which attempts are counted. record: row of sums.exits to count exits in, or -1.
    """
    bins, cells, calendar, target, acts = rates.bins, rates.cells, rates.calendar, rates.target, rates.acts
    edge, months_end, guide, late = rates.edge, rates.months, rates.guide, rates.late
    bin_bits, cell_bits, width, states = rates.bin_bits, rates.cell_bits, len(rates.edge), len(target) - len(acts)
    most, months, n_cells = len(acts) // states, len(months_end) - 1, (len(cells) >> cell_bits) // states
    wins, attempts = 0, 0
    while alive > 0:
        attempts += alive
        _draw(block, alive)
        _bound(block, alive, cells, cell_bits, n_cells, width)
        step = width >> 1
        while step > 0:
            _search(block, alive, bins, bin_bits, step)
            step >>= 1
        _age(block, alive, bins, bin_bits, edge, most)
        _month(block, alive, guide, until)
        for _ in range(late):
            _later(block, alive, months_end)
        for e in range(most):
            _exit(block, alive, bins, cells, calendar, acts, bin_bits, months, most, e)
        if record >= 0:
            _record(rates.exit, block, alive, until, sums, record, most)
        _next(block, alive, target, most)
        alive, wins = _close_ranks(block, alive, until, won, wins)
    sums.attempts[row] += attempts
    return wins


@compiled_apart
def _draw(block: Block, alive: int) -> None:
    """A standard exponential and a uniform for every deal."""
    for k in range(alive):
        block.clock[k] = streams.exponential(unit(mix(block.state[k] + streams.STEP_CLOCK)))
    for k in range(alive):
        block.level[k] = unit(mix(block.state[k] + streams.STEP_EXIT))


@compiled_apart
def _bound(block: Block, alive: int, cells: Floats, cell_bits: int, n_cells: int, width: int) -> None:
    """The bounding hazard of each deal, and what its integral grows to."""
    for k in range(alive):
        slot, s = whole(block.tag[k]) & SLOT, whole(block.tag[k]) >> STAGE_BITS
        at = (s * n_cells + whole(block.cell[place(slot)])) << cell_bits
        bound = cells[place(at + BOUND)]
        block.weight_a[k] = block.frailty[place(slot)] * cells[place(at + WEIGHT_A)]
        block.weight_b[k] = cells[place(at + WEIGHT_B)]
        block.spent[k] += block.clock[k] / bound
        block.level[k] *= bound
        block.at[k], block.bin[k] = at, s * width


@compiled_apart
def _search(block: Block, alive: int, bins: Floats, bin_bits: int, step: int) -> None:
    """One halving in search of the last bin that begins before that; bins are (lower, upper]."""
    for k in range(alive):
        at = (whole(block.bin[k]) + step) << bin_bits
        grown = block.weight_a[k] * bins[place(at + GROWN_A)] + block.weight_b[k] * bins[place(at + GROWN_B)]
        block.bin[k] = whole(block.bin[k]) + (step & below(grown, block.spent[k]))


@compiled_apart
def _age(block: Block, alive: int, bins: Floats, bin_bits: int, edge: Floats, most: int) -> None:
    """The age at which it does, and the time then."""
    for k in range(alive):
        b = whole(block.bin[k])
        weight_a, weight_b, at = block.weight_a[k], block.weight_b[k], b << bin_bits
        rate = weight_a * bins[place(at + RATE_A)] + weight_b * bins[place(at + RATE_B)]
        grown = weight_a * bins[place(at + GROWN_A)] + weight_b * bins[place(at + GROWN_B)]
        age = edge[place(b & (len(edge) - 1))] + (block.spent[k] - grown) / rate
        passed = age - block.age[k]
        block.level[k] *= rate
        block.time[k] += passed if passed > MIN_STEP else MIN_STEP
        block.age[k] = age
        block.reached[k], block.taken[k] = 0.0, most


@compiled_apart
def _month(block: Block, alive: int, guide: Small, until: float) -> None:
    """A month not after that of the time."""
    last_day = float(len(guide) - 1)
    for k in range(alive):
        time = block.time[k] if block.time[k] <= until else until
        block.clock[k] = time
        block.month[k] = guide[place(int(time if time < last_day else last_day))]


@compiled_apart
def _later(block: Block, alive: int, months_end: Floats) -> None:
    """The next month for those whose time is after this one."""
    for k in range(alive):
        m = whole(block.month[k])
        block.month[k] = m - below(months_end[place(m)], block.clock[k])


@compiled_apart
def _exit(
    block: Block, alive: int, bins: Floats, cells: Floats, calendar: Floats, acts: Small, bin_bits: int, months: int,
    most: int, e: int,
) -> None:  # fmt: skip
    """Accept and take exit e, or leave it to those that follow; `taken` is less one for each that the level lies
    before."""
    for k in range(alive):
        slot, s = whole(block.tag[k]) & SLOT, whole(block.tag[k]) >> STAGE_BITS
        force = bins[place((whole(block.bin[k]) << bin_bits) + HAZARD + e)]
        force *= cells[place(whole(block.at[k]) + EFFECT + e)]
        force *= calendar[place((s * months + whole(block.month[k])) * most + e)]
        frailty = block.frailty[place(slot)]
        reached = block.reached[k] + force * (frailty if acts[place(s * most + e)] != 0 else 1.0)
        block.reached[k] = reached
        block.taken[k] = whole(block.taken[k]) + below(block.level[k], reached)


@compiled_apart
def _next(block: Block, alive: int, target: Small, most: int) -> None:
    """On to the next visit, or the next attempt."""
    for k in range(alive):
        tag, taken = whole(block.tag[k]), whole(block.taken[k])
        exits = (taken - most) >> 63
        stays = ~np.uint64(exits)
        slot, s = tag & SLOT, tag >> STAGE_BITS
        visit = block.visit[k] + (np.uint64(exits) & streams.STEP_VISIT)
        block.state[k] = visit + ((block.state[k] + streams.STEP_ATTEMPT - visit) & stays)
        block.visit[k] = visit
        block.tag[k] = slot | (whole(target[place(s * (most + 1) + taken)]) << STAGE_BITS)
        block.age[k] = _masked(block.age[k], stays)
        block.spent[k] = _masked(block.spent[k], stays)


@compiled_apart
def _close_ranks(block: Block, alive: int, until: float, won: int, wins: int) -> tuple[int, int]:
    """Those that walk on come first, those won are noted; their numbers."""
    walking = 0
    for k in range(alive):
        tag, time = whole(block.tag[k]), block.time[k]
        inside = 1 + below(until, time)
        is_won = inside * whole((tag >> STAGE_BITS) == won)
        block.won_slot[wins], block.won_month[wins], block.won_time[wins] = tag & SLOT, block.month[k], time
        wins += is_won
        block.state[walking], block.visit[walking], block.tag[walking] = block.state[k], block.visit[k], tag
        block.age[walking], block.spent[walking], block.time[walking] = block.age[k], block.spent[k], time
        walking += inside - is_won
    return walking, wins


@compiled
def _masked(x: float, mask: np.uint64) -> float:
    """x where all bits of the mask are set, 0 where none is."""
    return np.uint64(np.float64(x).view(np.uint64) & mask).view(np.float64)


@compiled
def _record(numbers: Any, block: Block, alive: int, until: float, sums: Sums, record: int, most: int) -> None:
    """Count the exits of this attempt."""
    exits = sums.exits
    for k in range(alive):
        s, taken = whole(block.tag[k]) >> STAGE_BITS, whole(block.taken[k])
        if taken < most and block.time[k] <= until:
            exits[record, whole(block.month[k]), numbers[s * most + taken]] += 1
