"""Overdue deals from end to end: the days that a funnel file expects, counted in the rows themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from forecast.answer import ask
from forecast.sources import load
from tests.conftest import Asked
from tests.forecast.companies import ORIGIN

DAYS = 12.0


def test_expected_days_of_the_funnel_file(asked: Asked) -> None:
    """Of the stage that is named, deals older than that; of the other one, those that the fit tells. Value, RTV and the
    chance without them are those of these deals, and no simulation differs.
    """
    config, read = load(asked.folder)
    told = asked.answer.summary
    kept: Any = SimpleNamespace(fit=lambda *_, **__: asked.answer.fit)
    other = config.with_funnel(expected_days={"Offer": DAYS})
    found = ask(other, read, asked.answer.question, fits=kept, levers=False, threads=2)
    assert found.outcomes.won.tobytes() == asked.answer.outcomes.won.tobytes()
    rows = asked.made.stage_history
    now = rows[rows["entered"] < pd.Timestamp(ORIGIN)].drop_duplicates("deal_id", keep="last")
    offers = now[now["stage"] == "Offer"]
    # Days count from their end: one who entered on the day before is 0 days old on the morning of the question.
    offers = offers.assign(age=(pd.Timestamp(ORIGIN) - offers["entered"]).dt.days - 1)
    late = offers[offers["age"] > DAYS]
    assert 0 < len(late) < len(offers)
    talk, offer = found.summary["overdue"]["stages"]
    assert talk == told["overdue"]["stages"][0]
    assert (offer["deals"], offer["limit_days"], offer["declared"]) == (len(late), DAYS, True)
    assert offer["value"] == pytest.approx(late["amount"].sum())
    listed = {one["deal_id"]: one for one in found.summary["overdue"]["list"]}
    assert set(late["deal_id"]) <= set(listed)
    assert {name: listed[name]["age_days"] for name in late["deal_id"]} == late.set_index("deal_id")["age"].to_dict()
    assert found.summary["overdue"]["rtv"] == pytest.approx(late["amount"].sum())  # only offers are viable
    for period in found.summary["periods"]:
        without = period["without_overdue"]
        assert without["rtv_without"] == pytest.approx(period["rtv"] - late["amount"].sum())
        assert without["funnel_factor_without"] == pytest.approx(without["rtv_without"] / period["gap"])
        assert without["p_hit_without"] <= period["p_hit"]
        moves = [row["moves"] for row in period["decisive_deals"]]
        assert moves == sorted(moves, reverse=True)
