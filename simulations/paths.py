"""Simulations one after the other: deals into blocks, blocks through the walk, wins into the sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulations import streams
from simulations.arrays import (
    BLOCK,
    GROWN_A,
    GROWN_B,
    RATE_A,
    RATE_B,
    WAITING_RECORD,
    WEIGHT_A,
    WEIGHT_B,
    Block,
    Floats,
    Ints,
    Keys,
    Parameters,
    Plan,
    Rates,
    Small,
    Sums,
    Table,
    place,
    whole,
    with_room,
)
from simulations.compiling import compiled, compiled_apart
from simulations.kernel import attempt, close_ranks
from simulations.rates import multiplier, prepare
from simulations.references import ParametersRef, PlanRef, RatesRef, SumsRef, TableRef
from simulations.streams import mix, path_key, pick, uniform

LARGEST_AMOUNT = 2.0**53  # minor units; a drawn amount beyond it is cut to it
LARGEST_SUM = 2**62
MOST_PENDING = 2**24  # follow-ups of one simulation that wait to be walked: beyond it, each win brings too many
FINE, TOO_LARGE, TOO_MANY = 0, 1, 2
NOT_MET = -1.0  # frailty of a deal whose client has not been looked up


@compiled
def load(p: Parameters, draw: int, rates: Rates, begin: int, end: int, block: Block) -> None:
    """Ready deals begin..end - 1 of the block for the walk: those of which path, row, client, cell, amount, time, stage
    (`first`), age and its bin are set; frailty where it is not inherited.
    """
    split, frailty = rates.split, rates.frailty
    for i in range(begin, end):
        if block.frailty[i] != NOT_MET:
            continue
        block.frailty[i] = 1.0
        if split == 1:
            client = block.client[i]
            if client == -1:
                client = client_of(p, draw, block, i)
            if client >= 0:
                block.frailty[i] = frailty[client]
            else:
                block.frailty[i] = multiplier(block.path[i], p.frailty_shape[draw], p.frailty_shape[draw])
    _ready(block, begin, end, rates.bins, rates.cells, rates.edge, rates.bin_bits, rates.cell_bits, p.effect.shape[2])


@compiled_apart
def _ready(
    block: Block, begin: int, end: int, bins: Floats, cells: Floats, edge: Floats, bin_bits: int, cell_bits: int,
    n_cells: int,
) -> None:  # fmt: skip
    """Where the deals stand before their first attempt."""
    width = len(edge)
    for i in range(begin, end):
        s, b = whole(block.first[i]), whole(block.bin[i])
        j, at = (s * width + b) << bin_bits, (s * n_cells + whole(block.cell[i])) << cell_bits
        weight_a, weight_b = block.frailty[i] * cells[place(at + WEIGHT_A)], cells[place(at + WEIGHT_B)]
        grown = weight_a * bins[place(j + GROWN_A)] + weight_b * bins[place(j + GROWN_B)]
        rate = weight_a * bins[place(j + RATE_A)] + weight_b * bins[place(j + RATE_B)]
        block.spent[i] = grown + (block.age[i] - edge[place(b)]) * rate
        block.stage[i] = block.first[i]
        block.state[i] = block.visit[i] = block.path[i]


@compiled
def take_open(table: Table, plan: Plan, simulation: np.uint64, first: int, n: int, detail: int, block: Block) -> int:
    """Put open deals from number `first` on into the block, which holds n; how many it holds then."""
    end = min(BLOCK, n + plan.n_open - first)
    _copy(
        block, n, end, first - n, plan.open_until, simulation, table.hash, table.stage, table.age, table.bin,
        table.cell, table.amount, table.client,
    )  # fmt: skip
    for i in range(n, min(end, n + detail - first)):
        block.detail[i] = first + i - n
    return end


@compiled_apart
def _copy(
    block: Block, begin: int, end: int, ahead: int, until: float, simulation: np.uint64, hashes: Keys, stage: Small,
    age: Floats, bins: Small, cell: Small, amount: Ints, client: Ints,
) -> None:  # fmt: skip
    """Copy the rows that are `ahead` of their places in the block."""
    for i in range(begin, end):
        block.path[i] = mix(simulation + hashes[place(i + ahead)])
    for i in range(begin, end):
        row = place(i + ahead)
        block.row[i], block.first[i], block.age[i], block.bin[i] = row, stage[row], age[row], bins[row]
        block.cell[i], block.amount[i], block.client[i] = cell[row], amount[row], client[row]
    for i in range(begin, end):
        block.time[i], block.origin[i], block.frailty[i], block.detail[i] = 0.0, 0, NOT_MET, -1
        block.until[i] = until


@compiled
def take_new(
    p: Parameters, draw: int, plan: Plan, table: Table, simulation: np.uint64, sums: Sums, k: int, month: int,
    ordinal: int, n: int, block: Block,
) -> tuple[int, int, int]:  # fmt: skip
    """Put new deals into the block, which holds n, from number `ordinal` of a month on; how many it holds then, and
    which comes next."""
    while n < BLOCK and month < plan.arrival_months:
        if ordinal == sums.created[k, month]:
            month, ordinal = month + 1, 0
            continue
        path = path_key(simulation, streams.future_key(np.uint64(month), np.uint64(ordinal)))
        row = plan.n_open + pick(p.template_cdf, draw, uniform(path, streams.TEMPLATE))
        length = p.month_edges[month + 1] - p.month_edges[month]
        time = p.month_edges[month] + length * uniform(path, streams.DAY)
        _put(block, n, plan, path, table, row, table.stage[row], time, table.amount[row], 0, table.client[row], NOT_MET)
        n, ordinal = n + 1, ordinal + 1
    return n, month, ordinal


@compiled
def take_waiting(pending: Any, waiting: int, plan: Plan, table: Table, n: int, block: Block) -> tuple[int, int]:
    """Put waiting follow-ups into the block, which holds n; how many it holds then, and how many still wait."""
    while n < BLOCK and waiting > 0:
        waiting -= 1
        w = pending[waiting]
        _put(block, n, plan, w.path, table, w.row, w.stage, w.time, w.amount, w.origin, w.client, w.frailty)
        n += 1
    return n, waiting


@compiled
def _put(
    block: Block, i: int, plan: Plan, path: Any, table: Table, row: int, stage: int, time: float, amount: int,
    origin: int, client: int, frailty: float,
) -> None:  # fmt: skip
    """A deal that begins at `time` in `stage`, at place i."""
    block.path[i], block.row[i], block.first[i], block.cell[i] = path, row, stage, table.cell[row]
    block.age[i], block.bin[i], block.time[i] = 0.0, 0, time
    block.amount[i], block.origin[i], block.client[i], block.frailty[i] = amount, origin, client, frailty
    block.detail[i], block.until[i] = -1, plan.future_until


@compiled
def won_amount(known: int, u: float, kept: float, shift: float, scale: float, log_mean: float, log_sd: float) -> int:
    """Amount at which a deal is won, in minor units, from one uniform (see Draws)."""
    if known == 0:
        return 0
    if known < 0:
        value = math.exp(log_mean + log_sd * streams.normal_quantile(u))
    else:
        if u < kept:
            return known
        value = known * math.exp(shift + scale * streams.laplace_quantile((u - kept) / (1.0 - kept)))
    return math.floor(min(value, LARGEST_AMOUNT) + 0.5)


@compiled
def settle(p: Parameters, draw: int, plan: Plan, table: Table, block: Block, n: int, sums: Sums, k: int) -> int:
    """Add the first n wins to the sums of simulation k; TOO_LARGE if a sum became too large."""
    fine, won, wins, by, days, value = True, sums.won, sums.wins, sums.by, sums.win_days, sums.value
    groups, offsets, follow_group, client_group = table.groups, plan.offsets, p.follow_group, p.client_group
    kept, shift, scale = p.amount_kept, p.amount_shift, p.amount_scale
    log_mean, log_sd = p.amount_log_mean, p.amount_log_sd
    for i in range(n):
        slot = whole(block.won[i])
        m = whole(block.month[slot])
        detail = block.detail[slot]
        if detail >= 0:
            days[detail, math.ceil(block.time[slot])] += 1
        if m >= won.shape[1]:
            continue
        row, origin = whole(block.row[slot]), whole(block.origin[slot])
        u = uniform(block.path[slot], streams.AMOUNT)
        s, c = whole(block.first[slot]), whole(block.cell[slot])
        amount = won_amount(
            block.amount[slot], u, kept[draw, s], shift[draw, s], scale[draw, s], log_mean[draw, c], log_sd[draw, c]
        )
        won[k, m] += amount
        wins[k, m] += 1
        for g in range(len(offsets)):
            group = groups[row, g]
            if origin > 0 and follow_group[origin - 1, g] >= 0:
                group = follow_group[origin - 1, g]
            elif group < 0:
                group = client_group[g, client_of(p, draw, block, slot)]
            by[k, m, offsets[g] + group] += amount
        if detail >= 0:
            value[detail] += amount
            fine &= value[detail] < LARGEST_SUM
        fine &= won[k, m] < LARGEST_SUM
        block.amount[slot] = amount  # what its follow-ups are worth depends on it
    return FINE if fine else TOO_LARGE


@compiled
def client_of(p: Parameters, draw: int, block: Block, slot: int) -> Any:
    """The deal's client, drawn now if it is unknown and was not needed before."""
    if block.client[slot] == -1:
        block.client[slot] = pick(p.client_cdf, draw, uniform(block.path[slot], streams.CLIENT))
    return block.client[slot]


