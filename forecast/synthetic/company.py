"""The parameters of a made-up company, and the kinds of company that are made.

The way deals move here is deliberately not the way the fitted model sees them: a visit draws first *how*
it will end (a logit of the deal's attributes, its client, its seller and the month) and then *when* (a
log-normal, or a mixture of two), on a clock that the calendar speeds up and slows down: no hazards, no
proportionality.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from forecast.synthetic import names
from forecast.synthetic.days import day_of, first_day_of, month_of

FLAT = (1.0,) * 12


@dataclass(frozen=True)
class Stage:
    """One open stage. Times are in days at the average pace of the calendar, for the average deal."""

    name: str
    conversion: float  # of the average deal: probability that a visit ends in an advance or a win
    median: float  # median time of a visit that advances
    sigma: float = 0.8  # standard deviation of the log time of a visit that advances or returns
    lost_median: float = 30.0
    lost_sigma: float = 1.0
    back: float = 0.0  # of the visits that do not convert: the share that returns to the stage before
    stall: float = 0.0  # of the visits that do not convert: the share that never ends
    skip: float = 0.0  # of the visits that convert: the share that passes over the next stage

    def __post_init__(self) -> None:
        """Refuse what is not a probability or a duration."""
        for name in ("conversion", "back", "stall", "skip"):
            _within(f"{self.name}: {name}", getattr(self, name), 0.0, 1.0)
        for name in ("median", "sigma", "lost_median", "lost_sigma"):
            _positive(f"{self.name}: {name}", getattr(self, name))
        _within(f"{self.name}: back + stall", self.back + self.stall, 0.0, 1.0)


@dataclass(frozen=True)
class Segment:
    """A share of the clients; the largest ones are in the first segment, and so on."""

    name: str
    share: float
    amount_median: float  # in units of the currency
    logit: float = 0.0  # added to the logit of every conversion
    log_time: float = 0.0  # added to the log of every time


@dataclass(frozen=True)
class Team:
    """A team of sellers, in one region."""

    name: str
    region: str
    sellers: int


@dataclass(frozen=True)
class Company:
    """All parameters of one company. Effects on conversion are in logits, effects on time in logs."""

    name: str
    stages: tuple[Stage, ...]
    start: date = date(2023, 1, 1)  # the first day on which a deal is created; the first of a month
    months: int = 36  # with deals created
    unrecorded_months: int = 0  # of these, from the start: deals that were closed in them have left no trace
    timed: bool = False  # times of day in the tables, or dates only
    won: str = "Won"
    lost: str = "Lost"
    first_stage: tuple[float, ...] = (1.0,)  # probabilities of the stage in which a deal is created

    # deals created
    arrivals: float = 40.0  # a month, at the start
    arrival_shape: float = math.inf  # of the gamma multiplier of each month: variance 1 / shape
    arrival_trend: float = 0.0  # log growth a year
    arrival_season: tuple[float, ...] = FLAT  # multiplier by month of the year

    # the calendar
    pace_season: tuple[float, ...] = FLAT  # pace of all movement by month of the year
    weekend: float = 1.0  # pace, and deals created, on Saturday and Sunday relative to a working day
    quarter_end: float = 1.0  # pace of winning in the last days of a quarter relative to its other days
    quarter_end_days: int = 12
    pace_shock: float = 0.0  # sd of the log pace of a month, apart for moving, winning and losing
    conversion_shock: float = 0.0  # sd of the logit of a month
    conversion_drift: float = 0.0  # sd of the monthly step of a random walk of the logit

    # who sells, who buys
    teams: tuple[Team, ...] = ()
    seller_logit: float = 0.0  # sd between sellers
    seller_log_time: float = 0.0
    segments: tuple[Segment, ...] = (Segment("All", 1.0, 20_000.0),)
    clients: int = 100
    client_zipf: float = 0.0  # deals of the client of rank r are proportional to r ** -zipf
    client_logit: float = 0.0  # sd between clients, for good
    client_quarter_logit: float = 0.0  # sd between quarters of one client: its deals rise and fall together
    parents: int = 0  # groups to which a third of the clients belong; 0: no such column

    # amounts
    amount_log_sd: float = 1.0
    amount_tail: float = 0.0  # share of deals whose log amount has twice that standard deviation
    amount_range: tuple[float, float] = (0.0, math.inf)
    amount_step: float = 100.0
    revision: float = 0.0  # probability that the amount changes when the stage does
    revision_scale: float = 0.2  # of the Laplace log ratio of such a change
    size_logit: float = 0.0  # for one standard deviation of the log amount within the segment
    size_log_time: float = 0.0

    # times that are mixtures, lost deals that come back
    quick: float = 0.0  # share of the visits whose time is `quick_ratio` of the usual one
    quick_ratio: float = 0.1
    reopen: float = 0.0  # probability that a lost deal is ever opened again
    reopen_median: float = 90.0
    reopen_sigma: float = 0.7
    reopen_stage: int = 0

    # deals that won deals bring about, of the same client, seller and amount, in the first stage
    follow_ups: float = 0.0  # expected number for each win
    follow_median: float = 180.0  # days after the win
    follow_sigma: float = 0.3  # of the log of these days
    attributes: tuple[str, ...] = field(default=("owner", "team", "region", "segment"))

    def __post_init__(self) -> None:
        """Refuse parameters that have no meaning."""
        if len(self.stages) < 2:
            raise ValueError("stages: a company needs at least two")
        if not 0 <= self.unrecorded_months < self.months:
            raise ValueError(f"unrecorded_months: {self.unrecorded_months} of {self.months} leave nothing on record")
        if self.start.day != 1:
            raise ValueError(f"start: {self.start} is not the first of a month")
        for name in ("arrival_season", "pace_season"):
            if len(getattr(self, name)) != 12:
                raise ValueError(f"{name}: {len(getattr(self, name))} values instead of 12")
        for name in ("weekend", "amount_tail", "revision", "quick", "reopen"):
            _within(name, getattr(self, name), 0.0, 1.0)
        for name in ("months", "arrivals", "arrival_shape", "quarter_end", "clients", "amount_log_sd"):
            _positive(name, getattr(self, name))
        _within("follow_ups", self.follow_ups, 0.0, 1.0)
        for name in ("amount_step", "follow_median", "follow_sigma"):
            _positive(name, getattr(self, name))
        if not math.isclose(sum(s.share for s in self.segments), 1.0):
            raise ValueError("segments: shares do not sum to one")
        if not math.isclose(sum(self.first_stage), 1.0) or len(self.first_stage) > len(self.stages):
            raise ValueError("first_stage: not probabilities of the stages")
        if self.stages[0].back:
            raise ValueError("stages: the first has none before it to return to")
        if not 0 <= self.reopen_stage < len(self.stages):
            raise ValueError(f"reopen_stage: {self.reopen_stage} is not a stage")

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the open stages, then of the won and the lost state."""
        return (*(s.name for s in self.stages), self.won, self.lost)

    @property
    def first_day(self) -> int:
        """Days from 1970-01-01 to the start."""
        return day_of(self.start)

    @property
    def recorded_from(self) -> date:
        """The first day of which everything is on record."""
        first = first_day_of(month_of(self.first_day) + self.unrecorded_months)
        return self.start + timedelta(days=first - self.first_day)

    @property
    def end_day(self) -> int:
        """Days from 1970-01-01 to the day after the last recorded one."""
        return first_day_of(month_of(self.first_day) + self.months)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} is not within [{low}, {high}]")


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name}: {value} is not positive")


