"""Deals that follow a life table exactly: hazards by stage and age, Poisson arrivals, nothing in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast import scores
from forecast.baselines import BASELINES
from forecast.config_data import FunnelSection
from forecast.history import as_of, day_of
from forecast.sources.tables import Tables
from tests.forecast.histories import tables

FUNNEL = FunnelSection(stages=("A", "B"))
START = pd.Timestamp("2022-01-01")
ARRIVALS = 4.0  # a day
# By stage: lower edges of ages in days, hazards per day of moving on and of being lost.
STAGES = (
    (np.array([0.0, 5.0, 30.0]), np.array([[0.06, 0.02, 0.01], [0.02, 0.05, 0.02]])),
    (np.array([0.0, 3.0, 12.0]), np.array([[0.0, 0.08, 0.02], [0.01, 0.03, 0.05]])),
)


def company(seed: int, days: int, *, timed: bool) -> Tables:
    """Deals created on `days` days, each worth a log-normal amount known at once, and what became of them by then."""
    rng = np.random.default_rng(seed)
    created = np.sort(rng.uniform(0, days, rng.poisson(ARRIVALS * days)))
    amount = np.exp(rng.normal(9, 0.7, len(created))).round(2)
    rows = []
    for deal, (day, worth) in enumerate(zip(created, amount, strict=True)):
        stage, time = 0, float(day)
        while True:
            rows.append((f"D{deal:05d}", FUNNEL.states[stage], _stamp(time, timed), worth))
            if stage >= len(STAGES):
                break
            edges, hazard = STAGES[stage]
            spent = np.append(0.0, np.cumsum(hazard.sum(axis=0)[:-1] * np.diff(edges)))
            clock = rng.exponential()
            bin_ = int(np.searchsorted(spent, clock)) - 1
            time += edges[bin_] + (clock - spent[bin_]) / hazard[:, bin_].sum()
            if time >= days:
                break
            lost = rng.random() * hazard[:, bin_].sum() >= hazard[0, bin_]
            stage = len(STAGES) + 1 if lost else stage + 1
    return tables(rows, timed=timed, recorded_from=str(START.date()), until=str(_stamp(days, False).date()))


def _stamp(day: float, timed: bool) -> pd.Timestamp:
    return START + (pd.Timedelta(seconds=round(day * 86_400)) if timed else pd.Timedelta(days=int(day)))


class Pits(NamedTuple):
    total: list[float]
    open: list[float]


def life_table_pits(made: Tables, *, first: int, length: int, samples: int, seed: int) -> Pits:
    """PITs of the life table over windows of `length` days that follow each other from day `first` on."""
    recorded = as_of(made, FUNNEL, made.recorded_until)
    wins, pits = recorded.wins(), Pits([], [])
    origin = START + pd.Timedelta(days=first)
    while (after := origin + pd.Timedelta(days=length)) <= made.recorded_until:
        history = as_of(made, FUNNEL, origin)
        found = BASELINES["life table"](history, after, samples, np.random.default_rng([seed, first]))
        assert found is not None
        assert found.open is not None
        won = wins[(wins["won"] > day_of(origin)) & (wins["won"] <= day_of(after))]
        old = recorded.deals["deal_id"].iloc[won["deal"]].isin(history.deals["deal_id"]).to_numpy()
        pits.total.append(scores.pit(found.total, float(won["amount"].sum())))
        pits.open.append(scores.pit(found.open, float(won.loc[old, "amount"].sum())))
        origin, first = after, first + length
    return pits
