"""Months that funnels share: their correlation against a dense density, and futures that have it and the same past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from forecast import shared_months as module
from forecast.fit import calendar_design
from forecast.models.calendar import innovations
from forecast.shared_months import GRID, Correlation, correlation, shared_months
from tests.forecast.fitted import DRAWS, small_fit

ERROR = np.array([[0.2, 1.5, 3.0, 0.1], [0.4, 0.4, 0.6, 0.9], [2.0, 0.3, 0.5, 0.7]])  # (funnels, months)


def posterior(seen: Any, error: Any) -> tuple[Any, Any]:
    """Mean and variance of N(0, 1) after a value was seen with an error: (F, 1, M)."""
    return (seen / (1 + error))[:, None], (error / (1 + error))[:, None]


def test_against_the_dense_density() -> None:
    """The third funnel lacks two months; one month is that of a single funnel, and tells nothing."""
    seen = np.random.default_rng(1).standard_normal(ERROR.shape) * 1.5
    mean, variance = posterior(seen, ERROR)
    there = [[0, 1, 2], [0, 1], [0, 1], [2]]
    for month, funnels in enumerate(there):
        absent = [f for f in range(3) if f not in funnels]
        mean[absent, 0, month] = np.nan
    expected = np.zeros(len(GRID))
    for month, funnels in enumerate(there[:3]):
        for i, r in enumerate(GRID):
            matrix = np.full((len(funnels),) * 2, r) + np.diag(1 - r + ERROR[funnels, month])
            expected[i] += multivariate_normal.logpdf(seen[funnels, month], cov=matrix)
    found = correlation(mean, variance, weekly=[True, False, False, True])
    np.testing.assert_allclose(found.weight, np.exp(expected) / np.exp(expected).sum(), rtol=1e-9)
    assert (found.months, found.weeks) == (2, 1)


def test_where_nothing_is_told_any_value_is_as_likely() -> None:
    nothing = correlation(np.full((2, 1, 5), np.nan), np.full((2, 1, 5), np.nan))
    assert (nothing.months, nothing.learnt) == (0, pytest.approx(0))
    assert nothing.quantile(np.array([0.1, 0.5, 0.9])).tolist() == pytest.approx([0.1, 0.5, 0.9], abs=1 / len(GRID))
    unseen = correlation(np.zeros((2, 3, 40)), np.ones((2, 3, 40)))  # months without an exit
    assert abs(unseen.learnt) < 0.01


@pytest.mark.parametrize("r", [0.0, 0.35, 0.95])
def test_what_is_shared_is_found_again(r: float) -> None:
    """600 months: the error of a correlation is below (1 + error of seeing) / sqrt(600), ten times that is 0.6."""
    rng = np.random.default_rng(7)
    common, own = rng.standard_normal((1, 600)), rng.standard_normal((2, 600))
    error = np.full((2, 600), 0.5)
    seen = np.sqrt(r) * common + np.sqrt(1 - r) * own + np.sqrt(error) * rng.standard_normal((2, 600))
    found = correlation(*posterior(seen, error))
    low, high = found.quantile(np.array([1e-4, 1 - 1e-4]))
    assert low - 0.01 <= r <= high + 0.01
    assert high - low < 0.6
    assert found.learnt > 0.9


@dataclass(frozen=True, eq=False)
class Stated(Correlation):
    """A correlation that is known."""

    r: float = 0.0

    def quantile(self, shares: Any) -> Any:
        return np.full(len(shares), self.r)


def stated(r: float) -> Any:
    """In place of `correlation`."""
    return lambda *_: Stated(np.full(len(GRID), 1 / len(GRID)), 0, r=r)


@pytest.fixture(scope="module")
def pairing() -> list[np.ndarray]:
    return [np.random.default_rng(seed).permutation(DRAWS) for seed in (1, 2)]


def ahead(fit: Any, order: np.ndarray) -> np.ndarray:
    """(draws, K, months to come) innovations, by simulation of the company."""
    found = innovations(calendar_design(fit, 1), fit.posterior["calendar_size"], fit.posterior["log_calendar"])
    return found[order][..., fit.past :]


def test_futures_are_shared_as_far_as_stated(pairing: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """The past is as it was; innovations to come stay standard normal, and have this correlation.

    All are n independent numbers (draws, kinds and months): a mean of them is off by 1 / sqrt(n).
    """
    fit = small_fit().fit
    for r in (0.0, 0.6):
        monkeypatch.setattr(module, "correlation", stated(r))
        fits, _ = shared_months([fit, fit], pairing, 1, seed=3)
        first, second = (ahead(one, order) for one, order in zip(fits, pairing, strict=True))
        off = 5 / np.sqrt(first.size)
        assert (first * second).mean() == pytest.approx(r, abs=off)
        for one, own in zip(fits, (first, second), strict=True):
            past = one.posterior["log_calendar"][..., : fit.past]
            np.testing.assert_allclose(past, fit.posterior["log_calendar"][..., : fit.past], rtol=0, atol=1e-12)
            assert own.mean() == pytest.approx(0, abs=off)
            assert (own**2).mean() == pytest.approx(1, abs=np.sqrt(2) * off)
            assert {name for name, value in one.posterior.items() if value is not fit.posterior[name]} == {
                "log_calendar"
            }


def test_the_correlation_is_read_off_the_fits(pairing: list[np.ndarray]) -> None:
    """A fit beside itself: what it has seen of its months is the same, so that more is shared than before looking."""
    fit = small_fit().fit
    _, found = shared_months([fit, fit], pairing, 1, seed=3)
    assert found.months == fit.past
    assert found.weight @ GRID > 0.5
    assert found.learnt > 0
