"""The words of the answer, each against its definition, on one funnel of ten deals worked out by hand.

Three deals are closed: W stood 10 days in A and 25 in B and was won on 5 April for 70; L was lost after 20 days in A,
M after 15 in B. Seven are open on 10 April, two in A, five in B, from where on a deal is viable. Each is won by the end
of June with a chance of one, two or three quarters, whatever becomes of the others; futures are enumerated, so that
shares of them are exact. (Categories: test_categories.py; clients, teams and deals: test_clientele.py.)
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.ages import Ages
from forecast.asked import AskedPeriod, asked_about
from forecast.config_data import FunnelSection
from forecast.coverage import coverage
from forecast.draws import NEWCOMERS, Scenario
from forecast.history import History, as_of, day_of
from forecast.parts import DEAL, OVERDUE, VIABLE, Parts, kept_apart, open_value
from forecast.periods import parse_period
from forecast.single_clients import Level
from forecast.summary import by_month
from simulations import Deals, Outcomes, answers, least_multiple
from tests.forecast.histories import tables
from tests.simulations.examples import calm_draws, deals, one_stage

ORIGIN, PERIOD = pd.Timestamp("2024-04-10"), parse_period("2024Q2")
EDGES = np.array([day_of(ORIGIN), day_of(pd.Timestamp("2024-07-01"))])
STAGE = ("A", "A", "B", "B", "B", "B", "B")
AMOUNT = (90, 45, 60, 30, 30, 15, 10)  # euros
QUARTERS = (1, 2, 3, 1, 2, 3, 2)  # the chance of each deal is so many quarters
VIABLE_VALUE = 60 + 30 + 30 + 15 + 10


def history() -> History:
    rows: list[tuple[Any, ...]] = [(f"D{i}", stage, "2024-03-20", AMOUNT[i]) for i, stage in enumerate(STAGE)]
    rows += [
        ("L", "A", "2024-03-01", 5), ("L", "Lost", "2024-03-21", 5),
        ("M", "B", "2024-03-01", 5), ("M", "Lost", "2024-03-16", 5),
        ("W", "A", "2024-03-01", 70), ("W", "B", "2024-03-11", 70), ("W", "Won", "2024-04-05", 70),
    ]  # fmt: skip
    return as_of(tables(rows, until="2024-04-10"), FunnelSection(stages=("A", "B"), viable_from="B"), ORIGIN)


def parts() -> Parts:
    state = np.array([("A", "B").index(stage) for stage in STAGE])
    nobody = Level("client", VIABLE, [NEWCOMERS], pd.Series([None] * 7), np.full(7, -1), np.zeros(0, dtype=int))
    ages = Ages(np.full(7, 21.0), np.full(7, 0.5), np.full(7, 30.0))
    return Parts(100 * np.array(AMOUNT), state == 1, state, ages, np.arange(7), nobody)


def futures() -> np.ndarray:
    """(4^7, 7) all futures, each as likely as any other: which deals are won."""
    return np.array(list(itertools.product(*([k < n for k in range(4)] for n in QUARTERS))))


def outcomes() -> Outcomes:
    won = futures() * 100 * np.array(AMOUNT)
    viable = np.where(np.array(STAGE) == "B", 1, 0)
    by = np.stack([(won * viable).sum(axis=1), (won * (1 - viable)).sum(axis=1)], axis=1)[:, None, :]
    nothing = np.zeros((len(won), 1), dtype=np.int32)
    return Outcomes(won.sum(axis=1, keepdims=True), nothing, nothing, {VIABLE: by}, np.arange(len(won)))


def asked(target: float, wanted: float = 0.8) -> AskedPeriod:
    return asked_about(PERIOD, target, history(), EDGES, 100, wanted)


def chance_of(missing: int, amounts: tuple[int, ...] = AMOUNT) -> Fraction:
    """P(the deals bring as much), deal by deal: the distribution of a sum of independent deals (Poisson-binomial where
    all amounts are alike).
    """
    sums = {0: Fraction(1)}
    for amount, quarters in zip(amounts, QUARTERS, strict=True):
        p, after = Fraction(quarters, 4), dict[int, Fraction]()
        for total, weight in sums.items():
            after[total] = after.get(total, Fraction(0)) + weight * (1 - p)
            after[total + amount] = after.get(total + amount, Fraction(0)) + weight * p
        sums = after
    return sum((weight for total, weight in sums.items() if total >= missing), Fraction(0))


FUTURES = outcomes()


@pytest.mark.parametrize("target", [70, 71, 100, 150.5, 190, 215, 280, 350, 351])
def test_chance_of_the_target(target: float) -> None:
    """Won to date counts; a sum that is exactly the target reaches it."""
    goal = asked(target)
    assert answers.p_hit(FUTURES, goal.target, **goal.terms).p == float(chance_of(int(np.ceil(target - 70))))


def test_with_equal_amounts_it_is_the_number_of_wins() -> None:
    """Poisson-binomial: at least k of seven deals with different chances."""
    wins = futures().sum(axis=1)
    for k in range(8):
        assert (wins >= k).mean() == float(chance_of(k, (1,) * 7))


def test_gap_coverage_and_factor() -> None:
    """GAP = 215 - 70 = 145. Open: 280, viable: 145. Of the 30 days in A that closed deals stood there 10 led to a win,
    of the 40 in B 25.
    """
    told = coverage(asked(215), PERIOD, history(), parts(), FUTURES)
    assert asked(215).gap == 14_500
    assert (told["open_value"], told["rtv"]) == (280, VIABLE_VALUE)
    assert told["coverage"] == pytest.approx(280 / 145)
    assert told["funnel_factor"] == 1
    weighted = (90 + 45) * 10 / 30 + VIABLE_VALUE * 25 / 40
    assert told["weighted_value"] == pytest.approx(weighted)
    assert told["weighted_coverage"] == pytest.approx(weighted / 145)


@pytest.mark.parametrize(("target", "wanted"), [(150, 0.8), (215, 0.8), (215, 0.5), (190, 0.95)])
def test_ideal_factor(target: float, wanted: float) -> None:
    """The least multiple of what viable deals bring with which so many futures reach the target, of RTV over GAP."""
    won = futures() * np.array(AMOUNT)
    viable, others = won[:, 2:].sum(axis=1), won[:, :2].sum(axis=1)
    told = coverage(asked(target, wanted), PERIOD, history(), parts(), FUTURES)
    # Some future just reaches the target at the least multiple: it is one of these.
    missing = np.unique(np.column_stack([target - 70 - others, viable]), axis=0)
    tried = [Fraction(0), *(Fraction(int(m), int(v)) for m, v in missing if m > 0 and v > 0)]
    reached = [
        s
        for s in tried
        if np.mean(others * s.denominator + viable * s.numerator >= (target - 70) * s.denominator) >= wanted
    ]
    if not reached:
        assert told["ideal_factor"] is None
        return
    assert told["wanted_rtv"] == pytest.approx(float(min(reached)) * VIABLE_VALUE)
    assert told["ideal_factor"] == pytest.approx(float(min(reached)) * VIABLE_VALUE / (target - 70))
    base = 7000 + 100 * others
    assert least_multiple(base, 100 * viable, 100 * target, wanted) == pytest.approx(float(min(reached)))


def test_ranges_and_months() -> None:
    """Of 4^7 futures the ordered one at each share; April holds what was won in it."""
    goal = asked(215)
    spread = goal.spread(FUTURES)
    total = np.sort(70 + futures() @ np.array(AMOUNT))
    assert [spread[name] for name in ("p10", "p50", "p90")] == np.quantile(total, [0.1, 0.5, 0.9]).tolist()
    assert spread["mean"] == 70 + sum(n * amount for n, amount in zip(QUARTERS, AMOUNT, strict=True)) / 4
    april, *later = by_month(PERIOD, [history()], FUTURES, EDGES, goal.months, 100)
    assert (april["won"], [month["won"] for month in later]) == (70, [0, 0])


def test_deals_that_are_kept_apart() -> None:
    """Each of the most valuable ones, viable ones by client, and overdue ones; deals to come are among the rest."""
    draws = calm_draws(one_stage(), [[0.1], [0.1]], [0.0, 30.0], arrival_mean=[1.0], template_cdf=[1.0])
    given = deals([0] * 3, amount=[500, -1, 200], client=[1, 0, 1])
    prepared = Scenario(
        draws, given, deals(first_key=9, client=0), {"client": ["a", "b"]}, np.arange(3), np.arange(3), np.array([0])
    )  # fmt: skip
    value = open_value(prepared)
    assert value.tolist() == [500, round(np.exp(0.5)), 200]  # a log-normal of mean 0 and scatter 1 where not known
    level = Level("client", VIABLE, ["a", "b"], pd.Series(["b", "a", "b"]), np.array([1, 0, 1]), np.array([1]))
    late = Ages(np.array([9.0, 1.0, 1.0]), np.zeros(3), np.full(3, 5.0))
    known = Parts(value, np.array([True, True, False]), np.zeros(3, dtype=int), late, np.array([0, 2]), level)
    assert known.rtv() == 500 + value[1]
    apart = kept_apart(SimpleNamespace(), prepared, known)  # type: ignore[arg-type]
    of_open, of_new = apart.open_deals.groups, apart.templates.groups
    assert (of_open[DEAL].tolist(), of_new[DEAL].tolist()) == ([0, 2, 1], [2])
    assert (of_open[OVERDUE].tolist(), of_new[OVERDUE].tolist()) == ([0, 1, 1], [1])
    assert (of_open[VIABLE].tolist(), of_new[VIABLE].tolist()) == ([0, 1, 2], [2])
    assert {name: len(labels) for name, labels in apart.labels.items()} == {
        "client": 2, DEAL: 3, OVERDUE: 2, VIABLE: 3,
    }  # fmt: skip
    assert isinstance(apart.open_deals, Deals)
