from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.baselines.actuarial import age_edges, arrivals, life_table, log_normal, rates
from forecast.config_data import Known
from forecast.exposure import expose
from forecast.history import History
from tests.forecast.baselines.streams import day, history
from tests.forecast.histories import FUNNEL, history_of, tables
from tests.forecast.homogeneous import company, life_table_pits


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def hazard(told: History, to: str) -> np.ndarray:
    """(B,) rates of leaving A."""
    table = expose(told, pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(told.deals), np.int64), age_edges(told))
    exit_ = table.funnel.exits.index((0, FUNNEL.states.index(to)))
    return np.asarray(rates(table, timed=told.timed)[exit_])


def test_rates_of_dates_give_each_day_its_probability() -> None:
    """40 deals; 10 leave at the end of the fifth day, 12 of the 30 others at the end of the eighth, 4 of them won."""
    left = [(0, 5, "Lost")] * 10 + [(0, 8, "Lost")] * 8 + [(0, 8, "Won")] * 4 + [(0, None, "")] * 18
    told = history([(*one, 1.0) for one in left], origin=31)
    edges = age_edges(told)
    assert edges.tolist() == [0, 0.6, *range(1, 30)]  # the oldest are 30 days old
    lost, won = hazard(told, "Lost"), hazard(told, "Won")
    at = {age: int(np.searchsorted(edges, age)) - 1 for age in (5, 8)}
    expected = np.zeros(len(edges))
    expected[at[5]], expected[at[8]] = -np.log(30 / 40), -np.log(18 / 30) * 8 / 12
    np.testing.assert_allclose(lost[:-1], expected[:-1], atol=1e-12)
    expected[at[5]], expected[at[8]] = 0, -np.log(18 / 30) * 4 / 12
    np.testing.assert_allclose(won[:-1], expected[:-1], atol=1e-12)
    assert (lost[-1], won[-1]) == (0, 0)  # beyond the oldest: as from half of that age on, where nobody left


def test_rates_of_times_are_exits_over_exposure() -> None:
    start = pd.Timestamp("2021-01-04 08:00")
    rows = []
    for number in range(40):
        rows.append((f"D{number:03d}", "A", start, 1.0))
        if number < 10:
            rows.append((f"D{number:03d}", "Lost", start + pd.Timedelta(days=4.5), 1.0))
    told = history_of(tables(rows, timed=True, until="2021-01-24"))
    edges = age_edges(told)
    lost = hazard(told, "Lost")
    np.testing.assert_allclose(lost[edges == 4], 10 / (30 + 10 * 0.5))
    assert np.count_nonzero(lost) == 1


def test_ages_that_few_reached_share_a_rate() -> None:
    """Of 30 deals all but 5 leave on the tenth day; one of the 5 on the 14th. Five are too few for days of their own:
    there and beyond, the rate is that of all ages from half of the bin's on.
    """
    told = history([(0, 10, "Lost", 1.0)] * 25 + [(0, 14, "Lost", 1.0)] + [(0, None, "", 1.0)] * 4, origin=21)
    edges, lost = age_edges(told), hazard(told, "Lost")
    np.testing.assert_allclose(lost[edges == 9], -np.log(5 / 30))
    from_eight = 26 / (25 * 2 + 6 + 4 * 12)  # the bin of 17 days and its half, 8; ages end with 20 days
    np.testing.assert_allclose(lost[edges == 17], -np.log1p(-from_eight))
    from_five = 26 / (25 * 5 + 9 + 4 * 15)
    np.testing.assert_allclose(lost[edges == 11], -np.log1p(-from_five))


def test_a_day_on_which_all_leave_has_a_finite_rate() -> None:
    older = (0, None, "", 1.0)  # at risk only from a greater age on, when recording begins
    lost = hazard(history([*[(15, 25, "Lost", 1.0)] * 30, older], origin=40, recorded_from=15), "Lost")
    assert np.isfinite(lost).all()
    np.testing.assert_allclose(lost.max(), np.log(61))  # as if half a deal of 30.5 had stayed


def test_edges_are_days_then_a_tenth_longer() -> None:
    edges = age_edges(history([(0, None, "", 1.0)], origin=201))
    assert edges[:4].tolist() == [0, 0.6, 1, 2]
    assert edges[-1] < 200
    ratio = edges[edges >= 60][1:] / edges[edges >= 60][:-1]
    assert (ratio >= 1.1).all()
    assert (ratio < 1.12).all()


def test_arrivals_of_the_last_twelve_weeks() -> None:
    many = [(number, None, "", 1.0) for number in range(200) for _ in range(1 if number < 100 else 3)]
    rate, rows = arrivals(history(many, origin=200))
    assert rate == pytest.approx(3.0)
    assert len(rows) == 3 * 84
    rate, rows = arrivals(history(many, origin=33, recorded_from=18))
    assert rate == pytest.approx(1.0)  # over two whole weeks
    assert len(rows) == 30  # the latest thirty


def test_unknown_amounts_have_the_mean_and_spread_of_past_wins() -> None:
    amounts = np.array([100.0, 200.0, 300.0, 1400.0])
    mean, sd = log_normal(amounts)
    assert np.exp(mean + sd**2 / 2) == pytest.approx(500.0)
    assert (np.exp(sd**2) - 1) * 500.0**2 == pytest.approx(amounts.var())
    past = [(number, number + 1, "Won", float(amounts[number % 4])) for number in range(400)]
    told = history([*past, (400, None, "", np.nan)], origin=401, amount=Known.CLOSE)
    samples = life_table(told, day(431), 4000, rng())
    assert samples is not None
    assert samples.open is not None
    won = samples.open[samples.open > 0]
    assert len(won) > 3000
    assert abs(won.mean() - 500.0) < 4 * amounts.std() / np.sqrt(len(won))
    fourth = 500.0**4 * _excess(sd) / len(won)
    assert abs(won.var() - amounts.var()) < 4 * np.sqrt(fourth)


def _excess(sd: float) -> float:
    """Fourth central moment less squared variance of a log-normal with mean one."""
    w = np.exp(sd**2)
    return float((w - 1) ** 2 * (w**4 + 2 * w**3 + 3 * w**2 - 3) - (w - 1) ** 2)


def test_known_amounts_are_kept_and_all_wins_of_open_deals_are_theirs() -> None:
    past = [(number, number + 5, "Won", 7.0) for number in range(40)]
    told = history([*past, (44, None, "", 31.0)], origin=46)
    samples = life_table(told, day(106), 500, rng())
    assert samples is not None
    assert samples.open is not None
    assert set(np.round(samples.open % 7, 6)) <= {0.0, 3.0}
    assert (samples.total >= samples.open).all()


def test_nothing_at_risk_cannot_be_asked() -> None:
    told = history([(0, 0, "Won", 1.0)], origin=5, recorded_from=4)
    assert life_table(told, day(9), 5, rng()) is None


@pytest.mark.parametrize("timed", [True, False])
def test_pits_are_a_half_on_average(timed: bool) -> None:
    """A small part of tests/calibration/test_life_table.py."""
    made = company(1, 200 + 10 * 14, timed=timed)
    pits = life_table_pits(made, first=200, length=14, samples=200, seed=1)
    assert len(pits.total) == 10
    for values in pits:
        assert abs(np.mean(values) - 0.5) < 4 / np.sqrt(12 * len(values))
