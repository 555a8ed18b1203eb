"""What a fit has learned, beside what was seen, as tables: for those who want to look into the model.

Each has the columns `seen`, what a plain count gives, and `low`, `middle`, `high`, the 90 % interval and median of the
posterior. Rates are exits per deal and day. Where clients have a frailty of their own, the posterior is that of clients
of frailty one, in the mean of all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.exposure import Exposure
from forecast.fit import Fit
from forecast.history import Floats, Ints
from forecast.models.arrivals import count_arrivals
from forecast.models.contraction import compressed, expected_exits
from forecast.models.exits import kinds_present
from simulations import Kind

DRAWS = 200  # of the posterior, for intervals
INTERVAL = (0.05, 0.5, 0.95)
OPEN_END = 1.25  # the last bin of ages has no end: drawn as so many times its beginning


def exposure_table(exposure: Exposure) -> pd.DataFrame:
    """The days at risk and the exits that the likelihood is made of, by stage, exit and age bin."""
    funnel, days = exposure.funnel, exposure.days_at_risk.sum(axis=(2, 3))
    edges = [*funnel.age_edges, np.inf]
    rows = [
        (funnel.stages[source], funnel.stages[to], edges[b], edges[b + 1], days[source, b], exposure.exits_by_age[j, b])
        for j, (source, to) in enumerate(funnel.exits)
        for b in range(funnel.n_bins)
        if days[source, b] > 0
    ]
    return pd.DataFrame(rows, columns=["stage", "exit to", "from day", "to day", "days at risk", "exits"])


def by_age(fit: Fit, stage: int) -> pd.DataFrame:
    """Exits per day of the visits to a stage, by exit and age bin: from_day, to_day, exit, kind.

    The posterior is averaged over the months and cells in which the days at risk of each age fell, so that it can be
    held against the count; it differs by what the model borrows from neighbouring ages.
    """
    exposure = fit.exposure
    funnel, chosen = exposure.funnel, _chosen(fit)
    days = exposure.days_at_risk[stage].sum(axis=(1, 2))
    bins = np.flatnonzero(days > 0)
    edges = np.append(funnel.age_edges, OPEN_END * funnel.age_edges[-1])
    expected = np.array([_expected(fit, int(draw), 1) for draw in chosen])
    parts = []
    for j in range(funnel.first_exit[stage], funnel.first_exit[stage + 1]):
        part = _told(exposure.exits_by_age[j, bins] / days[bins], expected[:, j][:, bins] / days[bins])
        part.insert(0, "kind", Kind(funnel.kinds[j]).name.lower())
        part.insert(0, "exit", funnel.stages[funnel.exits[j][1]])
        part.insert(0, "to_day", edges[bins + 1])
        part.insert(0, "from_day", edges[bins])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def by_month(fit: Fit, kind: Kind) -> pd.DataFrame:
    """How many times as many exits of a kind each month has as the average month on record: month, past.

    `seen` is what was counted over what would be expected without the calendar, NaN for months to come.
    """
    exposure, chosen = fit.exposure, _chosen(fit)
    exits = np.flatnonzero(exposure.funnel.kinds == kind)
    known = exposure.exits_by_month.shape[1]
    multiplier = np.exp(fit.calendar()[chosen][:, kind])
    flat = np.mean([_expected(fit, int(draw), 2, calendar=False)[exits].sum(axis=0) for draw in chosen], axis=0)
    weight = flat / max(flat.sum(), 1e-300)
    level = (multiplier[:, :known] * weight).sum(axis=1, keepdims=True)
    seen = np.full(multiplier.shape[1], np.nan)
    counted = exposure.exits_by_month[exits].sum(axis=0)
    ratio = counted / np.maximum(flat, 1e-300)
    seen[:known] = np.where(flat > 0, ratio / max((ratio * weight).sum(), 1e-300), np.nan)
    table = _told(seen, multiplier / level)
    table.insert(0, "past", np.arange(len(table)) < known)
    table.insert(0, "month", fit.months)
    return table


def by_level(fit: Fit, attribute: str, kind: Kind) -> pd.DataFrame:
    """How many times as many exits of a kind the deals of each level of an attribute have, other things equal:
    level, exits, and `seen`, counted over expected without the attribute. What little is known is drawn towards one.
    Raises KeyError for a column that the fit does not use.
    """
    exposure, chosen = fit.exposure, _chosen(fit)
    names, index = np.unique(exposure.cells[attribute], return_inverse=True)
    exits = np.flatnonzero(exposure.funnel.kinds == kind)
    group = fit.design.group == list(exposure.cells.columns).index(attribute)
    matrix = fit.design.matrix[:, : len(exposure.cells)]
    of_level = np.eye(len(names))[index]  # (C, levels)
    counted = (exposure.exits_by_cell[exits] @ of_level).sum(axis=0)
    with_it, without = np.empty((2, len(chosen), len(names)))
    for row, draw in enumerate(chosen):
        effect = fit.posterior["effect"][draw]
        for into, used in ((with_it, effect), (without, effect * ~group)):
            found = _expected(fit, int(draw), 3, effect=used @ matrix)
            into[row] = (found[exits] @ of_level).sum(axis=0)
    table = _told(counted / np.maximum(without.mean(axis=0), 1e-300), with_it / np.maximum(without, 1e-300))
    table.insert(0, "exits", counted.astype(np.int64))
    table.insert(0, "level", names)
    return table


def arrivals(fit: Fit) -> pd.DataFrame:
    """New deals a day by month: month, past; NaN where none were recorded, and for months to come."""
    known = fit.exposure.exits_by_month.shape[1]
    counted = count_arrivals(fit.history, fit.months[: known + 1])
    seen = np.full(len(fit.months), np.nan)
    seen[:known] = np.where(counted.days > 0, counted.counts / np.maximum(counted.days, 1e-9), np.nan)
    table = _told(seen, np.exp(fit.posterior["log_arrival_rate"][_chosen(fit)]))
    table.insert(0, "past", np.arange(len(table)) < known)
    table.insert(0, "month", fit.months)
    return table


def _chosen(fit: Fit) -> Ints:
    return np.linspace(0, fit.n_draws - 1, min(DRAWS, fit.n_draws)).astype(np.int64)


def _expected(fit: Fit, draw: int, margin: int, *, effect: Floats | None = None, calendar: bool = True) -> Floats:
    """(J, ...) exits expected of the days at risk in one draw, by age (margin 1), month (2) or cell (3)."""
    exposure = fit.exposure
    kind = np.searchsorted(kinds_present(exposure), exposure.funnel.kinds)
    months = fit.posterior["log_calendar"][draw][kind][:, : exposure.exits_by_month.shape[1]]
    if effect is None:
        effect = fit.posterior["effect"][draw] @ fit.design.matrix[:, : len(exposure.cells)]
    tables = (fit.posterior["log_hazard"][draw], months if calendar else np.zeros_like(months), effect)
    return np.asarray(expected_exits(compressed(exposure), *tables)[margin])


def _told(seen: Floats, drawn: Floats) -> pd.DataFrame:
    """seen: (n,). drawn: (draws, n)."""
    low, middle, high = np.quantile(drawn, INTERVAL, axis=0)
    return pd.DataFrame({"seen": seen, "low": low, "middle": middle, "high": high})
