"""The answer as plain data, described field by field in forecast/schema; every number that a front end shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.asked import asked_about, ranges, won_by_deal
from forecast.assumptions import Assumptions, assumptions, of_revenue, told
from forecast.categories import Categories, by_category, categories_of
from forecast.checkpoints import checkpoints
from forecast.clientele import by_client, decisive, overdue_apart
from forecast.config import Config
from forecast.coverage import coverage, overdue
from forecast.draws import NEW, OPEN, Scenario
from forecast.fit import Fit
from forecast.history import Floats, History, actual, as_of, day_of
from forecast.models.arrivals import count_arrivals
from forecast.models.priors import stated
from forecast.new_deals import PER_MONTH, expected_per_month
from forecast.parts import Parts, parts_of
from forecast.periods import Period
from forecast.question import Question
from forecast.quotas import by_group, quotas_of
from forecast.rates import StageRates, stage_rates
from forecast.sources.tables import Tables
from simulations import Kind, Outcomes, answers

SCHEMA_VERSION = "1.0"
RECENT_MONTHS = 3
INTERVAL = (0.025, 0.5, 0.975)


def summarise(
    config: Config, tables: Tables, question: Question, fitted: Fit, prepared: Scenario, outcomes: Outcomes,
    edges: Floats, groupings: Sequence[str], minor: int,
) -> dict[str, Any]:  # fmt: skip
    """`groupings`: columns of deals that were kept apart in the simulation, besides those of forecast/parts.py."""
    history, health, ledger = fitted.history, fitted.health, tables.ledger
    parts = parts_of(fitted, prepared, config.funnel.expected_days)
    recorded = as_of(tables, config.funnel, tables.recorded_until)
    categories = categories_of(history, prepared.open_visit, [period for period, _ in question.periods])
    rates = [stage_rates(fitted, stage) for stage in range(history.won)]
    rests_on = assumptions(fitted, stated(config, history.states[: history.won]), rates)
    return {
        "schema_version": SCHEMA_VERSION,
        "funnel": config.funnel.name,
        "origin": question.origin.isoformat(),
        "currency": config.funnel.currency,
        "seed": question.seed,
        "draws": question.draws,
        "fit": {
            "healthy": health.healthy,
            "r_hat": health.r_hat,
            "ess": health.ess,
            "divergences": health.divergences,
            "checked": health.checked,
            "outside": health.outside,
            "seconds": round(health.seconds, 1),
            "kept": fitted.kept,
            "worst": health.worst or None,
            "message": health.told(),
        },
        "quality": {
            "read": ledger.read,
            "used": ledger.used,
            "set_aside": ledger.set_aside,
            "reasons": [
                {
                    "file": e.file,
                    "reason": e.reason,
                    "count": e.count,
                    "examples": [str(x) for x in e.examples],
                }
                for e in ledger.entries
                if e.set_aside
            ],
        },
        "open": {
            "deals": len(parts.value),
            "viable": int(parts.viable.sum()),
            "value": float(parts.value.sum()) / minor,
            "amounts_known": bool((prepared.open_deals.amount[: len(parts.value)] >= 0).all()),
        },
        "new_deals": _new_deals(history, outcomes, edges),
        "periods": [
            _period(
                config,
                period,
                target,
                history,
                recorded,
                prepared,
                parts,
                outcomes,
                edges,
                groupings,
                minor,
                rests_on,
                categories,
            )
            for period, target in question.periods
        ],
        "overdue": overdue(history, prepared, parts, config.funnel.expected_days, minor),
        "stages": [_stage(fitted, prepared, stage, found) for stage, found in enumerate(rates)],
        "assumed": told(rests_on),
        "exits": _exits(fitted),
        "files": {},
    }


def _new_deals(history: History, outcomes: Outcomes, edges: Floats) -> dict[str, float]:
    months = pd.date_range(history.origin - pd.DateOffset(months=RECENT_MONTHS), periods=2, freq=f"{RECENT_MONTHS}MS")
    if len(months) < 2 or months[1] > history.origin:
        months = pd.DatetimeIndex([history.origin - pd.Timedelta(days=91), history.origin])
    recent = count_arrivals(history, months)
    return {
        "recent_per_month": float(recent.counts.sum() / max(recent.days.sum(), 1) * PER_MONTH),
        "expected_per_month": expected_per_month(outcomes, edges),
    }


def _period(
    config: Config, period: Period, target: float, history: History, recorded: History, prepared: Scenario,
    parts: Parts, outcomes: Outcomes, edges: Floats, groupings: Sequence[str], minor: int, rests_on: Assumptions,
    categories: Categories | None,
) -> dict[str, Any]:  # fmt: skip
    asked = asked_about(period, target, history, edges, minor, config.forecast.wanted)
    hit = answers.p_hit(outcomes, asked.target, **asked.terms)
    by_origin = outcomes.by["created"][:, asked.months].sum(axis=1).mean(axis=0) / minor
    who = (history, prepared, parts, outcomes)
    return {
        "period": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "target": target,
        "p_hit": hit.p,
        "p_hit_se": hit.se,
        **asked.spread(outcomes),
        "won_to_date": asked.money(asked.won_to_date),
        "gap": target - asked.money(asked.won_to_date),
        **coverage(asked, period, history, parts, outcomes),
        "from_open": float(by_origin[OPEN]),
        "from_new": float(by_origin[NEW]),
        "by_month": by_month(period, [history], outcomes, edges, asked.months, minor),
        "clients": by_client(asked, config.dependence, *who, config.funnel.currency),
        "single_clients": None
        if parts.singles is None
        else by_client(asked, config.dependence, *who, config.funnel.currency, parts.singles),
        "assumed": of_revenue(rests_on, outcomes.draw, answers.revenue(outcomes, **asked.terms)),
        "groups": by_group(asked, quotas_of(config, period), groupings, *who),
        "categories": by_category(asked, period, categories, parts.value, outcomes),
        "decisive_deals": decisive(asked, config.dependence, *who),
        "without_overdue": overdue_apart(asked, parts, outcomes),
        "checkpoints": checkpoints(asked, period, history, parts, outcomes, edges),
        "actual": actual(day_of(period.start), day_of(period.after), target, history, recorded),
    }


def by_month(
    period: Period, histories: Sequence[History], outcomes: Outcomes, edges: Floats, mask: Any, minor: int
) -> list[dict[str, Any]]:
    """Months of the period: what was won in them before the origin, and the range of each month's whole."""
    rows = []
    for month in period.months():
        first, last = day_of(month.start), day_of(month.after)
        won = sum(int(won_by_deal(one, first, min(last, one.day), minor).sum()) for one in histories)
        inside = mask & (edges[:-1] >= first) & (edges[1:] <= last)
        rows.append(
            {
                "month": month.label,
                **ranges(answers.revenue(outcomes, won_to_date=won, months=inside) / minor),
                "won": won / minor,
                "simulated": bool(inside.any()),
            }
        )
    return rows


def _exits(fitted: Fit) -> list[dict[str, Any]]:
    """How often deals have left a stage for another one, by where to."""
    funnel, counts = fitted.exposure.funnel, fitted.exposure.exits_by_age.sum(axis=1)
    return [
        {
            "from": funnel.stages[here],
            "to": funnel.stages[there],
            "kind": Kind(kind).name.lower(),
            "count": round(count),
        }
        for (here, there), kind, count in zip(funnel.exits, funnel.kinds, counts, strict=True)
    ]


def _stage(fitted: Fit, prepared: Scenario, stage: int, rates: StageRates) -> dict[str, Any]:
    ranges = {}
    for name, values in (("conversion", rates.conversion), ("lead_time_days", rates.lead_time)):
        low, middle, high = np.quantile(values, INTERVAL)
        ranges[name] = {"p50": float(middle), "low": float(low), "high": float(high)}
    count = int((prepared.open_deals.stage == stage).sum())
    return {"stage": fitted.history.states[stage], "open": count, **ranges}
