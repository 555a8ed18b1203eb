"""Dates and amounts from text. Each distinct text is read once, so that long columns are cheap."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from forecast.errors import FunnelError

EARLIEST, LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")
PLAIN_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
NUMERIC_DATE = r"^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})(?:,?[ T]+(\d.*))?$"
YEAR_FIRST = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d.*))?$"
COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
WRITTEN_OUT = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y")
ZONED = r":\d{2}(?:\.\d+)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
BLANK = ("NA", "-", "--")  # missing in a column of dates or amounts, though it may be a name elsewhere

# Dates as numbers: what they count, from the least to the greatest that is a date, in days.
NUMBER = r"\d+(?:\.\d*)?"
COUNTS = {
    "days, as a spreadsheet counts them": (20_000, 80_000, 1.0),
    "seconds since 1970": (3e8, 4.2e9, 86_400.0),
    "milliseconds since 1970": (3e11, 4.2e12, 86_400e3),
    "microseconds since 1970": (3e14, 4.2e15, 86_400e6),
}
SPREADSHEET, EPOCH = pd.Timestamp("1899-12-30"), pd.Timestamp("1970-01-01")
MOSTLY = 0.8  # of the distinct values

SIGN = r"[(+\-\u2212]?"
MONEY = r"(?:[A-Z]{1,3}\$|[A-Z]{3}|[$\u20ac\u00a3\u00a5\u20b9]|kr|z\u0142)"
GROUPED = r"[\d.,' \u2019\u00a0\u202f]*\d[.,]?"
AMOUNT = rf"^(?P<sign>{SIGN})\s*(?P<before>{MONEY})?\s*(?P<minus>-?)\s*"
AMOUNT += rf"(?P<number>{GROUPED})\s*(?P<after>{MONEY})?\)?$"
SYMBOLS = {"$": "USD", "US$": "USD", "\u20ac": "EUR", "\u00a3": "GBP", "\u20b9": "INR"}


def is_blank(column: pd.Series) -> pd.Series:
    """Missing, or written as a dash."""
    return column.isna() | column.isin(BLANK) if _is_text(column) else column.isna()


def day_first(columns: Iterable[pd.Series], file: str) -> bool:
    """Whether 3/4/2017 is the third of April, from all date columns of a file.

    Raises FunnelError where the rows contradict each other, or where none of them tells.
    """
    texts = [_unique(column) for column in columns if _is_text(column)]
    if not texts:
        return True
    text = pd.concat(texts, ignore_index=True)
    found = text[~text.str.fullmatch(PLAIN_ISO)].str.extract(NUMERIC_DATE).dropna(subset=[0])
    found = found[found[1] != "."]  # 3.4.2017 is always day first
    first, second = found[0].astype("int64"), found[2].astype("int64")
    day_leads, month_leads = (first > 12) & (second <= 12), (second > 12) & (first <= 12)
    if day_leads.any() != month_leads.any() or not (first != second).any():
        return not month_leads.any()
    what = "these dates may be day first or month first"
    shown = found.head(3)
    if day_leads.any():
        what = "some dates can only be day first, others only month first"
        shown = pd.concat([found[day_leads].head(1), found[month_leads].head(1)])
    remedy = "Write day_first = true (or false) under [source], or export dates as 2017-12-31."
    examples = [f"{a}{mark}{b}{mark}{year}" for a, mark, b, year in shown[[0, 1, 2, 3]].to_numpy()]
    raise FunnelError(what, file=file, examples=examples, remedy=remedy)


def dates(column: pd.Series, day_leads: bool = True, zone: str | None = None) -> pd.Series:
    """Datetimes (microseconds) without a zone; NaT where missing or not a date between 1900 and 2200.

    Times that name a zone are converted to `zone` (UTC where None); others are taken as being of it.
    """
    counted = count_of(column)
    if counted is not None:
        column = _counted(column, counted)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(zone or "UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(column.dtype):
        parsed = column.dt.as_unit("us")
    elif not _is_text(column):
        parsed = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    else:
        codes, texts = pd.factorize(column)
        distinct = pd.Series(texts, dtype="str")
        plain = distinct.str.fullmatch(PLAIN_ISO)  # nearly always all of them
        read = _read(distinct.where(plain), "ISO8601")
        if not plain.all():
            read = read.fillna(_dates_of(distinct[~plain], day_leads).reindex(distinct.index))
        if zone is not None:
            local = read.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
            read = read.where(~distinct.str.contains(ZONED), local)
        parsed = pd.Series(read.reindex(codes).to_numpy(), index=column.index)  # code -1 is missing: NaT
    plausible: pd.Series = parsed.where((parsed >= EARLIEST) & (parsed < LATEST))
    return plausible


def count_of(column: pd.Series) -> str | None:
    """Of what the numbers in a column of dates are a count (a key of COUNTS); None where it has other dates."""
    text = _is_text(column)
    if not text and not pd.api.types.is_float_dtype(column.dtype):
        return None
    distinct = _unique(column) if text else pd.Series(column.dropna().unique())
    plain = distinct[distinct.str.fullmatch(NUMBER)] if text else distinct
    if not len(plain) or len(plain) < MOSTLY * len(distinct):
        return None
    number = pd.to_numeric(plain)
    for name, (least, most, _) in COUNTS.items():
        if number.between(least, most, inclusive="left").sum() >= MOSTLY * len(distinct):
            return name
    return None


def _counted(column: pd.Series, name: str) -> pd.Series:
    """Numbers as datetimes, to the second; counts since 1970 are of UTC."""
    least, most, per_day = COUNTS[name]
    number = pd.to_numeric(column, errors="coerce").astype("float64")
    day = (number / per_day).where(number.between(least, most, inclusive="left"))
    if name == next(iter(COUNTS)):
        return (SPREADSHEET + pd.to_timedelta(day, unit="D")).dt.round("s")
    return (EPOCH + pd.to_timedelta(day, unit="D")).dt.round("s").dt.tz_localize("UTC")


def zones(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Which times of day name a zone, and which do not."""
    if not _is_text(column):
        nothing = pd.Series(False, index=column.index)
        return nothing, nothing
    codes, texts = pd.factorize(column)
    distinct = pd.Series(texts, dtype="str")
    zoned = distinct.str.contains(ZONED)
    bare = distinct.str.contains(r"\d:\d{2}") & ~zoned
    if not len(texts):
        nothing = pd.Series(False, index=column.index)
        return nothing, nothing
    there = codes >= 0
    first, second = (pd.Series(there & found.to_numpy(dtype=bool)[codes], column.index) for found in (zoned, bare))
    return first, second


