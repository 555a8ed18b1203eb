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
the data: the processor then works on many deals at a time, and never guesses wrong. Where a condition would
tempt the compiler to branch, the sign bit of a difference stands for it. Each attempt takes at least MIN_STEP
of the time that is left, so that the walk ends whatever the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulations import streams
from simulations.arrays import (
    BOUND,
    GROWN_A,
    GROWN_B,
    RATE_A,
    RATE_B,
    SLOT,
    STAGE_BITS,
    WEIGHT_A,
    WEIGHT_B,
    Block,
    Rates,
    Sums,
    Wins,
    whole,
)
from simulations.streams import compiled, mix, unit

MIN_STEP = 2.0**-20  # days (0.08 s), the shortest stay


@compiled
def below(x: float, y: float) -> Any:
    """-1 (all bits set) if x < y, else 0; neither may be NaN, nor both infinite."""
    return np.float64(x - y).view(np.int64) >> 63


@compiled
def walk(
    rates: Rates, block: Block, alive: int, until: float, won: int, wins: Wins, sums: Sums, row: int, record: int
) -> int:
    """Walk the first `alive` deals of the block until won, stuck, or past `until`; the number of wins.

    row: the simulation, in which attempts are counted. record: row of sums.exits to count exits in, or -1.
    """
    states, width = len(rates.number), len(rates.edge)
    cells, most = len(rates.cells) // (4 * states), len(rates.target) // states
    months, last_day = len(rates.months) - 2, float(len(rates.guide) - 1)
    won_deals = 0
    while alive > 0:
        sums.attempts[row] += alive
        for k in range(alive):
            block.clock[k] = streams.exponential(unit(mix(block.state[k] + streams.STEP_CLOCK)))
        for k in range(alive):
            block.choice[k] = unit(mix(block.state[k] + streams.STEP_EXIT))
        for k in range(alive):  # the bounding hazard of each deal, and what its integral grows to
            slot, s = whole(block.tag[k]) & SLOT, whole(block.tag[k]) >> STAGE_BITS
            at = s * cells + whole(block.cell[slot])
            block.weight_a[k] = block.frailty[2 * slot + 1] * rates.cells[4 * at + WEIGHT_A]
            block.weight_b[k] = rates.cells[4 * at + WEIGHT_B]
            block.spent[k] += block.clock[k] / rates.cells[4 * at + BOUND]
            block.at[k], block.bin[k] = at, s * width
        step = width >> 1
        while step > 0:  # the last bin that begins before that, by halving; bins are (lower, upper]
            for k in range(alive):
                i = 4 * (whole(block.bin[k]) + step)
                grown = block.weight_a[k] * rates.bins[i + GROWN_A] + block.weight_b[k] * rates.bins[i + GROWN_B]
                block.bin[k] += step & below(grown, block.spent[k])
            step >>= 1
        for k in range(alive):  # the age at which it does, and the time then
            b = whole(block.bin[k])
            weight_a, weight_b = block.weight_a[k], block.weight_b[k]
            rate = weight_a * rates.bins[4 * b + RATE_A] + weight_b * rates.bins[4 * b + RATE_B]
            grown = weight_a * rates.bins[4 * b + GROWN_A] + weight_b * rates.bins[4 * b + GROWN_B]
            age = rates.edge[b & (width - 1)] + (block.spent[k] - grown) / rate
            block.rate[k] = rate
            block.time[k] += max(age - block.age[k], MIN_STEP)
            block.age[k] = age
        for k in range(alive):  # the month
            time = block.time[k] if block.time[k] <= until else until
            m = whole(rates.guide[int(time if time < last_day else last_day)])
            while rates.months[m + 1] < time:
                m += 1
            block.month[k] = m
        for k in range(alive):  # accept and pick the exit, or reject
            slot, s = whole(block.tag[k]) & SLOT, whole(block.tag[k]) >> STAGE_BITS
            c, m, b = whole(block.cell[slot]), whole(block.month[k]), whole(block.bin[k]) & (width - 1)
            level = block.choice[k] * block.rate[k] * rates.cells[4 * whole(block.at[k]) + BOUND]
            reached, taken = 0.0, most
            for x in range(s * most, (s + 1) * most):
                force = rates.hazard[x * width + b] * rates.effect[x * cells + c] * rates.calendar[x * months + m]
                reached += force * block.frailty[2 * slot + whole(rates.acts[x])]
                taken += below(level, reached)  # less one for each exit that the level lies before
            block.bin[k] = taken
        if record >= 0:
            _record(rates, block, alive, until, sums, record, most)
        for k in range(alive):  # on to the next visit, or the next attempt
            tag, taken = whole(block.tag[k]), whole(block.bin[k])
            s = tag >> STAGE_BITS
            exits = (taken - whole(rates.number[s])) >> 63
            stays = ~np.uint64(exits)
            target = whole(rates.target[s * most + (taken & exits)])
            visit = block.visit[k] + (np.uint64(exits) & streams.STEP_VISIT)
            block.state[k] = visit + ((block.state[k] + streams.STEP_ATTEMPT - visit) & stays)
            block.visit[k] = visit
            block.tag[k] = tag + (exits & (((tag & SLOT) | (target << STAGE_BITS)) - tag))
            block.age[k] = _masked(block.age[k], stays)
            block.spent[k] = _masked(block.spent[k], stays)
        walking = 0
        for k in range(alive):  # close ranks
            tag, time = whole(block.tag[k]), block.time[k]
            inside = 1 + below(until, time)
            is_won = inside * whole((tag >> STAGE_BITS) == won)
            wins.slot[won_deals], wins.month[won_deals], wins.time[won_deals] = tag & SLOT, block.month[k], time
            won_deals += is_won
            block.state[walking], block.visit[walking], block.tag[walking] = block.state[k], block.visit[k], tag
            block.age[walking], block.spent[walking], block.time[walking] = block.age[k], block.spent[k], time
            walking += inside - is_won
        alive = walking
    return won_deals


@compiled
def _masked(x: float, mask: np.uint64) -> float:
    """x where all bits of the mask are set, 0 where none is."""
    return np.uint64(np.float64(x).view(np.uint64) & mask).view(np.float64)


@compiled
def _record(rates: Rates, block: Block, alive: int, until: float, sums: Sums, record: int, most: int) -> None:
    """Count the exits of this attempt."""
    for k in range(alive):
        s, taken = whole(block.tag[k]) >> STAGE_BITS, whole(block.bin[k])
        if taken < rates.number[s] and block.time[k] <= until:
            sums.exits[record, whole(block.month[k]), rates.exit[s * most + taken]] += 1
