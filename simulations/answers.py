"""Answers to questions about a target, all from the same Outcomes, so that every total adds up.

Revenue of a period is R = won to date + simulated; `months` is a boolean mask of the months that belong to
the period (default: all months kept). Amounts are minor units throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.funnel import frozen_array
from simulations.outcomes import Outcomes

P10_P50_P90 = (0.1, 0.5, 0.9)


class Probability(NamedTuple):
    """A share of simulations and its standard error of simulation."""

    p: float
    se: float


def revenue(outcomes: Outcomes, *, won_to_date: int = 0, months: ArrayLike | None = None) -> NDArray[np.int64]:
    """(K,) revenue of the period in every simulation."""
    simulated: NDArray[np.int64] = outcomes.won[:, _mask(outcomes, months)].sum(axis=1)
    return won_to_date + simulated


def p_hit(outcomes: Outcomes, target: float, *, won_to_date: int = 0, months: ArrayLike | None = None) -> Probability:
    """P(R >= target)."""
    return share(revenue(outcomes, won_to_date=won_to_date, months=months) >= target, outcomes.draw)


def p_hit_without(
    outcomes: Outcomes, target: float, grouping: str, group: int, *, won_to_date: int = 0,
    months: ArrayLike | None = None,
) -> Probability:  # fmt: skip
    """P(R - R_g >= target), R_g what group g wins in the simulations; what it won to date stays."""
    own = sums_by_group(outcomes, grouping, months)
    if not 0 <= group < own.shape[1]:
        raise ValueError(f"group: expected 0..{own.shape[1] - 1}, got {group}")
    rest = revenue(outcomes, won_to_date=won_to_date, months=months) - own[:, group]
    return share(rest >= target, outcomes.draw)


def share(hits: ArrayLike, draw: ArrayLike) -> Probability:
    """The share of simulations that hit, with its standard error clustered by posterior draw.

    Simulations of one draw share its parameters, so the draw is the unit: with D draws, h_d the hits and n_d
    the simulations of draw d, p = sum h / sum n and

        se = sqrt(sum_d (h_d - n_d p)**2) / sum n

    (Cochran 1977, ratio of cluster totals), which is the binomial sqrt(p (1 - p) / D) when every draw has one
    simulation. Where the draws do not differ, for instance where all or none hit, the formula would claim
    certainty; the error is then the binomial one of D trials at (D p + 1/2) / (D + 1), the mean of p under
    Jeffreys' prior. So a share of 0 or 1 stays the share that was seen, but never has an error of 0.
    """
    hit = np.asarray(hits, dtype=np.float64)
    if hit.size == 0:
        raise ValueError("hits: expected at least one simulation")
    _, index = np.unique(np.asarray(draw), return_inverse=True)
    number = np.bincount(index)
    p = float(hit.mean())
    residual = np.bincount(index, hit) - number * p
    draws = len(number)
    if np.abs(residual).max() < 1e-9 * number.max():
        middle = (draws * p + 0.5) / (draws + 1)
        return Probability(p, float(np.sqrt(middle * (1 - middle) / draws)))
    return Probability(p, float(np.sqrt(np.square(residual).sum()) / hit.size))


def quantiles(
    outcomes: Outcomes, probabilities: Sequence[float] = P10_P50_P90, *, won_to_date: int = 0,
    months: ArrayLike | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Quantiles of R, in the order of `probabilities`; P10 is the low case."""
    return np.quantile(revenue(outcomes, won_to_date=won_to_date, months=months), probabilities)


def quantiles_by_month(outcomes: Outcomes, probabilities: Sequence[float] = P10_P50_P90) -> NDArray[np.float64]:
    """(M, number of probabilities) quantiles of the amount simulated in each month."""
    return np.quantile(outcomes.won, probabilities, axis=0).T


def mean_by_month(outcomes: Outcomes) -> NDArray[np.float64]:
    """(M,) expected amount simulated in each month."""
    mean: NDArray[np.float64] = outcomes.won.mean(axis=0)
    return mean


def expected_by_group(
    outcomes: Outcomes, grouping: str, *, won_to_date: ArrayLike | None = None,
    months: ArrayLike | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """(size,) expected revenue of every group; won_to_date: (size,) amounts won so far by group."""
    expected: NDArray[np.float64] = sums_by_group(outcomes, grouping, months).mean(axis=0)
    if won_to_date is not None:
        expected = expected + frozen_array("won_to_date", won_to_date, np.int64, expected.shape)
    return expected


def top_shares(
    outcomes: Outcomes, grouping: str, tops: Sequence[int] = (1, 3, 5), *,
    won_to_date: ArrayLike | None = None, months: ArrayLike | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Share of expected revenue of the largest 1, 3, 5 groups (by `tops`); nan where nothing is expected."""
    expected = expected_by_group(outcomes, grouping, won_to_date=won_to_date, months=months)
    total = expected.sum()
    if total == 0:
        return np.full(len(tops), np.nan)
    running = np.concatenate([[0.0], np.cumsum(np.sort(expected)[::-1])])
    shares: NDArray[np.float64] = running[np.minimum(tops, len(expected))] / total
    return shares


def _mask(outcomes: Outcomes, months: ArrayLike | None) -> NDArray[np.bool_]:
    if months is None:
        return np.ones(outcomes.n_months, dtype=np.bool_)
    mask = np.asarray(months)
    if mask.dtype != np.bool_ or mask.shape != (outcomes.n_months,):
        raise ValueError(f"months: expected {outcomes.n_months} booleans, got {mask.dtype} {mask.shape}")
    return mask


def sums_by_group(outcomes: Outcomes, grouping: str, months: ArrayLike | None = None) -> NDArray[np.int64]:
    """(K, size) what every group wins in the months of every simulation; sums to the revenue simulated."""
    if grouping not in outcomes.by:
        raise ValueError(f"grouping: expected one of {sorted(outcomes.by)}, got {grouping!r}")
    sums: NDArray[np.int64] = outcomes.by[grouping][:, _mask(outcomes, months)].sum(axis=1)
    return sums
