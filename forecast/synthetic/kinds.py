"""Kinds of companies that forecasts are tried on: each shows one thing that real ones do, on an ordinary funnel.

All begin with an empty funnel on 1 January 2022, but for the one whose recording began late, which is older.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

from forecast.synthetic.company import Company, Segment, Stage, Team

ORDINARY = Company(
    name="Smooth",
    stages=(
        Stage("Qualified", 0.55, 12.0, 0.9, 20.0, stall=0.05),
        Stage("Proposal", 0.60, 20.0, 0.8, 30.0, back=0.05, stall=0.05),
        Stage("Closing", 0.70, 15.0, 0.7, 25.0, back=0.05),
    ),
    start=date(2022, 1, 1),
    months=36,
    arrivals=45.0,
    arrival_shape=60.0,
    weekend=0.1,
    pace_shock=0.06,
    conversion_shock=0.06,
    teams=(Team("East", "East", 2), Team("West", "West", 2)),
    seller_logit=0.2,
    segments=(Segment("Large", 0.3, 40_000.0, logit=-0.1, log_time=0.15), Segment("Small", 0.7, 15_000.0)),
    clients=150,
    client_zipf=0.3,
    amount_log_sd=0.6,
    revision=0.1,
    size_logit=-0.1,
    size_log_time=0.1,
    attributes=("owner", "segment"),
)
SUMMER_AND_DECEMBER = (1.0, 1.1, 1.2, 1.1, 1.1, 1.0, 0.75, 0.5, 1.2, 1.25, 1.15, 0.65)


def smooth(seed: int) -> Company:
    """Little happens."""
    return ORDINARY


def quarter_ends(seed: int) -> Company:
    """Winning waits for the end of the quarter."""
    return replace(ORDINARY, name="Quarter ends", quarter_end=6.0, quarter_end_days=12)


def few_clients(seed: int) -> Company:
    """Ten clients, of which three bring more than half; each has good and bad quarters."""
    return replace(
        ORDINARY, name="Few large clients", clients=10, client_zipf=1.1, client_logit=0.3, client_quarter_logit=0.5,
        amount_log_sd=0.9, amount_tail=0.1,
    )  # fmt: skip


def drifting(seed: int) -> Company:
    """More and more deals, or fewer and fewer (by a third a year, as the seed has it); and conversion drifts."""
    trend = 0.4 if seed % 2 else -0.4
    return replace(
        ORDINARY, name="Drifting", arrivals=45.0 if trend < 0 else 25.0, arrival_trend=trend, conversion_drift=0.08,
        pace_shock=0.12,
    )  # fmt: skip


def seasonal(seed: int) -> Company:
    """August and December are dead, for creating deals and for moving them."""
    return replace(ORDINARY, name="Seasonal", arrival_season=SUMMER_AND_DECEMBER, pace_season=SUMMER_AND_DECEMBER)


def thin(seed: int) -> Company:
    """Four deals a month."""
    return replace(ORDINARY, name="Thin", arrivals=4.0, clients=30)


def recorded_late(seed: int) -> Company:
    """Of the first year, only the deals are on record that were still open at its end, as after a change of CRM."""
    return replace(ORDINARY, name="Recorded late", start=date(2021, 1, 1), months=48, unrecorded_months=12)


def subscription() -> Company:
    """Seven of ten wins bring a renewal some four months on; so many clients that hardly one comes back otherwise."""
    return replace(
        ORDINARY, name="Subscription", months=36, arrivals=30.0, clients=100_000, client_zipf=0.0, client_logit=0.0,
        follow_ups=0.7, follow_median=120.0, follow_sigma=0.25,
    )  # fmt: skip


KINDS: Mapping[str, Callable[[int], Company]] = MappingProxyType(
    {
        "smooth": smooth,
        "quarter ends": quarter_ends,
        "few large clients": few_clients,
        "drifting": drifting,
        "seasonal": seasonal,
        "thin": thin,
        "recorded late": recorded_late,
    }
)
