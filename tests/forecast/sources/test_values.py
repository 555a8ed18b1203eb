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
