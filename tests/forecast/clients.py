"""A company that moves as the model says, its clients apart by a gamma frailty: they come, bring deals, and go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.config_data import FunnelSection
from forecast.sources.quality import Ledger
from forecast.sources.tables import Known, Tables

FIRST = pd.Timestamp("2021-01-01")
FUNNEL = FunnelSection(stages=("Talk", "Offer"))
ONWARDS, LOST = 1 / 40, 1 / 40  # exits per day of a deal whose client is the average one


class Company(NamedTuple):
    tables: Tables
    frailty: pd.Series[float]  # by client


def company(
    seed: int, *, variance: float, months: int, clients: float = 4.0, deals: float = 5.0, within: float = 60.0,
    large: int = 0, lately: tuple[float, float] = (0.0, 0.0),
) -> Company:  # fmt: skip
    """clients: new ones a month. deals: of each, on average, one at least, created within so many days.

    large: clients that bring, in place of all others, the deals created on the days from lately[0] to lately[1].
    """
    random = np.random.default_rng(seed)
    end = 30.0 * months
    number = random.poisson(clients * months)
    frailty = random.gamma(1 / variance, variance, number + large) if variance else np.ones(number + large)
    rows, client = [], []
    for c, begin in enumerate(np.sort(random.uniform(-within, end, number))):
        for _ in range(1 + random.poisson(deals - 1)):
            day, amount, stage = begin + random.uniform(0, within), np.exp(0.3 * random.standard_normal()), 0
            if not 0 <= day < end:
                continue
            deal = f"D{len(client):05d}"
            whose = number + random.integers(large) if large and lately[0] <= day < lately[1] else c
            client.append(f"C{whose:04d}")
            while stage < 3 and day < end:
                rows.append((deal, FUNNEL.states[stage], FIRST + pd.Timedelta(seconds=int(day * 86_400)), amount))
                if stage == 2:
                    break
                hazard = ONWARDS * frailty[whose] + LOST
                day += random.exponential(1 / hazard)
                stage = stage + 1 if random.random() < ONWARDS * frailty[whose] / hazard else 3
            if stage == 3 and day < end:
                rows.append((deal, FUNNEL.lost, FIRST + pd.Timedelta(seconds=int(day * 86_400)), amount))
    history = pd.DataFrame(rows, columns=["deal_id", "stage", "entered", "amount"])
    history = history.astype({"deal_id": "str", "stage": "str"})
    first = history.drop_duplicates("deal_id").reset_index(drop=True)
    table = pd.DataFrame(
        {
            "deal_id": first["deal_id"], "client": pd.Series(client, dtype="str"), "amount": first["amount"],
            "created": first["entered"],
        }
    )  # fmt: skip
    known = {"client": Known.CREATION, "amount": Known.CHANGE}
    until = FIRST + pd.Timedelta(days=end)
    made = Tables(table, history, True, known, Ledger(), None, until)
    return Company(made, pd.Series(frailty, [f"C{c:04d}" for c in range(number + large)]))
