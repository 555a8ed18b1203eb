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
tempt the compiler to branch, the sign bit of a difference stands for it. A deal keeps its place in the block until
it ends, so that all that belongs to it is read in order; then another takes the place. Each attempt takes at least
MIN_STEP of the time that is left, so that the walk ends whatever the input.
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
    WEIGHT_A,
    WEIGHT_B,
    WON,
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
def attempt(rates: Rates, block: Block, alive: int, sums: Sums, row: int, record: int) -> tuple[int, int]:
    """One attempt of the first `alive` deals of the block; how many ended (won, stuck, or past their time), and how
    many of them were won, at the places in block.ended and block.won.

    row: the simulation, in which attempts are counted. record: row of sums.exits to count exits in, or -1.
    """
    bins, cells, calendar, target, acts = rates.bins, rates.cells, rates.calendar, rates.target, rates.acts
    edge, months_end, guide = rates.edge, rates.months, rates.guide
    bin_bits, cell_bits, width, states = rates.bin_bits, rates.cell_bits, len(rates.edge), len(target) - len(acts)
    most, months, n_cells = len(acts) // states, len(months_end) - 1, (len(cells) >> cell_bits) // states
    _draw(block, alive)
    _bound(block, alive, cells, cell_bits, n_cells, width)
    step = width >> 1
    while step > 0:
        _search(block, alive, bins, bin_bits, step)
        step >>= 1
    _age(block, alive, bins, bin_bits, edge, most)
    _month(block, alive, guide)
    for _ in range(rates.late):
        _later(block, alive, months_end)
    for e in range(most):
        _exit(block, alive, bins, cells, calendar, acts, bin_bits, months, most, e)
    if record >= 0:
        _record(rates.exit, block, alive, sums, record, most)
    _next(block, alive, target, most)
    sums.attempts[row] += alive
    return _ended(block, alive, states)


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
        s = whole(block.stage[k])
        at = (s * n_cells + whole(block.cell[k])) << cell_bits
        bound = cells[place(at + BOUND)]
        block.weight_a[k] = block.frailty[k] * cells[place(at + WEIGHT_A)]
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
def _month(block: Block, alive: int, guide: Small) -> None:
    """A month not after that of the time."""
    last_day = float(len(guide) - 1)
    for k in range(alive):
        time = block.time[k] if block.time[k] <= block.until[k] else block.until[k]
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
        s = whole(block.stage[k])
        force = bins[place((whole(block.bin[k]) << bin_bits) + HAZARD + e)]
        force *= cells[place(whole(block.at[k]) + EFFECT + e)]
        force *= calendar[place((s * months + whole(block.month[k])) * most + e)]
        frailty = block.frailty[k]
        reached = block.reached[k] + force * (frailty if acts[place(s * most + e)] != 0 else 1.0)
        block.reached[k] = reached
        block.taken[k] = whole(block.taken[k]) + below(block.level[k], reached)


@compiled_apart
def _next(block: Block, alive: int, target: Small, most: int) -> None:
    """On to the next visit, or the next attempt."""
    for k in range(alive):
        taken = whole(block.taken[k])
        exits = (taken - most) >> 63
        stays = ~np.uint64(exits)
        visit = block.visit[k] + (np.uint64(exits) & streams.STEP_VISIT)
        block.state[k] = visit + ((block.state[k] + streams.STEP_ATTEMPT - visit) & stays)
        block.visit[k] = visit
        block.stage[k] = target[place(whole(block.stage[k]) * (most + 1) + taken)]
        block.age[k] = _masked(block.age[k], stays)
        block.spent[k] = _masked(block.spent[k], stays)


@compiled_apart
def _ended(block: Block, alive: int, states: int) -> tuple[int, int]:
    """The places of the deals that ended, and among these of the ones won; their numbers."""
    for k in range(alive):
        late = below(block.until[k], block.time[k])
        block.gone[k] = 1 + ((whole(block.stage[k]) - states) >> 63) * (1 + late)
    ended, wins = 0, 0
    for k in range(alive):
        block.ended[ended] = k
        ended += whole(block.gone[k])
    for i in range(ended):
        k = place(block.ended[i])
        block.won[wins] = k
        wins += (1 + below(block.until[k], block.time[k])) & whole(whole(block.stage[k]) == states + WON)
    return ended, wins


@compiled_apart
def close_ranks(block: Block, alive: int, ended: int) -> int:
    """Let the last deals that walk on take the places of those that ended; how many there are then."""
    left, moved = alive - ended, 0
    for k in range(left, alive):
        block.stays[moved] = k
        moved += 1 - whole(block.gone[k])
    for i in range(moved):
        k, to = place(block.stays[i]), place(block.ended[i])
        block.path[to], block.row[to], block.cell[to], block.frailty[to] = (
            block.path[k], block.row[k], block.cell[k], block.frailty[k],
        )  # fmt: skip
        block.client[to], block.amount[to], block.origin[to] = block.client[k], block.amount[k], block.origin[k]
        block.detail[to], block.first[to], block.until[to] = block.detail[k], block.first[k], block.until[k]
        block.state[to], block.visit[to], block.stage[to] = block.state[k], block.visit[k], block.stage[k]
        block.age[to], block.spent[to], block.time[to] = block.age[k], block.spent[k], block.time[k]
    return left


@compiled
def _masked(x: float, mask: np.uint64) -> float:
    """x where all bits of the mask are set, 0 where none is."""
    return np.uint64(np.float64(x).view(np.uint64) & mask).view(np.float64)


@compiled
def _record(numbers: Any, block: Block, alive: int, sums: Sums, record: int, most: int) -> None:
    """Count the exits of this attempt."""
    exits = sums.exits
    for k in range(alive):
        s, taken = whole(block.stage[k]), whole(block.taken[k])
        if taken < most and block.time[k] <= block.until[k]:
            exits[record, whole(block.month[k]), numbers[s * most + taken]] += 1
