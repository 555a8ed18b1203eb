"""The period after the one asked about, which gets what slips out of it: its range, and the chance of its target."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.asked import asked_about
from forecast.config import Config
from forecast.draws import NEW, OPEN, Scenario
from forecast.history import Floats, History, day_of
from forecast.periods import LAST_YEAR, Period, following
from forecast.question import Question
from simulations import answers, simulate

CREATED = "created"  # the grouping of open deals and deals to come


def next_of(question: Question) -> Period | None:
    """The period that follows the one asked about, as long; None where several are asked about, or it is too far."""
    if len(question.periods) != 1:
        return None
    asked, _ = question.periods[0]
    return following(asked) if asked.after.year + asked.days // 365 + 1 <= LAST_YEAR else None


def target_of(period: Period | None, config: Config) -> float | None:
    """The target that the funnel file sets for a period, however it words it."""
    if period is None:
        return None
    same = [target for one, target in config.periods() if (one.start, one.end) == (period.start, period.end)]
    return next(iter(same), None)


def next_period(
    period: Period | None, target: float | None, history: History, prepared: Scenario, edges: Floats, minor: int, *,
    seed: int, threads: int | None = None, cluster: str | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """Its revenue, in units of the currency, from a simulation that goes on to its end; None without a period.

    edges: days since 1970-01-01 of the simulated months, which reach to its end. Random numbers are keyed, so
    up to the end of the period asked about the futures are those of the answer. target: that of the funnel file; none
    is invented, and without one there is no chance.
    """
    if period is None:
        return None
    kept = int(np.searchsorted(edges, day_of(period.after)))
    outcomes = simulate(
        prepared.draws, prepared.open_deals, prepared.templates, seed=seed, arrival_months=kept, months=kept,
        group_sizes={CREATED: len(prepared.labels[CREATED])}, threads=threads, cluster=cluster,
    )  # fmt: skip
    asked = asked_about(period, target, history, edges[: kept + 1], minor, wanted=1.0)  # which is not looked at
    hit = None if target is None else answers.p_hit(outcomes, asked.target, **asked.terms)
    by_origin = answers.sums_by_group(outcomes, CREATED, asked.months).mean(axis=0) / minor
    return {
        "period": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "target": target,
        "p_hit": None if hit is None else hit.p,
        "p_hit_se": None if hit is None else hit.se,
        **asked.spread(outcomes),
        "from_open": float(by_origin[OPEN]),
        "from_new": float(by_origin[NEW]),
    }
