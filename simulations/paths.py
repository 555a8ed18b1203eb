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
    STAGE_BITS,
    WEIGHT_A,
    WEIGHT_B,
    Block,
    Ints,
    Keys,
    Parameters,
    Pending,
    Plan,
    Rates,
    Sums,
    Table,
    Wins,
    new_block,
    new_pending,
    whole,
    with_room,
)
from simulations.kernel import walk
from simulations.rates import multiplier, new_rates, prepare
from simulations.streams import compiled, mix, path_key, pick, uniform

LARGEST_AMOUNT = 2.0**53  # minor units; a drawn amount beyond it is cut to it
LARGEST_SUM = 2**62
MOST_PENDING = 2**24  # follow-ups of one simulation that wait to be walked: beyond it, each win brings too many
FINE, TOO_LARGE, TOO_MANY = 0, 1, 2
NOT_MET = -1.0  # frailty of a deal whose client has not been looked up


@compiled
def load(p: Parameters, draw: int, rates: Rates, table: Table, n: int, block: Block) -> None:
    """Ready the first n deals of the block for the walk: those of which path, row, amount, time, stage (`first`)
    and age are set; client and frailty where they are not inherited.

    One loop for all of them, as a call for each deal would cost more than its work.
    """
    width, cells = len(rates.edge), p.effect.shape[2]
    for i in range(n):
        row = whole(block.row[i])
        s, c, age = whole(block.first[i]), table.cell[row], block.age[i]
        if block.frailty[2 * i + 1] == NOT_MET:
            client = table.client[row]
            if rates.split == 1 and client == -1:
                client = pick(p.client_cdf, draw, uniform(block.path[i], streams.CLIENT))
            block.client[i], block.frailty[2 * i + 1] = client, 1.0
            if rates.split == 1 and client >= 0:
                block.frailty[2 * i + 1] = rates.frailty[client]
            elif rates.split == 1:
                block.frailty[2 * i + 1] = multiplier(block.path[i], p.frailty_shape[draw], p.frailty_shape[draw])
        b = 0
        if age > 0.0:
            b = table.bin[row]
        j, at, since = 4 * (s * width + b), 4 * (s * cells + c), age - rates.edge[b]
        weight_a, weight_b = block.frailty[2 * i + 1] * rates.cells[at + WEIGHT_A], rates.cells[at + WEIGHT_B]
        grown = weight_a * rates.bins[j + GROWN_A] + weight_b * rates.bins[j + GROWN_B]
        rate = weight_a * rates.bins[j + RATE_A] + weight_b * rates.bins[j + RATE_B]
        block.cell[i], block.tag[i] = c, i + (s << STAGE_BITS)
        block.spent[i] = grown + since * rate
        block.state[i] = block.visit[i] = block.path[i]


@compiled
def take_open(table: Table, hashes: Keys, simulation: np.uint64, first: int, n: int, detail: int, block: Block) -> None:
    """Put n open deals from number `first` on into the block."""
    for i in range(n):
        block.path[i] = mix(simulation + hashes[first + i])
    for i in range(n):
        row = first + i
        block.row[i], block.first[i], block.age[i], block.time[i] = row, table.stage[row], table.age[row], 0.0
        block.amount[i], block.origin[i], block.frailty[2 * i + 1] = table.amount[row], 0, NOT_MET
        block.detail[i] = row if row < detail else -1


@compiled
def take_new(
    p: Parameters, draw: int, plan: Plan, table: Table, simulation: np.uint64, counts: Ints, month: int, ordinal: int,
    block: Block,
) -> tuple[int, int, int]:  # fmt: skip
    """Put new deals into the block, from number `ordinal` of a month on; how many, and which comes next."""
    n = 0
    while n < BLOCK and month < plan.arrival_months:
        if ordinal == counts[month]:
            month, ordinal = month + 1, 0
            continue
        path = path_key(simulation, streams.future_key(np.uint64(month), np.uint64(ordinal)))
        row = plan.n_open + pick(p.template_cdf, draw, uniform(path, streams.TEMPLATE))
        length = p.month_edges[month + 1] - p.month_edges[month]
        block.path[n], block.row[n], block.first[n], block.age[n] = path, row, table.stage[row], 0.0
        block.time[n] = p.month_edges[month] + length * uniform(path, streams.DAY)
        block.amount[n], block.origin[n], block.frailty[2 * n + 1] = table.amount[row], 0, NOT_MET
        block.detail[n] = -1
        n, ordinal = n + 1, ordinal + 1
    return n, month, ordinal


