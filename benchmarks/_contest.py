"""The funnel of the engine's benchmark, and those who walk it.

5 stages of 2 exits (advance or win, lost), 20 age bins, monthly effects, 24 cells, 12 months; open deals of any
stage and age; each client has its own frailty in each draw, a fifth of the wins another amount than expected.
All walk the same deals in the same draws and must agree on the mean amount won. Those in NumPy and SimPy draw
their numbers from PCG64 (not keyed), and their frailties by NumPy's gamma.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations import Deals, Draws, Frailty, Funnel, Kind, simulate
from simulations.compiling import compiled
from simulations.streams import exponential, gamma, hashed, mix, path_key, unit

AGES = [0, 1, 2, 3, 5, 7, 10, 14, 18, 22, 26, 32, 42, 56, 77, 98, 126, 168, 224, 300]
STAGES, CELLS, MONTHS, CLIENTS = 5, 24, 12, 500
CALM, SHARP = 0.15, 0.8  # standard deviations of the logarithm of monthly effects
KEPT, SCALE = 0.8, 0.25  # share of amounts that stay; scale of the Laplace log ratio of the others

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def example(n_draws: int, n_deals: int, *, stages: int = STAGES, calendar: float = CALM) -> tuple[Draws, Deals]:
    """Draws and open deals of the funnel above."""
    random = np.random.default_rng(1)
    exits = tuple(pair for s in range(stages) for pair in ((s, s + 1), (s, stages + 1)))
    names = [f"stage {s}" for s in range(stages)]
    funnel = Funnel((*names, "Won", "Lost"), exits, np.array(AGES, dtype=float))

    def around_one(sd: float, *shape: int) -> Floats:
        return np.exp(sd * random.standard_normal((n_draws, *shape)))

    def same(value: float, *shape: int) -> Floats:
        return np.full((n_draws, *shape), value)

    draws = Draws(
        funnel=funnel, hazard=0.01 * around_one(0.5, len(exits), len(AGES)),
        effect=around_one(0.3, len(exits), CELLS), calendar=around_one(calendar, len(Kind), MONTHS),
        month_edges=np.linspace(0.0, 365.0, MONTHS + 1), arrival_mean=same(0, MONTHS), arrival_shape=same(1, MONTHS),
        template_cdf=same(1, 0), client_cdf=same(1, 0), amount_kept=same(KEPT, stages + 2),
        amount_shift=same(0, stages + 2), amount_scale=same(SCALE, stages + 2), amount_log_mean=same(0, CELLS),
        amount_log_sd=same(1, CELLS),
        frailty=Frailty(
            shape=3 * around_one(0.2), key=np.arange(CLIENTS, dtype=np.uint64),
            exits=random.poisson(2, CLIENTS).astype(float), exposure=random.gamma(2, size=(n_draws, CLIENTS)),
        ),
    )  # fmt: skip
    deals = Deals(
        key=np.arange(n_deals, dtype=np.uint64), stage=random.integers(0, stages, n_deals),
        age=random.exponential(60, n_deals), cell=random.integers(0, CELLS, n_deals),
        amount=random.integers(10_000, 1_000_000, n_deals), client=random.integers(0, CLIENTS, n_deals),
    )  # fmt: skip
    return draws, deals


def engine(draws: Draws, deals: Deals, **options: Any) -> Ints:
    """Amount won by draw and month; so do all who follow."""
    return simulate(draws, deals, Deals.none(), seed=1, **options).won


def drawn_frailty(draws: Draws, d: int, random: np.random.Generator) -> Floats:
    """(clients,) multipliers of one draw."""
    frailty = draws.frailty
    assert frailty is not None
    drawn: Floats = random.gamma(frailty.shape[d] + frailty.exits) / (frailty.shape[d] + frailty.exposure[d])
    return drawn


def revised(amount: Ints, random: np.random.Generator) -> Ints:
    """Amounts at which deals are won."""
    ratio = np.where(random.random(len(amount)) < KEPT, 0.0, random.laplace(0, SCALE, len(amount)))
    return np.rint(amount * np.exp(ratio)).astype(np.int64)


def by_month(month: Ints, amount: Ints, random: np.random.Generator) -> Ints:
    return np.bincount(month, revised(amount, random), MONTHS).astype(np.int64)


def by_exit(draws: Draws, d: int) -> tuple[Floats, Floats, Floats]:
    """Hazard, effect and calendar of one draw by stage and exit (forward, lost)."""
    stages = draws.funnel.n_open
    calendar = draws.calendar[d][draws.funnel.kinds]
    return (
        draws.hazard[d].reshape(stages, 2, -1),
        draws.effect[d].reshape(stages, 2, -1),
        calendar.reshape(stages, 2, -1),
    )


def ordinary(draws: Draws, deals: Deals) -> Ints:
    """All deals of a draw at once, from edge to edge of age and month bins."""
    random, edges, months = np.random.default_rng(0), draws.funnel.age_edges, draws.month_edges
    won = np.zeros((draws.n_draws, draws.n_months), dtype=np.int64)
    uppers, last = np.append(edges[1:], np.inf), draws.funnel.n_open - 1
    for d in range(draws.n_draws):
        hazard, effect, calendar = by_exit(draws, d)
        stage, age, cell, amount = deals.stage, deals.age, deals.cell, deals.amount
        frail = np.stack([drawn_frailty(draws, d, random)[deals.clients], np.ones(len(deals))], axis=1)
        when, month = np.zeros(len(deals)), np.zeros(len(deals), dtype=np.int64)
        age_bin = np.searchsorted(edges, age, side="right") - 1
        clock = random.standard_exponential(len(deals))
        while len(stage):
            rates = hazard[stage, :, age_bin] * effect[stage, :, cell] * calendar[stage, :, month] * frail
            total = rates.sum(axis=1)
            step = np.minimum(uppers[age_bin] - age, months[month + 1] - when)
            leaves = clock < total * step
            step = np.where(leaves, clock / total, step)
            age, when, clock = age + step, when + step, clock - total * step
            age_bin = age_bin + (~leaves & (age >= uppers[age_bin]))
            month = month + (~leaves & (when >= months[month + 1]))
            forward = random.random(len(stage)) * total < rates[:, 0]
            gains = leaves & forward & (stage == last)
            won[d] += by_month(month[gains], amount[gains], random)
            moves = leaves & forward & ~gains
            stage = stage + moves
            age, age_bin = np.where(moves, 0.0, age), np.where(moves, 0, age_bin)
            clock = np.where(moves, random.standard_exponential(len(stage)), clock)
            stays = (moves | ~leaves) & (month < MONTHS)
            stage, age, cell, amount, frail = stage[stays], age[stays], cell[stays], amount[stays], frail[stays]
            when, month, age_bin, clock = when[stays], month[stays], age_bin[stays], clock[stays]
    return won


def clever(draws: Draws, deals: Deals) -> Ints:
    """All deals of a draw at once, one thinned proposal each in turn, found by one search in one sorted table.

    The bound of a deal is max(frailty * effect forward, effect lost) times the common hazard of its stage.
    """
    random, edges, months = np.random.default_rng(0), draws.funnel.age_edges, draws.month_edges
    won = np.zeros((draws.n_draws, draws.n_months), dtype=np.int64)
    bins, stages = len(edges), draws.funnel.n_open
    for d in range(draws.n_draws):
        hazard, effect, calendar = by_exit(draws, d)
        rate = (hazard * calendar.max(axis=2)[:, :, None]).sum(axis=1)
        grown = np.cumsum(rate[:, :-1] * np.diff(edges), axis=1)
        grown = np.concatenate([np.zeros((stages, 1)), grown], axis=1)
        frail = drawn_frailty(draws, d, random)[deals.clients]
        # One sorted array for the search in all stages; no clock runs further than 60 over the least bound.
        offset = (grown[:, -1].max() + 60.0 / effect[:, 1].min()) * np.arange(stages)
        table, rate = (grown + offset[:, None]).ravel(), rate.ravel()
        stage, age, cell, amount = deals.stage, deals.age, deals.cell, deals.amount
        place = stage * bins + np.searchsorted(edges, age, side="right") - 1
        spent = table[place] - offset[stage] + (age - edges[place % bins]) * rate[place]
        when = np.zeros(len(deals))
        while len(stage):
            ahead, lost = effect[stage, 0, cell] * frail, effect[stage, 1, cell]
            bound = np.maximum(ahead, lost)
            spent = spent + random.standard_exponential(len(stage)) / bound
            place = np.searchsorted(table, spent + offset[stage]) - 1
            place = np.minimum(place, stage * bins + bins - 1)
            reached = edges[place % bins] + (spent + offset[stage] - table[place]) / rate[place]
            when = when + reached - age
            on = when <= months[-1]
            stage, cell, amount, place, frail = stage[on], cell[on], amount[on], place[on], frail[on]
            spent, age, when = spent[on], reached[on], when[on]
            ahead, lost, bound = ahead[on], lost[on], bound[on]
            month, age_bin = np.searchsorted(months, when) - 1, place % bins
            level = random.random(len(stage)) * rate[place] * bound
            forward = hazard[stage, 0, age_bin] * ahead * calendar[stage, 0, month]
            both = forward + hazard[stage, 1, age_bin] * lost * calendar[stage, 1, month]
            moves = level < forward
            gains = moves & (stage == stages - 1)
            won[d] += by_month(month[gains], amount[gains], random)
            stays = (moves & ~gains) | (level >= both)
            stage = (stage + moves)[stays]
            age, spent = np.where(moves, 0.0, age)[stays], np.where(moves, 0.0, spent)[stays]
            cell, amount, when, frail = cell[stays], amount[stays], when[stays], frail[stays]
    return won


def simpy_processes(draws: Draws, deals: Deals) -> Ints:
    """SimPy: a process per deal that waits from edge to edge of its age and of the months, or until it leaves."""
    import simpy

    random, edges, months = np.random.default_rng(0), list(draws.funnel.age_edges), list(draws.month_edges)
    won = np.zeros((draws.n_draws, draws.n_months), dtype=np.int64)
    last, uppers = draws.funnel.n_open - 1, [*edges[1:], np.inf]

    def deal(env: Any, d: int, tables: Any, stage: int, age: float, cell: int, z: float, amount: int) -> Generator[Any]:
        hazard, effect, calendar = tables
        clock, b = random.standard_exponential(), int(np.searchsorted(edges, age, side="right")) - 1
        month = 0
        while month < MONTHS:
            ahead = hazard[stage][0][b] * effect[stage][0][cell] * calendar[stage][0][month] * z
            total = ahead + hazard[stage][1][b] * effect[stage][1][cell] * calendar[stage][1][month]
            step = min(uppers[b] - age, months[month + 1] - env.now)
            if clock >= total * step:
                yield env.timeout(step)
                clock, age = clock - total * step, age + step
                b += age >= uppers[b]
                month += env.now >= months[month + 1]
                continue
            yield env.timeout(clock / total)
            if random.random() * total >= ahead:
                return
            if stage == last:
                won[d, month] += revised(np.array([amount]), random)[0]
                return
            stage, age, b, clock = stage + 1, 0.0, 0, random.standard_exponential()

    for d in range(draws.n_draws):
        env, tables, frail = (
            simpy.Environment(),
            [part.tolist() for part in by_exit(draws, d)],
            drawn_frailty(draws, d, random),
        )
        for i in range(len(deals)):
            row = (int(deals.stage[i]), float(deals.age[i]), int(deals.cell[i]), float(frail[deals.clients[i]]))
            env.process(deal(env, d, tables, *row, int(deals.amount[i])))
        env.run()
    return won


@compiled
def limit(paths: int, attempts: int, amounts: int, frailties: int, room: Floats) -> float:
    """As many keyed numbers and logarithms as a walk used, in flat loops, and nothing else: two uniforms and one
    logarithm an attempt, a key a path, one uniform an amount, a gamma variate a client and draw."""
    total = 0.0
    size = len(room)
    for first in range(0, paths, size):
        for k in range(size):
            room[k] = unit(mix(np.uint64(3) + hashed(np.uint64(first + k))))
    for first in range(0, attempts, size):
        for k in range(size):
            room[k] = exponential(unit(mix(np.uint64(first + k))))
        total += room[0]
        for k in range(size):
            room[k] = unit(mix(np.uint64(first + k + attempts)))
        total += room[0]
    for first in range(0, amounts, size):
        for k in range(size):
            room[k] = unit(mix(np.uint64(first + k)))
        total += room[0]
    for k in range(frailties):
        total += gamma(path_key(np.uint64(5), np.uint64(k)), 3.0)
    return total
