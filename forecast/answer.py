"""The question and its answer: from tables to the probability of the target, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.draws import NEW, OPEN, Scenario, scenario
from forecast.errors import FunnelError
from forecast.fit import Fit, fit
from forecast.history import Floats, History, as_of, days
from forecast.models.arrivals import count_arrivals
from forecast.periods import Period, parse_period
from forecast.rates import stage_rates
from forecast.sources.tables import Tables, usual_attributes
from simulations import Outcomes, answers, simulate

SCHEMA_VERSION = "1.0"
DEAL_HORIZON = 24  # months over which P(win) and the closing date of a deal are told
RECENT_MONTHS = 3
TOPS = (1, 3, 5)
SHOWN = 5  # clients and groups listed
INTERVAL = (0.025, 0.5, 0.975)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Question:
    """As of the morning of `origin`: will each period's won value reach its target (in units of currency)?"""

    origin: date
    periods: tuple[tuple[Period, float], ...]
    draws: int
    seed: int


def question_from(
    config: Config,
    tables: Tables,
    *,
    as_of: str | date | None = None,
    period: str | Sequence[str] | None = None,
    target: str | float | Sequence[str | float] | None = None,
    draws: int | None = None,
    seed: int | None = None,
) -> Question:
    """The question as typed, completed from the funnel file; without a date, as of the end of the records.

    Raises FunnelError for what is missing or cannot be asked.
    """
    asked = config.forecast
    origin = _date(as_of) if as_of is not None else asked.origin or tables.recorded_until.date()
    if period is None and target is None:
        periods = list(config.periods())
    else:
        periods = _paired(_listed(period), _listed(target), config)
    if not periods:
        raise FunnelError(
            "no period was asked about",
            remedy="Say --period 2017Q4 --target 1000000, or write [[forecast.periods]] in the funnel file.",
        )
    for one, amount in periods:
        if amount is None:
            raise FunnelError(f"the period {one.label} has no target", remedy="Say --target AMOUNT.")
        if one.after <= origin:
            raise FunnelError(
                f"the period {one.label} ends on {one.end}, before the as-of date {origin}: it is wholly in the past",
                remedy="Ask about a period that ends later, or as of an earlier date (--as-of).",
            )
    return Question(
        origin,
        tuple((one, float(amount)) for one, amount in periods if amount is not None),
        asked.draws if draws is None else draws,
        asked.seed if seed is None else seed,
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _paired(labels: list[Any], targets: list[Any], config: Config) -> list[tuple[Period, float | None]]:
    """Periods with their targets, as typed or from the funnel file, whichever is not typed."""
    known = config.periods()
    if not labels:
        labels = [period.label for period, _ in known]
    periods = [parse_period(str(label), config.funnel.fiscal_year_starts) for label in labels]
    in_file = {period.label: amount for period, amount in known}
    if not targets:
        return [(period, in_file.get(period.label)) for period in periods]
    if len(targets) != len(periods):
        raise FunnelError(
            f"{len(periods)} periods were asked about, with {len(targets)} targets",
            remedy="Give one --target for each --period.",
        )
    return [(period, _amount(value)) for period, value in zip(periods, targets, strict=True)]


def _amount(value: Any) -> float:
    try:
        amount = float(str(value).replace(",", "").replace("_", ""))
    except ValueError:
        amount = np.nan
    if not 0 < amount < np.inf:
        raise FunnelError(f"the target '{value}' is not a positive number", remedy="Write it as 3280000 or 3280000.50.")
    return amount


def _date(value: str | date) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise FunnelError(f"'{value}' is not a date", remedy="Write it as 2017-10-01.") from None


@dataclass(frozen=True, eq=False)
class Answer:
    """`summary`: the answer as plain data (see forecast/schema). `outcomes`: the simulations behind it; `months`: labels
    of their columns, from the origin to the end of the last period.
    """

    question: Question
    summary: dict[str, Any]
    outcomes: Outcomes
    months: tuple[str, ...]
    fit: Fit
    scenario: Scenario
    minor: int

    def samples(self) -> pd.DataFrame:
        """One row per simulation and month: simulation, month, won (amount won after the origin)."""
        simulations, months = self.outcomes.won.shape
        return pd.DataFrame(
            {
                "simulation": np.repeat(np.arange(simulations, dtype=np.int32), months),
                "month": np.tile(np.array(self.months, dtype=object), simulations).astype(str),
                "won": self.outcomes.won.ravel() / self.minor,
            }
        )

    def deals(self) -> pd.DataFrame:
        """One row per open deal: its columns, stage, age_days, amount, p_win in each period and within 24 months,
        quantiles of the closing date given that it is won, and expected value in the periods.
        """
        counts = self.outcomes.deal_win_days
        if counts is None:
            raise ValueError("deals: ask with deal_detail=True")
        history, n = self.fit.history, self.outcomes.n_simulations
        visit = self.scenario.open_visit
        table = history.deals.iloc[history.visits.deal[visit]].reset_index(drop=True)
        table["stage"] = np.array(history.states, dtype=object)[history.visits.state[visit]]
        table["age_days"] = history.day - history.visits.entered[visit]
        table["amount"] = history.visits.amount[visit]
        by_day = np.cumsum(counts, axis=1, dtype=np.int64)
        for period, _ in self.question.periods:
            start, end = ((pd.Timestamp(day) - history.origin).days for day in (period.start, period.after))
            table[f"p_win_{period.label}"] = (by_day[:, end] - by_day[:, max(start, 0)]) / n
        won = by_day[:, -1]
        table["p_win"] = won / n
        for share in (10, 50, 90):
            day = (by_day < (won * share / 100)[:, None]).sum(axis=1)
            closing = pd.Series(history.origin + pd.to_timedelta(np.maximum(day - 1, 0), unit="D"))
            table[f"close_p{share}"] = closing.where(won > 0)
        assert self.outcomes.deal_value is not None
        table["expected_value"] = self.outcomes.deal_value / n / self.minor
        return table


def ask(
    config: Config,
    tables: Tables,
    question: Question,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    deal_detail: bool = False,
) -> Answer:
    """Fit what was known at the origin, simulate, and answer. Raises FunnelError where that cannot be done."""
    history = as_of(tables, config.funnel, question.origin)
    last = max(period.after for period, _ in question.periods)
    edges, kept = _month_edges(history, question, pd.Timestamp(last))
    end = pd.Timestamp(0) + pd.Timedelta(days=float(edges[-1]) - 1)
    attributes = _attributes(config, history)
    fitted = fit(
        history, attributes, until=end, fiscal_year_starts=config.funnel.fiscal_year_starts,
        draws=question.draws, seed=question.seed, progress=progress,
    )  # fmt: skip
    minor = 10**config.funnel.minor_digits
    grouping = attributes[0] if attributes else None
    prepared = scenario(fitted, edges, grouping, minor=minor, seed=question.seed)
    outcomes = simulate(
        prepared.draws, prepared.open_deals, prepared.templates, seed=question.seed,
        group_sizes={name: len(names) for name, names in prepared.labels.items()},
        arrival_months=kept, months=kept, deal_detail=deal_detail, threads=threads,
        progress=None if progress is None else lambda done, total: progress("Simulating deals", done, total),
    )  # fmt: skip
    months = _labels(edges[: kept + 1])
    summary = _summary(config, tables, question, fitted, prepared, outcomes, edges[: kept + 1], grouping, minor)
    return Answer(question, summary, outcomes, months, fitted, prepared, minor)


def _attributes(config: Config, history: History) -> list[str]:
    chosen = config.model.attributes
    if chosen is None:
        return list(usual_attributes(history.deals, history.known))
    late = [name for name in chosen if name in history.known and history.known[name] != "creation"]
    missing = [name for name in chosen if name not in history.deals]
    if late or missing:
        told = f"'{(missing or late)[0]}' is " + ("not a column of the deals" if missing else "not known at creation")
        raise FunnelError(f"[model] attributes: {told}", remedy="`funnel check` lists the columns and when they are known.")
    return list(chosen)


def _month_edges(history: History, question: Question, last: pd.Timestamp) -> tuple[Floats, int]:
    """Edges of the simulated months from the origin on, cut where a period begins or ends, and how many of the months
    lie within the periods; those after them are for the closing dates of single deals.
    """
    horizon = max(history.origin + pd.DateOffset(months=DEAL_HORIZON), last)
    starts = pd.date_range(history.origin, horizon, freq="MS")
    cuts = [pd.Timestamp(day) for period, _ in question.periods for day in (period.start, period.after)]
    edges = sorted({history.origin, horizon, *starts, *(cut for cut in cuts if cut > history.origin)})
    return days(pd.Series(edges)), edges.index(last)


def _labels(edges: Floats) -> tuple[str, ...]:
    """2017-10 for what is simulated of a month, with its days where a period cuts it."""
    stamps = pd.to_datetime(edges, unit="D")
    names = [f"{stamp:%Y-%m}" for stamp in stamps[:-1]]
    ends = [f"{stamp - pd.Timedelta(days=1):%d}" for stamp in stamps[1:]]
    return tuple(
        name if names.count(name) == 1 else f"{name}-{stamp:%d}..{end}"
        for name, stamp, end in zip(names, stamps[:-1], ends, strict=True)
    )


def _summary(
    config: Config, tables: Tables, question: Question, fitted: Fit, prepared: Scenario, outcomes: Outcomes,
    edges: Floats, grouping: str | None, minor: int,
) -> dict[str, Any]:  # fmt: skip
    history, health, ledger = fitted.history, fitted.health, tables.ledger
    value = _open_value(fitted, prepared, minor)
    viable = history.visits.state[prepared.open_visit] >= history.viable_from
    rtv = float(value[viable].sum())
    recorded = as_of(tables, config.funnel, tables.recorded_until)
    told = f"sampled well (R-hat {health.r_hat:.2f}, {health.ess:.0f} independent draws)"
    seen = f"{health.checked - health.outside} of {health.checked} monthly exit counts within their 99 % range"
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
            "message": f"{told}; {seen}",
        },
        "quality": {
            "read": ledger.read,
            "used": ledger.used,
            "set_aside": ledger.set_aside,
            "reasons": [
                {"file": e.file, "reason": e.reason, "count": e.count, "examples": [str(x) for x in e.examples]}
                for e in ledger.entries
                if e.set_aside
            ],
        },
        "open": {
            "deals": len(value),
            "viable": int(viable.sum()),
            "value": float(value.sum()),
            "amounts_known": bool((prepared.open_deals.amount >= 0).all()),
        },
        "new_deals": _new_deals(history, outcomes, edges),
        "periods": [
            _period(period, target, history, recorded, prepared, outcomes, edges, rtv, grouping, minor)
            for period, target in question.periods
        ],
        "stages": [_stage(fitted, prepared, stage) for stage in range(history.won)],
        "files": {},
    }