@compiled
def take_pending(pending: Pending, waiting: int, n: int, block: Block) -> tuple[int, int]:
    """Put pending follow-ups into the block from place n on; how many are in it, and how many still wait."""
    while n < BLOCK and waiting > 0:
        waiting -= 1
        block.path[n], block.row[n] = pending.path[waiting], pending.row[waiting]
        block.first[n], block.age[n], block.time[n] = pending.stage[waiting], 0.0, pending.time[waiting]
        block.amount[n], block.origin[n] = pending.amount[waiting], pending.origin[waiting]
        block.client[n], block.frailty[2 * n + 1] = pending.client[waiting], pending.frailty[waiting]
        block.detail[n] = -1
        n += 1
    return n, waiting


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
def settle(
    p: Parameters, draw: int, plan: Plan, table: Table, block: Block, wins: Wins, n: int, sums: Sums, k: int
) -> int:
    """Add the first n wins to the sums of simulation k; TOO_LARGE if a sum became too large."""
    fine = True
    for i in range(n):
        slot, m = wins.slot[i], whole(wins.month[i])
        detail = block.detail[slot]
        if detail >= 0:
            sums.win_days[detail, math.ceil(wins.time[i])] += 1
        if m >= sums.won.shape[1]:
            continue
        row, origin = block.row[slot], whole(block.origin[slot])
        u = uniform(block.path[slot], streams.AMOUNT)
        s, c = block.first[slot], block.cell[slot]
        amount = won_amount(  # numbers, not tuples of arrays: passing those would cost more than the work
            block.amount[slot], u, p.amount_kept[draw, s], p.amount_shift[draw, s], p.amount_scale[draw, s],
            p.amount_log_mean[draw, c], p.amount_log_sd[draw, c],
        )  # fmt: skip
        sums.won[k, m] += amount
        sums.wins[k, m] += 1
        for g in range(len(plan.offsets)):
            group = table.groups[row, g]
            if origin > 0 and p.follow_group[origin - 1, g] >= 0:
                group = p.follow_group[origin - 1, g]
            elif group < 0:
                group = p.client_group[g, client_of(p, draw, block, slot)]
            sums.by[k, m, plan.offsets[g] + group] += amount
        if detail >= 0:
            sums.value[detail] += amount
            fine &= sums.value[detail] < LARGEST_SUM
        fine &= sums.won[k, m] < LARGEST_SUM
        block.amount[slot] = amount  # what its follow-ups are worth depends on it
    return FINE if fine else TOO_LARGE


@compiled
def client_of(p: Parameters, draw: int, block: Block, slot: int) -> Any:
    """The deal's client, drawn now if it is unknown and was not needed before."""
    if block.client[slot] == -1:
        block.client[slot] = pick(p.client_cdf, draw, uniform(block.path[slot], streams.CLIENT))
    return whole(block.client[slot])


@compiled
def follow(
    p: Parameters, draw: int, plan: Plan, table: Table, block: Block, wins: Wins, n: int,
    pending: Pending, used: int, sums: Sums, k: int,
) -> tuple[Pending, int]:  # fmt: skip
    """Add the follow-ups of the first n wins to the pending ones; those and their number."""
    months = sums.won.shape[1]
    for i in range(n):
        slot = whole(wins.slot[i])
        if wins.month[i] >= months:
            continue
        for r in range(len(p.follow_most)):
            u = uniform(block.path[slot], (np.uint64(r) << streams.VISIT_BITS) | streams.COUNT)
            count = min(p.follow_most[r], streams.count_quantile(u, p.follow_mean[draw, r], np.inf))
            pending = with_room(pending, used, count)
            for ordinal in range(count):
                path = path_key(block.path[slot], streams.follow_key(np.uint64(r), np.uint64(ordinal)))
                z = streams.normal_quantile(uniform(path, streams.DAY))
                delay = math.exp(p.follow_log_delay[draw, r] + p.follow_delay_sd[draw, r] * z)
                time = wins.time[i] + delay
                if not time < plan.future_until:
                    continue
                row, stage, frailty = whole(block.row[slot]), p.follow_stage[r], block.frailty[2 * slot + 1]
                client = client_of(p, draw, block, slot) if p.client_cdf.shape[1] else -1
                amount = math.floor(min(block.amount[slot] * p.follow_ratio[draw, r], LARGEST_AMOUNT) + 0.5)
                if p.follow_as_new[r]:
                    row = plan.n_open + pick(p.template_cdf, draw, uniform(path, streams.TEMPLATE))
                    stage, amount, client, frailty = table.stage[row], table.amount[row], table.client[row], NOT_MET
                sums.followed[k, month_of(p, time)] += 1
                pending.path[used], pending.row[used], pending.stage[used] = path, row, stage
                pending.client[used], pending.frailty[used], pending.time[used] = client, frailty, time
                pending.amount[used], pending.origin[used] = amount, r + 1
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
def simulate_rows(p: Parameters, plan: Plan, table: Table, sums: Sums) -> int:
    """Run the simulations of a plan, one row of the sums each; FINE, TOO_LARGE or TOO_MANY."""
    rates, block, pending = new_rates(p), new_block(), new_pending(BLOCK)
    small = np.zeros((2, BLOCK), np.uint32)
    wins = Wins(small[0], small[1], np.zeros(BLOCK))
    n_open, won = plan.n_open, len(p.first_exit) - 3
    hashes = np.empty(n_open, np.uint64)
    for row in range(n_open):
        hashes[row] = streams.hashed(table.key[row])
    counts = np.zeros(plan.arrival_months, np.int64)
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
            counts[m] = streams.count_quantile(u, p.arrival_mean[draw, m], p.arrival_shape[draw])
            sums.created[k, m] = counts[m]
        first, month, ordinal, waiting = 0, 0, 0, 0
        # One call of each step for open and new deals alike: each more would be compiled in full once more.
        while first < n_open or month < plan.arrival_months or waiting > 0:
            existing = first < n_open
            if existing:
                n = min(BLOCK, n_open - first)
                take_open(table, hashes, key, first, n, len(sums.value), block)
                first += n
            else:
                n, month, ordinal = take_new(p, draw, plan, table, key, counts, month, ordinal, block)
                n, waiting = take_pending(pending, waiting, n, block)
            load(p, draw, rates, table, n, block)
            if record >= 0 and not existing:
                for i in range(n):
                    sums.entered[record, month_of(p, block.time[i]), block.first[i]] += 1
            until = plan.open_until if existing else plan.future_until
            n = walk(rates, block, n, until, won, wins, sums, k, record)
            state = max(state, settle(p, draw, plan, table, block, wins, n, sums, k))
            if len(p.follow_most):
                pending, waiting = follow(p, draw, plan, table, block, wins, n, pending, waiting, sums, k)
            if waiting > MOST_PENDING:
                return TOO_MANY
    return state
