"""The compiled walk of deals through their stages, and the sums of what they win.

A visit ends by *thinning* (Lewis and Shedler 1979). With g[b] = sum_j hazard[j, b] * max_m calendar[j, m] and
bound[c] = max_j effect[j, c], the hazard g * bound is never below the true one, and its integral over age is
known. So an exit is proposed where that integral has grown by a standard exponential; one further uniform
accepts it and picks the exit in proportion to hazard * effect * calendar, or the visit goes on from there.

Deals are walked in blocks, one attempt of every deal in turn, in short loops: the processor then works on
several deals at a time. Each attempt takes at least MIN_STEP of the time that is left, so that the walk ends
whatever the input.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations import streams
from simulations.streams import compiled, path_key, pick, uniform

BLOCK = 256  # deals walked together: their state fits in the first-level cache
MIN_STEP = 2.0**-20  # days (0.08 s), the shortest stay
LARGEST_AMOUNT = 2.0**53  # minor units; a drawn amount beyond it is cut to it
LARGEST_SUM = 2**62

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]


class Parameters(NamedTuple):
    """The arrays of Draws and of its Funnel."""

    first_exit: Ints
    targets: Ints
    kinds: Ints
    age_edges: Floats
    month_edges: Floats
    hazard: Floats
    effect: Floats
    calendar: Floats
    arrival_mean: Floats
    arrival_shape: Floats
    template_cdf: Floats
    client_cdf: Floats
    amount_kept: Floats
    amount_shift: Floats
    amount_scale: Floats
    amount_log_mean: Floats
    amount_log_sd: Floats


class Table(NamedTuple):
    """Columns of the open deals, then of the templates. groups: (rows, G), -1 where the client is unknown."""

    key: Keys
    stage: Ints
    age: Floats
    cell: Ints
    amount: Ints
    groups: Ints


class Plan(NamedTuple):
    """What to run: simulations first, first + 1, ..., each `replicates` of them on one draw.

    n_open: rows of the table that are open deals. arrival_months: months in which deals are created.
    open_until, future_until: days to walk. offsets: (G,) first column of every grouping in Sums.by.
    """

    seed: np.uint64
    first: int
    replicates: int
    n_open: int
    arrival_months: int
    open_until: float
    future_until: float
    offsets: Ints


class Sums(NamedTuple):
    """Results of K simulations over the M months kept (see Outcomes).

    won (K, M), wins (K, M), created (K, M), by (K, M, sum of group sizes); win_days (n_open, H + 1) and
    value (n_open,) have no rows unless detail of deals is wanted.
    """

    won: Ints
    wins: NDArray[np.int32]
    created: NDArray[np.int32]
    by: Ints
    win_days: NDArray[np.uint32]
    value: Ints


class Rates(NamedTuple):
    """One draw, prepared: hazard (J, B), effect (J, C), calendar (J, M) by exit, bound_rate (S, B) = g,
    grown (S, B) its integral to the lower edge of the bin, bound (S, C)."""

    hazard: Floats
    effect: Floats
    calendar: Floats
    bound_rate: Floats
    grown: Floats
    bound: Floats


class Block(NamedTuple):
    """State of the deals that still walk; they close ranks as others end.

    row: of the table; counter: visit and attempt; spent: integral of the bound at the age reached; bin: of
    that age; clock, choice: random numbers of the attempt.
    """

    path: Keys
    counter: Keys
    row: Ints
    stage: Ints
    cell: Ints
    bin: Ints
    age: Floats
    spent: Floats
    time: Floats
    clock: Floats
    choice: Floats


class Wins(NamedTuple):
    """The deals of a block that were won."""

    path: Keys
    row: Ints
    month: Ints
    time: Floats


@compiled
def prepare(p: Parameters, draw: int, rates: Rates) -> None:
    """Fill the rates of one draw."""
    rates.bound_rate[:] = 0.0
    rates.bound[:] = 0.0
    bins = len(p.age_edges)
    for s in range(len(p.first_exit) - 1):
        for j in range(p.first_exit[s], p.first_exit[s + 1]):
            peak = 0.0
            for m in range(rates.calendar.shape[1]):
                rates.calendar[j, m] = p.calendar[draw, p.kinds[j], m]
                peak = max(peak, rates.calendar[j, m])
            for b in range(bins):
                rates.hazard[j, b] = p.hazard[draw, j, b]
                rates.bound_rate[s, b] += rates.hazard[j, b] * peak
            for c in range(rates.bound.shape[1]):
                rates.effect[j, c] = p.effect[draw, j, c]
                rates.bound[s, c] = max(rates.bound[s, c], rates.effect[j, c])
        rates.grown[s, 0] = 0.0
        for b in range(1, bins):
            width = p.age_edges[b] - p.age_edges[b - 1]
            rates.grown[s, b] = rates.grown[s, b - 1] + rates.bound_rate[s, b - 1] * width


@compiled
def load(
    p: Parameters, draw: int, rates: Rates, n_open: int, table: Table, simulation: np.uint64,
    month: int, first: int, n: int, block: Block,
) -> None:  # fmt: skip
    """Fill the block with n deals from number `first` on: open ones (month -1), or new ones of a month."""
    for i in range(n):
        if month < 0:
            row = first + i
            path = path_key(simulation, table.key[row])
            block.time[i] = 0.0
        else:
            path = path_key(simulation, streams.future_key(np.uint64(month), np.uint64(first + i)))
            row = n_open + pick(p.template_cdf, draw, uniform(path, streams.TEMPLATE))
            length = p.month_edges[month + 1] - p.month_edges[month]
            block.time[i] = p.month_edges[month] + length * uniform(path, streams.DAY)
        s, age, b = table.stage[row], table.age[row], -1
        for edge in range(len(p.age_edges)):
            b += p.age_edges[edge] <= age
        block.path[i], block.counter[i] = path, 0
        block.row[i], block.stage[i], block.cell[i], block.age[i] = row, s, table.cell[row], age
        block.spent[i] = rates.grown[s, b] + (age - p.age_edges[b]) * rates.bound_rate[s, b]


@compiled
def walk(p: Parameters, rates: Rates, block: Block, alive: int, until: float, wins: Wins) -> int:
    """Walk the first `alive` deals of the block until won, stuck, or past `until`; the number of wins."""
    bins, months, won = len(p.age_edges), len(p.month_edges) - 1, len(p.first_exit) - 3
    won_deals = 0
    while alive > 0:
        for k in range(alive):
            block.clock[k] = streams.exponential(uniform(block.path[k], block.counter[k] | streams.CLOCK))
            block.choice[k] = uniform(block.path[k], block.counter[k] | streams.EXIT)
        for k in range(alive):  # the age at which the clock runs out; bins are (lower, upper]
            s = block.stage[k]
            spent = block.spent[k] + block.clock[k] / rates.bound[s, block.cell[k]]
            b = -1
            for edge in range(bins):
                b += rates.grown[s, edge] < spent
            age = p.age_edges[b] + (spent - rates.grown[s, b]) / rates.bound_rate[s, b]
            block.time[k] += max(age - block.age[k], MIN_STEP)  # a stage that ages faster would divide here
            block.bin[k], block.age[k], block.spent[k] = b, age, spent
        walking = 0
        for k in range(alive):  # accept and pick the exit, or reject
            time = block.time[k]
            if not time <= until:  # nan and inf too, where nothing can happen any more
                continue
            s, c, b, m = block.stage[k], block.cell[k], block.bin[k], -1
            for edge in range(months):
                m += p.month_edges[edge] < time
            level = block.choice[k] * rates.bound_rate[s, b] * rates.bound[s, c]
            first, last, reached = p.first_exit[s], p.first_exit[s + 1], 0.0
            taken = first
            for j in range(first, last):
                reached += rates.hazard[j, b] * rates.effect[j, c] * rates.calendar[j, m]
                taken += reached <= level
            age, spent, counter = block.age[k], block.spent[k], block.counter[k] + streams.NEXT_ATTEMPT
            if taken < last:
                s, age, spent = p.targets[taken], 0.0, 0.0
                counter = ((counter >> streams.VISIT_BITS) + streams.ONE) << streams.VISIT_BITS
                if s == won:
                    wins.path[won_deals], wins.row[won_deals] = block.path[k], block.row[k]
                    wins.time[won_deals], wins.month[won_deals] = time, m
                    won_deals += 1
                    continue
            block.path[walking], block.row[walking], block.cell[walking] = block.path[k], block.row[k], c
            block.counter[walking], block.stage[walking] = counter, s
            block.age[walking], block.spent[walking], block.time[walking] = age, spent, time
            walking += 1
        alive = walking
    return won_deals


@compiled
def won_amount(p: Parameters, draw: int, stage: int, cell: int, known: int, u: float) -> int:
    """Amount at which a deal is won, in minor units, from one uniform; stage: its first state."""
    if known == 0:
        return 0
    if known < 0:
        z = streams.normal_quantile(u)
        value = math.exp(p.amount_log_mean[draw, cell] + p.amount_log_sd[draw, cell] * z)
    else:
        kept = p.amount_kept[draw, stage]
        if u < kept:
            return known
        ratio = streams.laplace_quantile((u - kept) / (1.0 - kept))
        value = known * math.exp(p.amount_shift[draw, stage] + p.amount_scale[draw, stage] * ratio)
    return math.floor(min(value, LARGEST_AMOUNT) + 0.5)


@compiled
def settle(p: Parameters, draw: int, plan: Plan, table: Table, wins: Wins, n: int, sums: Sums, k: int) -> bool:
    """Add the first n wins to the sums of simulation k; False if a sum became too large."""
    fine, detail = True, len(sums.value)
    for i in range(n):
        row, m = wins.row[i], wins.month[i]
        if row < detail:
            sums.win_days[row, math.ceil(wins.time[i])] += 1
        if m >= sums.won.shape[1]:
            continue
        u = uniform(wins.path[i], streams.AMOUNT)
        amount = won_amount(p, draw, table.stage[row], table.cell[row], table.amount[row], u)
        sums.won[k, m] += amount
        sums.wins[k, m] += 1
        for g in range(len(plan.offsets)):
            group = table.groups[row, g]
            if group < 0:
                group = pick(p.client_cdf, draw, uniform(wins.path[i], streams.CLIENT))
            sums.by[k, m, plan.offsets[g] + group] += amount
        if row < detail:
            sums.value[row] += amount
            fine &= sums.value[row] < LARGEST_SUM
        fine &= sums.won[k, m] < LARGEST_SUM
    return fine


@compiled
def simulate_rows(p: Parameters, plan: Plan, table: Table, sums: Sums) -> bool:
    """Run the simulations of a plan, one row of the sums each; False if a sum became too large."""
    states, bins, cells = len(p.first_exit) - 1, len(p.age_edges), p.effect.shape[2]
    exits, months = len(p.targets), len(p.month_edges) - 1
    rates = Rates(
        np.empty((exits, bins)), np.empty((exits, cells)), np.empty((exits, months)),
        np.empty((states, bins)), np.empty((states, bins)), np.empty((states, cells)),
    )  # fmt: skip
    keys, whole, real = np.empty((3, BLOCK), np.uint64), np.empty((6, BLOCK), np.int64), np.empty((6, BLOCK))
    block = Block(keys[0], keys[1], whole[0], whole[1], whole[2], whole[3], real[0], real[1], real[2], real[3], real[4])
    wins = Wins(keys[2], whole[4], whole[5], real[5])
    fine, ready = True, -1
    for k in range(sums.won.shape[0]):
        draw = (plan.first + k) // plan.replicates
        if draw != ready:
            prepare(p, draw, rates)
            ready = draw
        key = streams.simulation_key(plan.seed, np.uint64(plan.first + k))
        for m in range(-1, plan.arrival_months):  # -1: the open deals; then those created in month m
            count, until = plan.n_open, plan.open_until
            if m >= 0:
                u = uniform(path_key(key, streams.future_key(np.uint64(m), np.uint64(0))), streams.COUNT)
                count = streams.count_quantile(u, p.arrival_mean[draw, m], p.arrival_shape[draw])
                until = plan.future_until
                sums.created[k, m] = count
            for first in range(0, count, BLOCK):
                n = min(BLOCK, count - first)
                load(p, draw, rates, plan.n_open, table, key, m, first, n, block)
                n = walk(p, rates, block, n, until, wins)
                fine &= settle(p, draw, plan, table, wins, n, sums, k)
    return fine