def _open_value(fitted: Fit, prepared: Scenario, minor: int) -> Floats:
    """(N,) current amount of each open deal, or the mean of what it would bring if won, where that is unknown."""
    deals, draws = prepared.open_deals, prepared.draws
    mean = np.exp(draws.amount_log_mean + draws.amount_log_sd**2 / 2).mean(axis=0)[deals.cell]
    return np.asarray(np.where(deals.amount >= 0, deals.amount, mean) / minor, dtype=np.float64)


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
    period: Period, target: float, history: History, recorded: History, prepared: Scenario, outcomes: Outcomes,
    edges: Floats, rtv: float, grouping: str | None, minor: int,
) -> dict[str, Any]:  # fmt: skip
    start, after = (float(day) for day in days(pd.Series([pd.Timestamp(period.start), pd.Timestamp(period.after)])))
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
        "groups": None if grouping is None else _groups(grouping, prepared, outcomes, mask, minor),
        "actual": _actual(start, after, target, history, recorded),
    }


def _by_month(
    period: Period, history: History, outcomes: Outcomes, edges: Floats, mask: Any, minor: int
) -> list[dict[str, Any]]:
    """Months of the period: what was won in them before the origin, and the range of each month's whole."""
    quantiles = answers.quantiles_by_month(outcomes) / minor
    means = answers.mean_by_month(outcomes) / minor
    rows = []
    for month in period.months():
        first, last = (float(day) for day in days(pd.Series([pd.Timestamp(month.start), pd.Timestamp(month.after)])))
        won = history.won_between(first, min(last, history.day)) if first < history.day else 0.0
        inside = np.flatnonzero(mask & (edges[:-1] >= first) & (edges[1:] <= last))
        if len(inside) == 1:
            low, middle, high = (won + q for q in quantiles[inside[0]])
            mean = won + means[inside[0]]
        elif len(inside):
            sums = outcomes.won[:, inside].sum(axis=1) / minor
            low, middle, high = (won + q for q in np.quantile(sums, (0.1, 0.5, 0.9)))
            mean = won + sums.mean()
        else:
            low = middle = high = mean = won
        row = {"month": month.label, "p10": low, "p50": middle, "p90": high, "mean": mean, "won": won}
        rows.append({**{k: v if isinstance(v, str) else float(v) for k, v in row.items()}, "simulated": bool(len(inside))})
    return rows


