"""Indicators against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.history import as_of
from forecast.indicators import counted, days_to_win, observed, win_rate
from tests.forecast.histories import FUNNEL, tables


def test_win_rate_has_the_interval_of_wilson() -> None:
    """Eight of ten: Wilson (1927) gives 0.4902 to 0.9433."""
    assert win_rate(8, 10) == pytest.approx({"p50": 0.8, "low": 0.4902, "high": 0.9433}, abs=5e-5)
    assert win_rate(0, 0)["p50"] is None


def test_slow_deals_that_are_open_count() -> None:
    """Won at 10 and 20, lost at 15, open at 12 and 40. At 10, one of five: the incidence is 0.2; 0.8 go on. At 15 one
    of the three left is lost: 0.5333 go on. At 20 one of two is won: 0.2 + 0.2667. Half of that, 0.2333, is reached at
    20; of the won ones alone, the median is 15.
    """
    age, status = np.array([10.0, 20, 15, 12, 40]), np.array([1, 1, 2, 0, 0])
    found = days_to_win(age, status)
    assert found["p50"] == 20
    assert found["low"] == 10
    assert found["high"] is None  # from so few, there is no saying how late
    assert days_to_win(age, np.zeros(5, dtype=int))["p50"] is None


def test_half_of_what_is_won_where_all_is_known() -> None:
    """A hundred deals, won on the days from 1 to 100: half by day 50. The error of half of them is 5 deals, and 1.96 of
    that on each side are the days from 41 to 60.
    """
    found = days_to_win(np.arange(1.0, 101), np.ones(100, dtype=int))
    assert found == {"p50": 50.0, "low": 41.0, "high": 60.0}


def test_deals_are_counted_from_the_records() -> None:
    """Six deals: one from before exits were recorded, one recorded only when won, two won, one lost, one open."""
    made = tables(
        [
            ("1", "A", "2020-01-01"), ("1", "Won", "2020-03-01", 9.0),
            ("2", "Won", "2020-02-02", 7.0),
            ("3", "A", "2020-02-01"), ("3", "B", "2020-02-05"), ("3", "Won", "2020-02-11", 100.0),
            ("4", "A", "2020-02-01"), ("4", "Won", "2020-02-21", 50.0),
            ("5", "A", "2020-02-01"), ("5", "Lost", "2020-02-16"),
            ("6", "A", "2020-02-18"),
        ],
        recorded_from="2020-02-01",
        until="2020-03-20",
    )  # fmt: skip
    history = as_of(made, FUNNEL, "2020-03-10")
    rows = counted(history)
    assert history.deals["deal_id"][rows].tolist() == ["3", "4", "5", "6"]
    found = observed(history, rows)
    assert [found[name] for name in ("deals", "open", "won", "lost", "won_amount")] == [4, 1, 2, 1, 75.0]
    assert found["win_rate"]["p50"] == pytest.approx(2 / 3)
    assert found["days_to_win"]["p50"] == 10  # of 4: 0.25 at day 10, 0.5 at day 20
    assert observed(history, rows[:0])["win_rate"]["p50"] is None
