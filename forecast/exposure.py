"""Days at risk and exits by (state, age bin, month, cell): all that the hazards need to know of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.history import Floats, History, Ints, days
from simulations import Funnel

# Lower edges of the age bins in days: fine where deals move fast, coarse where they linger.
UNDER_A_DAY = (0.002, 0.02, 0.1, 0.3)
FROM_A_DAY = (
    0.6, 1, 2, 3, 5, 7, 10, 14, 18, 22, 26, 29, 32, 36, 42, 56, 77, 98, 126, 168, 224, 300, 400, 600,
)  # fmt: skip
CHUNK = 250_000  # visits cut at a time, to bound memory
MIN_OLDEST_BINS = 8
WEEK = 7.0
SHORTEST_MONTH = 7  # days: with every day of the week


@dataclass(frozen=True, eq=False)
class Exposure:
    """Sufficient statistics of the exit model (S states, J exits, B age bins, M months, C cells).

    funnel: states, exits and age edges. month_edges: (M + 1,) days since 1970-01-01, calendar months that hold all
    days at risk, the last up to the origin, or weeks (see `calendar_edges`). days_at_risk: (S, B, M, C).
    exits_by_age (J, B), exits_by_month (J, M), exits_by_cell (J, C): margins of the exit counts. cells: C rows, the
    levels of the attributes.
    """

    funnel: Funnel
    month_edges: Floats
    days_at_risk: Floats
    exits_by_age: Floats
    exits_by_month: Floats
    exits_by_cell: Floats
    cells: pd.DataFrame

    def __post_init__(self) -> None:
        at_risk = self.days_at_risk[[source for source, _ in self.funnel.exits]]
        for name, axes in (("exits_by_age", (2, 3)), ("exits_by_month", (1, 3)), ("exits_by_cell", (1, 2))):
            if ((getattr(self, name) > 0) & (at_risk.sum(axis=axes) <= 0)).any():
                raise ValueError(f"{name}: an exit without days at risk")


def month_starts(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """First days of the calendar months from the one that holds `first` to the one after `last`'s."""
    start, end = first.to_period("M"), last.to_period("M") + 1
    return pd.period_range(start, end, freq="M").to_timestamp()


def calendar_edges(first: float, history: History, weekly: bool = False) -> Floats:
    """Days since 1970-01-01 of the beginnings of months from the one that holds the day `first` on, and the origin.

    A month just begun belongs to the month before it: a holiday is not yet what the month is like. weekly: weeks
    instead, counted back from the origin.
    """
    if weekly:
        return history.day - WEEK * np.arange(max(np.ceil((history.day - first) / WEEK), 1), -1, -1)
    months = month_starts(pd.Timestamp(first, unit="D"), history.origin - pd.Timedelta(days=1))
    edges = np.append(days(pd.Series(months[:-1])), history.day)
    short = len(edges) > 2 and edges[-1] - edges[-2] < SHORTEST_MONTH
    return np.delete(edges, -2) if short else edges


def age_edges(history: History) -> Floats:
    """Lower edges of the age bins: finer than a day only with times of day, none beyond the oldest visit."""
    edges = np.array((0.0, *(UNDER_A_DAY if history.timed else ()), *FROM_A_DAY))
    visits = history.visits
    oldest = float(np.max(visits.left - visits.entered, where=visits.state < history.won, initial=1.0))
    return edges[: max(int(np.searchsorted(edges, oldest)), MIN_OLDEST_BINS)]


def exits_of(history: History) -> tuple[tuple[int, int], ...]:
    """The exits of the funnel: those seen, onwards from every stage, and lost from every stage."""
    visits = history.visits
    seen = visits.to >= 0
    pairs = {
        (int(a), int(b))
        for a, b in np.unique(np.column_stack([visits.state[seen], visits.to[seen]]), axis=0)
        if a != history.won
    }
    onwards = {(stage, stage + 1) for stage in range(history.won)}
    lost = {(stage, history.lost) for stage in range(history.won)}
    return tuple(sorted(pairs | onwards | lost))


def cell_table(history: History, attributes: Sequence[str]) -> tuple[pd.DataFrame, Ints]:
    """The observed combinations of the attributes (C rows) and (deals,) the cell of each deal."""
    if not attributes:
        return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(history.deals), dtype=np.int64)
    levels = history.deals[list(attributes)].astype(object).where(history.deals[list(attributes)].notna(), "")
    return combinations(levels)


