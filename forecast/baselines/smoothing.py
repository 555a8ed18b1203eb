"""Exponential smoothing of the won amount by week or month (Hyndman, Koehler, Ord & Snyder 2008)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from forecast.baselines.past import Samples, filled_since, window_days, won_amounts
from forecast.history import Floats, History, day_of

FEWEST_PERIODS = 8
MONTHLY_FROM = 89  # days, the shortest three months: windows from here on are forecast by months
TREND_FROM = 12  # periods from which a damped trend is tried
CYCLES = 3  # that a season has to be seen before it is tried


def ets(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """Simulated paths of the best by AICc of: level only; with a damped trend; with a season; with both.

    Periods are weeks, or months for windows of three months and more, counted back from the origin; seasons are a
    quarter (13 weeks, 3 months) and, by months, a year, each where it was seen three times. Errors are drawn from the
    residuals: amounts are skewed. Of a period that the window holds in part, its share of days is taken.
    """
    monthly = window_days(history, after) >= MONTHLY_FROM
    amounts = by_period(history, monthly)
    if len(amounts) < FEWEST_PERIODS:
        return None
    share = shares(history.origin, after, monthly)
    if np.ptp(amounts) == 0:
        return Samples(np.full(n, amounts[0] * share.sum()), None)
    scale = float(amounts.mean())
    model = best(amounts / scale, (3, 12) if monthly else (13,))
    spare = max(len(amounts) - len(model.params), 1)  # residuals are smaller than errors by what was fitted to them
    residuals = np.asarray(model.resid) * np.sqrt(len(amounts) / spare)
    errors = rng.choice(residuals, size=(len(share), n))
    paths = model.simulate(len(share), anchor="end", repetitions=n, random_errors=errors)
    sums = share @ np.asarray(paths).reshape(len(share), n) * scale
    return Samples(np.maximum(sums, 0.0), None)


def step(periods: int, monthly: bool) -> pd.DateOffset:
    return pd.DateOffset(months=periods) if monthly else pd.DateOffset(weeks=periods)


def by_period(history: History, monthly: bool) -> Floats:
    """(P,) won amounts of the whole periods since the funnel was full, the last of which ends at the origin."""
    since, edges = filled_since(history), [history.day]
    while (earlier := day_of(history.origin - step(len(edges), monthly))) >= since:
        edges.append(earlier)
    wins = won_amounts(history)
    period = np.searchsorted(edges[::-1], wins["won"], side="left") - 1
    kept = period >= 0
    sums = np.bincount(period[kept], weights=wins["amount"][kept], minlength=len(edges) - 1)
    return sums[: len(edges) - 1].astype(np.float64)


def shares(origin: pd.Timestamp, after: pd.Timestamp, monthly: bool) -> Floats:
    """(K,) share of each coming period that the window [origin, after) holds: ones, but for the last."""
    edges = [origin]
    while edges[-1] < after:
        edges.append(origin + step(len(edges), monthly))
    whole = np.ones(len(edges) - 1)
    whole[-1] = (after - edges[-2]) / (edges[-1] - edges[-2])
    return whole


def best(series: Floats, seasons: tuple[int, ...]) -> Any:
    """The fitted model with the least AICc among those for which the series is long enough."""
    trends = (False, True) if len(series) >= TREND_FROM else (False,)
    periods = (None, *(season for season in seasons if len(series) >= CYCLES * season))
    found = [_fitted(series, trend, season) for trend in trends for season in periods]
    return min(found, key=lambda result: result.aicc if np.isfinite(result.aicc) else np.inf)


def _fitted(series: Floats, trend: bool, season: int | None) -> Any:
    model = ETSModel(
        series, error="add", trend="add" if trend else None, damped_trend=trend,
        seasonal=None if season is None else "add", seasonal_periods=season,
    )  # fmt: skip
    with warnings.catch_warnings():  # a search that stops early is one of several to choose from
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return model.fit(disp=False)
