"""Outcomes: what the simulations won, by month and by group, in whole minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.funnel import frozen_array


@dataclass(frozen=True, eq=False)
class Activity:
    """Paths of n recorded simulations, added up: what moved, and what stood where.

    simulation: (n,) which simulations these are.
    exits: (n, M, J) int32 number of exits by month and exit.
    occupancy: (n, M, S) int32 number of deals in each state at the end of each month; the deals that were
        already won or lost at the origin count only if they were given to the engine.
    """

    simulation: NDArray[np.int64]
    exits: NDArray[np.int32]
    occupancy: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Sums over paths; K simulations, M months kept, coherent to the cent.

    won: (K, M) int64 amount won, minor units.
    wins: (K, M) int32 number of deals won.
    created: (K, M) int32 number of new deals.
    by: by grouping, (K, M, size) int64 amount won by group; sums over groups to `won` (checked).
    draw: (K,) index of the posterior draw of every simulation.
    followed: (K, M) int32 or None; number of deals that followed won ones, by the month in which they begin.
    deal_win_days: (N, H + 1) uint32 or None; for every open deal the number of simulations in which it is won
        at a time in (k - 1, k] days after the origin, k = 0..H (column 0 is empty), H the horizon rounded up.
        Its running sum over k is the number of simulations won by day k. A win in column k falls on the
        calendar day origin + k - 1.
    deal_value: (N,) int64 or None; for every open deal the sum over simulations of the amounts won within
        the months kept.
    activity: what happened in a sample of the simulations, or None.
    """

    won: NDArray[np.int64]
    wins: NDArray[np.int32]
    created: NDArray[np.int32]
    by: Mapping[str, NDArray[np.int64]]
    draw: NDArray[np.int64]
    deal_win_days: NDArray[np.uint32] | None = None
    deal_value: NDArray[np.int64] | None = None
    followed: NDArray[np.int32] | None = None
    activity: Activity | None = None

    def __post_init__(self) -> None:
        won = frozen_array("won", self.won, np.int64, (None, None))
        object.__setattr__(self, "won", won)
        object.__setattr__(self, "wins", frozen_array("wins", self.wins, np.int32, won.shape))
        object.__setattr__(self, "created", frozen_array("created", self.created, np.int32, won.shape))
        object.__setattr__(self, "draw", frozen_array("draw", self.draw, np.int64, won.shape[:1]))
        for name, sums in self.by.items():
            if sums.ndim != 3 or sums.shape[:2] != won.shape:
                raise ValueError(f"by[{name!r}]: expected shape {(*won.shape, 'any')}, got {sums.shape}")
            if not np.array_equal(sums.sum(axis=2), won):
                raise ValueError(f"by[{name!r}]: expected groups that sum to won")
        object.__setattr__(self, "by", dict(self.by))
        if self.followed is not None:
            object.__setattr__(self, "followed", frozen_array("followed", self.followed, np.int32, won.shape))

    @property
    def n_simulations(self) -> int:
        return len(self.won)

    @property
    def n_draws(self) -> int:
        """Number of different posterior draws."""
        return len(np.unique(self.draw))

    @property
    def n_months(self) -> int:
        return int(self.won.shape[1])
