"""Forecasts from the series of won amounts alone: its recent rate, and the same window a year ago."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.baselines.past import (
    FEWEST_WEEKS,
    RECENT_WEEKS,
    WEEK,
    Samples,
    drawn,
    filled_since,
    window_days,
    won_amounts,
)
from forecast.history import Floats, History, day_of

LONG = 28  # days from which the same dates of last year matter more than the same days of the week
PIECES = 4  # fewest comparisons of two years for a spread
FEWEST_COMPARED = 91  # days beyond one year


def run_rate(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """The last half-year goes on: a moving-block bootstrap of its days."""
    weeks = weekly(history)[-RECENT_WEEKS:]
    if len(weeks) < FEWEST_WEEKS:
        return None
    return Samples(resampled(weeks, window_days(history, after), n, rng), None)


def weekly(history: History) -> Floats:
    """(weeks, 7) amounts won by day (midnight, midnight] since the funnel was full, in whole weeks up to the origin."""
    weeks = int((history.day - filled_since(history)) // WEEK)
    wins = won_amounts(history)
    day = np.ceil(wins["won"].to_numpy() - (history.day - WEEK * weeks)).astype(np.int64) - 1
    kept = day >= 0
    sums = np.bincount(day[kept], weights=wins["amount"].to_numpy()[kept], minlength=WEEK * weeks)
    return sums.astype(np.float64).reshape(weeks, WEEK)


def resampled(weeks: Floats, length: int, n: int, rng: np.random.Generator) -> Floats:
    """(n,) sums over windows of `length` days drawn from (T, 7) past weeks that begin on the window's weekday.

    Blocks of T**(1/3) consecutive weeks (the rate that suits a block bootstrap: Hall, Horowitz & Jing 1995) keep
    what lasts longer than a week; the last is followed by the first (Politis & Romano 1992), so that the newest week
    counts as much as any other. A window that ends within a week takes its first days.
    """
    past, needed = len(weeks), -(-length // WEEK)
    block = min(needed, round(past ** (1 / 3)))
    first = drawn(np.full(past, 1 / block), n, -(-needed // block), rng)
    week = ((first[:, :, None] + np.arange(block)) % past).reshape(n, -1)[:, :needed]
    sums = weeks.sum(axis=1)[week]
    sums[:, -1] = weeks[:, : length - WEEK * (needed - 1)].sum(axis=1)[week[:, -1]]
    return np.asarray(sums.sum(axis=1))


def seasonal_naive(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """The same window a year ago, times the growth from year to year and its spread.

    The same dates, so that quarters end alike; in windows under four weeks the same weekdays, 52 weeks ago. Growth is
    the log ratio of what was won over the past year, or what can be compared of it, to the same days of the year
    before. Its spread sd is that of the log ratios of m windows of h days: of the length H asked for, or of a
    quarter of what can be compared if that is shorter. Scaled to H as for independent days, with the error of the
    growth: variance sd**2 (h / H + 1 / m). The mean amount of a deal is added to each sum, so that an empty window has
    a ratio. None with less than a year and a quarter on record.
    """
    length = window_days(history, after)
    year = pd.DateOffset(years=1) if length >= LONG else pd.DateOffset(weeks=52)
    compared = int(min(day_of(history.origin - year) - filled_since(history), 365))
    if compared < FEWEST_COMPARED:
        return None
    wins = won_amounts(history)
    typical = float(wins["amount"].mean()) if len(wins) else 0.0
    if typical == 0:
        return Samples(np.zeros(n), None)

    def won(end: pd.Timestamp, width: int) -> float:
        return history.won_between(day_of(end) - width, day_of(end)) + typical

    def log_ratio(end: pd.Timestamp, width: int) -> float:
        return float(np.log(won(end, width) / won(end - year, width)))

    width = min(length, compared // PIECES)
    pieces = range(compared // width)
    ratios = [log_ratio(history.origin - pd.Timedelta(days=width * piece), width) for piece in pieces]
    sd = float(np.std(ratios, ddof=1)) * np.sqrt(width / length + 1 / len(ratios))
    growth = np.exp(rng.normal(log_ratio(history.origin, compared), sd, n))
    return Samples(np.maximum(won(after - year, length) * growth - typical, 0.0), None)
