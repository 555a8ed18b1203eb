"""One period of the question, in the terms of the simulation: minor units and months of the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.coding import clients
from forecast.draws import client_codes, named
from forecast.history import Floats, History, Ints, day_of
from forecast.periods import Period
from simulations import Outcomes, answers


@dataclass(frozen=True, eq=False)
class AskedPeriod:
    """target: minor units; inf where none is set. won: (deals,) minor units that each deal of the history has won in
    the period before the origin. months: (M,) which of the simulated months belong to it. wanted: chance aimed at.
    """

    target: float
    won: Ints
    months: NDArray[np.bool_]
    minor: int
    wanted: float

    @property
    def won_to_date(self) -> int:
        return int(self.won.sum())

    @property
    def gap(self) -> float:
        return self.target - self.won_to_date

    @property
    def terms(self) -> dict[str, Any]:
        """What the functions of `answers` take."""
        return {"won_to_date": self.won_to_date, "months": self.months}

    def money(self, amount: float) -> float:
        """Minor units in units of the currency."""
        return float(amount) / self.minor

    def won_by(self, codes: Ints, size: int) -> Ints:
        """(size,) minor units won to date by group, given the group of every deal; -1 is none."""
        known = codes >= 0
        return np.bincount(codes[known], self.won[known], size).astype(np.int64)

    def spread(self, outcomes: Outcomes) -> dict[str, float]:
        """P10, P50, P90 and mean of revenue, in units of the currency."""
        return ranges(answers.revenue(outcomes, **self.terms) / self.minor)


def asked_about(
    period: Period, target: float | None, history: History, edges: Floats, minor: int, wanted: float
) -> AskedPeriod:
    """edges: (M + 1,) days since 1970-01-01 of the simulated months."""
    start, after = day_of(period.start), day_of(period.after)
    return AskedPeriod(
        target=np.inf if target is None else round(target * minor),
        won=won_by_deal(history, start, min(after, history.day), minor),
        months=(edges[:-1] >= start) & (edges[1:] <= after),
        minor=minor,
        wanted=wanted,
    )


def ranges(revenue: Floats) -> dict[str, float]:
    """P10, P50, P90 and mean of (K,) simulated amounts."""
    low, middle, high = (float(q) for q in np.quantile(revenue, answers.P10_P50_P90))
    return {"p10": low, "p50": middle, "p90": high, "mean": float(revenue.mean())}


def won_by_deal(history: History, start: float, end: float, minor: int) -> Ints:
    """(deals,) minor units won after `start` up to `end` (days since 1970-01-01)."""
    wins = history.wins()
    within = ((wins["won"] > start) & (wins["won"] <= end)).to_numpy()
    won = np.zeros(len(history.deals), dtype=np.int64)
    won[wins["deal"][within]] = np.rint(wins["amount"].fillna(0.0)[within] * minor).astype(np.int64)
    return won


def group_of_deal(history: History, grouping: str, names: Sequence[str]) -> Ints:
    """(deals,) index of the group of each deal, as in Scenario.labels; -1 where it is not known."""
    if grouping == "client":
        return client_codes(clients(history), list(names))
    return np.asarray(pd.Index(names).get_indexer(pd.Index(named(history.deals[grouping]))), dtype=np.int64)
