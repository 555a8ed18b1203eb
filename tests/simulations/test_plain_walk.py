"""The kernel equals the plain walk path by path: win day, month, amount, client, new deals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulations import simulate
from simulations.streams import count_quantile
from tests.simulations import plain_walk
from tests.simulations.examples import Case, random_case

CASES, SEED, REPLICATES = 300, 5, 2


def walk_all(case: Case) -> dict[str, np.ndarray]:
    """What `simulate` returns, from the plain walk."""
    draws, templates = case.draws, case.templates
    simulations, months, clients = draws.n_draws * REPLICATES, draws.n_months, draws.client_cdf.shape[1]
    tables = (case.open_deals, templates)
    sums = {
        "deal": np.zeros((simulations, months, len(case.open_deals)), dtype=np.int64),
        "client": np.zeros((simulations, months, clients), dtype=np.int64),
        "created": np.zeros((simulations, months), dtype=np.int64),
        "days": np.zeros((len(case.open_deals), math.ceil(draws.horizon) + 1), dtype=np.int64),
    }
    for k in range(simulations):
        d, key = k // REPLICATES, plain_walk.simulation_key(SEED, k)
        paths = [
            (0, row, plain_walk.path_key(key, int(case.open_deals.key[row])), 0.0) for row in range(len(tables[0]))
        ]
        for m in range(months):
            u = plain_walk.uniform(plain_walk.path_key(key, plain_walk.future_key(m, 0)), plain_walk.COUNT)
            sums["created"][k, m] = count_quantile(u, draws.arrival_mean[d, m], draws.arrival_shape[d])
            begin, end = draws.month_edges[m : m + 2]
            for ordinal in range(sums["created"][k, m]):
                path = plain_walk.path_key(key, plain_walk.future_key(m, ordinal))
                row = plain_walk.pick(list(draws.template_cdf[d]), plain_walk.uniform(path, plain_walk.TEMPLATE))
                paths.append((1, row, path, begin + (end - begin) * plain_walk.uniform(path, plain_walk.DAY)))
        for future, row, path, time in paths:
            table = tables[future]
            stage, cell = int(table.stage[row]), int(table.cell[row])
            win = plain_walk.walk(draws, d, path, stage, float(table.age[row]), cell, time)
            if win is None:
                continue
            amount = plain_walk.amount(draws, d, path, stage, cell, int(table.amount[row]))
            client = int(table.groups["client"][row])
            if client < 0:
                client = plain_walk.pick(list(draws.client_cdf[d]), plain_walk.uniform(path, plain_walk.CLIENT))
            sums["client"][k, win[1], client] += amount
            sums["deal"][k, win[1], row] += amount
            if not future:
                sums["days"][row, math.ceil(win[0])] += 1
    return sums


@pytest.mark.parametrize("part", range(10))
def test_kernel_equals_plain_walk(part: int) -> None:
    for seed in range(part, CASES, 10):
        case = random_case(seed)
        size = len(case.open_deals)  # templates are groups 0..3 of "deal" as well
        outcomes = simulate(
            case.draws, case.open_deals, case.templates, seed=SEED, replicates=REPLICATES, threads=1,
            shards=2, group_sizes={"deal": size, "client": 5}, deal_detail=True,
        )  # fmt: skip
        plain = walk_all(case)
        np.testing.assert_array_equal(outcomes.created, plain["created"])
        np.testing.assert_array_equal(outcomes.deal_win_days, plain["days"])
        np.testing.assert_array_equal(outcomes.by["deal"], plain["deal"])
        np.testing.assert_array_equal(outcomes.by["client"], plain["client"])


def test_cases_reach_what_they_are_meant_to_reach() -> None:
    """Wins from returns, re-opening and new deals do occur among the random cases; none would be no test."""
    wins = created = 0
    for seed in range(0, CASES, 5):
        case = random_case(seed)
        outcomes = simulate(case.draws, case.open_deals, case.templates, seed=SEED, threads=1)
        wins, created = wins + outcomes.wins.sum(), created + outcomes.created.sum()
    assert wins > 300
    assert created > 300
