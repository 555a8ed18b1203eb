"""Keyed uniforms: equal to plain SplitMix64, uniform, independent across keys; quantiles against SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from simulations import streams
from tests.simulations import plain_walk

N = 100_000
WORST = 4.9  # |z| of a standard normal exceeded once in a million


def u64(value: int) -> np.uint64:
    return np.uint64(value % 2**64)


def test_splitmix64_reference_values() -> None:
    """The first outputs for seed 1234567 of the reference implementation (Vigna, prng.di.unimi.it)."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    outputs = [plain_walk.mix((1234567 + (i + 1) * plain_walk.GOLDEN) % 2**64) for i in range(4)]
    assert outputs == expected
    for i, output in enumerate(outputs):
        assert streams.uniform(u64(1234567), u64(i)) == ((output >> 12) + 0.5) / 2**52


def test_keys_equal_the_plain_ones() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        seed, deal = (int(k) for k in random.integers(0, 2**64, 2, dtype=np.uint64))
        simulation, month, ordinal = (int(k) for k in random.integers(0, 1000, 3))
        key = plain_walk.simulation_key(seed, simulation)
        assert int(streams.simulation_key(u64(seed), u64(simulation))) % 2**64 == key
        assert int(streams.path_key(u64(key), u64(deal))) % 2**64 == plain_walk.path_key(key, deal)
        assert int(streams.future_key(u64(month), u64(ordinal))) % 2**64 == plain_walk.future_key(month, ordinal)


@streams.compiled
def _grid(n: int, first: int, second: int) -> np.ndarray:
    """(n, n) uniforms on a grid of two parts of the key: 0 draw, 1 deal, 2 visit, 3 attempt, 4 purpose, 5 follow-up."""
    values = np.empty((n, n))
    for i in range(n):
        for k in range(n):
            part = np.zeros(6, np.uint64)
            part[first], part[second] = i, k
            index = part[2] << streams.VISIT_BITS | part[3] << np.uint64(3) | part[4]
            path = streams.path_key(streams.simulation_key(np.uint64(9), part[0]), part[1])
            if first == 5 or second == 5:
                path = streams.path_key(path, streams.follow_key(np.uint64(0), part[5]))
            values[i, k] = streams.uniform(path, index)
    return values


PARTS = ["draw", "deal", "visit", "attempt", "purpose", "follow-up"]


@pytest.mark.parametrize(("first", "second"), list(combinations(range(6), 2)))
def test_neighbours_in_every_two_parts_of_the_key_are_independent(first: int, second: int) -> None:
    """On a grid of keys next to each other: rows, columns and diagonals do not correlate; no pair of rows does."""
    n = 8 if 4 in (first, second) else 300  # eight purposes
    values = _grid(n, first, second)
    centred = (values - 0.5) * math.sqrt(12)
    for shifted in (
        centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1], centred[1:, 1:] * centred[:-1, :-1],
        centred[1:, :-1] * centred[:-1, 1:],
    ):  # fmt: skip
        assert abs(shifted.mean()) * math.sqrt(shifted.size) < WORST
    assert abs(centred.mean()) * math.sqrt(centred.size) < WORST
    rows = centred @ centred.T / math.sqrt(n)  # standard normal off the diagonal
    off = rows[np.triu_indices(n, 1)]
    assert np.abs(off).max() < stats.norm.isf(1e-6 / len(off))
    assert len(np.unique(values)) == values.size


