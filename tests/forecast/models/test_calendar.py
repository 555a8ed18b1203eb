"""The calendar: its prior against SciPy, and months to come against the conditional normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytest
from scipy.stats import multivariate_normal, norm

from forecast.history import Floats
from forecast.models import design
from forecast.models.calendar import CalendarTerms, add_calendar, calendar_terms, expand_calendar, future_calendar
from forecast.models.exits import calendar_sizes
from forecast.models.priors import Priors, log_sizes
from tests.forecast.models.densities import assert_gradient, assert_whitening_is_free, parts, random_point

KNOWN, MONTHS = 5, 8
COUNTS = np.array([[900.0, 1_200, 0, 1_500, 800], [3.0, 0, 1, 2, 0], [0.0] * 5])  # many, few and none
DESIGN = design.calendar((np.arange(MONTHS) + 1) % 3, KNOWN - 1, month_of_year=np.arange(MONTHS) % 4)
SIZES = calendar_sizes(Priors(), DESIGN)


def terms() -> CalendarTerms:
    return calendar_terms(COUNTS, DESIGN, log_sizes(SIZES))


def model() -> pm.Model:
    with pm.Model(check_bounds=False) as made:
        add_calendar(terms())
    return made


def covariance(size: Floats) -> Floats:
    """(MONTHS, MONTHS) of one kind, given its four sizes: month by month."""
    variance = np.zeros((MONTHS, MONTHS))
    for a in range(MONTHS):
        for b in range(MONTHS):
            from_anchor = (a - (KNOWN - 1)) * (b - (KNOWN - 1)) > 0
            shared = min(abs(a - (KNOWN - 1)), abs(b - (KNOWN - 1))) if from_anchor else 0
            variance[a, b] = size[0] ** 2 * (a % 3 == b % 3) + size[1] ** 2 * shared + size[2] ** 2 * (a == b)
            variance[a, b] += size[3] ** 2 * (a % 4 == b % 4)
    return variance


def test_what_is_rich_is_sampled_as_it_is() -> None:
    np.testing.assert_array_equal(terms().centred, [1, 0, 0])


def test_effects_have_the_stated_covariance() -> None:
    """The prior of a centred kind is the multivariate normal; the others are its factor times standard normals."""
    made = model()
    names = ["log_calendar", "calendar_size", *(f"calendar_prior_{kind}" for kind in range(3))]
    evaluate, apart = parts(made, names), []
    for seed in (1, 2):
        found = evaluate(random_point(made, seed))
        known = [covariance(size)[:KNOWN, :KNOWN] for size in found["calendar_size"]]
        expected = multivariate_normal.logpdf(found["log_calendar"][0], cov=known[0])
        apart.append(float(found["calendar_prior_0"]) - expected)
        for kind in (1, 2):
            z = np.linalg.solve(np.linalg.cholesky(known[kind]), found["log_calendar"][kind])
            assert float(found[f"calendar_prior_{kind}"]) == pytest.approx(-0.5 * (z**2).sum(), rel=1e-9)
    assert apart[0] == pytest.approx(apart[1], abs=1e-9)


def test_sizes_have_their_prior() -> None:
    made = model()
    value = np.random.default_rng(1).standard_normal((3, len(SIZES)))
    expected = norm.logpdf(value, np.log([size.median for size in SIZES]), [size.spread for size in SIZES])
    np.testing.assert_allclose(pm.logp(made["log_calendar_size"], value).eval(), expected, rtol=1e-12)


def test_gradient() -> None:
    assert_gradient(model(), 1)


def test_whitening_does_not_change_the_density() -> None:
    assert_whitening_is_free(lambda: add_calendar(terms()), "forecast.models.calendar.whitened", 3)


def test_without_data_white_coordinates_are_those_of_the_factor() -> None:
    log_size, z = np.log([[[0.2, 0.1, 0.3, 0.4]] * 3]), np.random.default_rng(1).standard_normal((1, 3, KNOWN))
    size, effects = expand_calendar(terms(), log_size, z)
    factor = np.linalg.cholesky(covariance(size[0, 2])[:KNOWN, :KNOWN])
    np.testing.assert_allclose(effects[0, 2], factor @ z[0, 2], rtol=1e-9)


def drawn(draws: int, seed: Any = 1) -> tuple[Floats, Floats, Floats]:
    """One set of sizes and effects of months with data, and months to come drawn many times."""
    random = np.random.default_rng(2)
    size, effects = random.uniform(0.1, 0.5, (3, len(SIZES))), random.standard_normal((3, KNOWN))
    ahead = future_calendar(
        terms(), np.tile(size, (draws, 1, 1)), np.tile(effects, (draws, 1, 1)), np.random.default_rng(seed)
    )
    return size, effects, ahead


def test_months_to_come_are_drawn_given_the_others() -> None:
    """Mean and covariance within five standard errors of those of the conditional normal distribution."""
    draws = 40_000
    size, effects, ahead = drawn(draws)
    assert ahead.shape == (draws, 3, MONTHS)
    for kind in range(3):
        np.testing.assert_array_equal(ahead[:, kind, :KNOWN], np.tile(effects[kind], (draws, 1)))
        whole = covariance(size[kind])
        gain = whole[KNOWN:, :KNOWN] @ np.linalg.inv(whole[:KNOWN, :KNOWN])
        left = whole[KNOWN:, KNOWN:] - gain @ whole[:KNOWN, KNOWN:]
        sd = np.sqrt(np.diag(left))
        assert (np.abs(ahead[:, kind, KNOWN:].mean(axis=0) - gain @ effects[kind]) < 5 * sd / np.sqrt(draws)).all()
        # The variance of a sample covariance is (v_ab^2 + v_aa v_bb) / draws.
        error = np.sqrt((left**2 + np.outer(sd, sd) ** 2) / draws)
        assert (np.abs(np.cov(ahead[:, kind, KNOWN:], rowvar=False) - left) < 5 * error).all()


def test_months_to_come_are_the_same_for_a_seed() -> None:
    np.testing.assert_array_equal(drawn(50)[2], drawn(50)[2])
    assert (drawn(50)[2][..., KNOWN:] != drawn(50, seed=2)[2][..., KNOWN:]).all()
