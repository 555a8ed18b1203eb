"""What `as_of` tells of a past day is what a copy of the tables, taken on that day, would have told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.config_data import FunnelSection
from forecast.history import History, as_of
from forecast.sources.tables import Known, Tables
from forecast.synthetic import Stage
from tests.forecast.companies import SMALL
from tests.forecast.histories import FUNNEL, company_tables, random_tables

ORIGINS = 10
COMPANY = replace(
    SMALL,
    months=14,
    reopen=0.4,
    reopen_median=30.0,
    stages=(*SMALL.stages[:1], Stage("Proof", conversion=0.6, median=9.0, back=0.3), *SMALL.stages[1:]),
)


def copied(made: Tables, funnel: FunnelSection, origin: pd.Timestamp) -> Tables:
    """The tables as a system would have held them in the morning of `origin`: rows of events that had happened;
    of the columns what had been filled in by then, and of overwritten ones the value of that day, another one.
    """
    rows = made.stage_history[made.stage_history["entered"] < origin].reset_index(drop=True)
    deals = made.deals[made.deals["deal_id"].isin(rows["deal_id"])].reset_index(drop=True)
    last = deals["deal_id"].map(rows.drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"])
    won, closed = last.eq(funnel.won), last.isin([funnel.won, funnel.lost])
    for name, known in made.known.items():
        if name == "amount":
            dated = rows.dropna(subset="amount").drop_duplicates("deal_id", keep="last").set_index("deal_id")["amount"]
            deals = deals.assign(
                amount=deals["deal_id"].map(dated) if known is Known.CHANGE else deals["amount"].where(won)
            )
        elif known is Known.CLOSE:
            deals[name] = deals[name].where(closed)
        elif known is Known.WIN:
            deals[name] = deals[name].where(won)
        elif known is Known.OVERWRITTEN:
            deals[name] = pd.Series("as it was then", index=deals.index, dtype="str")
    return replace(made, deals=deals, stage_history=rows, recorded_until=origin)


def assert_same(one: History, other: History) -> None:
    pd.testing.assert_frame_equal(one.deals, other.deals)
    for name in ("deal", "state", "entered", "left", "to", "amount"):
        np.testing.assert_array_equal(getattr(one.visits, name), getattr(other.visits, name))


def check(made: Tables, funnel: FunnelSection, origins: list[pd.Timestamp]) -> None:
    for origin in origins:
        assert_same(as_of(made, funnel, origin), as_of(copied(made, funnel, origin), funnel, origin))


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("client", [Known.CREATION, Known.CLOSE, Known.WIN, Known.OVERWRITTEN])
@pytest.mark.parametrize("amount", [Known.CHANGE, Known.CLOSE])
def test_of_a_company_with_returns_and_reopened_deals(timed: bool, client: Known, amount: Known) -> None:
    company = replace(COMPANY, timed=timed)
    made = company_tables(company, 11, client=client, segment=Known.OVERWRITTEN, amount=amount)
    if amount is Known.CLOSE:
        made = replace(made, stage_history=made.stage_history.assign(amount=np.nan))
    funnel = FunnelSection(stages=tuple(stage.name for stage in company.stages))
    rows = made.stage_history
    after_lost = rows["deal_id"].eq(rows["deal_id"].shift()) & rows["stage"].shift().eq("Lost")
    assert after_lost.sum() > 20  # re-opened
    first, last = rows["entered"].min().normalize(), made.recorded_until
    check(made, funnel, list(pd.date_range(first, last, periods=ORIGINS + 1)[1:].normalize()))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), timed=st.booleans())
def test_of_any_history(seed: int, timed: bool) -> None:
    """Deals that skip, return, repeat a stage, move several times a day, are lost and re-opened."""
    made = random_tables(seed, timed=timed)
    first = made.stage_history["entered"].min().normalize() + pd.Timedelta(days=1)
    check(made, FUNNEL, list(pd.date_range(first, made.recorded_until, periods=ORIGINS).normalize()))
