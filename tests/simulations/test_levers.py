"""Levers: exactly what each changes and what it leaves; size zero changes no byte; pairs differ less than strangers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulations import Deals, Draws, Funnel, Outcomes, levers, simulate
from simulations.levers import Assumptions
from tests.simulations.examples import calm_draws, deals, rich_case

AGES = np.array([0.0, 2.0, 7.0, 30.0])
EXITS = ((0, 1), (0, 2), (0, 4), (1, 0), (1, 2), (1, 4), (2, 3), (2, 4))


def case(seed: int = 0, n_draws: int = 50, months: tuple[float, ...] = (0.0, 4000.0)) -> Draws:
    random = np.random.default_rng(seed)
    funnel = Funnel(("A", "B", "C", "Won", "Lost"), EXITS, AGES)
    draws = calm_draws(funnel, np.ones((len(EXITS), len(AGES))), list(months), n_draws=n_draws)
    return replace(draws, hazard=0.04 * np.exp(random.standard_normal(draws.hazard.shape)))


def given(draws: Draws, opened: Deals | None = None) -> Assumptions:
    return Assumptions(draws, deals() if opened is None else opened, Deals.none("deal"))


def run(assumptions: Assumptions, seed: int = 1, **options: object) -> Outcomes:
    return simulate(*assumptions, seed=seed, **options)  # type: ignore[arg-type]


ZERO: dict[str, Callable[[Assumptions], Assumptions]] = {
    "conversion": lambda a: levers.conversion(a, 0, 0.0),
    "lead time": lambda a: levers.lead_time(a, 0.0),
    "new deals": lambda a: levers.new_deals(a, 0.0),
    "amount": lambda a: levers.amount(a, 0.0),
    "without": lambda a: levers.without(a, np.zeros(len(a.open_deals), dtype=bool)),
    "new deals by month": lambda a: levers.new_deals(a, np.zeros(a.draws.n_months)),
    "conversion by draw": lambda a: levers.conversion(a, 0, np.zeros(a.draws.n_draws)),
    "without templates": lambda a: levers.without_templates(a, np.zeros(len(a.templates), dtype=bool)),
    "without group": lambda a: levers.without_group(a, "client", 99),
}


@pytest.mark.parametrize("name", ZERO)
def test_size_zero_changes_nothing(name: str) -> None:
    """What `simulate` would be given is the very same object."""
    rich = rich_case(3)
    before = Assumptions(rich.draws, rich.open_deals, rich.templates)
    after = ZERO[name](before)
    assert all(a is b for a, b in zip(after, before, strict=True))


def incidence(draws: Draws, stage: int) -> tuple[np.ndarray, np.ndarray]:
    forward, other, _ = levers._incidence(draws, stage, np.ones((draws.n_draws, draws.funnel.n_exits)))
    return forward, other


@pytest.mark.parametrize(("points", "by_age"), [(0.05, None), (-0.2, None), (0.03, 30.0), (2.0, None)])
def test_conversion_multiplies_both_incidences_at_every_age(points: float, by_age: float | None) -> None:
    draws = case()
    after = levers.conversion(given(draws), 0, points, by_age=by_age).draws
    p = levers.conversion_rate(draws, 0, by_age=by_age)
    wanted = np.clip(p + points, 0, 1)
    np.testing.assert_allclose(levers.conversion_rate(after, 0, by_age=by_age), wanted, atol=1e-12)
    upto = slice(None) if by_age is None else slice(0, list(AGES).index(by_age) + 1)
    for now, then, factor in zip(
        incidence(after, 0), incidence(draws, 0), (wanted / p, (1 - wanted) / (1 - p)), strict=True
    ):
        np.testing.assert_allclose(now[:, upto], (factor[:, None] * then)[:, upto], atol=1e-12)
    np.testing.assert_array_equal(after.hazard[:, 3:], draws.hazard[:, 3:])  # the other stages
    np.testing.assert_allclose(after.hazard[:, 0] / after.hazard[:, 1], draws.hazard[:, 0] / draws.hazard[:, 1])
    if by_age is not None:
        last = list(AGES).index(by_age)
        np.testing.assert_array_equal(after.hazard[:, :, last:], draws.hazard[:, :, last:])


def test_conversion_of_stages_where_nothing_can_convert_stays() -> None:
    draws = case()
    hazard = draws.hazard.copy()
    hazard[:25, :2] = 0.0  # never forward
    hazard[25:, 2] = 0.0  # always forward
    draws = replace(draws, hazard=hazard)
    np.testing.assert_array_equal(levers.conversion(given(draws), 0, 0.1).draws.hazard, hazard)


def test_conversion_where_the_rounding_of_a_sum_is_all_that_is_left() -> None:
    """Stays of minutes beside stays of weeks: 15 to 20 exits a day leave 1e-14 to 1e-17 after two days."""
    draws = case(n_draws=500)
    hazard = draws.hazard.copy()
    hazard[:, :3, 0] = np.random.default_rng(1).uniform(5, 7, (500, 3))
    draws = replace(draws, hazard=hazard)
    forward, other = incidence(draws, 0)
    assert (1 - forward - other <= 0)[:, 1:-1].any()
    after = levers.conversion(given(draws), 0, 0.05).draws
    assert np.isfinite(after.hazard).all()
    p = levers.conversion_rate(draws, 0)
    np.testing.assert_allclose(levers.conversion_rate(after, 0), np.clip(p + 0.05, 0, 1), atol=1e-12)


def test_conversion_as_simulated() -> None:
    """One stage: its share of wins in the end is p', within Monte Carlo error."""
    draws = calm_draws(
        Funnel(("A", "Won", "Lost"), ((0, 1), (0, 2)), AGES), np.full((2, 4), 0.02), [0.0, 4000.0], 20_000
    )
    wins = run(levers.conversion(given(draws), 0, 0.1)).wins.mean()
    assert abs(wins - 0.6) < 4 * np.sqrt(0.24 / 20_000)


