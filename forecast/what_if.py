"""What a forecast was simulated from, ready to be simulated again with something changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.asked import asked_about
from forecast.draws import Scenario
from forecast.history import Floats, History, Ints
from forecast.question import Question
from simulations import Assumptions, Outcomes, simulate
from simulations.pairs import Change, Moved, moved_median, moved_share

PAIRED = 400  # draws in which a change is simulated: its error is that of the difference, small beside that of P(hit)


@dataclass(frozen=True, eq=False)
class Aim:
    """A period: months (M,) that belong to it; won to date and target in minor units."""

    label: str
    months: NDArray[np.bool_]
    won: int
    target: float

    def revenue(self, simulated: Ints) -> Ints:
        """(K,) revenue of the period in minor units, of what is won (K, M) by month."""
        return np.asarray(self.won + simulated[:, self.months].sum(axis=1))

    def hits(self, simulated: Ints) -> NDArray[np.bool_]:
        """(K,) whether the target is reached."""
        return self.revenue(simulated) >= self.target


@dataclass(frozen=True, eq=False)
class WhatIf:
    """`base`: outcomes of all draws as they are; `given`: what these were simulated from. months: labels of the M
    months kept; edges: (M + 1,) of their days since the origin. minor: minor units per unit of currency.
    """

    given: Assumptions
    base: Outcomes
    periods: tuple[Aim, ...]
    months: tuple[str, ...]
    edges: Floats
    seed: int
    minor: int
    threads: int | None = None
    cluster: str | None = None

    @property
    def kept(self) -> int:
        return len(self.months)

    def fewer(self, draws: int = PAIRED) -> Assumptions:
        """What is given, in the first so many draws: simulated, the first rows of `base`."""
        return self.given._replace(draws=self.given.draws.first(draws))

    def run(self, given: Assumptions) -> Outcomes:
        """The same simulation with other assumptions: row i has the random numbers of row i of `base`."""
        return self.simulated(given, self.kept)

    def simulated(self, given: Assumptions, months: int) -> Outcomes:
        """The first so many months of other assumptions, here or on the cluster."""
        return simulate(*given, seed=self.seed, months=months, arrival_months=months, **self.place)

    @property
    def place(self) -> dict[str, Any]:
        """Where `simulate` runs: as the answer did."""
        return {"threads": self.threads, "cluster": self.cluster}

    def moved(self, period: Aim, after: Ints) -> tuple[Moved, Change]:
        """What a change has done to P(hit) and to the median of revenue, the latter in units of currency; after:
        (n, M) won by month in the first n draws.
        """
        now, before = period.revenue(after), period.revenue(self.base.won)
        median = moved_median(now / self.minor, before[: len(now)] / self.minor)
        return moved_share(now >= period.target, before >= period.target), median


def what_if(
    history: History, prepared: Scenario, outcomes: Outcomes, question: Question, edges: Floats,
    months: tuple[str, ...], minor: int, threads: int | None = None, cluster: str | None = None,
) -> WhatIf:  # fmt: skip
    """edges: (M + 1,) days since 1970-01-01 of the months that `outcomes` keeps."""
    aims = []
    for period, target in question.periods:
        asked = asked_about(period, target, history, edges, minor, wanted=1.0)  # which is not looked at
        aims.append(Aim(period.label, asked.months, asked.won_to_date, asked.target))
    given = Assumptions(prepared.draws, prepared.open_deals, prepared.templates)
    return WhatIf(given, outcomes, tuple(aims), months, edges - edges[0], question.seed, minor, threads, cluster)