def b2b() -> Company:
    """Return a business-to-business seller on the buyer's journey, with teams and a few large clients."""
    return Company(
        name="Buyer's journey",
        stages=(
            Stage("Problem recognised", 0.66, 15.0, 0.9, 30.0, stall=0.10, skip=0.08),
            Stage("Impact", 0.73, 18.0, 0.8, 35.0, back=0.06, stall=0.08, skip=0.04),
            Stage("Commitment to invest", 0.76, 22.0, 0.8, 45.0, back=0.10, stall=0.08),
            Stage("Criteria", 0.82, 16.0, 0.7, 40.0, back=0.15, stall=0.05, skip=0.08),
            Stage("Alternatives", 0.79, 20.0, 0.7, 40.0, back=0.18, stall=0.05),
            Stage("Choice", 0.74, 14.0, 0.8, 30.0, back=0.15, stall=0.03),
            Stage("Closing", 0.80, 22.0, 0.7, 35.0, back=0.12, stall=0.03),
        ),
        start=date(2023, 1, 1),
        months=42,
        first_stage=(0.84, 0.12, 0.04),
        arrivals=38.0,
        arrival_shape=25.0,
        arrival_trend=0.06,
        arrival_season=(1.02, 1.08, 1.14, 1.02, 1.0, 0.98, 0.84, 0.70, 1.12, 1.16, 1.10, 0.84),
        pace_season=(0.96, 1.05, 1.1, 1.0, 1.0, 1.05, 0.9, 0.72, 1.08, 1.08, 1.08, 0.98),
        weekend=0.06,
        quarter_end=3.0,
        pace_shock=0.14,
        conversion_shock=0.12,
        conversion_drift=0.03,
        teams=(Team("Atlas", "North", 3), Team("Boreal", "North", 3), Team("Cedar", "South", 3)),
        seller_logit=0.22,
        seller_log_time=0.12,
        segments=(
            Segment("Enterprise", 0.15, 105_000.0, logit=-0.06, log_time=0.12),
            Segment("Mid-market", 0.35, 48_000.0),
            Segment("Small", 0.50, 20_000.0, logit=0.08, log_time=-0.15),
        ),
        clients=60,
        client_zipf=0.9,
        client_logit=0.25,
        client_quarter_logit=0.30,
        amount_log_sd=0.75,
        amount_tail=0.10,
        amount_range=(5_000.0, 1_500_000.0),
        revision=0.22,
        revision_scale=0.18,
        size_logit=-0.10,
        size_log_time=0.10,
        quick=0.06,
        reopen=0.05,
        reopen_median=110.0,
        reopen_stage=1,
    )