@compiled
def follow(
    p: Parameters, draw: int, plan: Plan, table: Table, block: Block, n: int, pending: Any, used: int, sums: Sums,
    k: int,
) -> tuple[Any, int]:  # fmt: skip
    """Add the follow-ups of the first n wins to the waiting ones; those and their number."""
    months = sums.won.shape[1]
    for i in range(n):
        slot = whole(block.won[i])
        if block.month[slot] >= months:
            continue
        for r in range(len(p.follow_most)):
            u = uniform(block.path[slot], (np.uint64(r) << streams.VISIT_BITS) | streams.COUNT)
            count = min(p.follow_most[r], streams.count_quantile(u, p.follow_mean[draw, r], np.inf))
            pending = with_room(pending, used, count)
            for ordinal in range(count):
                path = path_key(block.path[slot], streams.follow_key(np.uint64(r), np.uint64(ordinal)))
                z = streams.normal_quantile(uniform(path, streams.DAY))
                delay = math.exp(p.follow_log_delay[draw, r] + p.follow_delay_sd[draw, r] * z)
                time = block.time[slot] + delay
                if not time < plan.future_until:
                    continue
                new = pending[used]
                if p.follow_as_new[r]:
                    row = plan.n_open + pick(p.template_cdf, draw, uniform(path, streams.TEMPLATE))
                    new.row, new.stage, new.amount = row, table.stage[row], table.amount[row]
                    new.client, new.frailty = table.client[row], NOT_MET
                else:
                    amount = min(block.amount[slot] * p.follow_ratio[draw, r], LARGEST_AMOUNT)
                    new.row, new.stage, new.amount = block.row[slot], p.follow_stage[r], math.floor(amount + 0.5)
                    new.client = client_of(p, draw, block, slot) if p.client_cdf.shape[1] else -1
                    new.frailty = block.frailty[slot]
                sums.followed[k, month_of(p, time)] += 1
                new.path, new.time, new.origin = path, time, r + 1
                used += 1
    return pending, used


