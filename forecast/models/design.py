"""Design matrices: which standardised coefficients act on which months and which cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.history import Floats, Ints

SQRT_2 = np.sqrt(2)
WEEKS = 4  # in which new deals keep their level, where the past is told in weeks
QUARTER, DRIFT, SHOCK, SEASON = range(4)  # groups of the calendar
SIZE = "(size of deal)"  # the attribute that is an ordered slope, not a set of levels; named like no column


@dataclass(frozen=True, eq=False)
class Design:
    """Rows are coefficients, columns the months or cells on which they act; `group` (rows,) shares a size."""

    matrix: Floats
    group: Ints

    @property
    def coefficients(self) -> int:
        return len(self.matrix)


def zero_sum(levels: int) -> Floats:
    """(levels, levels - 1) an orthonormal basis of the vectors that sum to zero: independent normal
    coordinates of one size give every level the same prior.
    """
    basis, _ = np.linalg.qr(np.column_stack([np.ones(levels), np.eye(levels)[:, : levels - 1]]))
    return np.asarray(basis[:, 1:])


@dataclass(frozen=True, eq=False)
class Spans:
    """How long spans of the calendar are where they are not whole months: length, and distance of the middle of each
    from that of the one before, in months, (T,) both.
    """

    length: Floats
    distance: Floats


def drift(months: int, anchor: int) -> Floats:
    """(months - 1, months) steps of a random walk that is zero at month `anchor`, backwards and forwards."""
    step, month = np.arange(months - 1)[:, None], np.arange(months)[None, :]
    return ((step < month) & (step >= anchor)).astype(float) - ((step >= month) & (step < anchor))


def calendar(
    month_of_quarter: Ints, anchor: int, cut: bool = False, spans: Spans | None = None,
    month_of_year: Ints | None = None,
) -> Design:  # fmt: skip
    """Month of the fiscal quarter (group 0), drift (1), shocks (2) and, where given, month of the year (3) of hazards.

    spans: where these are not whole months. The size of shocks is then that of the first span; the longer another one
    is, the smaller its shock, as of a mean of independent days.
    cut: month `anchor` and the one after it are two parts of one month, before and after the origin, which share
    half of the variance of their shocks: a part says something of the other, but not all.
    """
    months = len(month_of_quarter)
    shocks = np.eye(months)
    if cut:
        pair = shocks[anchor : anchor + 2]
        shocks = np.vstack([np.delete(shocks, [anchor, anchor + 1], axis=0), pair / SQRT_2, pair.sum(axis=0) / SQRT_2])
    steps = drift(months, anchor)
    if spans is not None:
        shocks, steps = shocks * (spans.length[0] / spans.length) ** 0.5, steps * spans.distance[1:, None] ** 0.5
    parts = [np.eye(3)[month_of_quarter].T, steps, shocks]
    if month_of_year is not None:
        parts.append(np.eye(12)[month_of_year].T)
    return Design(np.vstack(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts]))


def arrivals(month_of_year: Ints, anchor: int, seasonal: bool, spans: Spans | None = None) -> Design:
    """Drift (group 0) and, where `seasonal`, month of the year (group 1) of arrivals.

    spans: where the past is told in weeks. Its drift is by four weeks, counted back from `anchor`: of one or two weeks
    with many deals, it is not yet the new level.
    """
    steps = drift(len(month_of_year), anchor)
    if spans is not None:
        before = steps[:anchor][anchor - WEEKS :: -WEEKS] if anchor >= WEEKS else steps[:0]
        ahead = spans.distance[anchor + 1 :].copy()
        ahead[:1] += spans.length[anchor] * (WEEKS - 1) / 2  # from the middle of the four weeks
        steps = np.vstack([before * (WEEKS * spans.length[0]) ** 0.5, steps[anchor:] * ahead[:, None] ** 0.5])
    parts = [steps]
    if seasonal:
        parts.append(zero_sum(12)[month_of_year].T)
    return Design(np.vstack(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts]))


def cells(table: pd.DataFrame, seen: pd.DataFrame | None = None) -> Design:
    """Levels of every attribute (one group each, zero-sum); the column SIZE is one slope of scores.

    The levels are those of the cells `seen` (default: of the table). One that is not among them is at the average.
    """
    seen = table if seen is None else seen
    parts, groups = [np.zeros((0, len(table)))], [np.zeros(0, dtype=np.int64)]
    for group, name in enumerate(table.columns):
        if name == SIZE:
            part = table[name].to_numpy(dtype=np.float64)[None, :]
        else:
            levels = np.sort(seen[name].unique())
            codes = pd.Index(levels).get_indexer(pd.Index(table[name]))
            part = np.vstack([zero_sum(len(levels)), np.zeros((1, len(levels) - 1))])[codes].T
        parts.append(part)
        groups.append(np.full(len(part), group))
    return Design(np.vstack(parts), np.concatenate(groups))
