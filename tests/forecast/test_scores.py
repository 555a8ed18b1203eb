"""Scores against definitions, closed forms, exact expectations and simulated coverage."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize
from scipy.special import digamma, polygamma

from forecast.scores import (
    PRIOR_PITS,
    Bools,
    Floats,
    brier,
    calibration_p_value,
    covered,
    crps,
    mean_with_se,
    murphy,
    pit,
    pit_histogram,
    recalibrated,
    share_interval,
    skill,
    width,
)

Z = stats.norm.ppf(0.975)
STRETCH = 4  # standard errors: one in 16,000 by chance


def moving_sums(rng: np.random.Generator, repeats: int, n: int, overlap: int, autoregression: float = 0.0) -> Floats:
    """(repeats, n) sums of overlap + 1 neighbours of noise, each of variance 1 where the noise is white."""
    noise = rng.standard_normal((repeats, n + overlap))
    for i in range(1, noise.shape[1]):
        noise[:, i] = autoregression * noise[:, i - 1] + np.sqrt(1 - autoregression**2) * noise[:, i]
    windows = np.lib.stride_tricks.sliding_window_view(noise, overlap + 1, axis=1)
    return np.asarray(windows.sum(axis=2) / np.sqrt(overlap + 1))


def coverage(values: Floats, truth: float, overlap: int) -> float:
    """Share of the rows of values whose interval of 1.96 se holds the true mean."""
    found = (mean_with_se(row, overlap) for row in values)
    return float(np.mean([abs(value - truth) <= Z * se for value, se in found]))


def binomial_error(share: float, n: int) -> float:
    return float(np.sqrt(share * (1 - share) / n))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=60), st.integers(-(10**9), 10**9))
def test_crps_is_its_definition(values: list[int], actual: int) -> None:
    # Of whole numbers every sum is exact, so that the order of summing makes no difference.
    x = np.array(values, dtype=np.float64)
    pairs = np.abs(np.subtract.outer(x, x)).sum()
    n = len(x)
    assert crps(x, actual) == np.abs(x - actual).mean() - pairs / (2 * n * (n - 1))


def normal_crps(y: float) -> float:
    """Gneiting & Raftery 2007, eq. 21, of the standard normal."""
    return float(y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi))


def exponential_crps(y: float) -> float:
    """Jordan, Krüger & Lerch 2019, of the standard exponential."""
    return abs(y) - 2 * (-np.expm1(-y) if y > 0 else 0) + 0.5


@pytest.mark.parametrize("n", [3, 200])
@pytest.mark.parametrize("actual", [-1.0, 0.2, 2.5])
@pytest.mark.parametrize(
    ("draw", "exact"),
    [
        (np.random.Generator.standard_normal, normal_crps),
        (np.random.Generator.standard_exponential, exponential_crps),
    ],
)
def test_crps_of_a_known_distribution(
    draw: Callable[[np.random.Generator, tuple[int, int]], Floats],
    exact: Callable[[float], float],
    actual: float,
    n: int,
) -> None:
    # Without bias even with three samples, where the plain form would add a third of E|X - X'| / 2.
    found = np.array([crps(row, actual) for row in draw(np.random.default_rng(1), (4000, n))])
    assert abs(found.mean() - exact(actual)) < STRETCH * found.std() / np.sqrt(len(found))


def test_crps_of_one_number_is_the_absolute_error() -> None:
    assert crps(np.array([3.0]), 5.5) == crps(np.full(40, 3.0), 5.5) == 2.5


def test_crps_knows_no_origin_and_keeps_the_unit() -> None:
    x = np.random.default_rng(2).integers(0, 1000, 300).astype(np.float64)
    assert crps(x + 2.0**40, 600 + 2.0**40) == crps(x, 600)
    assert crps(x * 8, 4800) == 8 * crps(x, 600)


def test_pit_counts_half_of_the_ties() -> None:
    x = np.array([4.0, 1, 2, 2, 2])
    assert [pit(x, y) for y in (0, 1, 1.5, 2, 3, 4, 5)] == [0, 0.1, 0.2, 0.5, 0.8, 0.9, 1]


def test_central_intervals() -> None:
    x = np.arange(101.0)[::-1]
    assert width(x, 0.5) == 50
    assert width(x, 0.8) == pytest.approx(80, abs=1e-12)
    assert [covered(x, y, 0.5) for y in (24.9, 25, 50, 75, 75.1)] == [False, True, True, True, False]


@pytest.mark.parametrize("overlap", [0, 2, 3, 12, 40])
@pytest.mark.parametrize("n", [2, 6, 13])
def test_se_is_unbiased_for_moving_sums(n: int, overlap: int) -> None:
    # se**2 is a quadratic form of the noise: its expectation is the sum of it over the unit vectors.
    loadings = np.array([[0 <= j - i <= overlap for j in range(n + overlap)] for i in range(n)], dtype=np.float64)
    expected = sum(mean_with_se(column, overlap).se ** 2 for column in loadings.T)
    exact = np.square(loadings.mean(axis=0)).sum()

    shared = loadings @ loadings.T / (overlap + 1)
    values, vectors = np.linalg.eigh(shared)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    weights = np.linalg.eigvalsh(root @ (np.eye(n) - 1 / n) @ root)
    student = stats.t.ppf(0.975, weights.sum() ** 2 / np.square(weights).sum()) / Z
    assert expected == pytest.approx(exact * student**2, rel=1e-9)


def test_without_overlap_it_is_students_interval() -> None:
    x = np.random.default_rng(3).gamma(2.0, size=9)
    mean, se = mean_with_se(x, 0)
    assert (mean - Z * se, mean + Z * se) == pytest.approx(tuple(stats.ttest_1samp(x, 0).confidence_interval()))


def test_nothing_that_short_depends_on_its_neighbours_more() -> None:
    # Var(mean) n / variance of sum_k a_k e_(i-k) is a'Ta / a'a, largest at the first eigenvector of T.
    n, overlap = 13, 3
    apart = np.abs(np.subtract.outer(np.arange(overlap + 1), np.arange(overlap + 1)))
    toeplitz = 1 - apart / n
    largest, assumed = np.linalg.eigvalsh(toeplitz)[-1], toeplitz.sum() / (overlap + 1)
    # What the mean varies, over what the sum of squares lets it seem to.
    largest, assumed = (ratio / (n - ratio) for ratio in (largest, assumed))
    assert assumed <= largest <= 1.001 * assumed


@pytest.mark.parametrize(
    ("change", "truth", "autoregression", "share"),
    [
        (np.positive, 0.0, 0.0, 0.96),
        (np.abs, np.sqrt(2 / np.pi), 0.0, 0.98),
        (np.square, 1.0, 0.0, 0.91),
        (np.positive, 0.0, 0.5, 0.89),
    ],
)
def test_intervals_of_overlapping_windows_cover(
    change: np.ufunc, truth: float, autoregression: float, share: float
) -> None:
    repeats = 4000
    sums = change(moving_sums(np.random.default_rng(4), repeats, 13, 3, autoregression))
    found = coverage(sums, truth, 3)
    assert found >= 0.85
    # As the docstring says, which is rounded to a hundredth.
    assert abs(found - share) < 0.005 + STRETCH * binomial_error(share, repeats)


@pytest.mark.parametrize(("n", "overlap"), [(6, 0), (6, 2), (8, 5), (20, 11)])
def test_intervals_cover_with_few_origins_and_much_overlap(n: int, overlap: int) -> None:
    repeats = 4000
    found = coverage(moving_sums(np.random.default_rng(5), repeats, n, overlap), 0.0, overlap)
    assert found >= 0.95 - STRETCH * binomial_error(0.95, repeats)


def test_independent_scores_pay_for_a_claimed_overlap() -> None:
    # Both errors are multiples of the same spread, so that any scores will do.
    x = np.random.default_rng(6).standard_normal(13)
    assert round(mean_with_se(x, 3).se / mean_with_se(x, 0).se, 1) == 2.6


def test_skill_is_paired() -> None:
    rng = np.random.default_rng(7)
    theirs = rng.gamma(2.0, size=13)
    found = skill(0.7 * theirs, theirs, 3)
    assert found == pytest.approx((0.3, 0.0), abs=1e-12)
    ours = theirs * rng.uniform(0.5, 1.0, 13)
    assert skill(ours, theirs, 3) == pytest.approx(skill(100 * ours, 100 * theirs, 3))


def test_error_of_skill_is_that_of_a_ratio() -> None:
    # The derivative of the ratio by the weight of an origin, by central differences.
    rng = np.random.default_rng(8)
    ours, theirs = rng.gamma(2.0, size=(2, 9))
    step = 1e-6
    influence = []
    for i in range(9):
        low, high = (1 - np.average(ours, weights=w) / np.average(theirs, weights=w) for w in (
            np.ones(9) - step * (np.arange(9) == i), np.ones(9) + step * (np.arange(9) == i)
        ))  # fmt: skip
        influence.append(9 * (high - low) / (2 * step))
    expected = mean_with_se(np.array(influence), 2).se
    assert skill(ours, theirs, 2) == pytest.approx((1 - ours.sum() / theirs.sum(), expected), rel=1e-8)


def test_intervals_of_skill_cover() -> None:
    repeats, rng = 2000, np.random.default_rng(9)
    theirs = 0.2 + np.abs(moving_sums(rng, repeats, 13, 3))
    ours = 0.2 + np.abs(moving_sums(rng, repeats, 13, 3)) / 2
    truth = 1 - (0.2 + np.sqrt(2 / np.pi) / 2) / (0.2 + np.sqrt(2 / np.pi))
    found = [skill(a, b, 3) for a, b in zip(ours, theirs, strict=True)]
    inside = np.mean([abs(value - truth) <= Z * se for value, se in found])
    assert inside >= 0.95 - STRETCH * binomial_error(0.95, repeats)


def test_nothing_to_improve_and_nothing_to_compare() -> None:
    assert np.isnan(skill(np.ones(4), np.zeros(4), 0)).all()
    value, se = mean_with_se(np.array([2.0]), 3)
    assert value == 2
    assert np.isnan(se)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.99))
def test_share_intervals_end_where_the_share_is_as_far_as_chance_goes(case: tuple[int, int], level: float) -> None:
    hits, n = case
    low, high = share_interval(hits, n, level)
    assert 0 <= low <= hits / n <= high <= 1
    for end in (low, high):
        reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(end * (1 - end) / n)
        assert abs(end - hits / n) == pytest.approx(reach, abs=1e-7)


def test_share_intervals_cover_on_average() -> None:
    n = 13
    p = (np.arange(2000) + 0.5) / 2000
    ends = np.array([share_interval(hits, n) for hits in range(n + 1)])
    inside = (ends[:, :1] <= p) & (p <= ends[:, 1:])
    chance = stats.binom.pmf(np.arange(n + 1)[:, None], n, p)
    assert (inside * chance).sum(axis=0).mean() >= 0.95


@st.composite
def chances(draw: st.DrawFn) -> tuple[Floats, Bools]:
    cases = draw(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
    return np.array([p for p, _ in cases]), np.array([hit for _, hit in cases])


@given(chances(), st.integers(1, 12))
def test_murphys_parts_sum_to_the_brier_score(cases: tuple[Floats, Bools], bins: int) -> None:
    p, hit = cases
    parts = murphy(p, hit, bins)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(brier(p, hit), abs=1e-14)
    assert min(parts[:3]) >= 0


def test_murphys_parts_by_hand() -> None:
    p = np.array([0.1, 0.1, 0.7, 0.7, 0.7, 0.7])
    hit = np.array([False, True, True, True, True, False])
    assert brier(p, hit) == pytest.approx((0.01 + 0.81 + 3 * 0.09 + 0.49) / 6)
    # Two bins at 0.1 and 0.7 with shares of 1/2 and 3/4; 4 hits of 6 in all.
    expected = (2 * 0.16 + 4 * 0.05**2) / 6, (2 / 6**2 + 4 / 12**2) / 6, 2 / 9, 0.0
    assert murphy(p, hit) == pytest.approx(expected, abs=1e-14)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    p, hit = np.array([0.8, 1.0, 0.5]), np.array([True, False, True])
    assert murphy(p, hit).resolution == pytest.approx((2 * (1 / 2 - 2 / 3) ** 2 + (1 - 2 / 3) ** 2) / 3)


def test_pit_histogram() -> None:
    found = pit_histogram(np.array([0, 0.1, 0.2, 0.55, 0.99, 1]))
    np.testing.assert_array_equal(found, [2, 1, 1, 0, 2])
    assert found.dtype == np.int64
    assert pit_histogram(np.array([0.3, 0.9]), 2).tolist() == [1, 1]


@pytest.mark.parametrize(("n", "share"), [(6, 0.041), (20, 0.048)])
def test_calibrated_forecasts_seldom_look_otherwise(n: int, share: float) -> None:
    pits = np.random.default_rng(10).random((20_000, n))
    found = np.mean([calibration_p_value(row) <= 0.05 for row in pits])
    assert abs(found - share) < 0.0005 + STRETCH * binomial_error(share, len(pits))


def test_calibration_p_value_is_neymans() -> None:
    x = np.array([0.03, 0.4, 0.71, 0.98])
    legendre = np.polynomial.legendre.legval(2 * x - 1, np.diag(np.sqrt([1.0, 3, 5])))
    statistic = np.square(legendre[1:].sum(axis=1)).sum() / len(x)
    assert calibration_p_value(x) == pytest.approx(stats.chi2.sf(statistic, 2))


def test_forecasts_too_narrow_are_found() -> None:
    # Of the power that the docstring gives; Cramér-von Mises beside it on the same PITs.
    repeats = 2000
    pits = stats.norm.cdf(1.8 * np.random.default_rng(11).standard_normal((repeats, 13)))
    ours = np.mean([calibration_p_value(row) <= 0.05 for row in pits])
    theirs = np.mean([stats.cramervonmises(row, "uniform").pvalue <= 0.05 for row in pits])
    assert abs(ours - 0.65) < 0.005 + STRETCH * binomial_error(0.65, repeats)
    assert abs(theirs - 0.23) < 0.005 + STRETCH * binomial_error(0.23, repeats)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
def test_without_past_pits_samples_stay(values: list[int]) -> None:
    x = np.array(values, dtype=np.float64)
    # What rounding of 1 makes of the step between two samples, n times as steep.
    tolerance = 16 * len(x) * np.finfo(np.float64).eps * max(1.0, np.abs(x).max())
    np.testing.assert_allclose(recalibrated(x, np.empty(0)), x, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (2.0, 2.0), (0.7, 1.6), (3.0, 1.2)])
def test_a_known_distortion_is_undone(a: float, b: float) -> None:
    n, past = 2000, 50_000
    middle = (np.arange(n) + 0.5) / n
    true = stats.beta(a, b)
    found = np.sort(recalibrated(middle, true.ppf((np.arange(past) + 0.5) / past)))
    # The prior's pull, to first order: what its share of the PITs moves the means of the logarithms, in parameters.
    moved = (-1 - (digamma([a, b]) - digamma(a + b))) * PRIOR_PITS / (past + PRIOR_PITS)
    pulled = stats.beta(
        *(np.array([a, b]) + np.linalg.solve(np.diag(polygamma(1, [a, b])) - polygamma(1, a + b), moved))
    )
    pull = np.abs(pulled.cdf(middle) - true.cdf(middle)).max()
    # Half a step at the ends, beyond which there are no samples, is of weight true.cdf(half a step).
    end = max(true.cdf(0.5 / n), true.sf(1 - 0.5 / n))
    assert np.abs(true.cdf(found) - middle).max() <= 2 * pull + end


def test_recalibration_helps_a_forecast_too_low_and_too_narrow() -> None:
    rng = np.random.default_rng(12)
    forecast = rng.normal(-0.4, 0.6, 2000)
    past, new = rng.standard_normal((2, 1000))
    better = recalibrated(forecast, np.array([pit(forecast, y) for y in past]))
    gain = np.array([crps(forecast, y) - crps(better, y) for y in new])
    assert gain.mean() > STRETCH * gain.std() / np.sqrt(len(gain))
    # Coverage comes back as far as the samples reach.
    before, after = (np.mean([covered(samples, y, 0.8) for y in new]) for samples in (forecast, better))
    assert before < 0.6
    assert abs(after - 0.8) < STRETCH * (binomial_error(0.8, len(new)) + binomial_error(0.8, len(past)))


def test_few_pits_teach_little() -> None:
    x = np.random.default_rng(13).standard_normal(2000)
    moves = [np.abs(recalibrated(x, np.full(n, 0.9)) - x).mean() for n in (0, 1, 3, 10, 100)]
    assert moves == sorted(moves)


def test_recalibration_is_the_mode_of_its_log_density() -> None:
    pits = np.array([0.8, 0.9, 0.35, 0.97, 0.6])
    uniform = (np.arange(20_000) + 0.5) / 20_000

    def surprise(logs: Floats) -> float:
        density = stats.beta(*np.exp(logs)).logpdf
        return float(-density(pits).sum() - PRIOR_PITS * density(uniform).mean())

    mode = minimize(surprise, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
    middle = (np.arange(2000) + 0.5) / 2000
    expected = np.clip(stats.beta(*np.exp(mode.x)).ppf(middle), middle[0], middle[-1])
    # The mean of log p over the middles misses its integral, -1, by log(2) / 2 of a step, 2e-5; information of
    # 0.36 a PIT turns that into less than three times as much in the parameters, and in the map.
    assert np.abs(recalibrated(middle, pits) - expected).max() < 1e-4


def test_ranks_stay() -> None:
    x = np.random.default_rng(14).integers(0, 50, 500).astype(np.float64)
    found = recalibrated(x, np.array([0, 0.05, 0.1, 0.9, 1]))
    order = np.argsort(x, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert x.min() <= found.min()
    assert found.max() <= x.max()


GOOD = np.array([0.2, 0.4, 0.6])
HITS = np.array([True, False, True])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("samples", partial(crps, np.empty(0), 1.0)),
        ("samples", partial(crps, np.array([1, np.nan]), 1.0)),
        ("samples", partial(pit, np.ones((2, 2)), 1.0)),
        ("samples", partial(width, np.array([1, np.inf]), 0.5)),
        ("samples", partial(recalibrated, np.empty(0), GOOD)),
        ("actual", partial(crps, GOOD, np.nan)),
        ("actual", partial(pit, GOOD, np.inf)),
        ("actual", partial(covered, GOOD, np.nan, 0.5)),
        ("level", partial(covered, GOOD, 0.3, 0.0)),
        ("level", partial(width, GOOD, 1.0)),
        ("level", partial(share_interval, 1, 2, np.nan)),
        ("values", partial(mean_with_se, np.empty(0), 0)),
        ("overlap", partial(mean_with_se, GOOD, -1)),
        ("ours", partial(skill, np.array([np.nan]), np.ones(1), 0)),
        ("theirs", partial(skill, GOOD, np.ones(2), 0)),
        ("hits", partial(share_interval, 3, 2)),
        ("hits", partial(share_interval, -1, 2)),
        ("n", partial(share_interval, 0, 0)),
        ("p", partial(brier, 2 * GOOD, HITS)),
        ("p", partial(murphy, np.array([np.nan]), HITS[:1])),
        ("hit", partial(brier, GOOD, HITS[:2])),
        ("hit", partial(murphy, GOOD, GOOD)),
        ("bins", partial(murphy, GOOD, HITS, 0)),
        ("bins", partial(pit_histogram, GOOD, 0)),
        ("pits", partial(pit_histogram, -GOOD)),
        ("pits", partial(calibration_p_value, np.empty(0))),
        ("past_pits", partial(recalibrated, GOOD, 2 * GOOD)),
        # A million forecasts that were all wrong on one side.
        ("past_pits", partial(recalibrated, np.arange(100_000.0), np.zeros(1_000_000))),
    ],
)  # fmt: skip
def test_bad_input_is_named(name: str, call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
