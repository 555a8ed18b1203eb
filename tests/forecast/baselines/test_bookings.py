from __future__ import annotations

import numpy as np
import pytest

from forecast.baselines.bookings import resampled, run_rate, seasonal_naive, weekly
from tests.forecast.baselines.streams import day, history, steady


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("length", [1, 7, 10, 30, 92, 500])
def test_a_constant_stream_goes_on_without_spread(length: int) -> None:
    told = history(steady(range(100)), origin=100)
    samples = run_rate(told, day(100 + length), 50, rng())
    assert samples is not None
    assert samples.open is None
    np.testing.assert_allclose(samples.total, 10.0 * length)


def test_days_of_the_week_are_kept() -> None:
    mondays = steady(range(0, 141, 7))
    for origin, length, expected in ((140, 1, 10.0), (141, 6, 0.0), (141, 7, 10.0), (138, 3, 10.0), (138, 2, 0.0)):
        samples = run_rate(history(mondays, origin=origin), day(origin + length), 20, rng())
        assert samples is not None
        np.testing.assert_allclose(samples.total, expected)


def test_days_not_on_record_are_not_days_without_wins() -> None:
    late = [(number - 60, number, "Won", 10.0) for number in range(60, 160)]
    samples = run_rate(history(late, origin=160, recorded_from=60), day(190), 50, rng())
    assert samples is not None
    np.testing.assert_allclose(samples.total, 300.0)


def test_only_the_last_half_year_counts() -> None:
    samples = run_rate(history([*steady(range(182), 99.0), *steady(range(182, 364))], origin=364), day(371), 50, rng())
    assert samples is not None
    np.testing.assert_allclose(samples.total, 70.0)


def test_nothing_won_is_nothing_expected_and_two_weeks_are_needed() -> None:
    open_deals = [(0, None, "", 5.0), (3, None, "", 5.0)]
    samples = run_rate(history(open_deals, origin=40), day(60), 30, rng())
    assert samples is not None
    assert samples.total.shape == (30,)
    assert not samples.total.any()
    assert run_rate(history(open_deals, origin=13), day(60), 30, rng()) is None


def test_weeks_end_at_the_origin_and_hold_the_wins_of_their_days() -> None:
    told = history([(0, 3, "Won", 1.0), (0, 15, "Won", 2.0), (0, 16, "Lost", 4.0), (0, 16, "Won", 8.0)], origin=17)
    # Three days begin the record, which do not make a week.
    assert weekly(told).tolist() == [[1.0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 2.0, 8.0]]


def test_blocks_keep_neighbours_together() -> None:
    """27 weeks that alternate: blocks of three, so that a window of three weeks is one block, round the end."""
    weeks = np.zeros((27, 7))
    weeks[:, 0] = np.arange(27)
    sums = resampled(weeks, 21, 2000, rng())
    blocks = {3.0 * start + 3 if start < 25 else {25: 51.0, 26: 27.0}[start] for start in range(27)}
    assert set(sums.tolist()) == blocks


def test_seasonal_naive_repeats_last_year_times_its_growth() -> None:
    years = [*steady(range(365)), *steady(range(365, 730), 20.0)]
    told = history(years, origin=730)
    samples = seasonal_naive(told, day(760), 50, rng())
    assert samples is not None
    typical = (365 * 10 + 365 * 20) / 730
    growth = (365 * 20 + typical) / (365 * 10 + typical)
    # Every piece of the past year has about the same ratio to the one before; only the added deal weighs differently.
    np.testing.assert_allclose(samples.total, (30 * 20 + typical) * growth - typical, rtol=0.05)


@pytest.mark.parametrize(("length", "expected"), [(30, 30.0), (31, 531.0), (7, 7.0), (20, 20.0)])
def test_seasonal_naive_takes_the_same_dates_of_last_year(length: int, expected: float) -> None:
    """No growth; last year brought 501 on the thirty-first day of the window, 364 days and a day before it."""
    told = history([*steady(range(456), 1.0), *steady(range(121, 122), 500.0)], origin=456)
    samples = seasonal_naive(told, day(456 + length), 20, rng())
    assert samples is not None
    np.testing.assert_allclose(samples.total, expected)


def test_seasonal_naive_takes_the_same_weekdays_for_short_windows() -> None:
    told = history(steady(range(0, 500, 7)), origin=497)  # a Monday
    for length, expected in ((1, 10.0), (7, 10.0), (8, 20.0)):
        samples = seasonal_naive(told, day(497 + length), 20, rng())
        assert samples is not None
        np.testing.assert_allclose(samples.total, expected, rtol=1e-9)


def test_seasonal_naive_needs_a_year_and_a_quarter() -> None:
    assert seasonal_naive(history(steady(range(455)), origin=455), day(490), 5, rng()) is None
    assert seasonal_naive(history(steady(range(456)), origin=456), day(490), 5, rng()) is not None
    nothing = seasonal_naive(history([(0, None, "", 1.0)], origin=600), day(630), 5, rng())
    assert nothing is not None
    assert not nothing.total.any()
