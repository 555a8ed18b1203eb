"""Sellers who leave, and sellers who join: what becomes of their deals, and how many deals they add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from forecast.config_asked import FollowUpSection, Joining
from forecast.draws import Scenario, scenario
from forecast.errors import FunnelError, near
from forecast.fit import Fit
from forecast.history import Floats, History, days
from simulations import Assumptions, levers

REASSIGNED = "(reassigned)"  # a seller that no fit has seen: at the average of all
ACTIVE_DAYS = 91  # who created a deal in so many days before the origin is an active seller


def sellers(history: History, column: str) -> list[str]:
    """The active ones. Raises FunnelError where the deals do not say who sells."""
    if column not in history.deals:
        remedy = "Name it under [model]: seller = COLUMN; `funnel check` lists the columns."
        raise FunnelError(f"there is no column '{column}' that names sellers", remedy=remedy)
    recent = days(history.deals["created"]) >= history.day - ACTIVE_DAYS
    found = sorted(history.deals.loc[recent, column].dropna().astype(str).unique())
    if not found:
        raise FunnelError(f"no seller ('{column}') has created a deal in the last {ACTIVE_DAYS} days")
    return found


def without_sellers(
    fit: Fit, prepared: Scenario, column: str, names: Sequence[str], *, edges: Floats, minor: int, seed: int,
    follow: FollowUpSection | None = None,
) -> Assumptions:  # fmt: skip
    """The sellers leave at the origin. Their open deals go on at the rates of the average seller, all else about them
    as before; new deals that would have been theirs do not come. No other deal's path or amount changes.

    edges: (M + 1,) days since 1970-01-01 of all months of the simulator. follow: as `prepared` was made.
    """
    history = fit.history
    who = history.deals[column].astype(object) if column in history.deals else None
    if who is None or not set(names) <= set(who.dropna().astype(str)):
        known = [] if who is None else sorted(who.dropna().astype(str).unique())
        name = next(name for name in names if name not in known)
        raise FunnelError(f"'{name}' has no deals: there is no such seller ('{column}')", remedy=near(name, known))
    theirs = who.astype(str).isin(names).to_numpy()
    deals = history.deals.copy()
    open_ = np.isin(np.arange(len(deals)), history.visits.deal[history.open_visits()])
    deals[column] = who.where(~(theirs & open_), REASSIGNED)
    later = fit.with_history(replace(history, deals=deals))
    moved = scenario(later, edges, (), minor=minor, seed=seed, follow=follow)
    return levers.without_templates(
        Assumptions(
            replace(moved.draws, frailty=prepared.draws.frailty, follow_ups=prepared.draws.follow_ups),
            replace(moved.open_deals, groups=prepared.open_deals.groups),
            replace(moved.templates, groups=prepared.templates.groups),
        ),
        prepared.templates_of(theirs),
    )


def ramp(joining: Joining, edges: Floats) -> Floats:
    """(M,) share of a full seller's deals in each month between `edges` (days since 1970-01-01): a straight line from
    none on the first day to all after the ramp, averaged over the month.
    """
    start = float((pd.Timestamp(f"{joining.month}-01") - pd.Timestamp(0)).days)
    length = joining.ramp_months * 365.25 / 12

    def grown(day: Floats) -> Floats:
        """Integral of the share up to a day."""
        since = np.maximum(day - start, 0.0)
        rising = since**2 / (2 * length) if length > 0 else np.zeros_like(since)
        return np.where(since < length, rising, since - length / 2)

    return np.asarray(np.diff(grown(edges)) / np.diff(edges))