def combinations(levels: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """The different rows, sorted, and (rows,) which of them each row is."""
    names = list(levels.columns)
    cells = levels.drop_duplicates().sort_values(names, ignore_index=True)
    return cells, np.asarray(levels.groupby(names, sort=True).ngroup(), dtype=np.int64)


def expose(
    history: History, cells: pd.DataFrame, cell_of_deal: Ints, edges: Floats | None = None, *, weekly: bool = False
) -> Exposure:
    """The exposure table of a history. Days before recording began are not at risk, nor are their exits."""
    visits = history.visits
    funnel = Funnel(history.states, exits_of(history), age_edges(history) if edges is None else edges)
    has_exits = np.diff(funnel.first_exit) > 0
    start = np.maximum(visits.entered, history.recorded_from)
    at_risk = has_exits[visits.state] & (visits.left > start)
    earliest = float(start[at_risk].min()) if at_risk.any() else history.day - 1
    month_edges = calendar_edges(earliest, history, weekly)
    shape = (funnel.n_states, funnel.n_bins, len(month_edges) - 1, len(cells))
    at_risk_days = np.zeros(shape)
    chosen = np.flatnonzero(at_risk)
    cell = cell_of_deal[visits.deal]
    for first in range(0, len(chosen), CHUNK):
        part = chosen[first : first + CHUNK]
        _add_days(
            at_risk_days, visits.state[part], cell[part],
            visits.entered[part], start[part], visits.left[part], funnel.age_edges, month_edges,
        )  # fmt: skip
    ended = np.flatnonzero(at_risk & (visits.to >= 0))
    ends = pd.MultiIndex.from_arrays([visits.state[ended], visits.to[ended]])
    index = pd.MultiIndex.from_tuples(funnel.exits).get_indexer(ends)
    age = bin_of(visits.left[ended] - visits.entered[ended], funnel.age_edges)
    month = bin_of(visits.left[ended], month_edges)
    return Exposure(
        funnel=funnel,
        month_edges=month_edges,
        days_at_risk=at_risk_days,
        exits_by_age=_counts(index, age, (funnel.n_exits, funnel.n_bins)),
        exits_by_month=_counts(index, month, (funnel.n_exits, len(month_edges) - 1)),
        exits_by_cell=_counts(index, cell[ended], (funnel.n_exits, len(cells))),
        cells=cells,
    )


def bin_of(values: Floats, edges: Floats) -> Ints:
    """Index of the bin (edges[i], edges[i + 1]] that holds each value; the last bin is open-ended.

    An age is a difference of two times of about 20,000 days, exact to about 1e-11 days: values within 1e-9 of
    an edge count as on it.
    """
    return np.maximum(np.searchsorted(edges, values - 1e-9, side="left") - 1, 0)


def _counts(rows: Ints, columns: Ints, shape: tuple[int, int]) -> Floats:
    counts = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)


def _add_days(
    total: Floats,
    state: Ints,
    cell: Ints,
    entered: Floats,
    start: Floats,
    left: Floats,
    edges: Floats,
    month_edges: Floats,
) -> None:
    """Add the stays (start, left] of visits begun at `entered`, cut at edges of age bins and months."""
    row, age, month, length = pieces(entered, start, left, edges, month_edges)
    _, bins, months, cells = total.shape
    flat = ((state[row] * bins + age) * months + month) * cells + cell[row]
    total += np.bincount(flat, weights=length, minlength=total.size).reshape(total.shape)


def pieces(
    entered: Floats, start: Floats, left: Floats, edges: Floats, month_edges: Floats
) -> tuple[Ints, Ints, Ints, Floats]:
    """The stays (start, left] of visits begun at `entered`, cut where an age bin or a month ends: visit, age bin,
    month and days of every piece.
    """
    row, age, low, high = _cut(start - entered, left - entered, edges)
    low, high = low + entered[row], high + entered[row]
    piece, month, low, high = _cut(low, high, month_edges)
    return row[piece], age[piece], month, high - low


def _cut(low: Floats, high: Floats, edges: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Pieces of the intervals (low, high] by bin: interval, bin, lower and upper end of every piece."""
    first = np.maximum(np.searchsorted(edges, low + 1e-9, side="right") - 1, 0)
    last = np.maximum(bin_of(high, edges), first)
    count = last - first + 1
    row = np.repeat(np.arange(len(low)), count)
    position = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    index: NDArray[np.int64] = first[row] + position
    lower = np.where(position == 0, low[row], edges[index])
    upper = np.where(position == count[row] - 1, high[row], edges[np.minimum(index + 1, len(edges) - 1)])
    return row, index, lower, upper
