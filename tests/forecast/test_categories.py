"""Forecast categories of sellers beside what is expected of the deals, on futures that are listed."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecast.asked import asked_about
from forecast.categories import CATEGORY, Categories, by_category, called, categories_of, kept_by_category
from forecast.config_data import FunnelSection, Known
from forecast.draws import Scenario
from forecast.history import History, as_of, day_of
from forecast.periods import parse_period
from forecast.terminal import show
from simulations import Deals, Outcomes
from tests.forecast.histories import tables
from tests.forecast.summaries import maven
from tests.forecast.test_answer import SCHEMA
from tests.simulations.examples import deals

ORIGIN = pd.Timestamp("2024-04-10")
QUARTER, HALF = PERIODS = parse_period("2024Q2"), parse_period("2024-04-01..2024-09-30")
EDGES = np.array([day_of(ORIGIN), day_of(pd.Timestamp("2024-07-01")), day_of(pd.Timestamp("2024-10-01"))])
AMOUNTS = [60, 30, 10, 5, 1]
CATEGORIES = ["Forecast", "BEST_CASE", "Commit", "Omitted", None]
CLOSES = ["2024-06-30", "2024-03-01", "2024-07-01", None, "2024-05-01"]


def history(categories: list[str | None] | None = CATEGORIES, closes: list[str | None] | None = CLOSES) -> History:
    """Five open deals, and one that was won on 5 April for 7."""
    rows: list[tuple[Any, ...]] = [(f"D{i}", "A", "2024-03-01", amount) for i, amount in enumerate(AMOUNTS)]
    rows += [("W", "A", "2024-03-01", 7), ("W", "Won", "2024-04-05", 7)]
    columns: dict[str, Any] = {}
    if categories is not None:
        columns["forecast_category"] = pd.Series([*categories, "Closed"], dtype="str")
    if closes is not None:
        columns["expected_close"] = pd.to_datetime(pd.Series([*closes, "2024-04-05"]))
    return as_of(tables(rows, until="2024-04-10", **columns), FunnelSection(stages=("A",)), ORIGIN)


def found(of: History) -> Categories:
    categories = categories_of(of, of.open_visits(), PERIODS)
    assert categories is not None
    return categories


def outcomes(categories: Categories) -> Outcomes:
    """Every combination of the five deals, each won in the quarter or not, once each."""
    won = np.array(list(itertools.product((0, 1), repeat=len(AMOUNTS)))) * AMOUNTS * 100
    size = len(categories.of_group) + 1
    by = np.zeros((len(won), 2, size), dtype=np.int64)
    for deal, group in enumerate(np.where(categories.group < 0, size - 1, categories.group)):
        by[:, 0, group] += won[:, deal]
    total = by.sum(axis=2)
    nothing = np.zeros(total.shape, dtype=np.int32)
    return Outcomes(total, nothing, nothing, {CATEGORY: by}, np.arange(len(won)))


def rows(of: History, period: Any = QUARTER, target: float = 100.0) -> list[tuple[Any, ...]]:
    categories = found(of)
    asked = asked_about(period, target, of, EDGES, 100, 0.8)
    told = by_category(asked, period, categories, 100 * np.array(AMOUNTS), outcomes(categories))
    item = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]["periods"]["items"]
    jsonschema.validate(told, item["properties"]["categories"])
    return [tuple(row.values()) for row in told or []]


def test_each_alone_and_added_up() -> None:
    """A deal that should have closed already counts now; one that is due on 1 July not in the quarter."""
    assert rows(history()) == [
        ("Commit", 1, 60.0, 30.0, 67.0, 0.67),
        ("Best case", 1, 30.0, 15.0, 97.0, 0.97),
        ("Omitted", 1, 5.0, 2.5, None, None),
    ]
    assert rows(history(), HALF)[:2] == [
        ("Commit", 2, 70.0, 35.0, 77.0, 0.77),
        ("Best case", 1, 30.0, 15.0, 107.0, 1.07),
    ]


def test_without_days_of_closing_every_deal_counts() -> None:
    assert rows(history(closes=None)) == [
        ("Commit", 2, 70.0, 35.0, 77.0, 0.77),
        ("Best case", 1, 30.0, 15.0, 107.0, 1.07),
        ("Omitted", 1, 5.0, 2.5, None, None),
    ]


@pytest.mark.parametrize("categories", [None, [None] * 5])
def test_none_where_none_is_known(categories: Any) -> None:
    of = history(categories)
    assert categories_of(of, of.open_visits(), PERIODS) is None
    asked = asked_about(QUARTER, 100.0, of, EDGES, 100, 0.8)
    assert by_category(asked, QUARTER, None, np.array(AMOUNTS), None) is None  # type: ignore[arg-type]


def test_what_a_deal_is_in_now_is_not_used_as_of_a_past_day() -> None:
    rows = [("D", "A", "2024-03-01", 1), ("E", "A", "2024-03-01", 1)]
    names = pd.Series(["Commit", "Pipeline"], dtype="str")
    made = tables(rows, until="2024-04-10", forecast_category=names, known={"forecast_category": Known.OVERWRITTEN})
    of = as_of(made, FunnelSection(stages=("A",)), ORIGIN)
    assert categories_of(of, of.open_visits(), PERIODS) is None


def test_names() -> None:
    told = [called(name) for name in ("commit", "Best Case", "BestCase", "MOST_LIKELY", "PIPELINE", " Sûr ")]
    assert told == ["Commit", "Best case", "Best case", "Most likely", "Pipeline", "Sûr"]


def test_deals_are_kept_apart_in_the_simulation() -> None:
    categories = found(history())
    closed_and_open = deals(np.zeros(len(AMOUNTS) + 1, dtype=int))
    scenario = Scenario(
        draws=None, open_deals=closed_and_open, templates=deals(first_key=100), labels={},  # type: ignore[arg-type]
        open_visit=np.arange(len(AMOUNTS)), deal_row=np.arange(len(AMOUNTS) + 1), template_row=np.arange(1),
    )  # fmt: skip
    kept = kept_by_category(scenario, categories)
    rest = len(categories.of_group)
    assert kept.open_deals.groups[CATEGORY].tolist() == [*categories.group[:4], rest, rest]
    assert set(kept.templates.groups[CATEGORY]) == {rest}
    assert len(kept.labels[CATEGORY]) == rest + 1
    assert kept_by_category(scenario, None) is scenario
    assert isinstance(kept.open_deals, Deals)


def test_a_small_table_on_the_screen_only_where_there_are_any() -> None:
    def shown() -> str:
        screen = Console(file=io.StringIO(), width=100, highlight=False)
        show(summary, screen)
        return " ".join(screen.file.getvalue().split())  # type: ignore[attr-defined]

    summary = maven()
    assert "Sellers' categories" not in shown()
    keys = ("category", "deals", "value", "expected", "won_and_surer", "share_of_target")
    told = [("Commit", 1200, 6e5, 5e5, 8e5, 0.25), ("[red]Omitted", 3, 5e4, 2e4, None, None)]
    summary["periods"][0]["categories"] = [dict(zip(keys, row, strict=True)) for row in told]
    for words in (
        "categories, 2017Q4 deals value",
        "Commit 1,200 600k 500k 800k 0.25",
        "[red]Omitted 3 50.0k 20.0k – –",
    ):
        assert words in shown()
