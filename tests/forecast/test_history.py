"""Visits by hand, and the door: nothing known later than the origin passes it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from forecast.config_data import FunnelSection, Known
from forecast.errors import FunnelError
from forecast.exposure import bin_of, month_starts
from forecast.history import SHORTEST_STAY, History, Visits, as_of, days
from forecast.sources.tables import Tables
from forecast.synthetic import Company, b2b
from tests.forecast.histories import (
    FUNNEL,
    company_tables,
    history_of,
    plain_stays,
    random_tables,
    tables,
)

SMALL = replace(b2b(), months=14, arrivals=12.0)


def day(text: str) -> float:
    return float(days(pd.Series([pd.Timestamp(text)]))[0])


def assert_same(one: History, other: History) -> None:
    for field in fields(Visits):
        np.testing.assert_array_equal(getattr(one.visits, field.name), getattr(other.visits, field.name), field.name)
    pd.testing.assert_frame_equal(one.deals, other.deals)
    for name in ("states", "viable_from", "origin", "recorded_from", "timed"):
        assert getattr(one, name) == getattr(other, name)


def truncated(made: Tables, origin: pd.Timestamp) -> Tables:
    rows = made.stage_history[made.stage_history["entered"] < origin].reset_index(drop=True)
    deals = made.deals[made.deals["deal_id"].isin(rows["deal_id"])].reset_index(drop=True)
    return replace(made, stage_history=rows, deals=deals, recorded_until=origin)


def funnel_of(company: Company) -> FunnelSection:
    return FunnelSection(stages=tuple(stage.name for stage in company.stages))


# --- visits by hand ---


def test_visits_of_dates() -> None:
    made = tables(
        [
            ("1", "A", "2020-01-10", 5),
            ("1", "A", "2020-01-20", 6),  # a change of amount only
            ("1", "B", "2020-01-31", 7),
            ("1", "Won", "2020-02-03", 8),
            ("2", "A", "2020-01-15"),
            ("2", "B", "2020-01-15"),
            ("2", "Lost", "2020-01-18"),
            ("2", "A", "2020-03-01"),
            ("3", "C", "2020-03-02"),
            ("4", "A", "2020-03-03"),
        ]
    )
    history = history_of(made, "2020-03-03")
    visits, january = history.visits, day("2020-01-01")
    assert list(history.deals["deal_id"]) == ["1", "2", "3"]
    np.testing.assert_array_equal(visits.deal, [0, 0, 0, 1, 1, 1, 1, 2])
    np.testing.assert_array_equal(visits.state, [0, 1, 3, 0, 1, 4, 0, 2])
    np.testing.assert_array_equal(visits.to, [1, 3, -1, 1, 4, 0, -1, -1])
    # A date is the end of its day; the stay within a day begins a third of a day before it ends.
    np.testing.assert_allclose(visits.entered - january, [10, 31, 34, 15 - 1 / 3, 15, 18, 61, 62], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(visits.left - january, [31, 34, 62, 15, 18, 61, 62, 62])
    np.testing.assert_array_equal(visits.amount, [6, 7, 8, *[np.nan] * 5])
    np.testing.assert_array_equal(history.last_visits(), [2, 6, 7])
    np.testing.assert_array_equal(history.open_visits(), [6, 7])
    assert (history.won, history.lost, history.day) == (3, 4, day("2020-03-03"))


def test_visits_of_times() -> None:
    made = tables(
        [
            ("1", "A", "2020-01-10 09:00"),
            ("1", "B", "2020-01-10 09:00"),  # at the same moment
            ("1", "Won", "2020-01-10 15:00", 100),
            ("2", "B", "2020-01-31 00:00"),
        ],
        timed=True,
    )
    visits, start = history_of(made).visits, day("2020-01-10")
    np.testing.assert_array_equal(visits.state, [0, 1, 3, 1])
    entered = [0.375 - SHORTEST_STAY, 0.375, 0.625, 21 + SHORTEST_STAY]  # at midnight: just after
    np.testing.assert_allclose(visits.entered - start, entered, rtol=0, atol=1e-10)
    np.testing.assert_allclose(visits.left - start, [0.375, 0.625, 22, 22], rtol=0, atol=1e-10)


def test_wins_are_counted_in_their_days() -> None:
    made = tables([("1", "Won", "2020-01-31", 10), ("2", "Won", "2020-02-01", 20), ("3", "A", "2020-02-28")])
    history = history_of(made)
    assert history.won_between(day("2020-01-01"), day("2020-02-01")) == 10
    assert history.won_between(day("2020-02-01"), day("2020-03-01")) == 20
    assert history.won_between(day("2020-02-02"), day("2020-03-01")) == 0
    np.testing.assert_array_equal(history.wins()["deal"], [0, 1])


def test_exits_fall_in_the_month_of_their_date() -> None:
    dates = pd.to_datetime(["2020-01-31", "2020-02-01", "2020-02-29", "2020-03-01", "2020-12-31"])
    rows = []
    for number, date in enumerate(dates):
        rows += [(str(number), "A", "2020-01-05"), (str(number), "Lost", date)]
    history = history_of(tables(rows))
    months = month_starts(pd.Timestamp("2020-01-05"), pd.Timestamp("2020-12-31"))
    left = history.visits.left[history.visits.to >= 0]
    np.testing.assert_array_equal(bin_of(left, days(pd.Series(months))) + 1, dates.month)


def test_visits_are_those_of_a_plain_walk_through_the_rows() -> None:
    for seed in range(30):
        for timed in (False, True):
            made = random_tables(seed, timed=timed)
            for origin in (made.recorded_until, pd.Timestamp("2020-04-01")):
                history, stays = history_of(made, origin), plain_stays(made, origin)
                visits = history.visits
                assert [s.state for s in stays] == list(visits.state)
                assert [s.to for s in stays] == list(visits.to)
                assert [s.deal for s in stays] == list(history.deals["deal_id"].to_numpy()[visits.deal])
                # 20,000 days are held to 4e-12; two operations on them.
                for name in ("entered", "left"):
                    exact = [float(getattr(s, name)) for s in stays]
                    np.testing.assert_allclose(getattr(visits, name), exact, rtol=0, atol=1e-11)


# --- as of a day ---


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("timed", [False, True])
def test_as_of_a_day_is_the_history_of_tables_that_end_then(seed: int, timed: bool) -> None:
    company = replace(SMALL, timed=timed)
    made, funnel = (
        company_tables(company, seed, client=Known.CLOSE, segment=Known.OVERWRITTEN),
        funnel_of(company),
    )
    for origin in pd.to_datetime(["2023-01-19", "2023-04-01", "2023-07-31", "2024-02-29", "2024-03-01"]):
        history = as_of(made, funnel, origin)
        assert_same(history, as_of(truncated(made, origin), funnel, origin))
        assert history.visits.left.max() <= history.day
        assert (days(history.deals["created"]) < history.day).all()


@pytest.mark.parametrize("amount", [Known.CHANGE, Known.CLOSE, Known.OVERWRITTEN])
@pytest.mark.parametrize("origin", ["2023-05-01", "2023-09-17"])
def test_nothing_known_later_is_used(amount: Known, origin: str) -> None:
    """Whatever happened from the origin on, and whatever was filled in since, the history is the same."""
    known = {"client": Known.CLOSE, "segment": Known.OVERWRITTEN, "team": Known.CHANGE, "amount": amount}
    made, funnel, day_asked = company_tables(SMALL, 5, **known), funnel_of(SMALL), pd.Timestamp(origin)
    if amount is Known.CHANGE:  # the first amounts are not on record: a later one may stand in `deals`
        first = ~made.stage_history["deal_id"].duplicated()
        made = replace(made, stage_history=made.stage_history.assign(amount=made.stage_history["amount"].mask(first)))
    else:
        made = replace(made, stage_history=made.stage_history.assign(amount=np.nan))
    rows, deals = made.stage_history, made.deals
    later = rows["entered"] >= day_asked
    last = rows[~later].drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"]
    status = deals["deal_id"].map(last)
    closed = status.isin([funnel.won, funnel.lost])
    settled = {Known.CHANGE: status == funnel.won, Known.CLOSE: closed, Known.OVERWRITTEN: closed & False}[amount]

    edited = replace(
        made,
        stage_history=rows.assign(
            stage=rows["stage"].mask(later, funnel.stages[0]), amount=rows["amount"].mask(later, 1e9)
        ),
        deals=deals.assign(
            client=deals["client"].where(closed), segment="later", team="later",
            amount=deals["amount"].where(settled, 1e9),
        ),
        recorded_until=made.recorded_until + pd.Timedelta(days=100),
    )  # fmt: skip
    filled = replace(
        edited,
        stage_history=edited.stage_history[~later].reset_index(drop=True),
        deals=edited.deals.assign(client=deals["client"].where(closed, "later"))[status.notna()].reset_index(drop=True),
    )
    history = as_of(made, funnel, day_asked)
    assert history.deals["client"].notna().equals(closed[status.notna()].reset_index(drop=True))
    assert history.deals["segment"].isna().all()
    assert history.deals["team"].isna().all()
    assert 0 < len(history.deals) < len(deals)
    assert_same(history, as_of(edited, funnel, day_asked))
    assert_same(history, as_of(filled, funnel, day_asked))


def test_amounts_are_those_known_then() -> None:
    rows = [
        ("1", "A", "2020-01-01"), ("1", "B", "2020-01-05", 20), ("1", "B", "2020-01-09", 30),
        ("1", "Won", "2020-01-20"), ("2", "A", "2020-01-01"), ("2", "Won", "2020-01-20"),
    ]  # fmt: skip

    def amounts(known: Known, origin: str) -> tuple[list[float], list[float]]:
        history = history_of(tables(rows, known={"amount": known}, amount=[99.0, 77.0]), origin)
        return list(history.visits.amount), list(history.deals["amount"])

    nan = pytest.approx(np.nan, nan_ok=True)
    assert amounts(Known.CREATION, "2020-01-06") == ([99, 20, 77], [20, 77])
    assert amounts(Known.CREATION, "2020-01-21") == ([99, 30, 30, 77, 77], [30, 77])
    assert amounts(Known.CHANGE, "2020-01-06") == ([nan, 20, nan], [20, nan])
    assert amounts(Known.CHANGE, "2020-01-21") == ([nan, 30, 30, nan, 77], [30, 77])
    assert amounts(Known.CLOSE, "2020-01-10") == ([nan, nan, nan], [nan, nan])
    assert amounts(Known.CLOSE, "2020-01-21") == ([nan, nan, 30, nan, 77], [30, 77])


def test_days_without_records_cannot_be_asked_about() -> None:
    made = tables([("1", "A", "2020-01-10"), ("1", "Won", "2020-02-10")])
    with pytest.raises(FunnelError, match="before the first deal"):
        history_of(made, "2020-01-10")
    with pytest.raises(FunnelError, match="later than the records reach"):
        history_of(made, "2020-02-12")
    assert len(history_of(made, "2020-01-11").visits) == 1


def test_viable_from_and_recording_are_passed_on() -> None:
    made = tables([("1", "A", "2020-01-10")], recorded_from="2020-01-05")
    history = as_of(made, FUNNEL.model_copy(update={"viable_from": "B"}), pd.Timestamp("2020-01-11"))
    assert (history.viable_from, history.recorded_from) == (1, day("2020-01-05"))
    assert (history_of(made).viable_from, history.states) == (0, FUNNEL.states)
