"""Figures of what would change the answer, of clients, scenarios, trend and bridge."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
import pytest

from forecast import plots
from forecast.drawing import HAPPENED, REACHED
from tests.forecast.answers import HandMade, hand_made

HOSTILE = "<img src=x onerror=alert(1)> $x^2$"


@pytest.fixture
def answer() -> HandMade:
    return hand_made()


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text).split("</b>")[0].removeprefix("<b>").replace("<br>", " ")


def labels(figure: go.Figure) -> list[str]:
    return [label.replace("<br>", " ") for label in figure.layout.yaxis.ticktext]


def test_the_tornado_draws_every_lever(answer: HandMade) -> None:
    figure = plots.tornado(answer)
    rows = answer.summary["levers"]["periods"][0]["tornado"]
    assert list(figure.data[0].x) == pytest.approx([100 * row["p_hit_change"] for row in rows])
    assert list(figure.data[0].error_x.array) == pytest.approx([100 * row["p_hit_change_se"] for row in rows])
    assert labels(figure)[0] == "Engaging: conversion + 5 points"
    assert "Engaging: lead time - 10 %" in labels(figure)
    assert title(figure).startswith("Engaging: conversion + 5 points raises the chance in 2017Q4 most: from ")
    assert figure.layout.annotations[0].text == "+12 (43 %)"


def test_a_lever_that_lowers_the_chance_is_coloured(answer: HandMade) -> None:
    rows = answer.summary["levers"]["periods"][0]["tornado"]
    for row in rows:
        row["p_hit_change"] = -abs(row["p_hit_change"])
    figure = plots.tornado(answer)
    assert set(figure.data[0].marker.color) == {HAPPENED}
    assert title(figure) == "No lever, moved by one unit, raises the chance in 2017Q4"


def test_clients_are_drawn_by_the_chance_without_them(answer: HandMade) -> None:
    figure = plots.dependence(answer)
    table = answer.summary["periods"][0]["clients"]["table"]
    dots = figure.data[-1]
    assert list(dots.x) == pytest.approx(sorted(100 * row["p_hit_without"] for row in table))
    assert labels(figure)[0] == "Kan-code"
    low, high = figure.layout.xaxis.range
    assert low < min(dots.x)
    assert high > 100 * answer.summary["periods"][0]["p_hit"]
    assert title(figure).startswith("Without Kan-code the chance in 2017Q4 falls from ")
    for row in table:
        row["p_hit_without"] = answer.summary["periods"][0]["p_hit"]
    assert title(plots.dependence(answer)) == "No single client decides the chance in 2017Q4"


def trend() -> dict[str, Any]:
    origins = [{"origin": f"2017-0{month}-01", "p_hit": 0.1 * month, "p_hit_se": 0.01} for month in (7, 8, 9)]
    return {"currency": "USD", "periods": [{"period": "2017Q4", "target": 3.2e6, "origins": origins}]}


def test_the_trend_goes_from_the_first_to_the_last() -> None:
    figure = plots.trend(trend())
    assert list(figure.data[0].y) == pytest.approx([70, 80, 90])
    told = "The chance of 3.20M USD in 2017Q4 went from 70 % on 1 July 2017 to 90 % on 1 September 2017"
    assert title(figure) == told
    one = trend()
    del one["periods"][0]["origins"][1:]
    assert title(plots.trend(one)) == "As of 1 July 2017, the chance of 3.20M USD in 2017Q4 was 70 %"


def test_the_bridge_begins_and_ends_at_the_two_answers() -> None:
    parts = [{"part": "won", "p50": 3e5}, {"part": "lost", "p50": -5e5}, {"part": "learned", "p50": 1e5}]
    ends = {"before": {"p50": 3e6}, "after": {"p50": 2.9e6}}
    board = {"from": "2017-09-01", "to": "2017-10-01", "periods": [{"period": "2017Q4", "parts": parts, **ends}]}
    figure = plots.bridge(board)
    bars = figure.data[0]
    assert list(bars.x) == [3e6, 3e5, -5e5, 1e5, 2.9e6]
    assert list(bars.measure) == ["absolute", "relative", "relative", "relative", "total"]
    assert labels(figure) == [
        "P50 on 1 September 2017",
        "Deals won",
        "Deals lost",
        "What was learned",
        "P50 on 1 October 2017",
    ]
    assert title(figure) == "P50 in 2017Q4 moved by −100k; most of it: deals lost (−500k)"


def test_scenarios_are_bars_from_p10_to_p90() -> None:
    def row(name: str, middle: float) -> dict[str, Any]:
        of = {"period": "2017Q4", "p10": 0.8 * middle, "p50": middle, "p90": 1.2 * middle, "p_hit": 0.5}
        return {"name": name, "periods": [of]}

    figure = plots.scenarios({"scenarios": [row("as it is", 3e6), row("more", 3.5e6)]}, "USD")
    assert [list(line.x) for line in figure.data[:2]] == [[2.4e6, 3.6e6], pytest.approx([2.8e6, 4.2e6])]
    assert figure.data[1].line.color == REACHED
    assert title(figure) == "more brings most: 3.50M USD in the middle, 50 % to reach the target"


def test_words_of_the_data_are_never_markup(answer: HandMade) -> None:
    rows = answer.summary["levers"]["periods"][0]["tornado"]
    clients = answer.summary["periods"][0]["clients"]["table"]
    for row in rows:
        row["stage"] = HOSTILE
    for row in clients:
        row["client"] = HOSTILE
    for figure in (plots.tornado(answer), plots.dependence(answer)):
        written = json.dumps(figure.to_plotly_json(), default=str)
        assert "<img" not in written
        assert "$" not in written
