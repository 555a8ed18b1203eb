"""Design matrices: which coefficient acts where."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.models import design


@pytest.mark.parametrize("levels", [1, 2, 3, 12, 60])
def test_zero_sum_is_an_orthonormal_basis_of_what_sums_to_zero(levels: int) -> None:
    basis = design.zero_sum(levels)
    assert basis.shape == (levels, levels - 1)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(basis.T @ basis, np.eye(levels - 1), atol=1e-12)
    # So that every level has the same prior variance, and all pairs the same covariance.
    covariance = np.eye(levels) - np.full((levels, levels), 1 / levels)
    np.testing.assert_allclose(basis @ basis.T, covariance, atol=1e-12)


def test_calendar_may_have_a_month_of_the_year() -> None:
    months = np.arange(3, 29)
    made, without = design.calendar(months % 3, 20, month_of_year=months % 12), design.calendar(months % 3, 20)
    np.testing.assert_array_equal(made.matrix[made.group != design.SEASON], without.matrix)
    season = made.matrix[made.group == design.SEASON]
    np.testing.assert_array_equal(season.T @ season, months[:, None] % 12 == months[None, :] % 12)


@pytest.mark.parametrize("anchor", [0, 3, 5])
def test_drift_walks_away_from_the_anchor(anchor: int) -> None:
    months, steps = 6, np.array([1.0, -2.0, 4.0, 0.5, 3.0])
    walk = steps @ design.drift(months, anchor)
    assert design.drift(months, anchor).shape == (months - 1, months)
    assert walk[anchor] == 0
    np.testing.assert_allclose(np.diff(walk), steps)


def test_calendar_adds_quarter_drift_and_shock() -> None:
    months = np.array([1, 2, 0, 1, 2])
    made = design.calendar(months, 2)
    np.testing.assert_array_equal(made.group, [0] * 3 + [1] * 4 + [2] * 5)
    assert made.coefficients == 12
    quarter, steps, shocks = np.array([1.0, 2, 3]), np.array([5.0, 7, 11, 13]), np.arange(5) / 8
    effect = np.concatenate([quarter, steps, shocks]) @ made.matrix
    np.testing.assert_allclose(effect, quarter[months] + steps @ design.drift(5, 2) + shocks)


def test_the_parts_of_a_cut_month_share_half_of_their_shock() -> None:
    made = design.calendar(np.array([0, 1, 1, 2]), 1, cut=True)
    shocks = made.matrix[made.group == 2]
    expected = np.eye(4)
    expected[1, 2] = expected[2, 1] = 0.5
    np.testing.assert_allclose(shocks.T @ shocks, expected, atol=1e-15)


def test_weeks_drift_and_shake_as_much_as_the_months_that_they_make_up() -> None:
    """The variance of the walk is that of the time between middles; that of a mean of n weeks is a week's over n."""
    week, month = 0.25, 1.0
    spans = design.Spans(np.array([week, week, month]), np.array([week, week, (week + month) / 2]))
    made = design.calendar(np.array([0, 0, 1]), 1, spans=spans)
    drift, shocks = made.matrix[made.group == 1], made.matrix[made.group == 2]
    np.testing.assert_allclose((drift.T @ drift)[[0, 1, 2], [0, 1, 2]], [week, 0, (week + month) / 2])
    np.testing.assert_allclose(shocks.T @ shocks, np.diag([1, 1, week / month]))


def test_new_deals_keep_their_level_for_four_weeks() -> None:
    """Counted back from the last week of the past, six before it; the walk is that of the time between middles."""
    week, month, past = 0.25, 1.0, 7
    spans = design.Spans(np.array([week] * past + [month] * 2), np.array([week] * past + [(week + month) / 2, month]))
    walk = design.arrivals(np.zeros(past + 2, dtype=np.int64), past - 1, False, spans).matrix
    variance = walk.T @ walk
    first = 2 * week + month / 2  # from the middle of four weeks to that of the month after
    np.testing.assert_allclose(np.diag(variance), [4 * week] * 3 + [0] * 4 + [first, first + month])
    np.testing.assert_allclose(variance[-2, -1], first)
    np.testing.assert_array_equal(walk[:, :3], walk[:, :1] * np.ones(3))
    assert len(design.arrivals(np.zeros(3, dtype=np.int64), 2, False, design.Spans(*np.full((2, 3), week))).matrix) == 0


@pytest.mark.parametrize("seasonal", [False, True])
def test_arrivals_have_a_season_that_sums_to_zero(seasonal: bool) -> None:
    month_of_year = np.arange(3, 29) % 12
    made = design.arrivals(month_of_year, 20, seasonal)
    np.testing.assert_array_equal(made.group, [0] * 25 + [1] * 11 * seasonal)
    np.testing.assert_array_equal(made.matrix[:25], design.drift(26, 20))
    season = made.matrix[25:]
    np.testing.assert_allclose(season[:, :12].sum(axis=1), 0, atol=1e-12)
    np.testing.assert_array_equal(season[:, :14], season[:, 12:])


def test_cells_have_levels_and_slopes() -> None:
    table = pd.DataFrame({"owner": ["b", "a", "c", "a"], design.SIZE: [-1.0, 0.5, 0.5, 2.0], "region": ["n"] * 4})
    made = design.cells(table)
    np.testing.assert_array_equal(made.group, [0, 0, 1])  # a region alone has no effect
    np.testing.assert_array_equal(made.matrix[2], table[design.SIZE])
    np.testing.assert_array_equal(made.matrix[:2].T, design.zero_sum(3)[[1, 0, 2, 0]])
    nothing = design.cells(pd.DataFrame(index=range(1)))
    assert (nothing.matrix.shape, nothing.group.shape) == ((0, 1), (0,))