@pytest.mark.parametrize("change", [-0.1, 0.25])
def test_lead_time_is_a_change_of_clock(change: float) -> None:
    """Nothing else has a clock here: the outcome at time t (1 + change) is that at t, path by path."""
    months, opened = np.array([0.0, 20.0, 60.0, 200.0]), deals([0, 1, 2, 1] * 50, age=np.linspace(0, 90, 200))
    draws = case(months=tuple(months))
    quick = levers.lead_time(given(draws, opened), change)
    scaled = quick._replace(draws=replace(quick.draws, month_edges=months * (1 + change)))
    before, after = run(given(draws, opened)), run(scaled)
    assert before.wins.sum() > 1000
    np.testing.assert_array_equal(before.wins, after.wins)
    for stage in range(3):
        same = levers.conversion_rate(draws, stage), levers.conversion_rate(quick.draws, stage)
        np.testing.assert_allclose(*same, atol=1e-12)


def test_lead_time_of_one_stage_leaves_the_others() -> None:
    draws = case()
    opened = deals([0, 1, 2], age=[10.0, 10.0, 10.0])
    after = levers.lead_time(given(draws, opened), -0.5, stages=[1])
    assert after.open_deals.age.tolist() == [10.0, 5.0, 10.0]
    ages = np.array([0.5, 1.5, 3.0, 5.0, 10.0, 20.0, 100.0])
    old = np.searchsorted(AGES, ages, side="right") - 1
    new = np.searchsorted(after.draws.funnel.age_edges, ages, side="right") - 1
    twice = np.searchsorted(AGES, 2 * ages, side="right") - 1
    for j, (stage, _) in enumerate(EXITS):
        expected = 2 * draws.hazard[:, j, twice] if stage == 1 else draws.hazard[:, j, old]
        np.testing.assert_array_equal(after.draws.hazard[:, j, new], expected)
    assert after.draws.calendar is draws.calendar or np.array_equal(after.draws.calendar, draws.calendar)


def rich(n_draws: int = 40) -> Assumptions:
    """A case in which new deals do come and clients are known."""
    drawn = rich_case(8, n_deals=40, n_draws=n_draws)
    draws = replace(drawn.draws, follow_ups=None, arrival_mean=drawn.draws.arrival_mean + 1)
    return Assumptions(draws, drawn.open_deals, drawn.templates)


def test_new_deals_only_add() -> None:
    before, after = run(rich(), group_sizes={"deal": 40}), run(levers.new_deals(rich(), 0.3), group_sizes={"deal": 40})
    assert after.created.sum() > before.created.sum()
    assert (after.created >= before.created).all()
    assert (after.by["deal"] >= before.by["deal"]).all()
    np.testing.assert_array_equal(after.by["deal"][:, :, 4:], before.by["deal"][:, :, 4:])  # 0..3 are templates too


def test_new_deals_of_one_month() -> None:
    """More of the second month's deals, all others as they were."""
    months = rich().draws.n_months
    assert months == 2
    before, after = run(rich()), run(levers.new_deals(rich(), np.arange(months) == 1))
    assert after.created[:, 1].sum() > before.created[:, 1].sum()
    np.testing.assert_array_equal(np.delete(after.created, 1, axis=1), np.delete(before.created, 1, axis=1))
    np.testing.assert_array_equal(after.won[:, 0], before.won[:, 0])