def _clients(
    history: History, prepared: Scenario, outcomes: Outcomes, goal: int, asked: Mapping[str, Any], minor: int
) -> dict[str, Any]:
    """Shares of the revenue still to come, and the chance without the client that brings most of it."""
    names, mask = prepared.labels["client"], asked["months"]
    expected = answers.expected_by_group(outcomes, "client", months=mask)
    total = float(expected.sum())
    order = np.argsort(-expected, kind="stable")[:SHOWN]
    shares = answers.top_shares(outcomes, "client", TOPS, months=mask)
    known = history.deals["client"].notna().any() and total > 0
    without = answers.p_hit_without(outcomes, goal, "client", int(order[0]), **asked)
    return {
        "shares": {str(top): float(share) for top, share in zip(TOPS, shares, strict=True)} if known else {},
        "top": [
            {"client": names[i], "share": float(expected[i]) / total, "expected": float(expected[i]) / minor}
            for i in order
            if known and expected[i] > 0
        ],
        "largest": names[order[0]] if known else None,
        "p_hit_without_largest": without.p if known else None,
        "p_hit_without_largest_se": without.se if known else None,
        "unknown": bool((prepared.open_deals.groups["client"] < 0).any()),
    }


def _groups(grouping: str, prepared: Scenario, outcomes: Outcomes, mask: Any, minor: int) -> dict[str, Any]:
    expected = answers.expected_by_group(outcomes, grouping, months=mask) / minor
    order = np.argsort(-expected, kind="stable")[:SHOWN]
    names = prepared.labels[grouping]
    return {"grouping": grouping, "top": [{"group": names[i], "expected": float(expected[i])} for i in order]}


def _actual(start: float, after: float, target: float, history: History, recorded: History) -> dict[str, Any] | None:
    """What the records that go on past the period tell; None where they do not."""
    if recorded.day < after or recorded.day <= history.day:
        return None
    revenue = recorded.won_between(start, after)
    return {"revenue": revenue, "hit": revenue >= target}


def _stage(fitted: Fit, prepared: Scenario, stage: int) -> dict[str, Any]:
    rates = stage_rates(fitted, stage)
    told = {}
    for name, values in (("conversion", rates.conversion), ("lead_time_days", rates.lead_time)):
        low, middle, high = np.quantile(values, INTERVAL)
        told[name] = {"p50": float(middle), "low": float(low), "high": float(high)}
    count = int((prepared.open_deals.stage == stage).sum())
    return {"stage": fitted.history.states[stage], "open": count, **told}
