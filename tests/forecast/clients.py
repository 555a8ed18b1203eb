"""A company that moves as the model says, its clients apart by a gamma frailty: they come, bring deals, and go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.config import FunnelSection
from forecast.sources.quality import Ledger
from forecast.sources.tables import Known, Tables

FIRST = pd.Timestamp("2021-01-01")
FUNNEL = FunnelSection(stages=("Talk", "Offer"))
ONWARDS, LOST = 1 / 40, 1 / 40  # exits per day of a deal whose client is the average one
ONE_BY_ONE = 60.0  # days within which a client brings its deals


class Company(NamedTuple):
    tables: Tables
    frailty: pd.Series[float]  # by client


def company(
    seed: int, *, variance: float, months: int, clients: float = 4.0, deals: float = 5.0, amount_sd: float = 0.3
) -> Company:
    """clients: new ones a month. deals: of each, on average, one at least; amounts are log-normal."""
    random = np.random.default_rng(seed)
    end = 30.0 * months
    number = random.poisson(clients * months)
    frailty = random.gamma(1 / variance, variance, number) if variance else np.ones(number)
    rows, client = [], []
    for c, begin in enumerate(np.sort(random.uniform(-ONE_BY_ONE, end, number))):
        for _ in range(1 + random.poisson(deals - 1)):
            day, amount, stage = begin + random.uniform(0, ONE_BY_ONE), np.exp(amount_sd * random.standard_normal()), 0
            if not 0 <= day < end:
                continue
            deal = f"D{len(client):05d}"
            client.append(f"C{c:04d}")
            while stage < 3 and day < end:
                rows.append((deal, FUNNEL.states[stage], FIRST + pd.Timedelta(seconds=int(day * 86_400)), amount))
                if stage == 2:
                    break
                hazard = ONWARDS * frailty[c] + LOST
                day += random.exponential(1 / hazard)
                stage = stage + 1 if random.random() < ONWARDS * frailty[c] / hazard else 3
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
    return Company(made, pd.Series(frailty, [f"C{c:04d}" for c in range(number)]))
