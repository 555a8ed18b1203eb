"""Cases of a backtest made by hand: what a scoreboard is computed from, without sampling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast.backtest import Case, _scored
from forecast.record import OURS
from forecast.windows import Window

START = pd.Timestamp("2020-01-01")
GRID = np.linspace(0.5, 99.5, 100)  # a uniform forecast of 0 to 100


def window(number: int, days: int = 28, step: int = 28) -> Window:
    origin = START + pd.Timedelta(days=number * step)
    return Window(origin, origin + pd.Timedelta(days=days))


def case(asked: Window, actual: float, **shifts: float) -> Case:
    """Ours is the uniform forecast; others are the same, moved by `shifts`. Targets are 25 and 75."""
    rows = [
        {"part": part, "group": group, "forecast": name, **_scored(GRID + shift, actual, targets)}
        for part, group, targets in (("all", None, (25.0, 75.0)), ("open", None, ()), ("group", "East", ()))
        for name, shift in {OURS: 0.0, **shifts}.items()
    ]
    return {
        "origin": str(asked.origin.date()), "after": str(asked.after.date()), "days": asked.days,
        "actual": actual, "actual_open": actual, "targets": [25.0, 75.0], "error": None,
        "expected": {"created": 10.0, "wins_open": 4.0, "wins_new": 1.0, "amount_open": 40.0, "amount_new": 10.0},
        "happened": {
            "created": 10, "wins_open": 4, "wins_new": 1,
            "amount_open": actual - 10, "amount_new": 10.0, "largest": 5.0,
        },
        "rows": rows,
    }  # fmt: skip


def refused(asked: Window, why: str) -> Case:
    """The model refused to answer; a baseline did."""
    made = case(asked, 50.0, **{"run-rate": 5.0})
    rows = [row for row in made["rows"] if row["forecast"] != OURS and row["part"] != "group"]
    return {**made, "error": why, "expected": None, "rows": rows}


def cases(actuals: Sequence[float], **shifts: float) -> tuple[list[Window], list[Case]]:
    asked = [window(number) for number in range(len(actuals))]
    return asked, [case(one, actual, **shifts) for one, actual in zip(asked, actuals, strict=True)]
