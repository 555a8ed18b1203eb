"""Back-solve: the least change of one lever that lifts P(hit) to the wanted level, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import ndtri

from simulations.pairs import Moved

# Sizes tried in this order, until one is enough: what can be imagined, and where nothing more is to be had.
CONVERSION_STEPS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
LEAD_TIME_STEPS = (-0.1, -0.2, -0.3, -0.4, -0.5, -0.7, -0.9)
SHARE_STEPS = (0.1, 0.4, 1.6, 4.0)  # of what more can only bring more
CLOSE = 0.25  # standard errors of P(hit): nearer to the wanted level than this, a size is not told from the solution
MOST_HALVINGS = 8
FALL = 2.0  # standard errors by which P(hit) has to fall from a smaller size to a larger one to count as falling
EDGE = 1e-3  # P(hit) is interpolated as a normal quantile, which needs it away from 0 and 1


class Verdict(StrEnum):
    ALREADY = "already"  # at the wanted level without a change
    REACHED = "reached"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True)
class Solution:
    """size: of the lever: the least found that reaches `wanted` (0 where it is there already), or, out of reach, the
    one with the highest P(hit) of those tried. moved: P(hit) there. monotone: False where a larger size was found
    to bring less than a smaller one, by more than their error: then more is not better.
    """

    verdict: Verdict
    size: float
    moved: Moved
    monotone: bool


def solve(
    response: Callable[[float], Moved], wanted: float, steps: tuple[float, ...], *, limit: float = np.inf
) -> Solution:  # fmt: skip
    """Walk up the steps until P(hit) is at the wanted level; then halve the last step, by interpolation.

    `response`: P(hit) at a size, on the same random numbers at all sizes. limit: the largest size that does anything.
    The least size: of several at which P(hit) crosses the level, as happens where it is not monotone, the steps find
    the first, unless it rises and falls again between two of them.
    """
    here = response(0.0)
    if here.p.p >= wanted:
        return Solution(Verdict.ALREADY, 0.0, here, True)
    tried: list[tuple[float, Moved]] = [(0.0, here)]
    for step in steps:
        size = float(np.sign(step) * min(abs(step), limit))
        moved = response(size)
        tried.append((size, moved))
        if moved.p.p >= wanted or abs(size) >= limit:
            break
    monotone = not any(_falls(tried[i][1], tried[j][1]) for j in range(len(tried)) for i in range(j))
    if tried[-1][1].p.p < wanted:
        size, moved = max(tried, key=lambda one: one[1].p.p)
        return Solution(Verdict.OUT_OF_REACH, size, moved, monotone)
    size, moved = _between(response, wanted, tried[-2], tried[-1])
    return Solution(Verdict.REACHED, size, moved, monotone)


def _falls(smaller: Moved, larger: Moved) -> bool:
    lost = smaller.change.value - larger.change.value
    return lost > FALL * float(np.hypot(smaller.change.se, larger.change.se))


def _between(
    response: Callable[[float], Moved], wanted: float, low: tuple[float, Moved], high: tuple[float, Moved]
) -> tuple[float, Moved]:  # fmt: skip
    """The size between one that is not enough and one that is, and P(hit) there."""
    for _ in range(MOST_HALVINGS):
        if high[1].p.p - wanted <= CLOSE * high[1].p.se:
            break
        a, w, b = (float(ndtri(np.clip(p, EDGE, 1 - EDGE))) for p in (low[1].p.p, wanted, high[1].p.p))
        share = np.clip((w - a) / (b - a), 0.1, 0.9) if b > a else 0.5
        size = low[0] + float(share) * (high[0] - low[0])
        moved = response(size)
        if abs(moved.p.p - wanted) <= CLOSE * moved.p.se:
            return size, moved
        low, high = (low, (size, moved)) if moved.p.p >= wanted else ((size, moved), high)
    return high
