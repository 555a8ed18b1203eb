from __future__ import annotations

import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.periods import parse_period
from forecast.windows import Window, overlap, usual_horizon, windows
from tests.forecast.histories import tables

ON_RECORD = tables([("a", "A", "2016-10-20"), ("b", "A", "2017-03-05")], recorded_from="2017-03-01", until="2018-01-01")


def asked(*origins: str, every: str = "month", horizon: str = "quarter", starts: int = 1) -> list[tuple[str, str]]:
    found = windows(ON_RECORD, origins=origins, every=every, horizon=horizon, fiscal_year_starts=starts)
    return [(str(window.origin.date()), str(window.after.date())) for window in found]


def test_months_to_the_end_of_their_quarter() -> None:
    assert asked("2017-06-01..2017-11-01") == [
        ("2017-06-01", "2017-07-01"),
        ("2017-07-01", "2017-10-01"),
        ("2017-08-01", "2017-10-01"),
        ("2017-09-01", "2017-10-01"),
        ("2017-10-01", "2018-01-01"),
        ("2017-11-01", "2018-01-01"),
    ]


def test_without_origins_ninety_recorded_days_come_first() -> None:
    origins = [origin for origin, _ in asked()]
    assert origins == [f"2017-{month:02d}-01" for month in range(6, 13)]
    assert asked(every="week", horizon="4w")[0] == ("2017-05-30", "2017-06-27")
    assert [origin for origin, _ in asked(every="quarter")] == ["2017-07-01", "2017-10-01"]


def test_steps_do_not_wander_where_months_are_short() -> None:
    assert [origin for origin, _ in asked("2017-03-31..2017-06-30", horizon="1m")] == [
        "2017-03-31", "2017-04-30", "2017-05-31", "2017-06-30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("horizon", "starts", "after"),
    [
        ("month", 1, "2017-06-01"),
        ("quarter", 1, "2017-07-01"),
        ("quarter", 2, "2017-08-01"),
        ("quarter", 6, "2017-06-01"),
        ("year", 4, "2018-04-01"),
        ("28d", 1, "2017-06-12"),
        ("4w", 1, "2017-06-12"),
        ("3m", 1, "2017-08-15"),
    ],
)
def test_horizons(horizon: str, starts: int, after: str) -> None:
    found = tables([("a", "A", "2016-01-01")], until="2019-01-01")
    asked = windows(found, origins=["2017-05-15"], horizon=horizon, fiscal_year_starts=starts)
    assert asked == (Window(pd.Timestamp("2017-05-15"), pd.Timestamp(after)),)
    assert asked[0].days == (pd.Timestamp(after) - pd.Timestamp("2017-05-15")).days


def test_only_windows_that_are_wholly_on_record() -> None:
    assert asked("2017-02-01", "2017-03-02", "2017-12-31", horizon="1d") == [
        ("2017-03-02", "2017-03-03"), ("2017-12-31", "2018-01-01"),
    ]  # fmt: skip
    with pytest.raises(FunnelError, match=r"none of 1 past questions.*from 2017-03-01 to 2017-12-31"):
        asked("2017-12-15", horizon="3m")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"origins": ["soon"]}, "'soon' is not a day"),
        ({"origins": ["2017-06-01..later"]}, "not a day or a range"),
        ({"origins": ["2017-06-01..2017-07-01..2017-08-01"]}, "not a day or a range"),
        ({"origins": ["2017-06-01..2017-05-01"]}, "ends before it begins"),
        ({"origins": ["0001-01-01..2017-05-01"]}, "more than 50 years"),
        ({"horizon": "0d"}, "'0d' is not a horizon"),
        ({"horizon": "quarters"}, "'quarters' is not a horizon"),
        ({"every": "day"}, "'day' is not a step"),
    ],
)
def test_what_cannot_be_asked(changes: dict[str, object], told: str) -> None:
    with pytest.raises(FunnelError, match=told):
        windows(ON_RECORD, **{"origins": ["2017-06-01"], **changes})  # type: ignore[arg-type]


def test_overlap() -> None:
    def of(*spans: tuple[int, int]) -> int:
        start = pd.Timestamp("2020-01-01")
        return overlap([Window(start + pd.Timedelta(days=a), start + pd.Timedelta(days=b)) for a, b in spans])

    assert of((0, 28), (28, 56)) == 0
    assert of((0, 28), (7, 35), (14, 42), (21, 49), (28, 56)) == 3
    assert of((0, 1)) == 0


def test_usual_horizon() -> None:
    assert usual_horizon([]) == "quarter"
    assert usual_horizon([parse_period("2017")]) == "year"
    assert usual_horizon([parse_period("2017"), parse_period("2017Q4")]) == "quarter"
    assert usual_horizon([parse_period("2017-02")]) == "month"