def _dates_of(texts: pd.Series, day_leads: bool) -> pd.Series:
    """The same for distinct texts, in all the other ways that dates are written."""
    texts = texts.str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True)
    year, numeric, compact = (texts.str.extract(pattern) for pattern in (YEAR_FIRST, NUMERIC_DATE, COMPACT))
    day, month = (0, 2) if day_leads else (2, 0)
    dotted = numeric[1] == "."
    long_year = numeric[3].where(numeric[3].str.len() != 2, _century(numeric[3]))
    parts = pd.DataFrame(
        {
            "year": year[0].fillna(long_year).fillna(compact[0]),
            "month": year[1].fillna(numeric[month].where(~dotted, numeric[2])).fillna(compact[1]),
            "day": year[2].fillna(numeric[day].where(~dotted, numeric[0])).fillna(compact[2]),
            "time": year[3].fillna(numeric[4]).fillna(""),
        }
    )
    time = _clock(parts["time"])
    iso = parts["year"] + "-" + parts["month"].str.zfill(2) + "-" + parts["day"].str.zfill(2) + time
    parsed = _read(iso, "ISO8601")
    rest = texts[iso.isna()]
    for form in WRITTEN_OUT if len(rest) else ():
        parsed = parsed.fillna(_read(rest, form).reindex(texts.index))
    return parsed


def _read(texts: pd.Series, form: str) -> pd.Series:
    return pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_localize(None).dt.as_unit("us")


def _century(two: pd.Series) -> pd.Series:
    return ("20" + two).where(two < "70", "19" + two)


def _clock(time: pd.Series) -> pd.Series:
    """Times of day as ISO 8601 wants them after a date: 'T14:30'; 2:30 PM becomes 14:30."""
    twelve = time.str.extract(r"^(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*([AaPp])\.?[Mm]\.?$")
    hour = pd.to_numeric(twelve[0], errors="coerce")
    hour = (hour % 12 + 12 * twelve[2].str.lower().eq("p")).where(hour.between(1, 12))
    converted = hour.astype("Int64").astype("str").str.zfill(2) + twelve[1]
    plain = time.str.replace(r"^(\d):", r"0\1:", regex=True).str.replace(r"\s+(?=[+-]\d)", "", regex=True)
    # an offset such as +02 or +0200 is valid ISO 8601 and read as it is
    return ("T" + converted.where(hour.notna(), plain)).where(time != "", "")


