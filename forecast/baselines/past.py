"""What every baseline is: its samples, the weeks on record, and how they are resampled."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.history import Floats, History, Ints, days

WEEK = 7
FILLED = 0.5  # share of the deals won within the time after which an empty funnel counts as full
FEWEST_WEEKS = 2  # on record; with fewer, no baseline that looks at the past by weeks is asked
RECENT_WEEKS = 26  # the past that resembles the near future: two whole quarters, so that their ends count in full


class Samples(NamedTuple):
    """Simulated amounts won after the origin up to the end of a window, in units of currency; (n,) each."""

    total: Floats  # from all deals
    open: Floats | None  # from deals that exist at the origin (open, or lost and re-opened); None where untold


# History as known on the morning of its origin; `after`: the window is [origin, after); number of samples;
# randomness. None where the baseline cannot be asked.
Baseline = Callable[[History, pd.Timestamp, int, np.random.Generator], Samples | None]


def recorded_since(history: History) -> float:
    """Days since 1970-01-01 from which wins are on record: from the first deal on, where no day is stated.

    Earlier days are unknown, not empty. The origin, where there is nothing on record.
    """
    first = float(np.floor(days(history.deals["created"]).min())) if len(history.deals) else history.recorded_from
    return min(max(first, history.recorded_from), history.day) if np.isfinite(first) else history.day


def recorded_weeks(history: History) -> int:
    """Whole weeks on record, counted back from the origin."""
    return int((history.day - recorded_since(history)) // WEEK)


def window_days(history: History, after: pd.Timestamp) -> int:
    """Days of the window [origin, after)."""
    return (after - history.origin).days


def won_amounts(history: History) -> pd.DataFrame:
    """Deals won on record: deal, won, amount; an amount never stated is no revenue, as in what is scored."""
    wins = history.wins()
    return wins[wins["won"] > recorded_since(history)].fillna({"amount": 0.0})


def filled_since(history: History) -> float:
    """Days since 1970-01-01 from which the bookings on record are those of a full funnel.

    Where fewer than half as many deals were open when the record begins as at the origin, the funnel was being filled.
    That takes about as long as deals take to be won: the median of those won, but not more than half of the record.
    """
    since, visits, wins = recorded_since(history), history.visits, won_amounts(history)
    in_funnel = (visits.state < history.won) & (visits.entered <= since) & (visits.left > since)
    if len(wins) == 0 or in_funnel.sum() >= len(history.open_visits()) / 2:
        return since
    taken = wins["won"] - days(history.deals["created"])[wins["deal"]]
    return since + min(float(np.ceil(taken.quantile(FILLED))), (history.day - since) / 2)


def drawn(mass: Floats, n: int, size: int, rng: np.random.Generator) -> Ints:
    """(n, size) indices of past blocks; in each sample by its own Dirichlet probabilities.

    The Bayesian bootstrap (Rubin 1981): how sure the past is of its mean is then part of the spread. A sum over the
    blocks drawn has the variance of independent draws times 1 + (size - 1) / (sum(mass) + 1).
    """
    weights = np.cumsum(rng.gamma(mass, size=(n, len(mass))), axis=1)
    chosen = rng.random((n, size)) * weights[:, -1:]
    return np.stack([(weights <= column[:, None]).sum(axis=1) for column in chosen.T], axis=1)
