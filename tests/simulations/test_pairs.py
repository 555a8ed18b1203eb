"""Paired changes: by hand, nothing where nothing changes, and errors that are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from simulations.pairs import moved_median, moved_share


def test_of_six_rows_by_hand() -> None:
    """Before: hits in rows 0, 1, 4 of 6. After, in the first four: rows 0, 1, 2. So b = 1 / 8 / (1 / 4) = 1 / 2."""
    moved = moved_share([1, 1, 1, 0], [1, 1, 0, 0, 1, 0])
    assert moved.p.p == pytest.approx(3 / 4 + 1 / 2 * (3 / 6 - 2 / 4))
    assert moved.change.value == pytest.approx(1 / 4)
    rest = np.array([1, 1, 1, 0]) - 0.5 * np.array([1, 1, 0, 0]) - 0.5 * 4 / 6 * np.array([1, 1, 0, 0])
    assert moved.change.se == pytest.approx(np.sqrt(rest.var() / 4 + (0.5 * 2 / 6) ** 2 * 0.25 / 2))


def test_no_change_is_the_share_of_all() -> None:
    before = np.arange(50) % 3 == 0
    moved = moved_share(before[:20], before)
    assert moved.p.p == before.mean()
    assert moved.change.value == 0.0
    assert moved.change.se == pytest.approx(np.sqrt(0.5 / 21 * (1 - 0.5 / 21) / 20))  # of half a row: never certain
    assert moved.p.se == pytest.approx(np.sqrt(before.var() / 50), rel=0.05)
    assert moved_median(np.arange(9.0), np.arange(9.0)) == (0.0, 0.0)


@pytest.mark.parametrize("hits", [0, 1])
def test_all_or_none_hit(hits: int) -> None:
    """Nothing varies before: the plain share after is all there is."""
    moved = moved_share([1, 0, 1, 1], np.full(8, hits))
    assert moved.p.p == pytest.approx(0.75)
    assert moved.change.value == pytest.approx(0.75 - hits)


def test_a_median_that_is_shifted() -> None:
    before = np.random.default_rng(1).normal(size=101)
    change = moved_median(before + 2.5, before)
    assert change.value == pytest.approx(2.5)
    assert change.se < 1e-12  # all rows move alike


def test_the_errors_are_those_of_repetition() -> None:
    """Over 400 repetitions the spread of each estimate, against the error that it states, within 4 of its own
    standard errors (that of a standard deviation of R values is 1 / sqrt(2 R) of it; doubled for the density, which
    is read off 200 rows).
    """
    random, found = np.random.default_rng(3), []
    for _ in range(400):
        luck = random.normal(size=(2, 1000))
        before = luck[0]
        after = 0.9 * before[:200] + 0.3 * luck[1, :200] + 0.4
        moved, median = moved_share(after > 0, before > 0), moved_median(after, before[:200])
        found.append([moved.p.p, moved.change.value, median.value, moved.p.se, moved.change.se, median.se])
    estimates, errors = np.split(np.array(found), 2, axis=1)
    ratio = estimates.std(axis=0) / errors.mean(axis=0)
    assert (np.abs(ratio - 1) < 4 / np.sqrt(2 * 400) * np.array([1, 1, 2])).all()


def test_bad_rows() -> None:
    with pytest.raises(ValueError, match=r"after: expected 1\.\.2 rows, got 3"):
        moved_share([1, 0, 1], [1, 0])
    with pytest.raises(ValueError, match="after: expected 2 amounts"):
        moved_median([1.0], [1.0, 2.0])
