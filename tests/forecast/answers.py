"""An answer made by hand: its simulations are listed, and its summary says what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

MONTHS = ("2017-10", "2017-11", "2017-12")
WON_TO_DATE = 7_200_000.0


@dataclass(frozen=True)
class HandMade:
    """What the front ends read of an Answer."""

    summary: dict[str, Any]
    won: np.ndarray  # (simulations, months)
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


def hand_made(**summary: Any) -> HandMade:
    """A quarter that has just begun and its year, simulated 400 times, on a funnel of two stages."""
    won = 1e6 * np.exp(0.2 * np.random.default_rng(1).standard_normal((400, len(MONTHS)))).round(6)
    told: dict[str, Any] = {
        "schema_version": "1.0",
        "funnel": "Hand-made",
        "origin": "2017-10-01",
        "currency": "USD",
        "seed": 1,
        "draws": 400,
        "fit": {"healthy": True, "r_hat": 1.0, "ess": 400.0, "divergences": 0, "checked": 10, "outside": 0,
                "seconds": 1.0, "message": "R-hat 1.00"},
        "quality": {"read": 120, "used": 119, "set_aside": 1,
                    "reasons": [{"file": "deals.csv", "reason": "no date", "count": 1, "examples": ["row 7"]}]},
        "open": {"deals": 42, "viable": 12, "value": 9e6, "amounts_known": True},
        "new_deals": {"recent_per_month": 10.0, "expected_per_month": 9.5},
        "periods": [
            period(won, "2017Q4", "2017-10-01", 3_200_000.0, 0.0, {}),
            period(won, "2017", "2017-01-01", 10_000_000.0, WON_TO_DATE,
                   {f"2017-{month:02d}": WON_TO_DATE / 9 for month in range(1, 10)}),
        ],
        "stages": [stage("First", 30, 0.6, 14.0), stage("Second", 12, 0.8, 21.0)],
        "files": {"json": None, "samples": None, "deals": None},
    }  # fmt: skip
    return HandMade({**told, **summary}, won)


def period(
    won: np.ndarray, label: str, start: str, target: float, to_date: float, before: dict[str, float]
) -> dict[str, Any]:
    """What a summary says of a period that ends with the last month of `won`; `before`: won in months before."""
    total = to_date + won.sum(axis=1)
    months = [dict(_range(np.array([value])), month=name, won=value, simulated=False) for name, value in before.items()]
    months += [
        dict(_range(won[:, index]), month=name, won=0.0, simulated=True) for index, name in enumerate(MONTHS)
    ]
    gap = target - to_date
    return {
        "period": label,
        "start": start,
        "end": "2017-12-31",
        "target": target,
        "p_hit": float((total >= target).mean()),
        "p_hit_se": 0.02,
        **_range(total),
        "won_to_date": to_date,
        "gap": gap,
        "rtv": 2e6,
        "funnel_factor": 2e6 / gap if gap > 0 else None,
        "from_open": 1e6,
        "from_new": 2e6,
        "by_month": months,
        "clients": {"shares": {"1": 0.2, "3": 0.4, "5": 0.5}, "top": [], "largest": "Acme",
                    "p_hit_without_largest": 0.1, "p_hit_without_largest_se": 0.02, "unknown": False},
        "groups": None,
        "actual": {"revenue": 2_800_000.0 + to_date, "hit": 2_800_000.0 + to_date >= target},
    }  # fmt: skip


def stage(name: str, deals: int, conversion: float, days: float) -> dict[str, Any]:
    return {
        "stage": name,
        "open": deals,
        "conversion": {"p50": conversion, "low": conversion - 0.1, "high": conversion + 0.1},
        "lead_time_days": {"p50": days, "low": days - 3, "high": days + 4},
    }


def _range(values: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    return {"p10": float(low), "p50": float(middle), "p90": float(high), "mean": float(values.mean())}
