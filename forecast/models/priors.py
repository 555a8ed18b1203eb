"""Priors in business units, and what they mean for log hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pymc as pm

from forecast.history import Floats
from simulations import Funnel, Kind

NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Sizes:
    """A scale known to a factor: log-normal with this median; one sd of its logarithm is `spread`.

    Its density vanishes at zero, which keeps a scale that the data hardly speak of away from the narrow neck
    in which samplers get stuck.
    """

    median: float
    spread: float = 0.7


class LogSizes(NamedTuple):
    """Mean and sd (n,) of the logarithms of sizes."""

    mean: Floats
    sd: Floats


def log_sizes(sizes: Sequence[Sizes]) -> LogSizes:
    return LogSizes(np.log([size.median for size in sizes]), np.array([size.spread for size in sizes]))


def size_variable(name: str, sizes: LogSizes, shape: tuple[int, ...] = ()) -> Any:
    """Log-normal sizes, (*shape, len(sizes.mean)), as their logarithms, in the PyMC model in context."""
    return pm.Normal(name, sizes.mean, sizes.sd, shape=(*shape, len(sizes.mean)))


@dataclass(frozen=True)
class Priors:
    """What is believed before looking; ranges hold 95 %.

    conversion: chance that a stage is left onwards rather than lost. lead_time: days until a stage is left.
    rare_share: share of a stage's exits that skip or return. reopen_days: days until a lost deal is
    re-opened.
    profile_step: scale of the logistic step of the log hazard from one age bin to the next. The others are
    sizes of log effects: of the levels of an attribute, of the month of the quarter, of a month's drift and
    shock, of arrivals' monthly drift, yearly season and scatter, and of amounts by level; the last is the variance
    of the clients' frailty.
    """

    conversion: tuple[float, float] = (0.1, 0.9)
    lead_time: tuple[float, float] = (3.0, 100.0)
    rare_share: float = 0.1
    reopen_days: float = 1000.0
    profile_step: float = 0.25
    level: Sizes = Sizes(0.15)
    quarter: Sizes = Sizes(0.15)
    drift: Sizes = Sizes(0.04)
    shock: Sizes = Sizes(0.1)
    size_slope: float = 0.3
    arrival_drift: Sizes = Sizes(0.1)
    arrival_season: Sizes = Sizes(0.15)
    arrival_scatter: Sizes = Sizes(0.15)
    amount_level: Sizes = Sizes(0.5, 1.0)
    amount_scatter: Sizes = Sizes(0.7, 1.0)
    frailty_variance: Sizes = Sizes(0.15, 1.0)

    def hazard_levels(self, funnel: Funnel) -> tuple[Floats, Floats]:
        """Mean and sd (J,) of each exit's average log hazard.

        A stage is left at the rate 1 / lead time; a share `conversion` of it goes onwards, the rest is lost,
        and exits that skip or return have a small share. The range of each exit is that of the lead time
        and of the conversion together.
        """
        fast, slow = np.log(self.lead_time)
        low, high = (np.log(p / (1 - p)) for p in self.conversion)
        middle = 1 / (1 + np.exp(-(low + high) / 2))
        pairs = np.array(funnel.exits)
        onwards = pairs[:, 1] == pairs[:, 0] + 1
        kinds = funnel.kinds
        share = np.where(onwards, middle, np.where(kinds == Kind.LOST, 1 - middle, self.rare_share))
        mean = np.log(share) - (fast + slow) / 2
        mean = np.where(kinds == Kind.REOPEN, -np.log(self.reopen_days), mean)
        sd = np.hypot((slow - fast) / (2 * NORMAL_95), (high - low) / (2 * NORMAL_95))
        return mean, np.where(onwards | (kinds == Kind.LOST), sd, 1.5 * sd)
