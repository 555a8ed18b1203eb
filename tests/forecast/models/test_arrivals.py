"""New deals: how they are counted, and their density against the negative binomial of SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.special import gammaln
from scipy.stats import nbinom, norm

from forecast.exposure import month_starts
from forecast.models import design
from forecast.models.arrivals import (
    LEVEL_SD,
    Arrivals,
    ArrivalTerms,
    add_arrivals,
    arrival_terms,
    count_arrivals,
    future_arrivals,
)
from forecast.models.priors import Priors
from tests.forecast.histories import history_of, tables
from tests.forecast.models.densities import assert_gradient, assert_whitening_is_free, parts, random_point

ARRIVALS = Arrivals(
    counts=np.array([0.0, 3, 8, 0, 12, 25, 9]), days=np.array([0.0, 11, 31, 30, 31, 30, 17])
)  # the first month is from before recording began
KNOWN, MONTHS = 7, 10
NAMES = ["arrivals", "arrival_prior", "log_arrival_rate", "arrival_shape"]


def terms(seasonal: bool = True, priors: Priors | None = None) -> ArrivalTerms:
    return arrival_terms(ARRIVALS, design.arrivals(np.arange(MONTHS) % 12, KNOWN - 1, seasonal), priors or Priors())


def build(seasonal: bool = True) -> None:
    add_arrivals(terms(seasonal))


def model(seasonal: bool = True) -> pm.Model:
    with pm.Model(check_bounds=False) as made:
        build(seasonal)
    return made


@pytest.mark.parametrize("seasonal", [False, True])
def test_density_is_the_negative_binomial(seasonal: bool) -> None:
    made = model(seasonal)
    evaluate = parts(made, NAMES)
    counts, recorded = ARRIVALS.counts[1:], ARRIVALS.days[1:]
    constant = (gammaln(counts + 1) - counts * np.log(recorded)).sum()
    for seed in range(4):
        found = evaluate(random_point(made, seed))
        rate, shape = found["log_arrival_rate"], float(found["arrival_shape"])
        assert rate.shape == (KNOWN,)
        mean = np.exp(rate[1:7]) * recorded
        expected = nbinom.logpmf(counts, shape, shape / (shape + mean)).sum() + constant
        assert float(found["arrivals"]) == pytest.approx(expected, rel=1e-10, abs=1e-9)


def test_variance_is_that_of_the_scatter() -> None:
    """mean + mean^2 * scatter^2, with the shape 1 / scatter^2."""
    made = model()
    point = random_point(made, 1)
    shape, mean = float(parts(made, NAMES)(point)["arrival_shape"]), 40.0
    scatter = float(np.exp(point["log_arrival_scatter"][0]))
    assert nbinom.var(shape, shape / (shape + mean)) == pytest.approx(mean + (mean * scatter) ** 2)


def test_level_has_its_prior_and_the_rest_standard_normals() -> None:
    """The rate is the level where drift and season act on nothing: the anchor, without a season."""
    made = model(seasonal=False)
    evaluate = parts(made, NAMES)
    apart = []
    for seed in (1, 2):
        point = random_point(made, seed)
        found = evaluate(point)
        rate, size = found["log_arrival_rate"], float(np.exp(point["log_arrival_size"][0]))
        centre = np.log((ARRIVALS.counts.sum() + 0.5) / (ARRIVALS.days.sum() + 1))
        # Before the anchor the walk runs backwards: its steps have the same size with the other sign.
        expected = norm.logpdf(rate[-1], centre, LEVEL_SD) + norm.logpdf(np.diff(rate), scale=size).sum()
        expected += (KNOWN - 1) * np.log(size)
        apart.append(float(found["arrival_prior"]) - expected)
    assert apart[0] == pytest.approx(apart[1], abs=1e-9)


def test_months_to_come_go_on_with_the_walk() -> None:
    """New steps of the drift's size from the last month on, and the season that is known."""
    draws = 20_000
    random = np.random.default_rng(1)
    made = terms()
    size, effect = np.array([0.2, 0.3]), random.standard_normal(1 + len(made.matrix))
    rate = future_arrivals(made, np.tile(size, (draws, 1)), np.tile(effect, (draws, 1)), np.random.default_rng(3))
    season = effect[KNOWN:] @ design.zero_sum(12)[np.arange(MONTHS) % 12].T
    np.testing.assert_allclose(rate[0, KNOWN - 1], effect[0] + season[KNOWN - 1], rtol=1e-12)
    assert (rate[:, :KNOWN] == rate[0, :KNOWN]).all()
    steps = np.diff(rate - season, axis=1)[:, KNOWN - 1 :]
    error = size[0] / np.sqrt(draws)
    assert (np.abs(steps.mean(axis=0)) < 5 * error).all()
    assert (np.abs(steps.std(axis=0) - size[0]) < 5 * error / np.sqrt(2)).all()
    assert (np.abs(np.corrcoef(steps, rowvar=False)[~np.eye(3, dtype=bool)]) < 5 / np.sqrt(draws)).all()


