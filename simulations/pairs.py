"""Two runs of the same draws and random numbers, one with a change: what it moves, and how sure that is.

Row i of both is the same draw and the same luck, so a difference is far surer than its two terms. Rows are
independent: one simulation per draw.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.answers import Probability

Floats = NDArray[np.float64]
SPACING = 0.1  # half the distance of the quantiles that tell the density at the median


class Change(NamedTuple):
    """A difference and its standard error of simulation."""

    value: float
    se: float


class Moved(NamedTuple):
    """A probability after a change, and how far it has moved."""

    p: Probability
    change: Change


def moved_share(after: ArrayLike, before: ArrayLike) -> Moved:
    """P(hit) after a change that was simulated in n draws, before it in N >= n, of which these are the first.

    With a (n,) the hits after, h (N,) those before, b = Cov(a, h) / Var(h) over the n, and p_n, p_N the shares of h,

        P = mean(a) + b (p_N - p_n)

    (h as a control variate: Glasserman 2004, section 4.1). Without a change b = 1 and P = p_N, the share that all
    draws tell. The errors are those of sums over independent rows, taking b as known; where no row differs, that of
    half a row in n + 1.
    """
    a, h = np.asarray(after, dtype=np.float64), np.asarray(before, dtype=np.float64)
    n, share = len(a), len(a) / len(h)
    if not 0 < n <= len(h):
        raise ValueError(f"after: expected 1..{len(h)} rows, got {n}")
    own = h[:n]
    b = float(np.cov(a, own, ddof=0)[0, 1] / own.var()) if own.var() > 0 else 1.0
    same = np.array_equal(a, own)  # then P is p_N to the last bit
    p = float(h.mean()) if same else float(np.clip(a.mean() + b * (h.mean() - own.mean()), 0.0, 1.0))
    least = 0.5 / (n + 1)

    def error(factor: float) -> float:
        """Of mean(a - b h) over the n rows + factor times the mean of h over all."""
        among = (a - b * own + factor * share * own).var() / n
        rest = (factor * (1 - share)) ** 2 * h[n:].var() / (len(h) - n) if n < len(h) else 0.0
        return float(np.sqrt(max(among + rest, least * (1 - least) / n)))

    return Moved(Probability(p, error(b)), Change(p - float(h.mean()), error(b - 1)))


def moved_median(after: ArrayLike, before: ArrayLike) -> Change:
    """Change of the median from (n,) to (n,) amounts.

    Its error is that of the difference of the influences (1/2 - 1(x <= median)) / density of each row, the density
    at the median read off the quantiles on both sides of it (Siddiqui 1960).
    """
    a, h = np.asarray(after, dtype=np.float64), np.asarray(before, dtype=np.float64)
    if a.shape != h.shape or a.size == 0:
        raise ValueError(f"after: expected {h.size} amounts, and at least one, got {a.size}")
    if np.array_equal(a, h):
        return Change(0.0, 0.0)

    def median(x: Floats) -> tuple[float, Floats]:
        low, middle, high = np.quantile(x, [0.5 - SPACING, 0.5, 0.5 + SPACING])
        return float(middle), (0.5 - (x <= middle)) * (high - low) / (2 * SPACING)

    (now, moved), (then, stood) = median(a), median(h)
    return Change(now - then, float(np.sqrt((moved - stood).var() / a.size)))
