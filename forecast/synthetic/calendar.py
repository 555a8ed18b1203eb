"""What all deals share: good and bad months, seasons, weekends and quarter ends.

Time in a stage runs on operational clocks. Each has a pace for every calendar day, one on average, so that a
visit that needs T operational days lasts longer in August and is over sooner at the end of a quarter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from forecast.synthetic.company import Company
from forecast.synthetic.days import first_day_of, first_days_of, month_of, months_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Clock(IntEnum):
    """The clocks: each has its own monthly shocks, and only winning feels the end of a quarter."""

    MOVE = 0
    WIN = 1
    LOSE = 2


@dataclass(frozen=True)
class Calendar:
    """R possible calendars of M months and D days, from the first day of the company on."""

    first_day: int
    month: Ints  # (D,) month of each day, counted from the start
    pace_shock: Floats  # (R, 3, M) log
    arrival: Floats  # (R, M) gamma multiplier of the deals created
    drift: Floats  # (R, M) random walk of the logit of conversion
    shock: Floats  # (R, M) its independent part
    client: Floats  # (R, Q, clients) logit of a client in a quarter; clients is 1 if there is no effect
    clock: Floats  # (R, 3, D + 1) operational days since the first day
    created: Floats  # (R, D) expected number of deals created

    @property
    def rows(self) -> int:
        """Number of possible calendars."""
        return len(self.drift)

    def logit(self, row: Ints, day: Floats, client: Ints) -> Floats:
        """Return the effects on conversion of visits that begin at `day`: (n,) each."""
        month = self.month[np.clip(day.astype(np.int64) - self.first_day, 0, len(self.month) - 1)]
        client = client if self.client.shape[2] > 1 else np.zeros_like(client)
        level: Floats = self.drift[row, month] + self.shock[row, month]
        return level + self.client[row, month // 3, client]

    def read(self, row: Ints, clock: Ints, day: Floats) -> Floats:
        """Return the operational time at `day` (n,); after the last day a clock runs at pace one."""
        t = day - self.first_day
        whole = np.clip(t.astype(np.int64), 0, self.clock.shape[2] - 2)
        low = self.clock[row, clock, whole]
        high = self.clock[row, clock, whole + 1]
        end = self.clock.shape[2] - 1
        inside = low + (high - low) * (np.minimum(t, end) - whole)
        return np.asarray(inside + np.maximum(t - end, 0.0))

    def day(self, row: Ints, clock: Ints, reading: Floats) -> Floats:
        """Return the day at which a clock shows `reading` (n,): the inverse of `read`."""
        n_days = self.clock.shape[2] - 1
        line = row * 3 + clock
        lines = self.clock.reshape(-1, n_days + 1)
        # One search in all clocks at once: each line is lifted above the one before it.
        lift = np.arange(len(lines)) * (lines[:, -1].max() + 1.0)
        known = np.minimum(reading, lines[line, -1])
        whole = np.searchsorted((lines + lift[:, None]).ravel(), known + lift[line], side="right") - 1
        whole = np.clip(whole - line * (n_days + 1), 0, n_days - 1)
        low, high = lines[line, whole], lines[line, whole + 1]
        part = np.clip((known - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
        return np.asarray(self.first_day + whole + part + (reading - known))


def draw_calendar(
    company: Company,
    rng: np.random.Generator,
    months: int,
    rows: int = 1,
    known: Calendar | None = None,
    known_months: int = 0,
) -> Calendar:
    """Draw `rows` calendars of `months` months; the first `known_months` are as in `known`, of one row.

    A quarter whose first month is known is known; drift walks on from the last known month.
    """
    quarters = -(-months // 3)
    n_clients = company.clients if company.client_quarter_logit else 1
    shape = company.arrival_shape
    arrival = rng.gamma(shape, 1 / shape, (rows, months)) if np.isfinite(shape) else np.ones((rows, months))
    pace_shock = rng.normal(0.0, company.pace_shock, (rows, 3, months))
    shock = rng.normal(0.0, company.conversion_shock, (rows, months))
    step = rng.normal(0.0, company.conversion_drift, (rows, months))
    client = rng.normal(0.0, company.client_quarter_logit, (rows, quarters, n_clients))
    if known is not None:
        past, past_quarters = slice(0, known_months), slice(0, -(-known_months // 3))
        arrival[:, past] = known.arrival[:, past]
        pace_shock[:, :, past] = known.pace_shock[:, :, past]
        shock[:, past] = known.shock[:, past]
        step[:, past] = np.diff(known.drift[:, past], prepend=0.0)
        client[:, past_quarters] = known.client[:, past_quarters]

    first = month_of(company.first_day)
    days = np.arange(company.first_day, first_day_of(first + months))
    month = months_of(days) - first
    pace = day_pace(company, days)[None] * np.exp(pace_shock[:, :, month])
    clock = np.concatenate([np.zeros((rows, 3, 1)), np.cumsum(pace, axis=2)], axis=2)
    return Calendar(
        first_day=company.first_day,
        month=month,
        pace_shock=pace_shock,
        arrival=arrival,
        drift=np.cumsum(step, axis=1),
        shock=shock,
        client=client,
        clock=clock,
        created=day_arrivals(company, days)[None] * arrival[:, month],
    )


def day_pace(company: Company, days: Ints) -> Floats:
    """Return the pace of each clock on each day without shocks, (3, D)."""
    season = np.array(company.pace_season)[months_of(days) % 12]
    pace = np.tile(season * _weekday(company, days), (3, 1))
    next_quarter = first_days_of(3 * (months_of(days) // 3) + 3)
    left = next_quarter - days
    last = company.quarter_end_days
    mean = (last * company.quarter_end + 91.31 - last) / 91.31
    pace[Clock.WIN] *= np.where(left <= last, company.quarter_end, 1.0) / mean
    return pace


def day_arrivals(company: Company, days: Ints) -> Floats:
    """Return the expected number of deals created on each day, given average months, (D,)."""
    years = (days - company.first_day) / 365.25
    level = company.arrivals * 12 / 365.25 * np.exp(company.arrival_trend * years)
    season = np.array(company.arrival_season)[months_of(days) % 12]
    return np.asarray(level * season * _weekday(company, days))


def _weekday(company: Company, days: Ints) -> Floats:
    weekend = (days + 3) % 7 >= 5  # day 0, 1970-01-01, was a Thursday
    return np.asarray(np.where(weekend, company.weekend, 1.0) * 7 / (5 + 2 * company.weekend))
