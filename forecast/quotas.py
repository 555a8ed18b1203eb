"""The answer by team, owner, region and so on, each held against a quota of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from forecast.asked import AskedPeriod, group_of_deal, ranges
from forecast.config import Config
from forecast.draws import Scenario, named
from forecast.errors import FunnelError, near
from forecast.history import History, Ints
from forecast.parts import Parts
from forecast.periods import Period, parse_period
from forecast.sources.tables import Known, usual_attributes
from simulations import Outcomes, answers, sums_by_group

MOST_GROUPS = 500

Quotas = Mapping[str, Mapping[str, float]]


def groupings(config: Config, history: History, attributes: Iterable[str]) -> tuple[str, ...]:
    """Columns by which revenue is told: those of the model, the usual ones, and those with quotas; FunnelError."""
    with_quota = {name for by in config.quotas.values() for name in by}
    for name in sorted(with_quota):
        if name not in history.deals:
            raise FunnelError(
                f"[quotas] '{name}' is not a column of the deals", remedy=near(name, usual_columns(history))
            )
        if history.known.get(name) is not Known.CREATION:
            raise FunnelError(
                f"[quotas] '{name}' is not known when a deal is created: revenue to come cannot be told by it",
                remedy="Give quotas by a column that is known at creation; `funnel check` lists them.",
            )
        if history.deals[name].nunique() > MOST_GROUPS:
            raise FunnelError(
                f"[quotas] '{name}' has more than {MOST_GROUPS} groups", count=history.deals[name].nunique(),
                remedy="Give quotas by a coarser column.",
            )  # fmt: skip
    usual = usual_attributes(history.deals, history.known)
    return tuple(dict.fromkeys((*attributes, *usual, *sorted(with_quota))))


def usual_columns(history: History) -> list[str]:
    """Columns of the deals that are known at creation."""
    return [str(name) for name in history.deals if history.known.get(str(name)) is Known.CREATION]


def quotas_of(config: Config, period: Period) -> Quotas:
    """By column and group, what is to be reached in this period, however the funnel file words it."""
    found: dict[str, dict[str, float]] = {}
    for label, by in config.quotas.items():
        same = parse_period(label, config.funnel.fiscal_year_starts)
        if (same.start, same.end) == (period.start, period.end):
            for grouping, amounts in by.items():
                found.setdefault(grouping, {}).update(amounts)
    return found


def by_group(
    asked: AskedPeriod, quotas: Quotas, names: Iterable[str], history: History, prepared: Scenario, parts: Parts,
    outcomes: Outcomes,
) -> list[dict[str, Any]]:  # fmt: skip
    """Every grouping with all its groups, the largest first; each grouping sums to the whole. FunnelError where a
    quota is of a group that is not there.
    """
    found = []
    for name in names:
        own = quotas.get(name, {})
        rows = _rows(asked, name, own, history, prepared, parts, outcomes)
        found.append({"grouping": name, "quota": sum(own.values()) if own else None, "rows": rows})
    return found


def _rows(
    asked: AskedPeriod, grouping: str, quotas: Mapping[str, float], history: History, prepared: Scenario, parts: Parts,
    outcomes: Outcomes,
) -> list[dict[str, Any]]:  # fmt: skip
    names = prepared.labels[grouping]
    unknown = [name for name in quotas if name not in names]
    if unknown:
        told = named(history.deals[grouping])
        raise FunnelError(
            f"[quotas] there is no {grouping} '{unknown[0]}'", column=grouping, remedy=near(unknown[0], told.unique())
        )
    codes = group_of_deal(history, grouping, names)
    won = asked.won_by(codes, len(names))
    own = sums_by_group(outcomes, grouping, asked.months)
    opened = codes[history.visits.deal[prepared.open_visit]]
    deals = np.bincount(opened, minlength=len(names))
    value = np.bincount(opened, parts.value, len(names))
    viable = np.bincount(opened, parts.value * parts.viable, len(names))
    rows = []
    for i in np.argsort(-(won + own.mean(axis=0)), kind="stable"):
        rows.append(
            {
                "group": names[i],
                "won_to_date": asked.money(won[i]),
                "expected": asked.money(own[:, i].mean()),
                **ranges((won[i] + own[:, i]) / asked.minor),
                "open_deals": int(deals[i]),
                "open_value": asked.money(value[i]),
                "rtv": asked.money(viable[i]),
                **_held_against(asked, quotas.get(names[i]), won[i], own[:, i], viable[i], outcomes.draw),
            }
        )
    return rows


def _held_against(
    asked: AskedPeriod, quota: float | None, won: int, own: Ints, rtv: float, draw: Ints
) -> dict[str, float | None]:
    if quota is None:
        return dict.fromkeys(("quota", "gap", "funnel_factor", "p_hit", "p_hit_se"))
    hit = answers.share(won + own >= round(quota * asked.minor), draw)
    gap = quota - asked.money(won)
    return {
        "quota": quota,
        "gap": gap,
        "funnel_factor": asked.money(rtv) / gap if gap > 0 else None,
        "p_hit": hit.p,
        "p_hit_se": hit.se,
    }
