"""Scores of probabilistic forecasts that have come true, with errors fit for few and overlapping windows.

A forecast is its `samples` (n,), what happened is the `actual`, both in one unit; scores of several origins are
arrays (N,) in order of time. Windows of neighbouring origins overlap: with monthly origins and windows of a
quarter, one outcome shares months with its next two, so `overlap` is 2. Bad input is a ValueError that names it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import root
from scipy.special import betaincinv, digamma, polygamma
from scipy.stats import binomtest, norm, t

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PRIOR_PITS = 20  # recalibration starts from as many calibrated forecasts: five years of quarters
TWO_SIDED_95 = 0.975


class Estimate(NamedTuple):
    """A mean or skill, and its error scaled so that value ± 1.96 se is a 95 % interval also for few origins."""

    value: float
    se: float


class Interval(NamedTuple):
    low: float
    high: float


class Murphy(NamedTuple):
    """Parts of a Brier score: reliability - resolution + uncertainty + within."""

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def crps(samples: Floats, actual: float) -> float:
    """Continuous ranked probability score, E|X - y| - E|X - X'| / 2, in the unit of the samples; 0 is perfect.

    The fair form (Ferro 2014), with n (n - 1) pairs: its mean is the score of the distribution that was sampled,
    however few samples there are. The plain form, n * n, adds E|X - X'| / 2n, and so would rank forecasts by their
    number of samples; but the fair one can fall below 0 for a handful of them, and a grid of n quantiles, which are
    not random, scores better by as much than the forecast it stands for. One sample is a forecast of one number: its
    score is the absolute error. O(n log n): of sorted samples, the sum of |x_i - x_j| over i < j is
    sum_i (2 i - n - 1) x_i (Gneiting & Raftery 2007, Jordan, Krüger & Lerch 2019).
    """
    distance = np.sort(_finite("samples", samples)) - _number("actual", actual)
    n = len(distance)
    error = float(np.abs(distance).mean())
    return error if n == 1 else error - float(np.arange(1 - n, n, 2) @ distance) / (n * (n - 1))


def pit(samples: Floats, actual: float) -> float:
    """Probability integral transform P(X < y) + P(X = y) / 2, without random numbers.

    Uniform over calibrated forecasts of a continuous quantity. Where ties have weight (revenue of 0), it keeps the
    mean 1/2 but spreads less than a uniform.
    """
    values, y = _finite("samples", samples), _number("actual", actual)
    return float(np.mean(values < y) + np.mean(values == y) / 2)


def covered(samples: Floats, actual: float, level: float) -> bool:
    """Whether the central interval of the level, its ends included, holds the actual."""
    low, high = _central(samples, level)
    return bool(low <= _number("actual", actual) <= high)


def width(samples: Floats, level: float) -> float:
    """Width of the central interval of the level, in the unit of the samples."""
    low, high = _central(samples, level)
    return high - low


def mean_with_se(values: Floats, overlap: int) -> Estimate:
    """Mean of scores (N,) whose windows overlap with those of the next `overlap` origins; 0: independent.

    The usual estimate (Newey & West 1987) measures the autocorrelations. Six to twenty origins do not hold them:
    its 95 % interval covers 70 % for moving sums of white noise at N = 13, overlap = 3. So they are not estimated
    but taken from the overlap, as Richardson & Smith (1991) do for overlapping returns: r_k = 1 - k / (overlap + 1),
    the share of its window that an origin has in common with the k-th next. With R = (r_|i-j|), s = 1'R1 and
    M the projection off the mean, the variance that is unbiased under R is

        se**2 = sum_i (x_i - mean)**2 / (N - s / N) * s / N**2

    with tr(MR)**2 / tr(MRMR) degrees of freedom (Satterthwaite 1946), and se is scaled by Student's 97.5 % point
    over the normal one. It errs on the cautious side: no stationary scores that depend on their `overlap` neighbours
    only have a mean that varies more (Fejér's bound of a trigonometric polynomial; to 0.1 % of the variance already
    at N = 13, overlap = 3). Value ± 1.96 se there covers 96 % for the sums, 98 % for their absolute values (close to
    CRPS), 91 % for their squares (skewed) and 89 % for sums of an autoregression of 0.5, whose dependence outlasts
    the windows. The price: where scores do not depend on each other in spite of the overlap, the interval is
    2.6 times as wide as it had to be. An se of one value is nan.
    """
    x = _finite("values", values)
    if overlap < 0:
        raise ValueError(f"overlap: expected 0 or more origins, got {overlap}")
    n = len(x)
    mean = float(x.mean())
    if n == 1:
        return Estimate(mean, np.nan)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    shared = np.maximum(1 - apart / (overlap + 1), 0.0)
    centred = shared - shared.mean(axis=0)  # M R
    trace = float(np.trace(centred))
    freedom = trace**2 / float((centred * centred.T).sum())
    variance = float(np.square(x - mean).sum()) / trace * float(shared.mean())
    return Estimate(mean, float(np.sqrt(variance) * t.ppf(TWO_SIDED_95, freedom) / norm.ppf(TWO_SIDED_95)))


def skill(ours: Floats, theirs: Floats, overlap: int) -> Estimate:
    """1 - mean(ours) / mean(theirs), of scores (N,) paired by origin: 1 is perfect, 0 no better than theirs.

    The error is that of the mean of the influence values (ours_i - ratio * theirs_i) / mean(theirs) (delta method),
    so that what makes an origin hard for both cancels. nan where theirs leaves nothing to improve: mean 0 or below.
    """
    a, b = _finite("ours", ours), _finite("theirs", theirs)
    _same_shape("theirs", b, "ours", a)
    scale = float(b.mean())
    if scale <= 0:
        return Estimate(np.nan, np.nan)
    ratio = float(a.mean()) / scale
    return Estimate(1 - ratio, mean_with_se((a - ratio * b) / scale, overlap).se)


def share_interval(hits: int, n: int, level: float = 0.95) -> Interval:
    """Wilson's interval of the share hits / n, for independent cases; overlapping windows hold fewer than n.

    Brown, Cai & DasGupta (2001) recommend Wilson's or Jeffreys' up to n = 40. Wilson's always holds the share that
    was seen; Jeffreys' leaves out 0 where nothing was hit and 1 where all was.
    """
    if n < 1:
        raise ValueError(f"n: expected at least one case, got {n}")
    if not 0 <= hits <= n:
        raise ValueError(f"hits: expected 0..{n}, got {hits}")
    found = binomtest(hits, n).proportion_ci(_level(level), method="wilson")
    return Interval(float(found.low), float(found.high))


def brier(p: Floats, hit: Bools) -> float:
    """Mean of (p - hit)**2 (Brier 1950), of probabilities (N,) and what happened (N,)."""
    chance, happened = _chances(p, hit)
    return float(np.square(chance - happened).mean())


def murphy(p: Floats, hit: Bools, bins: int = 5) -> Murphy:
    """Murphy's (1973) parts of the Brier score, of probabilities in bins of equal width.

    In bin k with n_k cases, mean probability p_k and share of hits h_k, of all cases h:

        reliability = sum n_k (p_k - h_k)**2 / N    resolution = sum n_k (h_k - h)**2 / N    uncertainty = h (1 - h)

    `within` is what the bins hide, the variance less twice the covariance with the hits, inside of them (Stephenson,
    Coelho & Jolliffe 2008), so that the parts sum to the Brier score whatever the bins.
    """
    chance, happened = _chances(p, hit)
    index = np.minimum((chance * _bins(bins)).astype(np.int64), bins - 1)
    _, index, number = np.unique(index, return_inverse=True, return_counts=True)
    binned, share = (np.bincount(index, values) / number for values in (chance, happened))
    base = float(happened.mean())
    spread = chance - binned[index]  # sums to 0 in each bin, so that the covariance needs no share of hits
    return Murphy(
        float(number @ np.square(binned - share)) / len(chance),
        float(number @ np.square(share - base)) / len(chance),
        base * (1 - base),
        float((spread * (spread - 2 * happened)).mean()),
    )


def pit_histogram(pits: Floats, bins: int = 5) -> Ints:
    """(bins,) number of PITs in bins of equal width: a hump is too wide a forecast, a bowl too narrow a one."""
    counts, _ = np.histogram(_unit("pits", pits), bins=_bins(bins), range=(0.0, 1.0))
    return counts.astype(np.int64)


def calibration_p_value(pits: Floats) -> float:
    """Of Neyman's (1937) smooth test of order 2 that PITs (N,) are independent and uniform.

    With x = 2 pit - 1, the sums over sqrt(N) of the first two Legendre polynomials, sqrt(3) x and
    sqrt(5) (3 x**2 - 1) / 2, are the bias of the forecasts and the error of their width; the sum of their squares
    is chi-squared with 2 degrees of freedom, so p = exp(-sum / 2). It is made for these two faults: at N = 13,
    forecasts with 0.56 of the right standard deviation are found in 65 % of cases at the 5 % level, where Kolmogorov
    and Cramér-von Mises find 23 %. At that level it errs in 4.1 % (N = 6) to 4.8 % (N = 20) of calibrated cases.

    What it cannot tell: PITs of overlapping windows move together, and a few windows that share one good quarter
    look like bias. So leave out origins until windows no longer overlap, or read a small p as "look here" only. A
    large p from few PITs means that little was seen, not that forecasts are calibrated.
    """
    x = 2 * _unit("pits", pits) - 1
    bias = np.sqrt(3) * x.sum()
    spread = np.sqrt(5) * (1.5 * np.square(x) - 0.5).sum()
    return float(np.exp(-(bias**2 + spread**2) / (2 * len(x))))


def recalibrated(samples: Floats, past_pits: Floats) -> Floats:
    """(n,) samples of the forecast F corrected to G(F), G the distribution of past PITs; ranks stay as they were.

    G is a Beta distribution (beta-transformed forecasts, Gneiting & Ranjan 2013): bias and width are all that a few
    PITs can teach; the isotonic map of Kuleshov, Fenner & Ermon (2018) would make a stair of them. Its prior is
    conjugate, as if PRIOR_PITS calibrated forecasts had been seen before. Without past PITs G is the identity.

    A PIT of n samples is no nearer to 0 or 1 than half a sample. A correction puts new weights on what the
    samples reach: it cannot widen a forecast beyond the farthest of them. PITs of overlapping windows teach less
    than their number claims. Judge it on origins that it has not seen.
    """
    values = _finite("samples", samples)
    pits = _unit("past_pits", past_pits) if np.size(past_pits) else np.empty(0)
    n = len(values)
    a, b = _beta(np.clip(pits, 0.5 / n, 1 - 0.5 / n))
    at = (np.arange(n) + 0.5) / n
    order = np.argsort(values, kind="stable")
    corrected = np.empty(n)
    corrected[order] = np.interp(betaincinv(a, b, at), at, values[order])
    return corrected


def _beta(pits: Floats) -> tuple[float, float]:
    """Mode of a Beta's parameters: E log p and E log(1 - p) equal their means over PITs and prior, -1 if uniform."""
    seen = len(pits) + PRIOR_PITS
    target = np.array([np.log(pits).sum() - PRIOR_PITS, np.log1p(-pits).sum() - PRIOR_PITS]) / seen

    def gap(logs: Floats) -> Floats:
        ab = np.exp(logs)
        return np.asarray(digamma(ab) - digamma(ab.sum()) - target)

    def slope(logs: Floats) -> Floats:
        ab = np.exp(logs)
        return np.asarray((np.diag(polygamma(1, ab)) - polygamma(1, ab.sum())) * ab)

    found = root(gap, np.zeros(2), jac=slope)
    if not found.success:
        raise ValueError(f"past_pits: no Beta distribution fits: {found.message}")
    a, b = np.exp(found.x)
    return float(a), float(b)


