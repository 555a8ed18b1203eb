"""On whom the target depends: the clients of the open and future deals, and single deals."""

from __future__ import annotations

from typing import Any

import numpy as np

from forecast.asked import AskedPeriod
from forecast.config_asked import DependenceSection
from forecast.draws import NEWCOMERS, OTHERS, Scenario
from forecast.history import Floats, History, Ints
from forecast.parts import DEAL, OVERDUE, Parts
from forecast.single_clients import Level
from forecast.told_drivers import SPREAD, client_sentence
from simulations import Dependence, Outcomes, answers, concentration, dependence, least_multiple, sums_by_group

TOPS = (1, 3, 5)
DEPENDENT, WATCH = "dependent", "watch"
POOLED = (OTHERS, NEWCOMERS)


def by_client(
    asked: AskedPeriod, limits: DependenceSection, history: History, prepared: Scenario, parts: Parts,
    outcomes: Outcomes, currency: str, level: Level | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What each client brings, the chance without it, and a verdict; shares are of the revenue still to come.

    level: at which clients are told of (default: those who would pay).
    """
    level = parts.payers if level is None else level
    names, client = level.names, level.open
    own = np.array([name not in POOLED for name in names])
    opened = client >= 0
    value = np.bincount(client[opened], parts.value[opened], len(names)).astype(np.int64)
    found = dependence(outcomes, asked.target, level.grouping, value=value, **asked.terms)
    known = bool(history.deals["client"].notna().any() and found.expected.sum() > 0)
    if not known:
        return _nothing()
    viable = np.bincount(client[opened], (parts.value * parts.viable)[opened], len(names))
    deals = np.bincount(client[opened], minlength=len(names))
    won = asked.won_by(level.codes, len(names))
    restore = _restoring(asked, parts, level, outcomes, found)
    order = [int(i) for i in np.argsort(-np.where(own, found.expected, -1.0), kind="stable") if own[i]]
    rows: list[dict[str, Any]] = [
        {
            "client": names[i],
            "won_to_date": asked.money(won[i]),
            "open_deals": int(deals[i]),
            "open_value": asked.money(value[i]),
            "viable_value": asked.money(viable[i]),
            "expected": asked.money(found.expected[i]),
            "share": float(found.share[i]),
            "p_hit_without": float(found.p_without[i]),
            "p_hit_without_se": float(found.se_without[i]),
            "adds": float(found.adds[i]),
            "shortfall_share": float(found.shortfall[i]),
            "restoring_value": restore[i],
        }
        for i in order
        if found.expected[i] > 0 or won[i] > 0 or value[i] > 0
    ]
    ranked = np.sort(found.share[own])[::-1]
    concentrated = concentration(found.share, _members(level))
    critical = min(rows, key=lambda row: (row["p_hit_without"], -row["share"])) if rows else None
    told = {
        "shares": {str(top): float(ranked[:top].sum()) for top in TOPS},
        "concentration": concentrated,
        "effective_number": 1 / concentrated if concentrated > 0 else None,
        "table": rows,
        "rest": _rest(asked, found, won, value, ~own),
        "largest": rows[0]["client"] if rows else None,
        "p_hit_without_largest": rows[0]["p_hit_without"] if rows else None,
        "p_hit_without_largest_se": rows[0]["p_hit_without_se"] if rows else None,
        "critical": critical["client"] if critical else None,
        "unknown": bool((client < 0).any()),
    }
    verdict = _verdict(limits, found.p_hit.p, critical, told)
    told["verdict"] = verdict
    return {**told, "sentence": client_sentence(told, found.p_hit.p, currency)}


def _nothing() -> dict[str, Any]:
    """Where clients are not known, or nothing is expected."""
    none = ("concentration", "effective_number", "largest", "p_hit_without_largest", "p_hit_without_largest_se",
            "critical", "verdict", "sentence", "rest")  # fmt: skip
    return {**dict.fromkeys(none), "shares": {}, "table": [], "unknown": False}


def _members(level: Level) -> Floats:
    """Of how many clients each group consists: new ones so many that none counts."""
    names = level.names
    members = np.ones(len(names))
    if OTHERS in names:
        apart = sum(name not in POOLED for name in names)
        members[names.index(OTHERS)] = max(int(level.clients.nunique()) - apart, 1)
    if NEWCOMERS in names:
        members[names.index(NEWCOMERS)] = np.inf
    return members


def _rest(asked: AskedPeriod, found: Dependence, won: Ints, value: Ints, pooled: Any) -> dict[str, float]:
    """All clients that are not kept apart, those not seen yet among them: with the table it sums to the whole."""
    return {
        "won_to_date": asked.money(asked.won_to_date - won[~pooled].sum()),
        "open_value": asked.money(value[pooled].sum()),
        "expected": asked.money(found.expected[pooled].sum()),
        "share": float(found.share[pooled].sum()),
        "shortfall_share": float(found.shortfall[pooled].sum()),
    }


def _restoring(
    asked: AskedPeriod, parts: Parts, level: Level, outcomes: Outcomes, found: Dependence
) -> list[float | None]:
    """Viable value from other clients that brings the chance without each client back to what it is with it.

    It is taken to be won as the viable deals of the others are; None where no value would do, or they have none.
    """
    own = sums_by_group(outcomes, level.grouping, asked.months)
    total = answers.revenue(outcomes, **asked.terms)
    kept = sums_by_group(outcomes, level.viable, asked.months)
    place = {int(client): i for i, client in enumerate(level.apart)}
    rtv = np.zeros(len(level.apart))
    for i, client in enumerate(level.apart):
        rtv[i] = parts.value[parts.viable & (level.open == client)].sum()
    viable = kept[:, :-1].sum(axis=1)
    restored: list[float | None] = []
    for client in range(own.shape[1]):
        at = place.get(client)
        others = viable if at is None else viable - kept[:, at]
        worth = parts.rtv() - (0 if at is None else rtv[at])
        times = least_multiple(total - own[:, client], others, asked.target, found.p_hit.p)
        restored.append(asked.money(times * worth) if worth > 0 and np.isfinite(times) else None)
    return restored


def _verdict(limits: DependenceSection, p_hit: float, critical: Any, told: dict[str, Any]) -> str | None:
    """Dependent: revenue is concentrated, or a major client decides. Watch: one is major, or decides."""
    if critical is None:
        return None
    decides = p_hit - critical["p_hit_without"] >= limits.chance_lost
    if told["concentration"] >= limits.concentration or (decides and critical["share"] >= limits.major):
        return DEPENDENT
    return WATCH if decides or told["shares"]["1"] >= limits.major else SPREAD


def overdue_apart(asked: AskedPeriod, parts: Parts, outcomes: Outcomes) -> dict[str, float | None]:
    """What the overdue deals still bring in the period, and how things stand without them."""
    found = dependence(outcomes, asked.target, OVERDUE, **asked.terms)
    rtv = asked.money(parts.value[parts.viable & ~parts.ages.overdue].sum())
    gap = asked.money(asked.gap)
    return {
        "expected": asked.money(found.expected[0]),
        "p_hit_without": float(found.p_without[0]),
        "p_hit_without_se": float(found.se_without[0]),
        "rtv_without": rtv,
        "funnel_factor_without": rtv / gap if gap > 0 else None,
    }


def decisive(
    asked: AskedPeriod,
    limits: DependenceSection,
    history: History,
    prepared: Scenario,
    parts: Parts,
    outcomes: Outcomes,
) -> list[dict[str, Any]]:
    """The most valuable open deals: the chance where each is lost for sure or won at its value, the rest as simulated.

    In order of what the chance moves when the fate is known: its standard deviation, (P(hit if won) - P(hit if lost))
    sqrt(p (1 - p)), p the probability that the deal is won in time.
    """
    value = np.append(parts.value[parts.top], 0)
    found = dependence(outcomes, asked.target, DEAL, value=value, **asked.terms)
    own = sums_by_group(outcomes, DEAL, asked.months)
    p_win = (own[:, :-1] > 0).mean(axis=0)
    moves = found.adds[:-1] * np.sqrt(p_win * (1 - p_win))
    rows = []
    for i in np.argsort(-moves, kind="stable"):
        deal = int(parts.top[i])
        rows.append(
            {
                **named_deal(history, prepared, deal),
                "value": asked.money(parts.value[deal]),
                "viable": bool(parts.viable[deal]),
                "overdue": bool(parts.ages.overdue[deal]),
                "p_win": float(p_win[i]),
                "expected": asked.money(found.expected[i]),
                "p_hit_if_lost": float(found.p_without[i]),
                "p_hit_if_won": float(found.p_certain[i]),
                "moves": float(moves[i]),
                "carries": bool(found.p_hit.p - found.p_without[i] >= limits.chance_lost),
            }
        )
    return rows


def named_deal(history: History, prepared: Scenario, deal: int) -> dict[str, str | None]:
    """How an open deal is called: its id, client, owner (None where not known) and stage."""
    visit = int(prepared.open_visit[deal])
    row = history.deals.iloc[history.visits.deal[visit]]
    told = {name: row.get(name) for name in ("client", "owner")}
    return {
        "deal_id": str(row["deal_id"]),
        **{name: str(value) if isinstance(value, str) else None for name, value in told.items()},
        "stage": history.states[history.visits.state[visit]],
    }
