"""Small inputs for the tests: draws with everything calm unless stated, and random cases."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from simulations import Deals, Draws, FollowUps, Frailty, Funnel, Kind


def calm_draws(funnel: Funnel, hazard: ArrayLike, months: ArrayLike, n_draws: int = 1, **fields: ArrayLike) -> Draws:
    """The same draw n_draws times: hazard (J, B), one cell, no calendar effect, no arrivals, amounts kept."""
    states, length = funnel.n_states, len(np.asarray(months)) - 1

    def same(value: ArrayLike) -> np.ndarray:
        array = np.asarray(value, dtype=float)
        return np.tile(array, (n_draws,) + (1,) * array.ndim)

    values = {
        "hazard": same(hazard),
        "effect": same(np.ones((funnel.n_exits, 1))),
        "calendar": same(np.ones((len(Kind), length))),
        "arrival_mean": same(np.zeros(length)),
        "arrival_shape": same(np.full(length, np.inf)),
        "template_cdf": same(np.ones(0)),
        "client_cdf": same(np.ones(0)),
        "amount_kept": same(np.ones(states)),
        "amount_shift": same(np.zeros(states)),
        "amount_scale": same(np.zeros(states)),
        "amount_log_mean": same([0.0]),
        "amount_log_sd": same([1.0]),
    }
    values.update({name: same(value) for name, value in fields.items()})
    if "arrival_shape" in fields:
        values["arrival_shape"] = np.full((n_draws, length), fields["arrival_shape"])
    return Draws(funnel=funnel, month_edges=np.asarray(months, dtype=float), **values)


def deals(
    stage: ArrayLike = (0,), age: ArrayLike = 0.0, cell: ArrayLike = 0, amount: ArrayLike = 1,
    first_key: int = 0, **groups: ArrayLike,
) -> Deals:  # fmt: skip
    """Deals keyed first_key, first_key + 1, ...; each is a group of its own in the grouping "deal"."""
    stages = np.atleast_1d(np.asarray(stage, dtype=np.int64))
    n = len(stages)
    own: dict[str, ArrayLike] = {"deal": np.arange(n), **groups}
    return Deals(
        key=np.arange(first_key, first_key + n, dtype=np.uint64),
        stage=stages,
        age=np.broadcast_to(np.asarray(age, dtype=float), n),
        cell=np.broadcast_to(cell, n),
        amount=np.broadcast_to(amount, n),
        groups={name: np.broadcast_to(index, n) for name, index in own.items()},
    )


def one_stage(age_edges: ArrayLike = (0.0,), lost: bool = True) -> Funnel:
    """One open stage with an exit to Won, and one to Lost."""
    return Funnel(("Open", "Won", "Lost"), ((0, 1), (0, 2)) if lost else ((0, 1),), np.asarray(age_edges))


@dataclass(frozen=True)
class Case:
    draws: Draws
    open_deals: Deals
    templates: Deals


def random_case(seed: int, n_deals: int = 12, n_draws: int = 2) -> Case:
    """Any exit graph (skips, returns, re-opening, dead ends), hazards with zeros and spikes, sharp months."""
    random = np.random.default_rng(seed)
    n_open = int(random.integers(1, 6))
    states = n_open + 2
    pairs = [(s, t) for s in range(states) for t in range(states) if s != t and s != n_open]
    exits = tuple(pair for pair in pairs if random.random() < 0.6) or (pairs[0],)
    bins = int(random.integers(1, 9))
    ages = np.concatenate([[0.0], np.sort(random.choice(np.arange(1, 60), bins - 1, replace=False))])
    months = int(random.integers(1, 6))
    edges = np.concatenate([[0.0], np.cumsum(random.choice([0.5, 7.0, 13.0, 30.0, 31.0], months))])
    cells, clients, n_templates = int(random.integers(1, 4)), 5, 4

    def positive(sd: float, *shape: int, zeros: float = 0.0) -> np.ndarray:
        values = np.exp(sd * random.standard_normal((n_draws, *shape)))
        return values * (random.random(values.shape) >= zeros)

    def cumulative(n: int) -> np.ndarray:
        weights = random.random((n_draws, n)) + 0.01
        return np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)

    def table(n: int, age: np.ndarray, first_key: int) -> Deals:
        return deals(
            stage=random.choice([s for s in range(states) if s != n_open], n), age=age, first_key=first_key,
            cell=random.integers(0, cells, n), client=random.integers(-1, clients, n),
            amount=np.where(random.random(n) < 0.4, -1, random.integers(0, 10**6, n)),
        )  # fmt: skip

    draws = Draws(
        funnel=Funnel((*(f"stage {s}" for s in range(n_open)), "Won", "Lost"), exits, ages),
        hazard=0.04 * positive(1.0, len(exits), bins, zeros=0.15),
        effect=positive(0.6, len(exits), cells, zeros=0.05),
        calendar=positive(0.7, len(Kind), months, zeros=0.1),
        month_edges=edges,
        arrival_mean=3 * random.random((n_draws, months)),
        arrival_shape=random.choice([0.5, 5.0, np.inf], (n_draws, months)),
        template_cdf=cumulative(n_templates),
        client_cdf=cumulative(clients),
        amount_kept=random.random((n_draws, states)),
        amount_shift=0.3 * random.standard_normal((n_draws, states)),
        amount_scale=0.4 * random.random((n_draws, states)),
        amount_log_mean=8 + random.standard_normal((n_draws, cells)),
        amount_log_sd=random.random((n_draws, cells)),
    )
    opened = table(n_deals, np.round(random.exponential(20, n_deals), 2), first_key=int(random.integers(0, 2**40)))
    return Case(draws, opened, table(n_templates, np.zeros(n_templates), first_key=0))


def rich_case(seed: int, n_deals: int = 12, n_draws: int = 2) -> Case:
    """A random case with frailty and follow-ups too; some clients known, some drawn, some of one deal only."""
    case = random_case(seed, n_deals, n_draws)
    random = np.random.default_rng([seed, 1])
    funnel, clients = case.draws.funnel, case.draws.client_cdf.shape[1]
    kinds = int(random.integers(0, 3))
    begin = [s for s in range(funnel.n_states) if s != funnel.won]
    rows = int(random.choice([1, n_draws]))
    draws = replace(
        case.draws,
        frailty=Frailty(
            shape=random.choice([0.3, 2.0, 50.0, np.inf], n_draws), key=random.integers(0, 2**40, clients),
            exits=random.integers(0, 4, clients), exposure=3 * random.random((rows, clients)),
        ),
        follow_ups=FollowUps(
            mean=random.random((n_draws, kinds)), most=random.integers(1, 4, kinds),
            log_delay=random.normal(2, 1, (n_draws, kinds)), delay_sd=random.random((n_draws, kinds)),
            as_new=random.random(kinds) < 0.5, stage=random.choice(begin, kinds),
            ratio=random.random((n_draws, kinds)) * 2, groups={"later": 1},
        ),
    )  # fmt: skip

    def known(deals: Deals) -> Deals:
        client = random.integers(-2, clients, len(deals))
        counted = np.where(client == -2, clients - 1, client)
        groups = {**deals.groups, "client": counted, "later": np.zeros(len(deals), dtype=np.int64)}
        return replace(deals, client=client, groups=groups)

    return Case(draws, known(case.open_deals), known(case.templates))
