"""Past questions: from which days (origins) to which days a forecast is tried on what is known by now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from forecast.errors import FunnelError
from forecast.periods import Period
from forecast.sources.tables import Tables

MOST_DAYS = 50 * 365  # from the first origin to the last
FEWEST_DAYS = 90  # on record before the first origin, where none is asked for
EVERY = {"week": pd.DateOffset(weeks=1), "month": pd.DateOffset(months=1), "quarter": pd.DateOffset(months=3)}
LENGTHS = {"month": 1, "quarter": 3, "year": 12}  # months
HORIZONS = "Write quarter, month or year (its rest), or a length such as 28d, 4w or 3m."
ORIGINS = "Write FIRST..LAST, or several days: 2017-06-01..2017-11-01."


@dataclass(frozen=True)
class Window:
    """What is won from the morning of `origin` to before `after` is asked for on the morning of `origin`."""

    origin: pd.Timestamp
    after: pd.Timestamp

    @property
    def days(self) -> int:
        return (self.after - self.origin).days

    @property
    def label(self) -> str:
        return f"{self.origin.date()}..{(self.after - pd.Timedelta(days=1)).date()}"


def windows(
    tables: Tables,
    *,
    origins: Sequence[str] = (),
    every: str = "month",
    horizon: str = "quarter",
    fiscal_year_starts: int = 1,
) -> tuple[Window, ...]:
    """The past questions, in order, whose windows are wholly on record.

    origins: days, or FIRST..LAST with steps of `every` (week, month, quarter); by default, from the first
    month that begins after 90 recorded days on. horizon: to the end of the current month, quarter or year (of
    the fiscal calendar), or a number of days, weeks or months. Raises FunnelError where none is left.
    """
    named = days_named(origins, every)
    first = tables.stage_history["entered"].min().normalize()
    if tables.recorded_from is not None:
        first = max(first, tables.recorded_from)
    if origins:
        days = named
    else:
        start = first + pd.Timedelta(days=FEWEST_DAYS)
        days = list(pd.date_range(start, tables.recorded_until, freq="7D" if every == "week" else "MS"))
        if every == "quarter":
            days = [day for day in days if (day.month - fiscal_year_starts) % 3 == 0]
    asked = [Window(day, _after(day, horizon, fiscal_year_starts)) for day in sorted(set(days))]
    past = tuple(window for window in asked if first < window.origin and window.after <= tables.recorded_until)
    if not past:
        last = (tables.recorded_until - pd.Timedelta(days=1)).date()
        raise FunnelError(
            f"none of {len(asked)} past questions can be scored: the records reach from {first.date()} to {last}",
            remedy="Ask from an earlier day (--origins) or over a shorter time (--horizon).",
        )
    return past


def overlap(asked: Sequence[Window]) -> int:
    """With how many of the next questions, at most, the window of one shares days."""
    return max(sum(other.origin < one.after for other in asked[i + 1 :]) for i, one in enumerate(asked))


def days_named(texts: Sequence[str], every: str = "month") -> list[pd.Timestamp]:
    """The days that are meant by DAY or FIRST..LAST with steps of `every`, in order, each once; FunnelError."""
    if every not in EVERY:
        raise FunnelError(f"'{every}' is not a step between origins", remedy=f"Write one of {', '.join(EVERY)}.")
    return sorted({day for text in texts for day in _days(text, every)})


def _days(text: str, every: str) -> list[pd.Timestamp]:
    """The days that are meant by DAY or FIRST..LAST."""
    try:
        first, *last = (pd.Timestamp(date.fromisoformat(part.strip())) for part in str(text).split("..", 1))
    except (ValueError, OverflowError):
        raise FunnelError(f"'{text}' is not a day or a range of days", remedy=ORIGINS) from None
    if not last:
        return [first]
    if last[0] < first:
        raise FunnelError(f"'{text}' ends before it begins", remedy=ORIGINS)
    if (last[0] - first).days > MOST_DAYS:
        raise FunnelError(f"'{text}' are more than {MOST_DAYS // 365} years", remedy=ORIGINS)
    days = [first]
    while (following := first + len(days) * EVERY[every]) <= last[0]:
        days.append(following)
    return days


def _after(origin: pd.Timestamp, horizon: str, fiscal_year_starts: int) -> pd.Timestamp:
    """The day after the window that begins at `origin`."""
    if horizon in LENGTHS:
        months = LENGTHS[horizon]
        position = (origin.month - fiscal_year_starts) % months
        return origin.normalize().replace(day=1) + pd.DateOffset(months=months - position)
    found = re.fullmatch(r"([1-9]\d{0,3})([dwm])", horizon)
    if found is None:
        raise FunnelError(f"'{horizon}' is not a horizon", remedy=HORIZONS)
    number = int(found[1])
    if found[2] == "m":
        return origin + pd.DateOffset(months=number)
    return origin + pd.Timedelta(days=number * (7 if found[2] == "w" else 1))


def usual_horizon(periods: Sequence[Period]) -> str:
    """To the end of the shortest period that is asked about: month, quarter or year; without any, quarter."""
    shortest = min((period.days for period in periods), default=92)
    return "month" if shortest <= 31 else "quarter" if shortest <= 92 else "year"
