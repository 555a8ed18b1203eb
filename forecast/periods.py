"""Periods of the calendar and of the fiscal year, from the words that people use for them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from forecast.errors import FunnelError

LAST_YEAR = 2199
FORMS = "Write 2017Q4, 2017, 2017-10 or 2017-10-01..2017-12-31."


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included; `label` is how it was asked for."""

    label: str
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end.year > LAST_YEAR:
            raise FunnelError(f"the period '{self.label}' is after the year {LAST_YEAR}", remedy=FORMS)
        if self.end < self.start:
            raise FunnelError(f"the period '{self.label}' ends before it begins", remedy=FORMS)

    @property
    def days(self) -> int:
        """Number of days, both ends included."""
        return (self.end - self.start).days + 1

    @property
    def after(self) -> date:
        """The day after the last day, so that the period is the half-open [start, after)."""
        return self.end + timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    def months(self) -> tuple[Period, ...]:
        """The period cut at the ends of calendar months; the parts are labelled like 2017-10."""
        parts, start = [], self.start
        while start <= self.end:
            end = min(self.end, date(start.year, start.month, monthrange(start.year, start.month)[1]))
            parts.append(Period(f"{start:%Y-%m}", start, end))
            if end == date.max:
                break
            start = end + timedelta(days=1)
        return tuple(parts)


def following(period: Period) -> Period:
    """The period after this one, as long: as many months where it is cut at the ends of months, else as many days."""
    start, months = period.after, len(period.months())
    if period.start.day == 1 and start.day == 1:
        year, month = divmod(12 * start.year + start.month - 1 + months, 12)
        end = date(year, month + 1, 1) - timedelta(days=1)
    else:
        end = start + timedelta(days=period.days - 1)
    if match := re.fullmatch(r"(\d{4})Q([1-4])", period.label):
        year, quarter = divmod(4 * int(match[1]) + int(match[2]), 4)
        return Period(f"{year}Q{quarter + 1}", start, end)
    if re.fullmatch(r"\d{4}", period.label):
        return Period(f"{int(period.label) + 1}", start, end)
    whole = re.fullmatch(r"\d{4}-\d{2}", period.label)
    return Period(f"{start:%Y-%m}" if whole else f"{start}..{end}", start, end)


def parse_period(text: str, fiscal_year_starts: int = 1) -> Period:
    """The period that `text` means: 2017Q4, 2017, 2017-10 or 2017-10-01..2017-12-31.

    Years and quarters are fiscal: they begin with month `fiscal_year_starts` (1 to 12), and a fiscal year is
    named after the calendar year in which it ends (with 4, 2017 is April 2016 to March 2017, 2017Q1 April to
    June 2016). Months and ranges are the calendar's. Raises FunnelError where the text is none of these.
    """
    label = str(text).strip()
    try:
        if match := re.fullmatch(r"(\d{4})", label):
            return _months(label, int(match[1]), 0, 12, fiscal_year_starts)
        if match := re.fullmatch(r"(\d{4})[ -]?[Qq]([1-4])", label):
            name = f"{match[1]}Q{match[2]}"
            return _months(name, int(match[1]), 3 * (int(match[2]) - 1), 3, fiscal_year_starts)
        if match := re.fullmatch(r"(\d{4})-(\d{2})", label):
            year, month = int(match[1]), int(match[2])
            return Period(label, date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2})\s*\.\.\s*(\d{4}-\d{2}-\d{2})", label):
            start, end = (date.fromisoformat(part) for part in match.groups())
            return Period(f"{start}..{end}", start, end)
    except (
        ValueError,
        OverflowError,
    ):  # a month 13 or a 31st of February; calendar.IllegalMonthError is a ValueError
        pass
    raise FunnelError(f"'{label}' is not a period", remedy=FORMS)


def _months(label: str, year: int, offset: int, length: int, fiscal_year_starts: int) -> Period:
    """`length` months, `offset` months after the beginning of the fiscal year named `year`."""
    begins = 12 * (year if fiscal_year_starts == 1 else year - 1) + fiscal_year_starts - 1 + offset
    first, last = divmod(begins, 12), divmod(begins + length - 1, 12)
    end_day = monthrange(last[0], last[1] + 1)[1]
    return Period(label, date(first[0], first[1] + 1, 1), date(last[0], last[1] + 1, end_day))
