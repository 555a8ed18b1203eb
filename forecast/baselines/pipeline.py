"""Forecasts that weight each open deal with a chance, and add what new deals have brought in such windows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.baselines.past import (
    FEWEST_WEEKS,
    RECENT_WEEKS,
    WEEK,
    Samples,
    recorded_since,
    recorded_weeks,
    window_days,
    won_amounts,
)
from forecast.history import Floats, History, Ints, days

SETTLED = 28  # days whose following window must be on record, or the chances are those of closed deals
CHUNK = 500  # deals drawn at a time, to bound memory


def stage_weighted(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """Each open deal is won in the window with the historical chance of its stage, whatever its age.

    In each sample the chance of a stage is drawn from a Beta distribution with as many deals as have been there, and
    one more with the chance of all stages. Deals lost at the origin are left out.
    """
    length = window_days(history, after)
    new = from_new_deals(history, length, n, rng)
    if new is None:
        return None
    won, all_days, seen = time_before_wins(history, length)
    overall = won.sum() / all_days.sum() if all_days.any() else 0.0
    share = np.divide(won, all_days, out=np.full_like(won, overall), where=all_days > 0)
    tiny = 1e-9  # a Beta distribution needs both parameters positive
    p = rng.beta(seen * share + overall + tiny, seen * (1 - share) + 1 - overall + tiny, size=(n, len(share)))
    visit = history.open_visits()
    opened = _won_amount(history, p, history.visits.state[visit], history.visits.amount[visit], rng, n)
    return Samples(opened + new, opened)


def time_before_wins(history: History, length: int) -> tuple[Floats, Floats, Floats]:
    """(stages,) each: days that past deals spent in the stage and were won within `length` days from then; all such
    days; visits.

    Their ratio is the win rate times the share that is won in time, weighted as the deals that stand in a stage on
    some day: those that linger stand there most often. Of the last RECENT_WEEKS, days count whose following `length`
    days are on record, whatever became of the deal. Where these are fewer than SETTLED, all days of the deals that are
    closed count: a win rate of closed deals is too high while slow losers are still open.
    """
    visits, since = history.visits, recorded_since(history)
    wins = history.wins()
    won_at = np.full(len(history.deals), np.inf)
    won_at[wins["deal"]] = wins["won"]
    won_at = won_at[visits.deal]
    settled = history.day - length
    end, used = visits.left, visits.state < history.won
    if settled - since >= SETTLED:
        since, end = max(since, settled - WEEK * RECENT_WEEKS), np.minimum(end, settled)
    else:
        used &= (visits.state[history.last_visits()] >= history.won)[visits.deal]
    start = np.maximum(visits.entered, since)
    used &= end > start
    state, start, end, won_at = visits.state[used], start[used], end[used], won_at[used]
    before = np.clip(end - np.maximum(start, won_at - length), 0, None)
    won, spent, seen = (
        np.bincount(state, weights=weights, minlength=history.won).astype(np.float64)
        for weights in (before, end - start, np.ones(len(state)))
    )
    return won, spent, seen


def crm_probability(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """Each open deal that its seller expects to close within the window is won with the probability entered.

    Where no expected close is known, all open deals count; a deal without a probability does not. None where the
    deals have no column `probability`, or it is not known of any open deal.
    """
    visit = history.open_visits()
    rows = history.deals.iloc[history.visits.deal[visit]]
    if "probability" not in rows or (len(rows) and rows["probability"].isna().all()):
        return None
    new = from_new_deals(history, window_days(history, after), n, rng)
    if new is None:
        return None
    p = pd.to_numeric(rows["probability"], errors="coerce").clip(0.0, 1.0)
    if "expected_close" in rows and rows["expected_close"].notna().any():
        close = pd.to_datetime(rows["expected_close"])
        p = p.where((close >= history.origin) & (close < after))
    chances = np.nan_to_num(p.to_numpy(dtype=np.float64))[None]
    opened = _won_amount(history, chances, np.arange(len(p)), history.visits.amount[visit], rng, n)
    return Samples(opened + new, opened)


def _won_amount(history: History, p: Floats, column: Ints, amount: Floats, rng: np.random.Generator, n: int) -> Floats:
    """(n,) amounts of deals won independently. p: (n or 1, columns) chances; column, amount: (deals,) each.

    Amounts unknown until the close are those of past won deals, drawn anew for each deal.
    """
    past = won_amounts(history)["amount"].to_numpy()
    total = np.zeros(n)
    for first in range(0, len(column), CHUNK):
        part = slice(first, first + CHUNK)
        won = rng.random((n, len(column[part]))) < p[:, column[part]]
        known = np.nan_to_num(amount[part])
        total += won @ known
        unknown = won[:, np.isnan(amount[part])]
        if len(past) and unknown.any():
            total += np.where(unknown, rng.choice(past, unknown.shape), 0.0).sum(axis=1)
    return total


def from_new_deals(history: History, length: int, n: int, rng: np.random.Generator) -> Floats | None:
    """(n,) amounts won within windows of `length` days from deals created in them; None with too few weeks.

    The window's weeks are filled with past weeks of creation, of which the deals bring what they brought until the
    window would have ended. So its last weeks, that leave little time, can be drawn from recent deals. Each takes the
    latest RECENT_WEEKS weeks whose deals are on record for long enough; where there are fewer than FEWEST_WEEKS, the
    oldest ones, with what they have brought so far. Weights of a Bayesian bootstrap (Rubin 1981), shared by all weeks
    of a window, carry the uncertainty of the level.
    """
    weeks = recorded_weeks(history)
    if weeks < FEWEST_WEEKS:
        return None
    wins = won_amounts(history)
    created = days(history.deals["created"])[wins["deal"]]
    week = np.floor((created - history.day) / WEEK).astype(np.int64) + weeks
    spent = wins["won"].to_numpy() - (history.day + WEEK * (week - weeks))
    weights = rng.gamma(np.ones((n, weeks)))
    total = np.zeros(n)
    for left in range(length, 0, -WEEK):
        followed = max((WEEK * weeks - left) // WEEK + 1, min(FEWEST_WEEKS, weeks))
        first, last = max(followed - RECENT_WEEKS, 0), min(followed, weeks)
        used = (week >= first) & (week < last) & (spent <= left)
        brought = np.bincount(week[used] - first, weights=wins["amount"].to_numpy()[used], minlength=last - first)
        bounds = np.cumsum(weights[:, first:last], axis=1)
        total += brought[(bounds <= rng.random((n, 1)) * bounds[:, -1:]).sum(axis=1)]
    return total
