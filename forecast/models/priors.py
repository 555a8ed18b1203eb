"""Priors in business units, and what they mean for log hazards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pymc as pm

from forecast.config import Config
from forecast.errors import FunnelError, near
from forecast.history import Floats

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


Range = tuple[float, float]  # holds 95 %


def log_range(stated: Range) -> Range:
    """Middle and sd of the logarithm of a quantity between these values, normal on that scale."""
    low, high = np.log(stated)
    return float(low + high) / 2, float(high - low) / (2 * NORMAL_95)


def logit_range(stated: Range) -> Range:
    """The same of the log odds of a share."""
    low, high = (share / (1 - share) for share in stated)
    return log_range((low, high))


@dataclass(frozen=True)
class Priors:
    """What is believed before looking; ranges hold 95 %.

    conversion: share of the visits to a stage that end onwards. lead_time: days after which half of those that do
    have. stages: by name, both ranges of the stages of which they are stated; the others have the usual ones.
    new_deals: per month. amount: of one won deal. Both None where nothing is stated.
    rare_share: share of a stage's exits that skip or return. reopen_days: days until a lost deal is re-opened, and
    sd of their logarithm.
    profile_step: scale of the logistic step of the log hazard from one age bin to the next. The others are
    sizes of log effects: of the levels of an attribute, of the month of the quarter, of a month's drift and
    shock, of the month of the year, of arrivals' monthly drift, yearly season and scatter, and of amounts by level;
    the last is the variance of the clients' frailty.
    """

    conversion: Range = (0.1, 0.9)
    lead_time: Range = (3.0, 100.0)
    stages: Mapping[str, tuple[Range, Range]] = field(default_factory=dict)
    new_deals: Range | None = None
    amount: Range | None = None
    rare_share: float = 0.1
    reopen_days: float = 1000.0
    reopen_sd: float = 2.0
    profile_step: float = 0.25
    level: Sizes = Sizes(0.15)
    quarter: Sizes = Sizes(0.15)
    drift: Sizes = Sizes(0.04)
    shock: Sizes = Sizes(0.1)
    season: Sizes = Sizes(0.07, 1.0)
    size_slope: float = 0.3
    arrival_drift: Sizes = Sizes(0.1)
    arrival_season: Sizes = Sizes(0.15)
    arrival_scatter: Sizes = Sizes(0.15)
    amount_level: Sizes = Sizes(0.5, 1.0)
    amount_scatter: Sizes = Sizes(0.7, 1.0)
    frailty_variance: Sizes = Sizes(0.15, 1.0)

    def of_stage(self, name: str) -> tuple[Range, Range]:
        """The ranges of conversion and lead time."""
        return self.stages.get(name, (self.conversion, self.lead_time))


def stated(config: Config, stages: Sequence[str]) -> Priors:
    """The priors under [priors] of the funnel file; FunnelError for a stage that the funnel has not."""
    said = config.priors
    for name in said.stages:
        if name not in stages:
            raise FunnelError(
                f"[priors.stages] '{name}' is not an open stage", file=config.path, remedy=near(name, stages)
            )
    ranges = {name: (prior.conversion, prior.lead_time) for name, prior in said.stages.items()}
    return Priors(stages=ranges, new_deals=said.new_deals, amount=said.amount)
