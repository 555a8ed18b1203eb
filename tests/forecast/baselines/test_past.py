from __future__ import annotations

import numpy as np

from forecast.baselines.past import drawn, filled_since, recorded_since, recorded_weeks
from tests.forecast.baselines.streams import FIRST, day, history, steady


def since(number: int) -> float:
    return float((day(number) - FIRST).days + (FIRST - np.datetime64(0, "s")).days)


def test_the_record_begins_with_the_first_deal_or_on_the_day_stated() -> None:
    assert recorded_since(history(steady(range(3, 30)), origin=30)) == since(3)
    assert recorded_since(history(steady(range(3, 30)), origin=30, recorded_from=9)) == since(9)
    assert recorded_since(history(steady(range(3, 30)), origin=30, recorded_from=0)) == since(3)
    assert recorded_weeks(history(steady(range(3, 30)), origin=30)) == 3


def test_an_empty_funnel_is_full_after_the_median_time_to_a_win() -> None:
    slow = [(number, number + 12 if number < 28 else None, "Won", 1.0) for number in range(40)]
    # Wins are dated to the end of their day: 13 days after the morning of the creation.
    assert filled_since(history(slow, origin=40)) == since(13)
    assert filled_since(history(slow, origin=20)) == since(10)  # but half of the record at most


def test_a_funnel_that_was_full_when_the_record_began_has_nothing_to_fill() -> None:
    slow = [(number, number + 12 if number < 28 else None, "Won", 1.0) for number in range(40)]
    assert filled_since(history(slow, origin=40, recorded_from=14)) == since(14)
    assert filled_since(history([(0, None, "", 1.0)], origin=40)) == since(0)  # nothing won: nothing to tell by


def test_draws_carry_the_uncertainty_of_the_mean() -> None:
    """Of T values with variance v and mass m each, the mean over k draws varies by
    v / k + v (1 - 1 / k) / (T m + 1): a Dirichlet-multinomial (Polya) sum.
    """
    values = np.array([0.0, 1.0, 2.0, 5.0, 9.0])
    n, size, mass = 40_000, 6, 0.5
    index = drawn(np.full(5, mass), n, size, np.random.default_rng(1))
    means = values[index].mean(axis=1)
    expected = values.var() * (1 / size + (1 - 1 / size) / (5 * mass + 1))
    assert abs(means.mean() - values.mean()) < 4 * np.sqrt(expected / n)
    fourth = np.mean((means - means.mean()) ** 4)
    assert abs(means.var() - expected) < 4 * np.sqrt((fourth - expected**2) / n)
