"""The answer as plain data, described field by field in forecast/schema; every number that a front end shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from forecast.assumptions import Assumptions, assumptions, of_revenue, told
from forecast.config import Config
from forecast.draws import NEW, NEWCOMERS, OPEN, OTHERS, Scenario
from forecast.fit import Fit
from forecast.history import Floats, History, actual, as_of, day_of
from forecast.models.arrivals import count_arrivals
from forecast.models.priors import stated
from forecast.periods import Period
from forecast.question import Question
from forecast.rates import StageRates, stage_rates
from forecast.sources.tables import Tables
from simulations import Kind, Outcomes, answers

SCHEMA_VERSION = "1.0"
RECENT_MONTHS = 3
TOPS = (1, 3, 5)
SHOWN = 5  # clients and groups listed
INTERVAL = (0.025, 0.5, 0.975)


def summarise(
    config: Config, tables: Tables, question: Question, fitted: Fit, prepared: Scenario, outcomes: Outcomes,
    edges: Floats, grouping: str | None, minor: int,
) -> dict[str, Any]:  # fmt: skip
    history, health, ledger = fitted.history, fitted.health, tables.ledger
    value = _open_value(fitted, prepared, minor)
    viable = history.visits.state[prepared.open_visit] >= history.viable_from
    rtv = float(value[viable].sum())
    recorded = as_of(tables, config.funnel, tables.recorded_until)
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
            "deals": len(value),
            "viable": int(viable.sum()),
            "value": float(value.sum()),
            "amounts_known": bool((prepared.open_deals.amount[: len(value)] >= 0).all()),
        },
        "new_deals": _new_deals(history, outcomes, edges),
        "periods": [
            _period(period, target, history, recorded, prepared, outcomes, edges, rtv, grouping, minor, rests_on)
            for period, target in question.periods
        ],
        "stages": [_stage(fitted, prepared, stage, found) for stage, found in enumerate(rates)],
        "assumed": told(rests_on),
        "exits": _exits(fitted),
        "files": {},
    }


def _open_value(fitted: Fit, prepared: Scenario, minor: int) -> Floats:
    """(N,) current amount of each open deal, or the mean of what it would bring if won, where that is unknown."""
    draws, n = prepared.draws, len(prepared.open_visit)
    amount, cell = prepared.open_deals.amount[:n], prepared.open_deals.cell[:n]
    mean = np.exp(draws.amount_log_mean + draws.amount_log_sd**2 / 2).mean(axis=0)[cell]
    return np.asarray(np.where(amount >= 0, amount, mean) / minor, dtype=np.float64)


def _new_deals(history: History, outcomes: Outcomes, edges: Floats) -> dict[str, float]:
    months = pd.date_range(history.origin - pd.DateOffset(months=RECENT_MONTHS), periods=2, freq=f"{RECENT_MONTHS}MS")
    if len(months) < 2 or months[1] > history.origin:
        months = pd.DatetimeIndex([history.origin - pd.Timedelta(days=91), history.origin])
    recent = count_arrivals(history, months)
    per_month = 365.25 / 12
    return {
        "recent_per_month": float(recent.counts.sum() / max(recent.days.sum(), 1) * per_month),
        "expected_per_month": float(outcomes.created.sum(axis=1).mean() / (edges[-1] - edges[0]) * per_month),
    }


def _period(
    period: Period, target: float, history: History, recorded: History, prepared: Scenario,
    outcomes: Outcomes, edges: Floats, rtv: float, grouping: str | None, minor: int, rests_on: Assumptions,
) -> dict[str, Any]:  # fmt: skip
    start, after = day_of(period.start), day_of(period.after)
    mask = (edges[:-1] >= start) & (edges[1:] <= after)
    won = round(history.won_between(start, min(after, history.day)) * minor)
    goal = round(target * minor)
    asked: dict[str, Any] = {"won_to_date": won, "months": mask}
    hit = answers.p_hit(outcomes, goal, **asked)
    low, middle, high = (float(q) / minor for q in answers.quantiles(outcomes, **asked))
    by_origin = outcomes.by["created"][:, mask].sum(axis=1).mean(axis=0) / minor
    gap = target - won / minor
    return {
        "period": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "target": target,
        "p_hit": hit.p,
        "p_hit_se": hit.se,
        "p10": low,
        "p50": middle,
        "p90": high,
        "mean": float(answers.revenue(outcomes, **asked).mean()) / minor,
        "won_to_date": won / minor,
        "gap": gap,
        "rtv": rtv,
        "funnel_factor": rtv / gap if gap > 0 else None,
        "from_open": float(by_origin[OPEN]),
        "from_new": float(by_origin[NEW]),
        "by_month": _by_month(period, history, outcomes, edges, mask, minor),
        "clients": _clients(history, prepared, outcomes, goal, asked, minor),
        "assumed": of_revenue(rests_on, outcomes.draw, answers.revenue(outcomes, **asked)),
        "groups": None if grouping is None else _groups(grouping, prepared, outcomes, mask, minor),
        "actual": actual(start, after, target, history, recorded),
    }


def _by_month(
    period: Period, history: History, outcomes: Outcomes, edges: Floats, mask: Any, minor: int
) -> list[dict[str, Any]]:
    """Months of the period: what was won in them before the origin, and the range of each month's whole."""
    rows = []
    for month in period.months():
        first, last = day_of(month.start), day_of(month.after)
        won = round(history.won_between(first, min(last, history.day)) * minor)
        inside = mask & (edges[:-1] >= first) & (edges[1:] <= last)
        asked: dict[str, Any] = {"won_to_date": won, "months": inside}
        low, middle, high = (float(q) / minor for q in answers.quantiles(outcomes, **asked))
        rows.append(
            {
                "month": month.label,
                "p10": low,
                "p50": middle,
                "p90": high,
                "mean": float(answers.revenue(outcomes, **asked).mean()) / minor,
                "won": won / minor,
                "simulated": bool(inside.any()),
            }
        )
    return rows


