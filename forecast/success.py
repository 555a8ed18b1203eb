"""Success by group of deals, as plain data: what was seen, what the model expects, and where effort pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.draws import Scenario, named
from forecast.errors import FunnelError
from forecast.fit import Fit
from forecast.history import Ints
from forecast.indicators import Estimate, counted, observed
from forecast.models.sampling import Progress
from forecast.pooled import estimate, pooled, worth_pooled
from forecast.rates import STATED_AGE

MOST_GROUPS = 100


def success(
    fit: Fit, prepared: Scenario, columns: Sequence[str], minor: int, *, seed: int, threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """All deals, and every group of each column, those first that bring most per new deal."""
    rows = counted(fit.history)
    by: list[dict[str, Any]] = []
    for number, column in enumerate(columns):
        if progress is not None:
            progress("Playing new deals", number, len(columns))
        group = named(fit.history.deals[column]).to_numpy()[rows]
        names = np.unique(group)
        if len(names) > MOST_GROUPS:
            remedy = "Name a coarser column."
            raise FunnelError(f"'{column}' has more than {MOST_GROUPS} groups", count=len(names), remedy=remedy)
        usual, *found = _told(fit, prepared, [rows, *(rows[group == name] for name in names)], minor, seed, threads)
        lines: list[dict[str, Any]] = [
            {"group": str(name), **one, "stands_out": _stands_out(one["value"], usual["value"])}
            for name, one in zip(names, found, strict=True)
        ]
        by.append({"grouping": column, "rows": sorted(lines, key=lambda row: -_middle(row))})
    return {"days": STATED_AGE, "all": _told(fit, prepared, [rows], minor, seed, threads)[0], "by": by}


def _middle(row: dict[str, Any]) -> float:
    return float(row["value"]["p50"] or 0.0)


def _told(
    fit: Fit, prepared: Scenario, groups: Sequence[Ints], minor: int, seed: int, threads: int | None
) -> list[dict[str, Any]]:
    """groups: rows of the deals, first of all deals."""
    history, found = fit.history, pooled(fit, prepared, groups, minor, seed=seed, threads=threads)
    created = history.visits.amount[history.first_visits()]
    value = worth_pooled(found, [created[group] for group in groups], np.random.default_rng(seed)) / minor
    return [
        {
            **observed(history, group),
            "expected": {
                "win_rate": estimate(found.p_win[..., number]),
                "days_to_win": estimate(found.days[..., number]),
            },
            "value": estimate(value[..., number]),
        }
        for number, group in enumerate(groups)
    ]


def _stands_out(value: Estimate, usual: Estimate) -> str | None:
    """Whether a new deal of a group brings more, or less, than that of all, beyond doubt."""
    low, high, middle = value["low"], value["high"], usual["p50"]
    if middle is None or low is None or high is None:
        return None
    return "more" if low > middle else "less" if high < middle else None
