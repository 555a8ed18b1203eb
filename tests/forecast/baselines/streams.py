"""Histories that can be worked out by hand: deals that are won, lost or left open on given days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from forecast.config_data import Known
from forecast.history import History
from tests.forecast.histories import history_of, tables

FIRST = pd.Timestamp("2021-01-04")  # a Monday


def day(number: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(days=number)


def history(
    deals: Iterable[tuple[int, int | None, str, float]],
    *,
    origin: int,
    recorded_from: int | None = None,
    amount: Known = Known.CHANGE,
    **columns: Any,
) -> History:
    """Deals (day created in stage A, day closed or None, "Won" or "Lost", amount), as known on the day `origin`."""
    rows: list[tuple[Any, ...]] = []
    for number, (created, closed, outcome, value) in enumerate(deals):
        rows.append((f"D{number:04d}", "A", day(created), value))
        if closed is not None:
            rows.append((f"D{number:04d}", outcome, day(closed), value))
    made = tables(
        rows, known={"amount": amount}, until=str(day(origin).date()),
        recorded_from=None if recorded_from is None else str(day(recorded_from).date()), **columns,
    )  # fmt: skip
    return history_of(made)


def steady(days: range, amount: float = 10.0) -> list[tuple[int, int | None, str, float]]:
    """A deal created and won on each of the days."""
    return [(number, number, "Won", amount) for number in days]
