"""What stands in the funnel against what is missing: coverage, the factor that is needed, and overdue deals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forecast.asked import AskedPeriod
from forecast.baselines.pipeline import time_before_wins
from forecast.clientele import named_deal
from forecast.draws import Scenario
from forecast.history import History, day_of
from forecast.overdue import MOVED_ON
from forecast.parts import VIABLE, Parts
from forecast.periods import Period
from simulations import Outcomes, answers, least_multiple, sums_by_group

MOST_LISTED = 50  # overdue deals


def coverage(asked: AskedPeriod, period: Period, history: History, parts: Parts, outcomes: Outcomes) -> dict[str, Any]:
    """Value of the open deals and of the viable ones (RTV), each against the gap (None where nothing is missing).

    Stage-weighted: each deal counts with the share of the deals that stood in its stage on past days which were won in
    as many days as are left. The ideal factor is that of this funnel at which the chance is the wanted one: its viable
    deals bring a multiple of what they bring in each simulation, all else is as it is. None where no multiple does.
    """
    open_value, rtv, gap = float(parts.value.sum()), float(parts.rtv()), asked.gap
    weighted = float((parts.value * stage_weights(history, period)[parts.state]).sum())
    viable = sums_by_group(outcomes, VIABLE, asked.months)[:, :-1].sum(axis=1)
    base = answers.revenue(outcomes, **asked.terms) - viable
    times = least_multiple(base, viable, asked.target, asked.wanted) if rtv > 0 else np.inf
    needed = times * rtv if np.isfinite(times) else None

    def against(amount: float | None) -> float | None:
        return amount / gap if amount is not None and gap > 0 else None

    return {
        "open_value": asked.money(open_value),
        "weighted_value": asked.money(weighted),
        "coverage": against(open_value),
        "weighted_coverage": against(weighted),
        "rtv": asked.money(rtv),
        "funnel_factor": against(rtv),
        "wanted": asked.wanted,
        "wanted_rtv": None if needed is None else asked.money(needed),
        "ideal_factor": against(needed),
    }


def stage_weights(history: History, period: Period) -> Any:
    """(open stages,) share of the days that past deals stood in a stage from which they were won in time."""
    won, spent, _ = time_before_wins(history, max(int(day_of(period.after) - history.day), 1))
    overall = won.sum() / spent.sum() if spent.any() else 0.0
    return np.divide(won, spent, out=np.full_like(won, overall), where=spent > 0)


def overdue(
    history: History, prepared: Scenario, parts: Parts, expected_days: Mapping[str, float], minor: int
) -> dict[str, Any]:
    """The open deals that are overdue, in all and by stage; the most valuable ones are listed."""
    late, ages, value = parts.ages.overdue, parts.ages, parts.value / minor
    stages = []
    for stage in range(history.won):
        here = late & (parts.state == stage)
        limits = ages.limit[parts.state == stage]
        stages.append(
            {
                "stage": history.states[stage],
                "deals": int(here.sum()),
                "value": float(value[here].sum()),
                "limit_days": float(np.median(limits)) if len(limits) and np.isfinite(limits).all() else None,
                "declared": history.states[stage] in expected_days,
            }
        )
    most = [int(i) for i in np.argsort(-np.where(late, value, -1.0), kind="stable")[:MOST_LISTED] if late[i]]
    return {
        "moved_on": MOVED_ON,
        "deals": int(late.sum()),
        "value": float(value[late].sum()),
        "rtv": float(value[late & parts.viable].sum()),
        "stages": stages,
        "list": [
            {
                **named_deal(history, prepared, deal),
                "value": float(value[deal]),
                "viable": bool(parts.viable[deal]),
                "age_days": float(ages.age[deal]),
                "limit_days": float(ages.limit[deal]),
                "moved_on_by_this_age": float(ages.moved_on[deal]),
            }
            for deal in most
        ],
    }