def test_conversion_by_draw() -> None:
    draws = case()
    points = np.linspace(-0.1, 0.1, draws.n_draws)
    after = levers.conversion(given(draws), 1, points).draws
    p = levers.conversion_rate(draws, 1)
    np.testing.assert_allclose(levers.conversion_rate(after, 1), np.clip(p + points, 0, 1), atol=1e-12)


@pytest.mark.parametrize("number", [1, 7, 99])
def test_the_first_draws_are_the_first_rows(number: int) -> None:
    whole = rich_case(8, n_deals=40, n_draws=9)
    part = run(Assumptions(whole.draws.first(number), whole.open_deals, whole.templates))
    every = run(Assumptions(whole.draws, whole.open_deals, whole.templates))
    assert part.n_draws == min(number, 9)
    np.testing.assert_array_equal(part.won, every.won[:number])


def test_amount_changes_no_path() -> None:
    certain = rich()._replace(draws=replace(rich().draws, amount_kept=np.ones_like(rich().draws.amount_kept)))
    before, after = run(certain, deal_detail=True), run(levers.amount(certain, 0.05), deal_detail=True)
    np.testing.assert_array_equal(after.wins, before.wins)
    np.testing.assert_array_equal(after.deal_win_days, before.deal_win_days)
    # Each win is rounded to the cent once before and once after: half a cent, and half of 1.05.
    assert (np.abs(after.won - 1.05 * before.won) <= before.wins * (0.5 + 0.5 * 1.05) + 1e-6).all()
    assert after.won.sum() > before.won.sum() > 0


def test_a_lost_client_takes_only_its_own_deals() -> None:
    sizes = {"client": 5, "deal": 40}
    known = rich()
    clients = np.where(known.open_deals.groups["client"] < 0, 0, known.open_deals.groups["client"])
    drawn = known.templates.groups["client"]
    known = known._replace(
        open_deals=replace(known.open_deals, groups={**known.open_deals.groups, "client": clients}),
        templates=replace(known.templates, groups={**known.templates.groups, "client": np.where(drawn < 0, 0, drawn)}),
    )
    before, after = run(known, group_sizes=sizes), run(levers.without_group(known, "client", 4), group_sizes=sizes)
    assert before.by["client"][:, :, 4].sum() > 0
    assert not after.by["client"][:, :, 4].any()
    np.testing.assert_array_equal(after.by["client"][:, :, :4], before.by["client"][:, :, :4])
    np.testing.assert_array_equal(after.created, before.created)


def test_levers_compose() -> None:
    both = levers.amount(levers.new_deals(rich(), 0.5), 0.5)
    other = levers.new_deals(levers.amount(rich(), 0.5), 0.5)
    np.testing.assert_array_equal(run(both).won, run(other).won)


def test_paired_runs_differ_less_than_strangers() -> None:
    """Of the difference that + 5 points make, the variance with the same seed, over that with another."""
    draws = case(n_draws=4000, months=(0.0, 90.0))
    opened = deals([0, 1, 2, 0, 1] * 8, amount=1000)
    better = levers.conversion(given(draws, opened), 1, 0.05)
    base = run(given(draws, opened)).won.sum(axis=1)
    paired = np.var(run(better).won.sum(axis=1) - base)
    unpaired = np.var(run(better, seed=2).won.sum(axis=1) - base)
    assert paired < 0.25 * unpaired


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: levers.conversion(a, 9, 0.1), "stage: expected 0..4"),
        (lambda a: levers.conversion(a, 0, 0.1, by_age=3.0), "by_age: expected one of"),
        (lambda a: levers.conversion(a, 0, 0.1, effect=[1.0]), "effect: expected shape"),
        (lambda a: levers.lead_time(a, -1.0), "change: expected more than -1"),
        (lambda a: levers.new_deals(a, -1.5), "change: expected at least -1"),
        (lambda a: levers.new_deals(a, [0.1, 0.2]), "change: expected one or 1 numbers"),
        (lambda a: levers.without_templates(a, [True]), "templates: expected shape"),
        (lambda a: levers.amount(a, -1.0), "change: expected more than -1"),
        (lambda a: levers.without(a, [True, False]), "open_deals: expected shape"),
        (lambda a: levers.without_group(a, "owner", 0), "grouping: expected one of"),
    ],
)
def test_bad_levers(call: Callable[[Assumptions], Assumptions], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(given(case()))
