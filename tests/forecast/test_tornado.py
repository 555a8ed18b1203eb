"""The tornado of ten deals against exact probabilities; the bottleneck."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.tornado import AMOUNT, CONVERSION, LEAD_TIME, NEW_DEALS, bar, bottleneck, told, unit_levers, usual_effect
from simulations import Deals, Funnel
from tests.forecast.what_ifs import LONG, asked_about, at_least, ten_deals, with_new_deals
from tests.simulations.examples import calm_draws, deals


def test_ten_deals() -> None:
    """Won with a half each, and 0.55 after + 5 points; nobody is created, and sooner or later is all one."""
    asked = ten_deals()
    period = asked.periods[0]
    tornado = [bar(asked, lever) for lever in unit_levers(asked.given, asked.kept)]
    rows = {row["lever"]: row for row in told(asked, period, tornado)}
    exact = at_least(6, 10, 0.55) - at_least(6, 10, 0.5)
    row = rows[CONVERSION]
    assert abs(row["p_hit_change"] - exact) < 4 * row["p_hit_change_se"]
    assert abs(row["p_hit"] - at_least(6, 10, 0.55)) < 4 * np.hypot(row["p_hit_change_se"], np.sqrt(0.24 / 4000))
    assert row["p_hit_change_se"] < np.sqrt(2 * 0.25 / 400)  # surer than two runs apart
    for kind in (LEAD_TIME, NEW_DEALS):
        assert rows[kind]["p_hit_change"] == rows[kind]["p50_change"] == 0.0
    assert rows[AMOUNT]["p_hit_change"] == 0.0  # 1.05 is 1 in whole units
    assert told(asked, period, tornado)[0]["lever"] == CONVERSION


def test_amounts_move_the_middle_by_their_share() -> None:
    draws = calm_draws(ten_deals().given.draws.funnel, [[0.02], [0.02]], [0.0, LONG], 500)
    opened = deals(np.zeros(10, dtype=int), amount=100)
    asked = asked_about(draws, opened, Deals.none("deal"), ([True], 600), minor=100)
    rows = told(asked, asked.periods[0], [bar(asked, lever) for lever in unit_levers(asked.given, 1)])
    moved = next(row for row in rows if row["lever"] == AMOUNT)
    middle = np.median(asked.base.won[:400].sum(axis=1)) / 100
    assert moved["p50_change"] == pytest.approx(0.05 * middle)


def test_new_deals_count_where_they_are_in_time() -> None:
    asked = with_new_deals(target=12)
    rows = told(asked, asked.periods[0], [bar(asked, lever) for lever in unit_levers(asked.given, asked.kept)])
    moved = next(row for row in rows if row["lever"] == NEW_DEALS)
    assert moved["p_hit_change"] > 2 * moved["p_hit_change_se"]


def test_the_bottleneck() -> None:
    """Two stages with rates of 0.2 and 0.8: 5 points are a quarter more of the first, a sixteenth of the second."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (0, 3), (1, 2), (1, 3)), np.array([0.0]))
    draws = calm_draws(funnel, [[0.02], [0.08], [0.08], [0.02]], [0.0, LONG], 1000)
    asked = asked_about(draws, deals(np.zeros(10, dtype=int)), Deals.none("deal"), ([True], 2))
    tornado = [bar(asked, lever) for lever in unit_levers(asked.given, asked.kept)]
    found = bottleneck(asked, asked.periods[0], tornado)
    assert found is not None
    assert (found["stage"], found["lever"], found["next"], found["clear"]) == ("A", CONVERSION, "B", True)
    exact = at_least(2, 10, 0.25 * 0.8) - at_least(2, 10, 0.2 * 0.8)
    assert abs(found["p_hit_change"] - exact) < 4 * found["p_hit_change_se"]


def test_no_bottleneck_where_nothing_helps() -> None:
    asked = ten_deals(target=11)
    tornado = [bar(asked, lever) for lever in unit_levers(asked.given, asked.kept)]
    assert bottleneck(asked, asked.periods[0], tornado) is None


def test_the_usual_effect_is_that_of_the_deals() -> None:
    """Two cells, one of them with three of four deals, and a month twice as quick for 10 of 40 days."""
    draws = calm_draws(
        ten_deals().given.draws.funnel, [[0.02], [0.02]], [0.0, 10.0, 40.0], 3, effect=[[1.0, 2.0], [1.0, 1.0]],
        calendar=np.array([[2.0, 1.0]] * 5), template_cdf=[1.0],
        amount_log_mean=[0.0, 0.0], amount_log_sd=[1.0, 1.0],
    )  # fmt: skip
    asked = asked_about(draws, deals([0] * 4, cell=[1, 1, 1, 0]), deals(), ([True, True], 1))
    np.testing.assert_allclose(usual_effect(asked.given, 2), [[1.75 * 1.25, 1.25]] * 3)