def recovery(seed: int, deals: int = 20_000) -> Company:
    """Return a company for studies of parameter recovery: five stages, log-normal times.

    Conversion depends on the segment only and time on nothing, not even the calendar, so that the truth of
    every stage is exact. Conversions, lead times and the effects of the segments differ by `seed`.
    `deals` is the expected number, which may be lowered for quick tests.
    """
    rng = np.random.default_rng([seed, 5])
    stages = tuple(
        Stage(
            f"Stage {i + 1}",
            conversion=float(rng.uniform(0.45, 0.85)),
            median=float(np.exp(rng.uniform(np.log(5.0), np.log(30.0)))),
            sigma=float(rng.uniform(0.5, 1.0)),
            lost_median=float(np.exp(rng.uniform(np.log(8.0), np.log(45.0)))),
            lost_sigma=float(rng.uniform(0.7, 1.2)),
        )
        for i in range(5)
    )
    effects: Sequence[float] = rng.normal(0.0, 0.4, 3).tolist()
    shares = (0.2, 0.3, 0.5)
    return Company(
        name=f"Recovery {seed}",
        stages=stages,
        months=30,
        timed=True,
        arrivals=deals / 30,
        segments=tuple(
            Segment(n, s, 20_000.0, logit=e) for n, s, e in zip(names.SEGMENTS, shares, effects, strict=True)
        ),
        clients=400,
        client_zipf=0.3,
        attributes=("segment",),
    )
