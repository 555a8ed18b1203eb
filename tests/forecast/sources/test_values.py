import numpy as np
import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.sources import values


def texts(*items: str | None) -> pd.Series:
    return pd.Series(list(items), dtype="str")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2017-03-01", "2017-03-01"),
        ("2017-03-01T14:30:05.123Z", "2017-03-01 14:30:05.123"),
        ("2017-03-01 14:30:05+02:00", "2017-03-01 12:30:05"),
        ("2017-03-01T10:00:00.000+0000", "2017-03-01 10:00"),
        ("2017-03-01 14:30:05 UTC", "2017-03-01 14:30:05"),
        ("2017/3/1", "2017-03-01"),
        ("20170301", "2017-03-01"),
        ("3/4/17 2:30 PM", "2017-04-03 14:30"),
        ("1/1/2017 12:00 am", "2017-01-01"),
        ("13.4.2017", "2017-04-13"),
        ("03-Mar-2017", "2017-03-03"),
        ("Mar 3, 2017", "2017-03-03"),
    ],
)
def test_dates_as_they_are_written(text: str, meant: str) -> None:
    assert values.dates(texts(text)).iloc[0] == pd.Timestamp(meant)


@pytest.mark.parametrize("text", ["soon", "2017", "12", "2017-02-30", "0000-00-00", "9999-12-31", "31/31/2017"])
def test_other_text_is_no_date(text: str) -> None:
    assert values.dates(texts(text, None)).isna().all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetimes_of_any_unit_and_zone(unit: str) -> None:
    aware = pd.Series(pd.to_datetime(["2017-03-01 14:30:00+02:00"])).dt.as_unit(unit)
    assert values.dates(aware).iloc[0] == pd.Timestamp("2017-03-01 12:30")
    assert values.dates(aware.dt.tz_localize(None)).dtype == "datetime64[us]"


def test_day_or_month_first_is_found_in_all_columns() -> None:
    assert values.day_first([texts("1/2/2017"), texts("13/2/2017")], "a.csv")
    assert not values.day_first([texts("1/2/2017"), texts("2/13/2017")], "a.csv")
    assert values.day_first([texts("1.2.2017")], "a.csv")
    assert values.dates(texts("2/1/2017"), day_leads=False).iloc[0] == pd.Timestamp("2017-02-01")


def test_undecidable_and_contradicting_dates() -> None:
    with pytest.raises(FunnelError, match="may be day first or month first\nfor instance 1/2/2017"):
        values.day_first([texts("1/2/2017", "3/3/2017")], "a.csv")
    with pytest.raises(FunnelError, match="13/1/2017; 1/14/2017"):
        values.day_first([texts("13/1/2017", "1/14/2017")], "a.csv")


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        (["1,234.50", "12,000", "$5", "USD 7", ".5", "1e3"], [1234.5, 12000, 5, 7, 0.5, 1000]),
        (["1.234,50 €", "12.000", "3,5"], [1234.5, 12000, 3.5]),
        (["12 345", "1'000", "1\u202f000\u00a0€"], [12345, 1000, 1000]),
        (["12,000", "3"], [12000, 3]),
        (["-5", "(1,234)", "-$3", "$-4"], [-5, -1234, -3, -4]),
        (["much", "12,34.5", "1e999", "5 %", None, "7.5"], [np.nan] * 5 + [7.5]),
    ],
)
def test_amounts_as_they_are_written(column: list[str | None], meant: list[float]) -> None:
    np.testing.assert_array_equal(values.amounts(texts(*column), "a.csv", "value"), meant)


def test_unclear_decimal_mark() -> None:
    for column in (texts("1.234"), texts("1,5", "1.5")):
        with pytest.raises(FunnelError, match="decimal mark cannot be told"):
            values.amounts(column, "a.csv", "value")
    assert values.amounts(texts("1.234"), "a.csv", "value", decimal=",").iloc[0] == 1234


def test_currencies() -> None:
    found = values.currency_of(texts("$5", "USD 4", "3 €", "2", "x"))
    assert found.fillna("").tolist() == ["USD", "USD", "EUR", "", ""]


@pytest.mark.parametrize(
    ("numbers", "counted"),
    [
        (["45662", "45663.5", ""], "days, as a spreadsheet counts them"),
        (["1736035200", "1736164800", ""], "seconds since 1970"),
        (["1736035200000", "1736164800000", ""], "milliseconds since 1970"),
        (["1736035200000000", "1736164800000000", ""], "microseconds since 1970"),
    ],
)
def test_dates_as_numbers(numbers: list[str], counted: str) -> None:
    column = pd.Series([one or None for one in numbers], dtype="str")
    assert values.count_of(column) == counted
    read = values.dates(column)
    assert read.tolist()[:2] == [pd.Timestamp("2025-01-05"), pd.Timestamp("2025-01-06 12:00")]
    assert read.isna().tolist() == [False, False, True]
    if counted.endswith("1970"):
        assert values.dates(column, zone="Asia/Tokyo").iloc[0] == pd.Timestamp("2025-01-05 09:00")
    assert values.dates(column.astype("float64")).tolist()[:2] == read.tolist()[:2]


def test_other_numbers_are_no_dates() -> None:
    for numbers in (["20250105", "20250106"], ["1", "2"], ["2025-01-05", "2025-01-06", "45662"], ["0.5"]):
        assert values.count_of(pd.Series(numbers, dtype="str")) is None
    assert values.dates(pd.Series(["20250105"], dtype="str")).iloc[0] == pd.Timestamp("2025-01-05")
    few = pd.Series(["2025-01-05"] * 9 + ["45662"], dtype="str")  # one number among dates is a mistake, and told
    assert values.dates(few).isna().sum() == 1


def test_shares() -> None:
    read = values.shares(pd.Series(["10", "55,5", "100", None, "200", "x"], dtype="str"))
    assert read.dropna().tolist() == [0.1, 0.555, 1.0]
    assert values.shares(pd.Series(["0.1", "1"], dtype="str")).tolist() == [0.1, 1.0]
    assert values.shares(pd.Series(["1 %", "0.5%"], dtype="str")).tolist() == [0.01, 0.005]
    assert values.shares(pd.Series([20.0, float("nan")])).tolist()[0] == 0.2