def amounts(column: pd.Series, file: str, name: str, decimal: str | None = None) -> pd.Series:
    """Amounts as floats; NaN where missing or not a number. `decimal`: the decimal mark, or None to find it.

    1,234.50 and 1.234,50 tell their mark; 1,234 is read as thousands unless others in the column say
    otherwise. Where 1.234 occurs and nothing tells, FunnelError.
    """
    if not _is_text(column):
        values = pd.to_numeric(column, errors="coerce").astype("float64")
        return values.where(np.isfinite(values))
    codes, texts = pd.factorize(column)
    distinct = pd.Series(texts, dtype="str")
    parts = distinct.str.extract(AMOUNT)
    number = parts["number"].str.replace(r"(?<=\d)[' \u2019\u00a0\u202f](?=\d{3}(?!\d))", "", regex=True)
    mark = decimal or _decimal_mark(number, distinct, file, name)
    group = "," if mark == "." else "."
    grouped = rf"^(?:\d+|\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)?(?:{re.escape(mark)}\d*)?$"
    plain = number.where(number.str.match(grouped))
    plain = plain.str.replace(group, "", regex=False).str.replace(mark, ".", regex=False)
    values = pd.to_numeric(plain, errors="coerce")
    values = values.where(~(parts["sign"].isin(["(", "-", "\u2212"]) | parts["minus"].eq("-")), -values)
    scientific = distinct.where(distinct.str.match(r"^[+-]?\d+(?:\.\d+)?[eE][+-]?\d+$"))
    values = values.fillna(pd.to_numeric(scientific, errors="coerce")).astype("float64")
    values = values.where(np.isfinite(values))
    return pd.Series(values.reindex(codes).to_numpy(), index=column.index)


def _decimal_mark(number: pd.Series, texts: pd.Series, file: str, name: str) -> str:
    """The decimal mark that most of the distinct numbers prove; '.' where none has a mark."""
    both_dot = number.str.match(r"^[\d,]+,\d+\.\d*$")
    both_comma = number.str.match(r"^[\d.]+\.\d+,\d*$")
    one_dot, one_comma = number.str.count(r"\.").eq(1), number.str.count(",").eq(1)
    group_like = number.str.match(r"^[1-9]\d{0,2}[.,]\d{3}$")
    lone_dot = one_dot & ~number.str.contains(",", regex=False, na=False)
    lone_comma = one_comma & ~number.str.contains(".", regex=False, na=False)
    dot = both_dot | (lone_dot & ~group_like) | number.str.match(r"^\d{1,3}(?:,\d{3}){2,}$")
    comma = both_comma | (lone_comma & ~group_like) | number.str.match(r"^\d{1,3}(?:\.\d{3}){2,}$")
    for_dot, for_comma = int(dot.fillna(False).sum()), int(comma.fillna(False).sum())
    unclear = (lone_dot & group_like).fillna(False)
    if for_dot == for_comma and (for_dot or unclear.any()):
        shown = texts[(unclear | dot | comma).fillna(False).astype(bool)].head(3)
        remedy = 'Write decimal = "." or decimal = "," under [source] in the funnel file.'
        what = "the decimal mark cannot be told"
        raise FunnelError(what, file=file, column=name, examples=shown, remedy=remedy)
    return "," if for_comma > for_dot else "."


def shares(column: pd.Series) -> pd.Series:
    """Probabilities as shares; NaN where missing, not a number, or out of range. Percents are told by their sign, or
    by any value above one.
    """
    if _is_text(column):
        text = column.str.replace(",", ".", regex=False)
        number = pd.to_numeric(text.str.replace(r"\s*%$", "", regex=True), errors="coerce").astype("float64")
        percent = bool(text.str.endswith("%").any())
    else:
        number, percent = pd.to_numeric(column, errors="coerce").astype("float64"), False
    number = number.where((number >= 0) & (number <= 100))
    return number / 100 if percent or (number > 1).any() else number


def currency_of(column: pd.Series) -> pd.Series:
    """The currency written beside each amount, missing where there is none ('$' and 'US$' are USD)."""
    if not _is_text(column):
        return pd.Series(None, index=column.index, dtype="str")
    codes, texts = pd.factorize(column)
    found = pd.Series(texts, dtype="str").str.extract(AMOUNT)
    marks = found["before"].fillna(found["after"]).replace(SYMBOLS)
    return pd.Series(marks.reindex(codes).to_numpy(), index=column.index, dtype="str")


def _unique(column: pd.Series) -> pd.Series:
    return pd.Series(column.dropna().unique(), dtype="str")


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.StringDtype) or column.dtype == object
