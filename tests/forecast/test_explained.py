from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast import explained
from forecast.fit import Fit
from forecast.history import days
from simulations import Kind
from tests.forecast.fitted import small_fit


@pytest.fixture(scope="module")
def fit() -> Fit:
    return small_fit().fit


def test_the_exposure_table_holds_every_day_at_risk_and_exit(fit: Fit) -> None:
    table = explained.exposure_table(fit.exposure)
    days_of_stage = table.drop_duplicates(["stage", "from day"]).groupby("stage")["days at risk"].sum()
    for stage, total in days_of_stage.items():
        visits = fit.history.visits
        here = visits.state == fit.history.states.index(str(stage))
        assert total == pytest.approx((visits.left - visits.entered)[here].sum(), rel=1e-9)
    assert table["exits"].sum() == fit.exposure.exits_by_age.sum()


def test_hazards_by_age_are_counts_over_days_and_the_posterior_is_near(fit: Fit) -> None:
    table, visits = explained.by_age(fit, 0), fit.history.visits
    assert (table["from_day"] < table["to_day"]).all()
    assert (table["low"] <= table["middle"]).all()
    assert (table["middle"] <= table["high"]).all()
    here = visits.state == 0
    age = (visits.left - visits.entered)[here]
    row = table[(table["from_day"] == 3) & (table["exit"] == "Lost")].iloc[0]
    at_risk = np.clip(age, 3, row["to_day"]).sum() - 3 * here.sum()
    lost = ((visits.to[here] == fit.history.lost) & (age > 3) & (age <= row["to_day"])).sum()
    assert row["seen"] == pytest.approx(lost / at_risk, rel=1e-9)
    assert row["kind"] == "lost"
    common = table[table["seen"] > 0]
    assert ((common["low"] <= common["seen"]) & (common["seen"] <= common["high"])).mean() > 0.8


def test_months_average_one_over_those_on_record(fit: Fit) -> None:
    table = explained.by_month(fit, Kind.WON)
    assert list(table["month"]) == list(fit.months)
    assert table["past"].sum() == len(fit.exposure.month_edges) - 1
    assert table["seen"].notna().equals(table["past"])
    past, coming = table[table["past"]], table[~table["past"]]
    assert past["middle"].min() < 1 < past["middle"].max()
    assert (coming["high"] - coming["low"]).mean() > (past["high"] - past["low"]).mean()


def test_levels_are_drawn_towards_one(fit: Fit) -> None:
    table = explained.by_level(fit, "segment", Kind.WON)
    won = fit.history.visits.deal[fit.history.visits.to == fit.history.won]
    counted = fit.history.deals["segment"].iloc[won].value_counts()
    assert dict(zip(table["level"], table["exits"], strict=True)) == counted.to_dict()
    far = (np.log(table["seen"]).abs() > 0.1).to_numpy()
    drawn, plain = np.log(table["middle"][far]).abs(), np.log(table["seen"][far]).abs()
    assert (drawn < plain).all()
    with pytest.raises(KeyError):
        explained.by_level(fit, "nothing", Kind.WON)


def test_arrivals_count_the_deals_of_the_recorded_days(fit: Fit) -> None:
    table = explained.arrivals(fit)
    past = table[table["past"]]
    edges = np.append(days(pd.Series(past["month"])), fit.history.day)
    created = days(fit.history.deals["created"])
    since = created.min() + 1  # the first day is no sign of how often deals come
    total = (past["seen"] * np.minimum(np.diff(edges), edges[1:] - since)).sum()
    assert total == pytest.approx((created >= since).sum(), rel=1e-9)
    assert table.loc[~table["past"], "seen"].isna().all()