def test_uniform_by_kolmogorov_and_in_three_dimensions() -> None:
    values = np.concatenate([_grid(300, 0, 1).ravel(), _grid(300, 1, 2).ravel()[300:]])
    assert stats.kstest(values, "uniform").pvalue > 1e-6
    triples = np.histogramdd(values[: len(values) // 3 * 3].reshape(-1, 3), 12, [(0, 1)] * 3)[0]
    assert stats.chisquare(triples.ravel()).pvalue > 1e-6


@pytest.mark.parametrize("bit", [0, 1, 17, 40, 63])
@pytest.mark.parametrize("part", ["seed", "simulation", "deal"])
def test_every_bit_of_a_key_flips_half_of_the_bits(part: str, bit: int) -> None:
    """Avalanche: over many keys, each output bit flips with probability 1/2."""
    n = 4000
    flips = np.zeros(64)
    for i in range(n):
        parts = {"seed": 3 * i, "simulation": 5 * i, "deal": 7 * i}
        before = plain_walk.path_key(plain_walk.simulation_key(parts["seed"], parts["simulation"]), parts["deal"])
        parts[part] ^= 1 << bit
        after = plain_walk.path_key(plain_walk.simulation_key(parts["seed"], parts["simulation"]), parts["deal"])
        flips += [(before ^ after) >> b & 1 for b in range(64)]
    assert np.abs(flips - n / 2).max() < WORST * math.sqrt(n) / 2


@pytest.mark.parametrize("shape", [0.05, 0.5, 1.0, 3.7, 400.0])
def test_gamma_variates(shape: float) -> None:
    keys = range(20_000)
    values = np.array([streams.gamma(u64(plain_walk.path_key(1, key)), shape) for key in keys])
    assert stats.kstest(values, "gamma", args=(shape,)).pvalue > 1e-6
    plain = [plain_walk.gamma(plain_walk.path_key(1, key), shape) for key in keys[:300]]
    np.testing.assert_allclose(values[:300], plain, rtol=1e-12)


def test_gamma_variates_are_smooth_in_their_shape() -> None:
    """A hundredth more of shape moves nearly every variate by about a hundredth: common random numbers."""
    few, more = (np.array([streams.gamma(u64(key * 977), shape) for key in range(5000)]) for shape in (2.0, 2.02))
    assert (np.abs(np.log(more / few)) < 0.1).mean() > 0.95
    assert np.corrcoef(few, more)[0, 1] > 0.95


@streams.compiled
def _sample(n: int, axis: int) -> np.ndarray:
    """Uniforms that differ in one part of the key only; all other parts are fixed."""
    values = np.empty(n)
    for i in range(n):
        simulation, deal, index = np.uint64(3), np.uint64(5), np.uint64(0)
        seed = np.uint64(1)
        if axis == 0:
            seed = np.uint64(i)
        elif axis == 1:
            simulation = np.uint64(i)
        elif axis == 2:
            deal = np.uint64(i)
        elif axis == 3:
            deal = streams.future_key(np.uint64(2), np.uint64(i))
        elif axis == 4:
            deal = streams.future_key(np.uint64(i), np.uint64(2))
        elif axis == 5:
            index = np.uint64(i) << np.uint64(3)  # attempts
        elif axis == 6:
            index = np.uint64(i) << streams.VISIT_BITS  # visits
        else:
            index = np.uint64(i % 7)  # purposes of successive deals
            deal = np.uint64(i // 7)
        path = streams.path_key(streams.simulation_key(seed, simulation), deal)
        values[i] = streams.uniform(path, index)
    return values


AXES = ["seed", "simulation", "deal", "future deal", "month", "attempt", "visit", "purpose"]


@pytest.mark.parametrize("axis", range(len(AXES)), ids=AXES)
def test_uniform_and_independent_along_every_part_of_the_key(axis: int) -> None:
    values = _sample(N, axis)
    assert 0 < values.min() < values.max() < 1
    assert len(np.unique(values)) == N

    def z(counts: np.ndarray) -> float:
        """Chi-square of equal counts, as a standard normal (Wilson and Hilferty 1931)."""
        expected, df = counts.sum() / counts.size, counts.size - 1
        chi2 = ((counts - expected) ** 2).sum() / expected
        return float(((chi2 / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df)))

    assert abs(z(np.histogram(values, 256, (0, 1))[0])) < WORST
    low_bits = (values * 2**52).astype(np.int64) % 256
    assert abs(z(np.bincount(low_bits, minlength=256))) < WORST
    for lag in (1, 2, 7, 64):
        r = np.corrcoef(values[:-lag], values[lag:])[0, 1]
        assert abs(r) * math.sqrt(N - lag) < WORST
        pairs = np.histogram2d(values[:-lag], values[lag:], 16, [[0, 1], [0, 1]])[0]
        assert abs(z(pairs.ravel())) < WORST


def test_streams_of_neighbours_are_independent() -> None:
    columns = np.array([_sample(N, axis) for axis in range(len(AXES))])
    off_diagonal = np.corrcoef(columns)[np.triu_indices(len(AXES), 1)]
    assert np.abs(off_diagonal).max() * math.sqrt(N) < WORST


def test_uniforms_never_reach_0_or_1() -> None:
    assert ((2**52 - 1) + 0.5) * 2.0**-52 < 1
    assert streams.exponential(0.5 * 2.0**-52) == pytest.approx(53 * math.log(2))
    assert streams.exponential(1 - 2.0**-53) == pytest.approx(2.0**-53)


TAILS = [10.0**-k for k in range(1, 16)]
POINTS = np.concatenate([np.linspace(0.001, 0.999, 999), TAILS, 1 - np.array(TAILS)])


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (streams.exponential, lambda u: -math.log(u)),
        (streams.normal_quantile, stats.norm.ppf),
        (streams.laplace_quantile, stats.laplace.ppf),
    ],
    ids=["exponential", "normal", "laplace"],
)
def test_quantiles(ours: Callable[[float], float], reference: Callable[[float], float]) -> None:
    for u in POINTS:
        assert ours(u) == pytest.approx(reference(u), rel=4e-15, abs=1e-16)


@pytest.mark.parametrize(
    ("mean", "shape"),
    [
        (0.0, 2.0),
        (0.3, 0.1),
        (3.0, 0.3),
        (40.0, 5.0),
        (500.0, 10.0),
        (700.0, 1e9),
        (3.0, math.inf),
        (5e3, math.inf),
    ],
)
def test_counts(mean: float, shape: float) -> None:
    points = np.concatenate([np.linspace(0.003, 0.999, 300), TAILS[:12], 1 - np.array(TAILS[:10])])
    if math.isinf(shape):
        expected = stats.poisson.ppf(points, mean)
    else:
        expected = stats.nbinom.ppf(points, shape, shape / (shape + mean))
    np.testing.assert_array_equal([streams.count_quantile(u, mean, shape) for u in points], np.maximum(expected, 0))


def test_counts_of_extreme_means_end() -> None:
    assert streams.count_quantile(0.5, 1e6, math.inf) == pytest.approx(1e6, abs=1)
    assert streams.count_quantile(1 - 2.0**-53, 1e5, 1e4) < 2e5
    assert streams.count_quantile(2.0**-53, 1e6, math.inf) == pytest.approx(1e6 - 8.2e3, abs=100)


def test_pick() -> None:
    cdf = np.array([[0.5, 0.5, 1.0], [0.2, 0.6, 1 - 1e-12]])
    assert [streams.pick(cdf, 0, u) for u in (0.1, 0.5, 0.7)] == [0, 2, 2]  # probability zero is never picked
    assert [streams.pick(cdf, 1, u) for u in (0.2, 0.59, 1 - 1e-16)] == [1, 1, 2]
