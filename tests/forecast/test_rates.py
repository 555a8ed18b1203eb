"""Conversion rate and lead time against closed forms and numerical integration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import rates as module
from forecast.coding import Coding
from forecast.exposure import Exposure
from forecast.fit import Fit, Health
from forecast.history import Floats
from forecast.models import design
from forecast.rates import STATED_AGE, stage_rates
from simulations import Funnel, Kind
from tests.forecast.histories import history_of, tables

FUNNEL = Funnel(
    ("A", "B", "Won", "Lost"), ((0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0)),
    np.array([0.0, 1, 4, 20, 90, 300, 500, 800]),
)  # fmt: skip
KINDS = 5
MONTHS = 3


def fit_of(
    log_hazard: Floats,
    calendar: Floats | None = None,
    effect: Floats | None = None,
    by_cell: Floats | None = None,
) -> Fit:
    """log_hazard (D, J, B), calendar (D, 5, M), effect (D, J, 1): of the first owner, minus the second's."""
    draws, exits, bins = log_hazard.shape
    by_cell = np.ones((exits, 2)) if by_cell is None else by_cell
    by_age, by_month = np.zeros((exits, bins)), np.zeros((exits, MONTHS))
    days = np.ones((FUNNEL.n_states, bins, MONTHS, 2)) * np.array([1.0, 2.0, 5.0])[:, None]
    cells = pd.DataFrame({"owner": ["x", "y"]})
    exposure = Exposure(FUNNEL, np.array([0.0, 31, 59, 90]), days, by_age, by_month, by_cell, cells)
    levels = design.Design(np.array([[1.0, -1.0]]), np.zeros(1, dtype=np.int64))
    posterior = {
        "log_hazard": log_hazard,
        "log_calendar": np.zeros((draws, KINDS, MONTHS + 1)) if calendar is None else calendar,
        "effect": np.zeros((draws, exits, 1)) if effect is None else effect,
    }
    history = history_of(tables([("1", "A", "2020-01-01")]))
    months = pd.date_range("1970-01-01", periods=MONTHS + 1, freq="MS")
    health = Health(1.0, 1e3, 0, draws, 1, 0, 1.0)
    return Fit(
        history,
        exposure,
        np.zeros(1, dtype=np.int64),
        levels,
        months,
        posterior,
        health,
        Coding(("owner",)),
        history.origin,
        1,
    )


def test_constant_hazards() -> None:
    hazards = np.array([[0.02, 0.001, 0.03, 0.004, 0.01, 0.05, 0.1], [2, 0.1, 0.5, 1e-3, 1e-3, 1e-3, 1e-3]])
    fitted = fit_of(np.log(hazards)[:, :, None] * np.ones(FUNNEL.n_bins))
    for stage, exits, onwards in ((0, slice(0, 3), slice(0, 2)), (1, slice(3, 6), slice(4, 5))):
        total, leaving = hazards[:, exits].sum(axis=1), hazards[:, onwards].sum(axis=1)
        ended = 1 - np.exp(-total * STATED_AGE)
        found = stage_rates(fitted, stage)
        np.testing.assert_allclose(found.conversion, leaving / total * ended, rtol=1e-10)
        # The bisection ends within a millionth of a second or so.
        np.testing.assert_allclose(found.lead_time, -np.log(1 - ended / 2) / total, rtol=1e-8)