def _clients(
    history: History, prepared: Scenario, outcomes: Outcomes, goal: int, asked: Mapping[str, Any], minor: int
) -> dict[str, Any]:
    """Shares of the revenue still to come, and the chance without the client that brings most of it."""
    names, mask = prepared.labels["client"], asked["months"]
    expected = answers.expected_by_group(outcomes, "client", months=mask)
    total = float(expected.sum())
    named = np.where(np.isin(names, (OTHERS, NEWCOMERS)), 0.0, expected)  # a pooled rest is no client
    order = np.argsort(-named, kind="stable")[:SHOWN]
    shares = [named[order[:top]].sum() / max(total, 1.0) for top in TOPS]
    known = history.deals["client"].notna().any() and total > 0
    without = answers.p_hit_without(outcomes, goal, "client", int(order[0]), **asked)
    return {
        "shares": {str(top): float(share) for top, share in zip(TOPS, shares, strict=True)} if known else {},
        "top": [
            {"client": names[i], "share": float(expected[i]) / total, "expected": float(expected[i]) / minor}
            for i in order
            if known and named[i] > 0
        ],
        "largest": names[order[0]] if known else None,
        "p_hit_without_largest": without.p if known else None,
        "p_hit_without_largest_se": without.se if known else None,
        "unknown": bool((prepared.open_deals.groups["client"][: len(prepared.open_visit)] < 0).any()),
    }


def _groups(grouping: str, prepared: Scenario, outcomes: Outcomes, mask: Any, minor: int) -> dict[str, Any]:
    expected = answers.expected_by_group(outcomes, grouping, months=mask) / minor
    order = np.argsort(-expected, kind="stable")[:SHOWN]
    names = prepared.labels[grouping]
    return {"grouping": grouping, "top": [{"group": names[i], "expected": float(expected[i])} for i in order]}


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
