from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecast.synthetic import Generated, b2b, generate
from forecast.synthetic.crm import crm_fields

DAY = date(2025, 2, 10)


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(b2b(), 4)


def state_on(made: Generated, day: date) -> pd.Series:
    """The stage of each deal known on the morning of the day."""
    before = made.stage_history[made.stage_history["entered"] < pd.Timestamp(day)]
    return before.groupby("deal_id")["stage"].last()


def test_every_open_deal_has_one_row(made: Generated) -> None:
    state = state_on(made, DAY)
    fields = crm_fields(made, DAY, 1)
    assert fields["deal_id"].tolist() == state.index[~state.isin(["Won", "Lost"])].tolist()
    assert not fields.isna().any(axis=None)
    assert crm_fields(made, b2b().start, 1).empty


def test_entries_look_like_entries(made: Generated) -> None:
    fields = crm_fields(made, DAY, 1)
    tenths = fields["probability"] * 10
    np.testing.assert_allclose(tenths, tenths.round())
    assert fields["probability"].between(0.1, 0.9).all()
    assert (fields["expected_close"] >= made.deals.set_index("deal_id")["created"][fields["deal_id"]].to_numpy()).all()
    assert fields["expected_close"].dt.is_month_end.all()


def test_the_same_seed_tells_the_same(made: Generated) -> None:
    pd.testing.assert_frame_equal(crm_fields(made, DAY, 1), crm_fields(made, DAY, 1))
    assert not crm_fields(made, DAY, 1).equals(crm_fields(made, DAY, 2))


def test_what_did_not_move_did_not_change(made: Generated) -> None:
    """A month later: same probability where the stage is the same visit; closes that were missed are pushed."""
    later = date(2025, 3, 10)
    both = crm_fields(made, DAY, 1).merge(crm_fields(made, later, 1), on="deal_id", suffixes=("", "_later"))
    history = made.stage_history
    between = (history["entered"] >= pd.Timestamp(DAY)) & (history["entered"] < pd.Timestamp(later))
    still = both[~both["deal_id"].isin(history["deal_id"][between])]
    assert len(still) > 50
    np.testing.assert_array_equal(still["probability"], still["probability_later"])
    before, after = still["expected_close"], still["expected_close_later"]
    missed = before.between(pd.Timestamp(DAY), pd.Timestamp(later), inclusive="left")
    np.testing.assert_array_equal(before[~missed], after[~missed])  # those long past are forgotten
    pushed = missed & (after != before)
    assert pushed.any()
    assert (after[pushed] >= pd.Timestamp("2025-03-31")).all()


def test_deals_missed_too_often_are_forgotten(made: Generated) -> None:
    fields = crm_fields(made, DAY, 1)
    overdue = fields["expected_close"] < pd.Timestamp(DAY)
    entered = made.stage_history[made.stage_history["entered"] < pd.Timestamp(DAY)].groupby("deal_id")["entered"].last()
    age = (pd.Timestamp(DAY) - entered[fields["deal_id"]]).dt.days.to_numpy()
    assert overdue.any()
    # A first close and two pushes, of which each reaches the end of a month: a month at least for every push.
    assert age[overdue].min() > 2 * 28
    assert np.median(age[~overdue]) < np.median(age[overdue])


def test_sellers_are_optimistic_and_early_but_know_something(made: Generated) -> None:
    """On five days half a year apart, so that few deals are told of twice."""
    frames = [crm_fields(made, date(2023 + k // 2, 1 + 6 * (k % 2), 10), 1) for k in range(1, 6)]
    told = pd.concat(frames, ignore_index=True)
    history = made.stage_history
    won = history[history["stage"] == "Won"].set_index("deal_id")["entered"]
    happened = told["deal_id"].isin(won.index).to_numpy()
    p = told["probability"].to_numpy()
    se = np.sqrt((p * (1 - p)).sum()) / len(p)
    assert p.mean() - happened.mean() > 4 * se
    assert p[happened].mean() > p[~happened].mean()
    late = told["deal_id"].map(won)[happened] > told["expected_close"][happened]
    assert late.mean() > 0.5
