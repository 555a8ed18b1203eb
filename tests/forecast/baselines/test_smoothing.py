from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.baselines.smoothing import by_period, ets, shares
from tests.forecast.baselines.streams import day, history, steady


def test_a_constant_stream_goes_on_without_spread() -> None:
    samples = ets(history(steady(range(100)), origin=100), day(110), 20, np.random.default_rng(1))
    assert samples is not None
    np.testing.assert_allclose(samples.total, 100.0)


def test_periods_end_at_the_origin() -> None:
    told = history([(0, 1, "Won", 1.0), (0, 13, "Won", 2.0), (0, 14, "Won", 4.0), (0, 20, "Won", 8.0)], origin=21)
    assert by_period(told, monthly=False).tolist() == [1.0, 2.0, 12.0]
    assert by_period(history(steady(range(90), 1.0), origin=90), monthly=True).tolist() == [31.0, 28.0, 31.0]


def test_a_period_that_is_not_whole_counts_in_part() -> None:
    origin = pd.Timestamp("2021-01-31")
    assert shares(origin, pd.Timestamp("2021-02-10"), monthly=False).tolist() == [1.0, 3 / 7]
    assert shares(origin, pd.Timestamp("2021-03-31"), monthly=True).tolist() == [1.0, 1.0]
    assert shares(origin, pd.Timestamp("2021-04-15"), monthly=True).tolist() == [1.0, 1.0, 0.5]


def test_eight_periods_are_needed() -> None:
    rng = np.random.default_rng(1)
    assert ets(history(steady(range(55)), origin=55), day(60), 5, rng) is None
    assert ets(history(steady(range(56)), origin=56), day(60), 5, rng) is not None
    assert ets(history(steady(range(100)), origin=100), day(200), 5, rng) is None  # eight months


def test_ends_of_quarters_return() -> None:
    """Every thirteenth week is ten times as good, give or take."""
    noise = np.random.default_rng(2).uniform(0.8, 1.2, 58 * 7)
    deals = [
        (number, number, "Won", float(noise[number] * (10 if number // 7 % 13 == 6 else 1))) for number in range(58 * 7)
    ]  # weeks 6, 19, 32, 45, and next 58
    told = history(deals, origin=58 * 7)
    peak = ets(told, day(59 * 7), 500, np.random.default_rng(1))
    more = ets(told, day(61 * 7), 500, np.random.default_rng(1))
    assert peak is not None
    assert more is not None
    assert 55 < np.median(peak.total) < 85
    assert 70 < np.median(more.total) < 110
    assert peak.total.std() > 0
    assert (more.total >= 0).all()
