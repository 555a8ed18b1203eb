"""Paths known by hand, and closed forms within the Monte Carlo error of the number of paths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulations import Deals, Draws, Funnel, Kind, Outcomes, simulate
from tests.simulations.examples import calm_draws, deals, one_stage

AT_ONCE = 1e6  # per day: an exit within seconds
PATHS = 100_000


def win_days(outcomes: Outcomes) -> list[list[int]]:
    assert outcomes.deal_win_days is not None
    return [list(np.flatnonzero(row)) for row in outcomes.deal_win_days]


def run(draws: Draws, opened: Deals, **options: object) -> Outcomes:
    return simulate(draws, opened, Deals.none(), seed=1, threads=1, **options)  # type: ignore[arg-type]


def close(share: float, exact: float, paths: int = PATHS) -> bool:
    return abs(share - exact) <= 4 * math.sqrt(exact * (1 - exact) / paths)


def test_a_deal_is_won_on_its_tenth_day_of_age() -> None:
    draws = calm_draws(one_stage([0.0, 10.0], lost=False), [[0.0, AT_ONCE]], [0.0, 31.0])
    outcomes = run(draws, deals([0, 0, 0, 0], age=[0.0, 4.0, 9.5, 300.0]), deal_detail=True)
    assert win_days(outcomes) == [[11], [7], [1], [1]]  # won just after day 10, 6, 0.5 and 0


def test_a_chain_of_stages_adds_up() -> None:
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (1, 2)), np.array([0.0, 3.0, 10.0]))
    draws = calm_draws(funnel, [[0, AT_ONCE, AT_ONCE], [0, 0, AT_ONCE]], [0.0, 31.0])
    outcomes = run(draws, deals([0, 1, 0], age=[0, 2, 50]), deal_detail=True)
    assert win_days(outcomes) == [[14], [9], [11]]


def test_back_lost_and_reopened() -> None:
    """A waits 2 days then goes on, B 3 days then back or lost by the month, Lost re-opens after 10 days."""
    funnel = Funnel(
        ("A", "B", "Won", "Lost"), ((0, 1), (1, 0), (1, 2), (1, 3), (3, 1)), np.array([0.0, 2.0, 3.0, 10.0])
    )
    assert list(funnel.kinds) == [Kind.ADVANCE, Kind.BACK, Kind.WON, Kind.LOST, Kind.REOPEN]
    first, second, third = [0, AT_ONCE, AT_ONCE, AT_ONCE], [0, 0, AT_ONCE, AT_ONCE], [0, 0, 0, AT_ONCE]
    calendar = np.ones((5, 3))
    calendar[Kind.BACK], calendar[Kind.LOST], calendar[Kind.WON] = [1, 0, 0], [0, 1, 0], [0, 0, 1]
    draws = calm_draws(funnel, [first, second, second, second, third], [0.0, 4.0, 9.0, 40.0], calendar=calendar)
    # From B: back on day 3, A until 5, B until 8: lost (second month), re-opened on day 18, B until 21: won.
    outcomes = run(draws, deals([1]), deal_detail=True)
    assert win_days(outcomes) == [[22]]
    assert outcomes.wins.tolist() == [[0, 0, 1]]


def test_a_month_without_wins_makes_deals_wait() -> None:
    calendar = np.ones((5, 2))
    calendar[Kind.WON, 0] = 0.0
    draws = calm_draws(one_stage(lost=False), [[50.0]], [0.0, 5.0, 40.0], calendar=calendar)
    assert win_days(run(draws, deals([0] * 3), deal_detail=True)) == [[6]] * 3


def test_months_and_days_are_closed_on_the_right() -> None:
    """A single exit: wins by month and wins by day are two counts of the same wins."""
    draws = calm_draws(one_stage(lost=False), [[0.1]], [0.0, 3.0, 10.0], n_draws=400)
    outcomes = run(draws, deals([0] * 5), deal_detail=True)
    assert outcomes.deal_win_days is not None
    days = outcomes.deal_win_days.sum(axis=0)
    assert days.shape == (11,)
    assert days[0] == 0
    assert outcomes.wins.sum(axis=0).tolist() == [days[:4].sum(), days[4:].sum()]


def test_one_exponential_exit() -> None:
    edges = np.array([0.0, 7.0, 30.0, 90.0])
    outcomes = run(calm_draws(one_stage(lost=False), [[0.02]], edges, n_draws=PATHS), deals())
    exact = np.diff(1 - np.exp(-0.02 * edges))
    assert all(close(seen, p) for seen, p in zip(outcomes.wins.mean(axis=0), exact, strict=True))


def test_competing_exits() -> None:
    outcomes = run(calm_draws(one_stage(), [[0.02], [0.06]], [0.0, 30.0], n_draws=PATHS), deals())
    assert close(outcomes.wins.mean(), 0.25 * (1 - math.exp(-0.08 * 30)))


def test_calendar_and_effect_multiply_the_hazard() -> None:
    calendar = np.ones((5, 2))
    calendar[Kind.WON] = [0.5, 3.0]
    draws = calm_draws(one_stage(), [[0.02], [0.01]], [0, 10, 30], PATHS, calendar=calendar, effect=[[2.0], [0.5]])
    outcomes = run(draws, deals())
    first = 0.02 / 0.025 * (1 - math.exp(-0.25))
    second = math.exp(-0.25) * 0.12 / 0.125 * (1 - math.exp(-2.5))
    assert close(outcomes.wins[:, 0].mean(), first)
    assert close(outcomes.wins[:, 1].mean(), second)


def test_an_old_deal_has_only_the_hazard_that_is_left() -> None:
    """0.2 per day up to ten days, 0.01 after: at age 20, 1 - exp(-0.3) = 0.26 in 30 days, new 0.89."""
    draws = calm_draws(one_stage([0.0, 10.0], lost=False), [[0.2, 0.01]], [0.0, 30.0], n_draws=PATHS)
    outcomes = run(draws, deals([0, 0, 0], age=[0.0, 5.0, 20.0]), group_sizes={"deal": 3})
    exact = [1 - math.exp(-(0.2 * young + 0.01 * (30 - young))) for young in (10, 5, 0)]
    assert all(close(seen, p) for seen, p in zip(outcomes.by["deal"][:, 0].mean(axis=0), exact, strict=True))


def test_new_deals_arrive_evenly_within_their_month() -> None:
    """Wins in their own month: 1 - (1 - exp(-x)) / x with x = hazard * length."""
    draws = calm_draws(
        one_stage(lost=False), [[0.05]], [0.0, 4.0, 34.0], n_draws=4000, template_cdf=[1.0],
        arrival_mean=[0.0, 25.0], arrival_shape=2.0,
    )  # fmt: skip
    outcomes = simulate(draws, Deals.none(), deals(), seed=2, threads=1)
    created = outcomes.created[:, 1]
    assert outcomes.created[:, 0].sum() == 0
    variance = 25 + 25**2 / 2
    assert abs(created.mean() - 25) < 4 * math.sqrt(variance / 4000)
    assert created.var() == pytest.approx(variance, rel=4 * math.sqrt((2 + 6 / 2 + 1 / variance) / 4000))
    assert close(outcomes.wins.sum() / created.sum(), 1 - (1 - math.exp(-1.5)) / 1.5, int(created.sum()))


def test_amounts() -> None:
    """Kept with probability 0.6, else a Laplace log ratio; unknown amounts are log-normal."""
    draws = calm_draws(
        one_stage(lost=False), [[AT_ONCE]], [0.0, 1.0], n_draws=PATHS, amount_kept=[0.6, 1, 1],
        amount_shift=[0.1, 0, 0], amount_scale=[0.25, 0, 0], amount_log_mean=[12.0], amount_log_sd=[0.5],
    )  # fmt: skip
    outcomes = run(draws, deals([0, 0, 0], amount=[10**9, -1, 0]), group_sizes={"deal": 3})
    known, unknown, zero = outcomes.by["deal"][:, 0].T
    assert not zero.any()
    assert close((known == 10**9).mean(), 0.6)
    ratio = np.log(known[known != 10**9] / 1e9)
    assert close((ratio < 0.1).mean(), 0.5, len(ratio))
    assert close((np.abs(ratio - 0.1) < 0.25).mean(), 1 - math.exp(-1), len(ratio))
    z = (np.log(unknown) - 12) / 0.5
    assert abs(z.mean()) < 4 / math.sqrt(PATHS)
    assert z.std() == pytest.approx(1, abs=4 / math.sqrt(2 * PATHS))


def test_amounts_beyond_2_to_the_53_are_cut() -> None:
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], [0.0, 1.0], amount_log_mean=[800.0])
    assert run(draws, deals(amount=-1)).won.tolist() == [[2**53]]
    with pytest.raises(OverflowError, match="64-bit"):
        run(draws, deals([0] * 600, amount=-1))


def test_walks_end_where_hazards_are_absurd() -> None:
    """Two stages that swap deals at the largest hazards allowed, and a horizon of a quarter of an hour."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (1, 0)), np.array([0.0]))
    outcomes = run(calm_draws(funnel, [[1e9], [1e9]], [0.0, 0.01]), deals([0, 1]))
    assert outcomes.wins.sum() == 0