def test_median_within_a_wide_bin_is_not_a_straight_line() -> None:
    """All in one bin of two years: the median is log(2) / hazard, not half of the way."""
    one_bin = replace(FUNNEL, age_edges=np.array([0.0]))
    fitted = fit_of(np.full((1, FUNNEL.n_exits, FUNNEL.n_bins), np.log(0.05)))
    exposure = fitted.exposure
    narrow = replace(
        fitted,
        exposure=replace(
            exposure, funnel=one_bin,
            days_at_risk=exposure.days_at_risk[:, :1], exits_by_age=exposure.exits_by_age[:, :1],
        ),
        posterior={**fitted.posterior, "log_hazard": fitted.posterior["log_hazard"][:, :, :1]},
    )  # fmt: skip
    assert stage_rates(narrow, 0).lead_time[0] == pytest.approx(np.log(2) / 0.15, rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_random_hazards_against_numerical_integration(seed: int) -> None:
    """The midpoint rule with steps h: off by h^2 / 24 times the change of the slope, below total hazard^2 each bin."""
    random, draws, step = np.random.default_rng(seed), 3, 0.02
    log_hazard = random.normal(-4, 1, (draws, FUNNEL.n_exits, FUNNEL.n_bins))
    calendar = random.normal(0, 0.5, (draws, KINDS, MONTHS + 1))
    effect = random.normal(0, 0.7, (draws, FUNNEL.n_exits, 1))
    by_cell = random.integers(1, 50, (FUNNEL.n_exits, 2)).astype(float)
    fitted = fit_of(log_hazard, calendar, effect, by_cell)
    middles = np.arange(step / 2, STATED_AGE, step)
    bins = np.searchsorted(FUNNEL.age_edges, middles, side="right") - 1
    month_share = np.array([1.0, 2.0, 5.0]) / 8
    present = np.unique(FUNNEL.kinds)
    assert len(present) == KINDS
    for stage, exits in ((0, [0, 1, 2]), (1, [3, 4, 5])):
        onwards = [j for j in exits if FUNNEL.kinds[j] in (Kind.ADVANCE, Kind.WON)]
        weights = by_cell[exits].sum(axis=0) / by_cell[exits].sum()
        found = stage_rates(fitted, stage)
        for d in range(draws):
            density = np.zeros(len(middles))
            worst = 0.0
            for cell, sign in enumerate((1.0, -1.0)):
                hazard = {
                    j: np.exp(log_hazard[d, j, bins] + sign * effect[d, j, 0])
                    * (month_share @ np.exp(calendar[d, FUNNEL.kinds[j], :MONTHS]))
                    for j in exits
                }
                total = np.sum([hazard[j] for j in exits], axis=0)
                survival = np.exp(-(np.cumsum(total) - total / 2) * step)
                density += weights[cell] * survival * np.sum([hazard[j] for j in onwards], axis=0)
                worst = max(worst, float(total.max()))
            cumulative = np.cumsum(density) * step
            tolerance = FUNNEL.n_bins * step**2 / 24 * worst**2
            assert found.conversion[d] == pytest.approx(cumulative[-1], abs=tolerance)
            at_median = np.interp(found.lead_time[d], middles + step / 2, cumulative)
            # Between two points of the grid the line is off by step^2 / 8 times the slope of the density.
            assert at_median == pytest.approx(cumulative[-1] / 2, abs=2 * tolerance + step**2 / 8 * worst**2)


def test_few_draws_and_cells_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    fitted = fit_of(random.normal(-4, 1, (9, FUNNEL.n_exits, FUNNEL.n_bins)), effect=random.normal(size=(9, 7, 1)))
    whole = stage_rates(fitted, 0)
    monkeypatch.setattr(module, "MOST_DRAWS", 5)
    np.testing.assert_array_equal(stage_rates(fitted, 0).conversion, whole.conversion[::2])
    monkeypatch.setattr(module, "MOST_CELLS", 1)
    one = fit_of(fitted.posterior["log_hazard"], effect=fitted.posterior["effect"], by_cell=np.tile([3.0, 1.0], (7, 1)))
    alone = replace(one, design=design.Design(np.array([[1.0, 1.0]]), one.design.group))
    monkeypatch.setattr(module, "MOST_CELLS", 2)
    both_alike = stage_rates(alone, 0)
    monkeypatch.setattr(module, "MOST_CELLS", 1)
    np.testing.assert_allclose(stage_rates(one, 0).conversion, both_alike.conversion, rtol=1e-12)


def test_an_exit_that_never_happens_is_no_error() -> None:
    log_hazard = np.full((2, FUNNEL.n_exits, FUNNEL.n_bins), -700.0)
    found = stage_rates(fit_of(log_hazard), 0)
    assert (found.conversion < 1e-12).all()
    assert np.isfinite(found.lead_time).all()
