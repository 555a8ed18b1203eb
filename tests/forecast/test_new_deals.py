"""Deals to create: when they are too late, and how many a number of sales takes."""

from __future__ import annotations

import numpy as np

from forecast.new_deals import (
    ENOUGH,
    mean_win,
    more_new_deals,
    reverse_funnel,
    useful_months,
    wins_from,
    won_by_new_deals,
)
from simulations import Deals, Funnel
from tests.forecast.what_ifs import LONG, asked_about, with_new_deals
from tests.simulations.examples import calm_draws, deals


def test_the_reverse_funnel_of_the_articles() -> None:
    """Rates of 1/2, 1/4 and 1/2: a sale takes 2 deals in the last stage, 8 in the one before, 16 at the beginning."""
    assert reverse_funnel([1 / 16, 1 / 8, 1 / 2], 1).tolist() == [16, 8, 2]
    assert reverse_funnel([1 / 16, 1 / 8, 1 / 2], 5).tolist() == [80, 40, 10]
    assert reverse_funnel([0.0], 5).tolist() == [np.inf]


def test_what_is_won_from_each_stage() -> None:
    """In a linear funnel, the product of the rates from the stage on."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (0, 3), (1, 2), (1, 3)), np.array([0.0]))
    draws = calm_draws(funnel, [[0.02], [0.02], [0.01], [0.03]], [0.0, LONG], 200, template_cdf=[0.5, 1.0])
    asked = asked_about(draws, Deals.none("deal"), deals([0, 0], amount=[5, -1]), ([True], 1))
    p_win, error = wins_from(asked.given, 1)
    exact = np.array([0.5 * 0.25, 0.25])
    assert (np.abs(p_win - exact) < 4 * np.sqrt(exact * (1 - exact) / (200 * 2))).all()
    assert (np.abs(error / np.sqrt(exact * (1 - exact) / 400) - 1) < 0.3).all()


def test_late_deals_count_for_the_next_period() -> None:
    """Won after 20 days on average, so of the wins of month m (created evenly over its 30 days) there come in time

    1 - (20 / 30) (exp(-l / 20) - exp(-(l + 30) / 20)),   l the days from its end to that of the period.
    """
    asked = with_new_deals(target=10)
    useful = useful_months(asked)
    left = np.array([60.0, 30.0, 0.0])
    exact = 1 - 20 / 30 * (np.exp(-left / 20) - np.exp(-(left + 30) / 20))
    wins = ENOUGH * 0.5
    assert (np.abs(useful.in_time[:, 0] - exact) < 4 * np.sqrt(0.25 / wins)).all()
    assert (np.abs(useful.p_win - 0.5) < 4 * np.sqrt(0.25 / ENOUGH)).all()
    np.testing.assert_allclose(useful.expected, 10)
    assert useful.months(0).tolist() == [1, 1, 1]
    slow = useful_months(with_new_deals(target=10, days=500.0))
    assert slow.months(0).tolist() == [1, 0, 0]  # 0.139, 0.086, 0.029 by the same formula


def test_more_in_some_months_only() -> None:
    asked = with_new_deals(target=10, n_draws=50)
    after = asked.run(more_new_deals(np.array([1.0, 0.0, 1.0]), asked.given, 0.5))
    assert (after.created[:, [0, 2]] >= asked.base.created[:, [0, 2]]).all()
    assert after.created[:, [0, 2]].sum() > asked.base.created[:, [0, 2]].sum()
    np.testing.assert_array_equal(after.created[:, 1], asked.base.created[:, 1])


def test_open_deals_need_not_be_simulated_again() -> None:
    asked = with_new_deals(target=10, n_draws=50)
    changed = more_new_deals(np.ones(3), asked.fewer(), 0.4)
    np.testing.assert_array_equal(won_by_new_deals(asked)(changed), asked.run(changed).won)


def test_the_mean_of_a_win() -> None:
    assert mean_win(with_new_deals(target=10, n_draws=20), with_new_deals(target=10, n_draws=20).periods[0]) == 1.0