def test_gradient() -> None:
    assert_gradient(model(), 2)


def test_whitening_does_not_change_the_density() -> None:
    assert_whitening_is_free(build, "forecast.models.arrivals.whitened", 3)


ROWS = [
    ("1", "A", "2020-01-20"),
    ("2", "A", "2020-01-31"),
    ("3", "A", "2020-02-01"),
    ("4", "A", "2020-03-09"),
]


@pytest.mark.parametrize("time", ["", " 23:30"])
def test_counts_by_month_of_the_recorded_days(time: str) -> None:
    months = month_starts(pd.Timestamp("2019-12-15"), pd.Timestamp("2020-05-01"))
    rows = [(name, stage, f"{day}{time}") for name, stage, day in ROWS]
    made = tables(rows, timed=bool(time), recorded_from="2020-01-25", until="2020-03-10")
    counted = count_arrivals(history_of(made), months)
    np.testing.assert_array_equal(counted.counts, [0, 1, 1, 1, 0, 0])  # the first is a survivor
    np.testing.assert_array_equal(counted.days, [0, 7, 29, 9, 0, 0])


def test_days_without_deals_count_where_recording_is_stated_to_have_begun_before_the_first() -> None:
    months = month_starts(pd.Timestamp("2020-01-01"), pd.Timestamp("2020-03-01"))
    counted = count_arrivals(history_of(tables(ROWS, recorded_from="2020-01-06", until="2020-03-10")), months)
    np.testing.assert_array_equal(counted.counts, [2, 1, 1])
    np.testing.assert_array_equal(counted.days, [26, 29, 9])


@pytest.mark.parametrize("time", ["", " 12:00"])
def test_recording_begins_after_the_first_deal_where_nothing_is_said(time: str) -> None:
    """Of dates the whole day, of times the moment: that a deal came then is no sign of how often they come."""
    months = month_starts(pd.Timestamp("2020-01-15"), pd.Timestamp("2020-03-01"))
    rows = [(name, stage, f"{day}{time}") for name, stage, day in [*ROWS, ("5", "A", "2020-01-20")]]
    counted = count_arrivals(history_of(tables(rows, timed=bool(time), until="2020-03-10")), months)
    np.testing.assert_array_equal(counted.counts, [1, 1, 1])
    np.testing.assert_allclose(counted.days, [11.5 if time else 11, 29, 9], rtol=1e-10)


def test_nothing_after_the_origin_counts() -> None:
    months = month_starts(pd.Timestamp("2020-01-15"), pd.Timestamp("2020-03-01"))
    counted = count_arrivals(history_of(tables(ROWS), "2020-02-01"), months)
    np.testing.assert_array_equal(counted.counts, [1, 0, 0])
    np.testing.assert_array_equal(counted.days, [11, 0, 0])
