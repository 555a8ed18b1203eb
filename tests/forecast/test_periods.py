from datetime import date

import pytest

from forecast.errors import FunnelError
from forecast.periods import Period, parse_period


@pytest.mark.parametrize(
    ("text", "starts", "start", "end"),
    [
        ("2017Q4", 1, date(2017, 10, 1), date(2017, 12, 31)),
        ("2017-q4", 1, date(2017, 10, 1), date(2017, 12, 31)),
        ("2017", 1, date(2017, 1, 1), date(2017, 12, 31)),
        ("2017", 4, date(2016, 4, 1), date(2017, 3, 31)),
        ("2017Q1", 4, date(2016, 4, 1), date(2016, 6, 30)),
        ("2017Q4", 4, date(2017, 1, 1), date(2017, 3, 31)),
        ("2017Q2", 12, date(2017, 3, 1), date(2017, 5, 31)),
        ("2016-02", 4, date(2016, 2, 1), date(2016, 2, 29)),
        ("2017-10-02..2017-12-30", 7, date(2017, 10, 2), date(2017, 12, 30)),
    ],
)
def test_forms(text: str, starts: int, start: date, end: date) -> None:
    period = parse_period(text, starts)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize("text", ["", "Q4", "2017Q5", "2017-13", "2017-02-30..2017-03-01", "0000", "next year"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(FunnelError, match=r"is not a period\nWrite 2017Q4, 2017, 2017-10"):
        parse_period(text)


def test_backwards() -> None:
    with pytest.raises(FunnelError, match="ends before it begins"):
        parse_period("2017-02-01..2017-01-01")


def test_fiscal_quarters_fill_the_year() -> None:
    for starts in range(1, 13):
        year = parse_period("2020", starts)
        quarters = [parse_period(f"2020Q{number}", starts) for number in (1, 2, 3, 4)]
        assert quarters[0].start == year.start
        assert quarters[-1].end == year.end
        assert [q.after for q in quarters[:-1]] == [q.start for q in quarters[1:]]
        assert sum(q.days for q in quarters) == year.days


def test_months_are_cut_at_the_ends() -> None:
    months = Period("x", date(2017, 1, 31), date(2017, 3, 2)).months()
    assert [(m.label, m.days) for m in months] == [("2017-01", 1), ("2017-02", 28), ("2017-03", 2)]
    assert date(2017, 2, 28) in months[1]
    assert date(2017, 3, 1) not in months[1]
