"""What a result rests on: single groups of deals, such as a client's or one deal, taken out or made certain.

All on the simulations that gave the answer. R is revenue of the period, T the target, R_g what group g brings in the
simulations; what it has won to date stays won. Amounts are minor units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.answers import Probability, revenue, share, sums_by_group
from simulations.funnel import frozen_array
from simulations.outcomes import Outcomes

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dependence:
    """Of G groups, each array (G,).

    expected: E R_g. share: E R_g / E R of the simulated revenue, nan where nothing is expected.
    p_without, se_without: P(R - R_g >= T) and its error. p_certain: P(R - R_g + A_g >= T), A_g the value given.
    shortfall: E[(E R_g - R_g) 1(R < T)] / E[(E R - R) 1(R < T)], which sums to one; nan where no simulation
    misses, or those that do fall short of the mean by nothing.
    """

    p_hit: Probability
    expected: Floats
    share: Floats
    p_without: Floats
    se_without: Floats
    p_certain: Floats
    shortfall: Floats

    @property
    def adds(self) -> Floats:
        """(G,) what a group can add to the chance by bringing its whole value: not P(hit | it wins) -
        P(hit | it does not), which shocks that all deals share would inflate.
        """
        return self.p_certain - self.p_without


def dependence(
    outcomes: Outcomes, target: float, grouping: str, *, value: ArrayLike | None = None, won_to_date: int = 0,
    months: ArrayLike | None = None,
) -> Dependence:  # fmt: skip
    """Dependence on every group of a grouping. value: (G,) minor units that each would bring at best (default 0)."""
    own = sums_by_group(outcomes, grouping, months)
    size = own.shape[1]
    best = np.zeros(size, dtype=np.int64) if value is None else frozen_array("value", value, np.int64, (size,))
    total = revenue(outcomes, won_to_date=won_to_date, months=months)
    rest = total[:, None] - own
    missed = total < target
    expected = own.mean(axis=0)
    short = ((expected - own) * missed[:, None]).mean(axis=0)
    without = [share(hits, outcomes.draw) for hits in (rest >= target).T]
    return Dependence(
        p_hit=share(~missed, outcomes.draw),
        expected=expected,
        share=_parts(expected),
        p_without=np.array([one.p for one in without]),
        se_without=np.array([one.se for one in without]),
        p_certain=(rest + best >= target).mean(axis=0),
        shortfall=_parts(short),
    )


def concentration(shares: ArrayLike, members: ArrayLike | None = None) -> float:
    """Sum of squared shares (Herfindahl 1950, Hirschman 1945): 1 where one group has all, 1 / n for n equal ones.

    Its inverse is the effective number of groups. members: (G,) into how many equal parts each group falls
    (default 1; inf: so many that none counts).
    """
    part = np.asarray(shares, dtype=np.float64)
    number = np.ones_like(part) if members is None else np.asarray(members, dtype=np.float64)
    return float((part**2 / number).sum())


def least_multiple(base: ArrayLike, part: ArrayLike, target: float, wanted: float) -> float:
    """The least s >= 0 at which base + s * part reaches the target in a share `wanted` of the simulations, inf
    where none does.

    base, part: (K,), part >= 0. Exact: simulation k reaches it from s_k = (target - base_k) / part_k on, and s is
    the smallest that as many s_k as are wanted do not exceed.
    """
    bases, parts = np.asarray(base, dtype=np.float64), np.asarray(part, dtype=np.float64)
    missing = np.maximum(target - bases, 0.0)
    needed = np.divide(missing, parts, out=np.full(len(bases), np.inf), where=parts > 0)
    needed[missing == 0] = 0.0
    rank = int(np.ceil(wanted * len(needed) - 1e-9))
    return 0.0 if rank == 0 else float(np.partition(needed, rank - 1)[rank - 1])


def _parts(values: Floats) -> Floats:
    """The values as parts of their sum, nan where that is nothing."""
    total = values.sum()
    return values / total if abs(total) > 0 else np.full_like(values, np.nan)