def _central(samples: Floats, level: float) -> Interval:
    tail = (1 - _level(level)) / 2
    low, high = np.quantile(_finite("samples", samples), [tail, 1 - tail])
    return Interval(float(low), float(high))


def _chances(p: Floats, hit: Bools) -> tuple[Floats, Floats]:
    chance, happened = _unit("p", p), np.asarray(hit)
    if happened.dtype != np.bool_:
        raise ValueError(f"hit: expected booleans, got {happened.dtype}")
    _same_shape("hit", happened, "p", chance)
    return chance, happened.astype(np.float64)


def _finite(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: expected one value or more in one dimension, got shape {array.shape}")
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        raise ValueError(f"{name}: expected finite numbers, {bad} of {array.size} are not")
    return array


def _unit(name: str, values: ArrayLike) -> Floats:
    array = _finite(name, values)
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name}: expected 0..1, got {array.min():g}..{array.max():g}")
    return array


def _number(name: str, value: float) -> float:
    if not np.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value}")
    return float(value)


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level: expected a share between 0 and 1, got {level}")
    return level


def _bins(bins: int) -> int:
    if bins < 1:
        raise ValueError(f"bins: expected at least one, got {bins}")
    return bins


def _same_shape(name: str, array: NDArray[np.generic], other: str, like: Floats) -> None:
    if array.shape != like.shape:
        raise ValueError(f"{name}: expected the shape of {other}, {like.shape}, got {array.shape}")
