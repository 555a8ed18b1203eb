"""An answer made by hand: its simulations are listed, and its summary says what they add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tests.forecast.summaries import maven

MONTHS = ("2017-10", "2017-11", "2017-12")
WON_BEFORE = {f"2017-{month:02}": 800_000.0 for month in range(1, 10)}


@dataclass(frozen=True, eq=False)
class HandMade:
    """What the front ends read of an Answer; `won` is (simulations, months)."""

    summary: dict[str, Any]
    won: np.ndarray
    months: tuple[str, ...] = MONTHS

    def samples(self) -> pd.DataFrame:
        simulations, months = self.won.shape
        return pd.DataFrame(
            {
                "simulation": np.repeat(np.arange(simulations, dtype=np.int32), months),
                "month": list(self.months) * simulations,
                "won": self.won.ravel(),
            }
        )

    def deals(self) -> pd.DataFrame:
        return pd.DataFrame({"deal_id": ["A"], "p_win": [0.5]})

    def told(self, **changes: Any) -> HandMade:
        """The same simulations, told otherwise."""
        return replace(self, summary={**self.summary, **changes})


def hand_made() -> HandMade:
    """A quarter that begins on the origin and its year, simulated 400 times."""
    won = 1e6 * np.exp(0.2 * np.random.default_rng(1).standard_normal((400, len(MONTHS))))
    summary = maven()
    quarter, year = summary["periods"]
    quarter.update(_told(won, {}, target=3_200_000.0, actual=2_800_000.0))
    year.update(_told(won, WON_BEFORE, target=10_000_000.0, actual=10_100_000.0))
    return HandMade(summary, won)


def stage(name: str, deals: int, conversion: float | None, days: float | None) -> dict[str, Any]:
    """A row of the summary's stages, with intervals of a tenth."""
    told = {"conversion": conversion, "lead_time_days": days}
    intervals = {
        key: dict.fromkeys(("p50", "low", "high"))
        if value is None
        else {"p50": value, "low": 0.9 * value, "high": 1.1 * value}
        for key, value in told.items()
    }
    return {"stage": name, "open": deals, **intervals}


def _told(won: np.ndarray, before: dict[str, float], target: float, actual: float) -> dict[str, Any]:
    """What a summary says of a period with `before` won by month before the origin, then simulated."""
    to_date = sum(before.values())
    total = to_date + won.sum(axis=1)
    past = [
        {"month": name, **_range(np.array([value])), "won": value, "simulated": False} for name, value in before.items()
    ]
    future = [
        {"month": name, **_range(won[:, column]), "won": 0.0, "simulated": True} for column, name in enumerate(MONTHS)
    ]
    return {
        "target": target,
        "p_hit": float((total >= target).mean()),
        **_range(total),
        "won_to_date": to_date,
        "gap": target - to_date,
        "by_month": past + future,
        "actual": {"revenue": actual, "hit": actual >= target},
    }


def _range(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return {"p10": float(low), "p50": float(middle), "p90": float(high), "mean": float(values.mean())}
