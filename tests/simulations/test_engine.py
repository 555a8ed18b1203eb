"""simulate: the same bytes however it is run, keyed paths, coherent sums, and clear errors."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import Deals, Draws, Outcomes, memory_needed, simulate
from tests.simulations.examples import calm_draws, deals, one_stage, random_case, rich_case

FIXED = ("funnel", "month_edges", "frailty", "follow_ups")
SIZES = {"deal": 40, "client": 5}


def same(a: Outcomes, b: Outcomes) -> bool:
    pairs = [(a.won, b.won), (a.wins, b.wins), (a.created, b.created), (a.draw, b.draw)]
    pairs += [(a.by[name], b.by[name]) for name in SIZES]
    pairs += [(a.deal_win_days, b.deal_win_days), (a.deal_value, b.deal_value)]
    return all(x is y is None or x.tobytes() == y.tobytes() for x, y in pairs)


def run(case_seed: int = 3, n_draws: int = 12, **options: Any) -> Outcomes:
    case = random_case(case_seed, n_deals=40, n_draws=n_draws)
    settings: dict[str, Any] = {"seed": 9, "group_sizes": SIZES, "replicates": 3, "deal_detail": True}
    return simulate(case.draws, case.open_deals, case.templates, **(settings | options))


@pytest.mark.parametrize("shards", [1, 2, 7, 1000])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case_seed", [3, 4])
def test_same_bytes_on_any_threads_and_shards(case_seed: int, threads: int, shards: int) -> None:
    assert run(case_seed).wins.sum() > 20
    assert same(run(case_seed), run(case_seed, threads=threads, shards=shards))


def test_another_seed_gives_other_bytes() -> None:
    assert not same(run(), run(seed=10))


def test_draws_that_follow_do_not_matter() -> None:
    case = random_case(3, n_deals=40, n_draws=12)
    uncertain = [name for name in Draws.__dataclass_fields__ if name not in FIXED]
    first_five = replace(case.draws, **{name: getattr(case.draws, name)[:5] for name in uncertain})
    part = simulate(first_five, case.open_deals, case.templates, seed=9, replicates=3)
    assert part.won.tobytes() == run().won[:15].tobytes()


def test_adding_a_deal_changes_no_other_deal() -> None:
    case = random_case(8, n_deals=30, n_draws=20)
    opened = case.open_deals

    def by_deal(rows: list[int]) -> np.ndarray:
        picked = Deals(
            opened.key[rows], opened.stage[rows], opened.age[rows], opened.cell[rows], opened.amount[rows],
            groups={"deal": np.array(rows)},
        )  # fmt: skip
        return simulate(case.draws, picked, Deals.none(), seed=1, group_sizes={"deal": 30}, arrival_months=0).by["deal"]

    everyone = by_deal(list(range(30)))
    without = by_deal([i for i in reversed(range(30)) if i != 11])  # in another order, too
    assert everyone.any(axis=(0, 1)).sum() > 5
    others = np.arange(30) != 11
    np.testing.assert_array_equal(everyone[:, :, others], without[:, :, others])
    assert not without[:, :, 11].any()


def test_more_arrivals_only_add_deals() -> None:
    case = random_case(6, n_draws=200)
    more = replace(case.draws, arrival_mean=1.3 * case.draws.arrival_mean + 0.2)

    def by_template(draws: Draws) -> Outcomes:
        return simulate(draws, Deals.none(), case.templates, seed=1, group_sizes={"deal": 4})

    few, many = by_template(case.draws), by_template(more)
    assert (many.created >= few.created).all()
    assert (many.by["deal"] >= few.by["deal"]).all()
    assert many.wins.sum() > few.wins.sum() > 0


def test_new_deals_and_open_deals_do_not_meet() -> None:
    both = run()
    case = random_case(3, n_deals=40, n_draws=12)
    settings: dict[str, Any] = {"seed": 9, "group_sizes": SIZES, "replicates": 3}
    no_arrivals = simulate(case.draws, case.open_deals, case.templates, arrival_months=0, **settings)
    only_new = simulate(case.draws, Deals.none(), case.templates, **settings)
    for name in SIZES:
        np.testing.assert_array_equal(both.by[name], no_arrivals.by[name] + only_new.by[name])


def test_groupings_sum_to_the_total() -> None:
    outcomes = run(4)
    assert outcomes.won.any()
    for sums in outcomes.by.values():
        np.testing.assert_array_equal(sums.sum(axis=2), outcomes.won)


def test_unknown_clients_are_drawn_by_their_probabilities() -> None:
    draws = calm_draws(one_stage(lost=False), [[1e6]], [0.0, 1.0], n_draws=20_000, client_cdf=[0.2, 0.2, 1.0])
    outcomes = simulate(draws, deals(client=-1), Deals.none(), seed=1, group_sizes={"client": 4})
    shares = outcomes.by["client"][:, 0].mean(axis=0)
    assert abs(shares[0] - 0.2) < 4 * np.sqrt(0.16 / 20_000)
    assert shares[1] == shares[3] == 0


def test_fewer_months_are_the_first_ones() -> None:
    whole = run(4, deal_detail=False)
    for months in range(whole.n_months + 1):
        part = run(4, months=months, deal_detail=False)
        assert part.won.tobytes() == whole.won[:, :months].tobytes()
        assert part.created.tobytes() == whole.created[:, :months].tobytes()
        assert part.by["client"].tobytes() == whole.by["client"][:, :months].tobytes()


def test_detail_sees_wins_after_the_months_kept() -> None:
    draws = calm_draws(one_stage(lost=False), [[0.05]], [0.0, 10.0, 60.0], n_draws=500)
    outcomes = simulate(draws, deals([0, 0]), Deals.none(), seed=1, months=1, deal_detail=True)
    assert outcomes.deal_win_days is not None
    assert outcomes.deal_value is not None
    assert outcomes.deal_win_days[:, :11].sum() == outcomes.wins.sum() == outcomes.deal_value.sum()
    assert outcomes.deal_win_days[:, 11:].sum() > 0


def test_simulations_know_their_draw_and_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    outcomes = run(n_draws=4, shards=3, progress=lambda done, total: seen.append((done, total)))
    assert outcomes.draw.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert len(seen) == 3
    assert seen[-1] == (12, 12)


GROUPINGS = {
    "client": 9, "parent_client": 4, "owner": 7, "team": 3, "region": 2, "segment": 5, "stage": 7, "created": 2,
}  # fmt: skip


def test_many_groupings_at_once_are_coherent_to_the_cent() -> None:
    case = rich_case(10, n_deals=200, n_draws=8)
    random = np.random.default_rng(1)

    def grouped(table: Deals, created: int) -> Deals:
        groups = {name: random.integers(0, size, len(table)) for name, size in GROUPINGS.items()}
        groups |= {"stage": table.stage, "created": np.full(len(table), created)}
        for name in ("client", "parent_client"):
            groups[name] = np.where(table.clients == -1, -1, groups[name])
        return replace(table, groups=groups)

    follow_ups = case.draws.follow_ups
    assert follow_ups is not None
    draws = replace(case.draws, follow_ups=replace(follow_ups, groups={"created": 1}))
    outcomes = simulate(
        draws, grouped(case.open_deals, 0), grouped(case.templates, 1), seed=1, group_sizes=GROUPINGS,
        client_groups={"parent_client": [0, 0, 1, 2, 3], "client": [8, 7, 6, 5, 4]},
    )  # fmt: skip
    assert outcomes.won.sum() > 0
    for name, size in GROUPINGS.items():
        assert outcomes.by[name].shape == (*outcomes.won.shape, size)
        np.testing.assert_array_equal(outcomes.by[name].sum(axis=2), outcomes.won)
    assert (outcomes.by["created"].sum(axis=(0, 1)) > 0).all()


def test_a_drawn_client_brings_its_parent() -> None:
    draws = calm_draws(one_stage(lost=False), [[1e6]], [0.0, 1.0], n_draws=500, client_cdf=[0.3, 0.6, 1.0])
    outcomes = simulate(
        draws, deals(client=-1, parent_client=-1), Deals.none(), seed=1, group_sizes={"client": 3, "parent_client": 2},
        client_groups={"parent_client": [1, 0, 1]},
    )  # fmt: skip
    client, parent = outcomes.by["client"][:, 0], outcomes.by["parent_client"][:, 0]
    np.testing.assert_array_equal(parent[:, 1], client[:, 0] + client[:, 2])
    np.testing.assert_array_equal(parent[:, 0], client[:, 1])


@pytest.mark.parametrize("detail", [False, True])
def test_memory_is_stated_before_the_run(detail: bool) -> None:
    """What NumPy allocates during the run, at its peak, is at most what was stated, and more than half of it."""
    draws = calm_draws(one_stage(), [[0.01], [0.01]], np.arange(13) * 30.0, n_draws=400)
    opened, sizes = deals([0] * 5000), {"deal": 5000}
    options: dict[str, Any] = {"group_sizes": sizes, "deal_detail": detail, "threads": 2, "months": 6, "record": 10}
    stated = memory_needed(draws, len(opened), **options)
    simulate(draws, deals(), Deals.none(), seed=1, group_sizes={"deal": 1})  # compiled before
    tracemalloc.start()
    simulate(draws, opened, Deals.none("deal"), seed=1, memory_limit=stated, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * stated < peak <= stated
    with pytest.raises(ValueError, match=r"memory_limit: the run needs .* bytes, more than 1,000"):
        simulate(draws, opened, Deals.none("deal"), seed=1, memory_limit=1000, **options)


def test_a_million_deals_in_a_thousand_draws_are_stated_below_4_gb() -> None:
    draws = calm_draws(one_stage(), [[0.01], [0.01]], np.arange(13) * 30.0, n_draws=1000)
    assert memory_needed(draws, 1_000_000, 2000, group_sizes={"client": 500, "owner": 100}, threads=2) < 1e9


def test_ages_beyond_the_last_bin_have_its_hazard() -> None:
    """The last bin is open-ended: 0.05 per day at any age from 10 days on."""
    draws = calm_draws(one_stage([0.0, 10.0], lost=False), [[0.0, 0.05]], [0.0, 30.0], n_draws=20_000)
    outcomes = simulate(draws, deals([0, 0], age=[11.0, 1e9]), Deals.none(), seed=1, group_sizes={"deal": 2})
    shares, exact = outcomes.by["deal"][:, 0].mean(axis=0), 1 - np.exp(-1.5)
    assert (np.abs(shares - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000)).all()


def test_nothing_to_simulate_is_nothing_won() -> None:
    draws = calm_draws(one_stage(), [[0.1], [0.1]], [0.0, 30.0], n_draws=3)
    outcomes = simulate(draws, Deals.none("client"), Deals.none("client"), seed=1, group_sizes={"client": 2})
    assert outcomes.won.tolist() == [[0]] * 3
    assert outcomes.by["client"].shape == (3, 1, 2)


def test_a_horizon_of_no_days_wins_nothing() -> None:
    draws = calm_draws(one_stage(lost=False), [[1e6]], [0.0], n_draws=3)
    outcomes = simulate(draws, deals(), Deals.none(), seed=1, deal_detail=True)
    assert outcomes.won.shape == (3, 0)
    assert outcomes.deal_win_days is not None
    assert outcomes.deal_win_days.tolist() == [[0]]


def test_a_funnel_without_exits_wins_nothing() -> None:
    funnel = replace(one_stage(), exits=())
    draws = calm_draws(funnel, np.zeros((0, 1)), [0.0, 30.0])
    assert simulate(draws, deals(), Deals.none(), seed=1).won.tolist() == [[0]]


def test_a_deal_in_lost_may_come_back() -> None:
    funnel = replace(one_stage(lost=False), exits=((0, 1), (2, 0)))
    draws = calm_draws(funnel, [[1e6], [1e6]], [0.0, 30.0])
    assert simulate(draws, deals([2]), Deals.none(), seed=1).won.tolist() == [[1]]


DRAWS = calm_draws(one_stage(), [[0.1], [0.1]], [0.0, 30.0], arrival_mean=[1.0], template_cdf=[0.5, 1.0])
TWO = deals([0, 0])


@pytest.mark.parametrize(
    ("opened", "templates", "options", "message"),
    [
        (deals([1]), TWO, {}, "open_deals: expected stages of 0..2, but not the won state"),
        (deals([3]), TWO, {}, "open_deals: expected stages"),
        (deals(cell=1), TWO, {}, "open_deals: expected cells of 0..0, got 1"),
        (TWO, deals([0]), {}, "templates: expected 2 as in template_cdf, got 1"),
        (TWO, Deals.none(), {}, "templates: expected 2"),
        (TWO, deals([0, 0], age=1.0), {}, "templates: expected ages of 0"),
        (replace(TWO, key=np.zeros(2, dtype=np.uint64)), TWO, {}, "open_deals: expected a different key"),
        (TWO, TWO, {"group_sizes": {"owner": 2}}, "open_deals: expected a grouping 'owner', got"),
        (TWO, TWO, {"group_sizes": {"deal": 1}}, "open_deals: expected deal of 0..0, got 1"),
        (
            deals(client=-1),
            deals([0, 0], client=0),
            {"group_sizes": {"client": 3}},
            "client_cdf: expected 1..3",
        ),
        (TWO, TWO, {"record": -1}, "record: expected at least 0, got -1"),
        (TWO, TWO, {"client_groups": {"owner": []}}, "client_groups: expected groupings of"),
        (replace(TWO, client=[0, 0]), TWO, {}, "open_deals: expected clients of -2..-1, got 0"),
        (TWO, TWO, {"months": 2}, "months: expected 0..1, got 2"),
        (TWO, TWO, {"arrival_months": -1}, "arrival_months: expected 0..1, got -1"),
        (TWO, TWO, {"replicates": 0}, "replicates: expected at least 1, got 0"),
        (TWO, TWO, {"seed": -1}, "seed: expected 0..2"),
        (TWO, TWO, {"threads": 0}, "threads: expected at least 1, got 0"),
        (TWO, TWO, {"shards": 0}, "shards: expected at least 1, got 0"),
    ],
)
def test_bad_input(opened: Deals, templates: Deals, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(DRAWS, opened, templates, **{"seed": 1, **options})