@compiled
def month_of(p: Parameters, time: float) -> int:
    """The month of a time after the origin; months are (lower, upper]."""
    m = 0
    while p.month_edges[m + 1] < time:
        m += 1
    return m


@compiled
def simulate_rows(parameters: Parameters, plan: Plan, table: Table, sums: Sums, rates: Rates, block: Block) -> int:
    """Run the simulations of a plan, one row of the sums each; FINE, TOO_LARGE or TOO_MANY.

    rates (see new_rates) and block are room to work in.
    """
    return _simulate(
        ParametersRef(*parameters), PlanRef(*plan), TableRef(*table), SumsRef(*sums), RatesRef(*rates), block
    )


@compiled
def _simulate(p: Parameters, plan: Plan, table: Table, sums: Sums, rates: Rates, block: Block) -> int:
    pending = np.empty(BLOCK, WAITING_RECORD)
    n_open, detail = plan.n_open, len(sums.value)
    state, ready, recorded = FINE, -1, 0
    for k in range(sums.won.shape[0]):
        draw = (plan.first + k) // plan.replicates
        if draw != ready:
            prepare(p, table, plan.seed, draw, rates)
            ready = draw
        key, record = streams.simulation_key(plan.seed, np.uint64(plan.first + k)), -1
        if recorded < len(plan.recorded) and plan.recorded[recorded] == plan.first + k:
            record = recorded
            recorded += 1
        for m in range(plan.arrival_months):
            u = uniform(path_key(key, streams.future_key(np.uint64(m), np.uint64(0))), streams.COUNT)
            sums.created[k, m] = streams.count_quantile(u, p.arrival_mean[draw, m], p.arrival_shape[draw])
        first, month, ordinal, waiting, n = 0, 0, 0, 0, 0
        while True:
            begin = n
            if first < n_open:
                n = take_open(table, plan, key, first, begin, detail, block)
                first += n - begin
            else:
                n, month, ordinal = take_new(p, draw, plan, table, key, sums, k, month, ordinal, begin, block)
                n, waiting = take_waiting(pending, waiting, plan, table, n, block)
                for i in range(begin, n if record >= 0 else begin):
                    sums.entered[record, month_of(p, block.time[i]), whole(block.first[i])] += 1
            if n == 0:
                break
            load(p, draw, rates, begin, n, block)
            ended, wins = attempt(rates, block, n, sums, k, record)
            state = max(state, settle(p, draw, plan, table, block, wins, sums, k))
            if len(p.follow_most):
                pending, waiting = follow(p, draw, plan, table, block, wins, pending, waiting, sums, k)
            n = close_ranks(block, n, ended)
            if waiting > MOST_PENDING:
                return TOO_MANY
    return state
