"""What became of deals between two days, case by case."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.draws import deal_keys
from forecast.fates import Fate, fates, won_by_fate
from forecast.history import History, as_of, day_of
from forecast.periods import parse_period
from tests.forecast.histories import FUNNEL, random_tables, tables

THEN, NOW = pd.Timestamp("2024-03-01"), pd.Timestamp("2024-04-01")
ROWS = [
    ("aged", "A", "2024-02-01", 1.0),
    ("again", "A", "2024-02-01", 2.0), ("again", "B", "2024-03-05", 2.0), ("again", "A", "2024-03-09", 2.0),
    ("back", "B", "2024-02-01", 4.0), ("back", "A", "2024-03-05", 4.0),
    ("gone", "A", "2024-02-01", 8.0), ("gone", "Lost", "2024-02-02", 8.0),
    ("lost", "A", "2024-02-01", 16.0), ("lost", "Lost", "2024-03-02", 16.0),
    ("new", "A", "2024-03-20", 32.0),
    ("new won", "A", "2024-03-20", 64.0), ("new won", "Won", "2024-03-21", 64.0),
    ("opened", "A", "2024-02-01", 128.0), ("opened", "Lost", "2024-02-02", 128.0), ("opened", "A", "2024-03-02", 128.0),
    ("settled", "A", "2024-02-01", 256.0), ("settled", "Won", "2024-02-02", 256.0),
    ("won", "C", "2024-02-01", 512.0), ("won", "Won", "2024-03-31", 512.0),
    ("won late", "C", "2024-02-01", 1024.0), ("won late", "Won", "2024-04-01", 1024.0),
]  # fmt: skip
FATES = {
    "aged": Fate.AGED, "again": Fate.MOVED, "back": Fate.MOVED, "gone": Fate.AGED, "lost": Fate.LOST,
    "new": Fate.CREATED, "new won": Fate.CREATED, "opened": Fate.MOVED, "settled": Fate.SETTLED, "won": Fate.WON,
    "won late": Fate.AGED,
}  # fmt: skip


def histories() -> tuple[History, History]:
    made = tables(sorted(ROWS, key=lambda row: row[0]), until="2024-05-01")
    return as_of(made, FUNNEL, THEN), as_of(made, FUNNEL, NOW)


def test_every_deal_has_one_fate() -> None:
    found = fates(*histories())
    assert {name: Fate(value) for name, value in found["fate"].items()} == FATES
    np.testing.assert_array_equal(found["key"], deal_keys(found.index))
    assert set(found.index[found["open"]]) == {"aged", "again", "back", "new", "opened", "won late"}


def test_what_was_won_in_a_period_by_fate() -> None:
    then, now = histories()
    of = fates(then, now)
    period = parse_period("2024Q1")
    before, after = (won_by_fate(history, of, period, 100) for history in (then, now))
    assert before[Fate.SETTLED] == 25_600
    assert before.sum() == 25_600
    assert (after[Fate.SETTLED], after[Fate.WON], after[Fate.CREATED]) == (25_600, 51_200, 6_400)
    assert after.sum() == 83_200
    assert won_by_fate(now, of, parse_period("2024-03"), 100).tolist() == [51_200, 0, 0, 0, 6_400, 0]


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_those_of_the_history(seed: int) -> None:
    made = random_tables(seed, timed=bool(seed % 2), deals=40)
    days = pd.Series(made.stage_history["entered"]).quantile([0.4, 0.7]).dt.normalize()
    then, now = (as_of(made, FUNNEL, day) for day in days)
    of = fates(then, now)
    assert len(of) == len(now.deals)
    assert (of["fate"] == Fate.CREATED).sum() == len(now.deals) - len(then.deals)
    period = parse_period("2020")
    for history in (then, now):
        start, end = day_of(period.start), min(day_of(period.after), history.day)
        assert won_by_fate(history, of, period, 100).sum() == round(history.won_between(start, end) * 100)
