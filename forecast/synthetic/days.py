"""Days and months as whole numbers, counted from 1970-01-01."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def day_of(day: date) -> int:
    """Return the number of a date."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def months_of(days: Ints) -> Ints:
    """Return the month that each day is in."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def month_of(day: int) -> int:
    """Return the month that a day is in."""
    return int(months_of(np.array([day], dtype=np.int64))[0])


def first_days_of(months: Ints) -> Ints:
    """Return the first day of each month."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def first_day_of(month: int) -> int:
    """Return the first day of a month."""
    return int(first_days_of(np.array([month], dtype=np.int64))[0])
