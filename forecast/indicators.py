"""What was seen of groups of deals: how many were won, how long that took, what they brought, with 95 % intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from statsmodels.duration.survfunc import CumIncidenceRight
from statsmodels.stats.proportion import proportion_confint

from forecast.history import Floats, History, Ints

LEVEL = 0.95
NORMAL = 1.959964  # of that level
GOES_ON, WON, LOST = 0, 1, 2

Estimate = dict[str, float | None]
UNTOLD: Estimate = {"p50": None, "low": None, "high": None}


def counted(history: History) -> Ints:
    """Rows of the deals that indicators are told of: begun as open ones, and while exits were recorded, for of earlier
    ones only those are on record that were still open then.
    """
    entered = history.visits.entered[history.first_visits()]
    return np.flatnonzero(history.begun_open() & (entered >= history.recorded_from))


def observed(history: History, rows: Ints) -> dict[str, Any]:
    """Indicators of some deals, `rows` of history.deals. A lost deal that was opened again is open.

    win_rate: of the closed ones, with Wilson's interval. days_to_win: see days_to_win. won_amount: mean of the won.
    """
    first, last = history.first_visits()[rows], history.last_visits()[rows]
    visits = history.visits
    status = np.select([visits.state[last] == history.won, visits.state[last] == history.lost], [WON, LOST], GOES_ON)
    until = np.where(status == GOES_ON, history.day, visits.entered[last])
    won, lost = int((status == WON).sum()), int((status == LOST).sum())
    amounts = visits.amount[last][status == WON]
    amounts = amounts[~np.isnan(amounts)]
    return {
        "deals": len(rows),
        "open": len(rows) - won - lost,
        "won": won,
        "lost": lost,
        "win_rate": win_rate(won, won + lost),
        "days_to_win": days_to_win(until - visits.entered[first], status),
        "won_amount": float(amounts.mean()) if len(amounts) else None,
    }


def win_rate(won: int, closed: int) -> Estimate:
    """Share of closed deals that were won, with the interval of Wilson (1927)."""
    if not closed:
        return UNTOLD
    low, high = proportion_confint(won, closed, alpha=1 - LEVEL, method="wilson")
    return {"p50": won / closed, "low": float(low), "high": float(high)}


def days_to_win(age: Floats, status: Ints) -> Estimate:
    """Days from creation by which half of the deals that are won at all, at the ages on record, are won.

    age: (n,) days until the deal was won or lost, or until today where it goes on. Deals that go on count up to the age
    that they have, and losing is another way to end, not a censoring: the cumulative incidence of winning (Aalen and
    Johansen 1978). The median of the won ones alone would be too short, as slow deals are still open. The interval
    holds the days at which the incidence is within its error of half of that at the highest age; that level is taken
    as known, which makes the interval up to 1.4 times too wide where few deals are won.
    """
    if not (status == WON).any():
        return UNTOLD
    with np.errstate(divide="ignore", invalid="ignore"):  # the error where nobody is left, which is not used
        found = CumIncidenceRight(age, status)
    won, error = found.cinc[0], NORMAL * found.cinc_se[0]
    half = won[-1] / 2 - 1e-9
    reached = found.times[won >= half]
    low, high = found.times[won + error >= half], found.times[won - error >= half]
    return {
        "p50": float(reached[0]),
        "low": float(low[0]) if len(low) else None,
        "high": float(high[0]) if len(high) else None,
    }
