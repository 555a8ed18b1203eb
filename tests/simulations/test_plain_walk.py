"""The kernel equals the plain walk path by path: win day, month, amount, client, new deals, follow-ups, activity."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulations import Deals, simulate
from simulations.streams import count_quantile
from tests.simulations import plain_walk
from tests.simulations.examples import Case, random_case, rich_case

CASES, SEED, REPLICATES = 300, 5, 2
MOST_DEALS = 400  # of one simulation: beyond it, plain Python takes too long


class Plain:
    """What `simulate` returns, from the plain walk."""

    def __init__(self, case: Case, seed: int) -> None:
        self.case, self.draws, self.seed = case, case.draws, seed
        draws, clients = case.draws, case.draws.client_cdf.shape[1]
        shape = (draws.n_draws * REPLICATES, draws.n_months)
        self.deal = np.zeros((*shape, len(case.open_deals)), dtype=np.int64)
        self.client = np.zeros((*shape, clients), dtype=np.int64)
        self.later = np.zeros((*shape, 2), dtype=np.int64)
        self.created, self.followed = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self.exits = np.zeros((*shape, draws.funnel.n_exits), dtype=np.int64)
        self.days = np.zeros((len(case.open_deals), math.ceil(draws.horizon) + 1), dtype=np.int64)
        self.deals = 0
        for k in range(shape[0]):
            self.simulation(k)

    def simulation(self, k: int) -> None:
        draws, d, key = self.draws, k // REPLICATES, plain_walk.simulation_key(self.seed, k)
        opened = self.case.open_deals
        for row in range(len(opened)):
            path = plain_walk.path_key(key, int(opened.key[row]))
            self.follow(k, d, opened, row, path, float(opened.age[row]), 0.0, detail=row)
        for m in range(draws.n_months):
            u = plain_walk.uniform(plain_walk.path_key(key, plain_walk.future_key(m, 0)), plain_walk.COUNT)
            self.created[k, m] = count_quantile(u, draws.arrival_mean[d, m], draws.arrival_shape[d, m])
            begin, end = draws.month_edges[m : m + 2]
            for ordinal in range(self.created[k, m]):
                path = plain_walk.path_key(key, plain_walk.future_key(m, ordinal))
                time = begin + (end - begin) * plain_walk.uniform(path, plain_walk.DAY)
                self.follow(k, d, self.case.templates, self.template(d, path), path, 0.0, time)

    def template(self, d: int, path: int) -> int:
        return plain_walk.pick(list(self.draws.template_cdf[d]), plain_walk.uniform(path, plain_walk.TEMPLATE))

    def follow(
        self, k: int, d: int, table: Deals, row: int, path: int, age: float, time: float, *, stage: int | None = None,
        known: int | None = None, met: tuple[int, float | None] | None = None, later: bool = False, detail: int = -1,
    ) -> None:  # fmt: skip
        """Walk one deal, count it, and walk the deals that follow from it."""
        draws, cell = self.draws, int(table.cell[row])
        self.deals += 1
        if self.deals > MOST_DEALS:
            return
        stage = int(table.stage[row]) if stage is None else stage
        known = int(table.amount[row]) if known is None else known
        client, z = self.client_of(d, table, row, path) if met is None else met
        made: list[tuple[int, int]] = []
        win = plain_walk.walk(draws, d, path, stage, age, cell, time, z, made)
        for m, j in made:
            self.exits[k, m, j] += 1
        if win is None:
            return
        amount = plain_walk.amount(draws, d, path, stage, cell, known)
        counted = client if client >= 0 else draws.client_cdf.shape[1] - 1
        self.client[k, win[1], counted] += amount
        self.deal[k, win[1], row] += amount
        self.later[k, win[1], int(later)] += amount
        if detail >= 0:
            self.days[detail, math.ceil(win[0])] += 1
        for r in range(0 if draws.follow_ups is None else draws.follow_ups.n_kinds):
            kinds = draws.follow_ups
            assert kinds is not None
            count = count_quantile(plain_walk.uniform(path, plain_walk.COUNT, r), kinds.mean[d, r], math.inf)
            for ordinal in range(min(int(kinds.most[r]), count)):
                child = plain_walk.path_key(path, plain_walk.follow_key(r, ordinal))
                normal = NormalDist().inv_cdf(plain_walk.uniform(child, plain_walk.DAY))
                begin = win[0] + math.exp(kinds.log_delay[d, r] + kinds.delay_sd[d, r] * normal)
                if begin >= draws.horizon:
                    continue
                self.followed[k, max(m for m in range(draws.n_months) if draws.month_edges[m] < begin)] += 1
                if kinds.as_new[r]:
                    self.follow(k, d, self.case.templates, self.template(d, child), child, 0.0, begin, later=True)
                else:
                    self.follow(
                        k, d, table, row, child, 0.0, begin, stage=int(kinds.stage[r]),
                        known=math.floor(amount * kinds.ratio[d, r] + 0.5), met=(client, z), later=True,
                    )  # fmt: skip

    def client_of(self, d: int, table: Deals, row: int, path: int) -> tuple[int, float | None]:
        client = int(table.groups["client"][row]) if self.draws.frailty is None else int(table.clients[row])
        if client == -1:
            client = plain_walk.pick(list(self.draws.client_cdf[d]), plain_walk.uniform(path, plain_walk.CLIENT))
        return client, plain_walk.frailty(self.draws, d, self.seed, client, path)


def check(case: Case, seed: int) -> None:
    plain = Plain(case, seed)
    if plain.deals > MOST_DEALS:
        return
    simulations = case.draws.n_draws * REPLICATES
    sizes = {"deal": len(case.open_deals), "client": 5}  # templates are groups 0..3 of "deal" as well
    if case.draws.follow_ups is not None:
        sizes["later"] = 2
    outcomes = simulate(
        case.draws, case.open_deals, case.templates, seed=seed, replicates=REPLICATES, threads=1, shards=2,
        group_sizes=sizes, deal_detail=True, record=simulations,
    )  # fmt: skip
    np.testing.assert_array_equal(outcomes.created, plain.created)
    np.testing.assert_array_equal(outcomes.deal_win_days, plain.days)
    for name in sizes:
        np.testing.assert_array_equal(outcomes.by[name], getattr(plain, name))
    assert outcomes.activity is not None
    np.testing.assert_array_equal(outcomes.activity.exits, plain.exits)
    if outcomes.followed is not None:
        np.testing.assert_array_equal(outcomes.followed, plain.followed)


@pytest.mark.parametrize("part", range(10))
def test_kernel_equals_plain_walk(part: int) -> None:
    for seed in range(part, CASES, 10):
        check(random_case(seed), SEED)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(case=st.integers(0, 2**32 - 1), seed=st.integers(0, 2**64 - 1), deals=st.integers(4, 10))
def test_kernel_equals_plain_walk_with_frailty_and_follow_ups(case: int, seed: int, deals: int) -> None:
    check(rich_case(case, n_deals=deals), seed)


def test_cases_reach_what_they_are_meant_to_reach() -> None:
    """Wins from returns, re-opening, new deals and follow-ups do occur among the cases; none would be no test."""
    wins = created = followed = later = 0
    for seed in range(0, CASES, 5):
        case = rich_case(seed)
        outcomes = simulate(
            case.draws, case.open_deals, case.templates, seed=SEED, threads=1, group_sizes={"later": 2}
        )  # fmt: skip
        assert outcomes.followed is not None
        wins, created = wins + outcomes.wins.sum(), created + outcomes.created.sum()
        followed, later = followed + outcomes.followed.sum(), later + (outcomes.by["later"][:, :, 1] > 0).sum()
    assert min(wins, created) > 300
    assert followed > 100
    assert later > 30
