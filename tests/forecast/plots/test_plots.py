"""Figures draw what the summary says, and show words of the data as they are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from forecast import plots
from forecast.drawing import REACHED, SHORT, at_the_right, balanced, text, ticks
from tests.conftest import Asked
from tests.forecast.answers import HandMade, hand_made, stage

HOSTILE = "<img src=x onerror=alert(1)> $x^2$ %{x} & Co"


@pytest.fixture
def answer() -> HandMade:
    return hand_made()


def title(figure: go.Figure) -> str:
    """The first, bold part of the title, on one line."""
    return str(figure.layout.title.text).split("</b>")[0].removeprefix("<b>").replace("<br>", " ")


def words(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def changed(answer: HandMade, at: int = 0, **changes: Any) -> HandMade:
    periods = list(answer.summary["periods"])
    periods[at] = {**periods[at], **changes}
    return answer.told(periods=periods)


def test_the_sentence_says_the_probability(answer: HandMade) -> None:
    chance = f"{answer.summary['periods'][0]['p_hit']:.0%}".replace("%", " %")
    said = plots.sentence(answer)
    assert said.startswith(f"As of 1 October 2017, the chance of 3.20M USD in 2017Q4 is {chance}. In 8 of 10")
    assert "won already" not in said
    assert plots.sentence(answer, 1).endswith("7.20M USD of it is won already.")
    assert "is less than 1 %." in plots.sentence(changed(answer, p_hit=0.0))
    assert "is more than 99 %." in plots.sentence(changed(answer, p_hit=1.0))
    done = plots.sentence(changed(answer, gap=-1.0, won_to_date=3_300_000.0))
    assert done.endswith("the target of 3.20M USD in 2017Q4 is reached already: 3.30M USD is won.")


def test_a_period_called_by_its_days_is_named_by_them(answer: HandMade) -> None:
    assert "from 1 October to 31 December 2017 is" in plots.sentence(changed(answer, period="2017-10-01..2017-12-31"))


def test_revenue_states_the_chance_and_colours_it(answer: HandMade) -> None:
    for period, asked in enumerate(answer.summary["periods"]):
        figure = plots.revenue(answer, period)
        bars = figure.data[0]
        color, share = np.array(bars.marker.color), np.array(bars.y)
        assert share[color == REACHED].sum() == pytest.approx(asked["p_hit"], abs=0.005)
        assert share[color == SHORT].sum() == pytest.approx(1 - asked["p_hit"], abs=0.005)
        assert f"{asked['p_hit']:.0%}".replace("%", " %") in title(figure)
        low, high = figure.layout.xaxis.range
        marks = [asked[key] for key in ("target", "p10", "p50", "p90")] + [asked["actual"]["revenue"]]
        assert low < min(marks)
        assert max(marks) < high
        assert [line.x0 for line in figure.layout.shapes] == [asked["target"], asked["actual"]["revenue"]]


def test_what_happened_is_shown_only_where_it_is_known(answer: HandMade) -> None:
    assert any("happened" in said for said in words(plots.revenue(answer)))
    assert any("Happened" in said for said in words(plots.fan(answer)))
    unknown = changed(answer, actual=None)
    assert not any("appened" in said for said in words(plots.revenue(unknown)) + words(plots.fan(unknown)))


@pytest.mark.parametrize("target", [1.0, 2.9e6, 1e9])
def test_a_target_far_away_stays_in_the_picture(answer: HandMade, target: float) -> None:
    figure = plots.revenue(changed(answer, target=target, gap=target, actual=None))
    low, high = figure.layout.xaxis.range
    assert low < target < high
    assert len(figure.data[0].x) <= 400


def test_the_fan_ends_at_the_quantiles_of_the_period(answer: HandMade) -> None:
    for period, asked in enumerate(answer.summary["periods"]):
        figure = plots.fan(answer, period)
        wide, _, middle = figure.data[:3]
        half = len(wide.x) // 2
        assert wide.y[half - 1] == pytest.approx(asked["p90"])
        assert wide.y[half] == pytest.approx(asked["p10"])
        assert middle.y[-1] == pytest.approx(asked["p50"])
        assert middle.x[0] == date(2017, 10, 1)
        assert middle.x[-1] == date(2018, 1, 1)
        assert middle.y[0] == asked["won_to_date"]


def test_figures_of_a_real_answer_agree_with_its_summary(asked: Asked) -> None:
    """Its periods overlap and begin and end within months, one of them on a day before the origin."""
    for period, told in enumerate(asked.answer.summary["periods"]):
        figure = plots.fan(asked.answer, period)
        wide, _, middle = figure.data[:3]
        half = len(wide.x) // 2
        drawn = (wide.y[half], middle.y[-1], wide.y[half - 1])
        assert drawn == pytest.approx([told[key] for key in ("p10", "p50", "p90")], rel=1e-9)
        assert len(middle.x) == 1 + sum(month["simulated"] for month in told["by_month"])
        assert list(middle.x) == sorted(set(middle.x))
        bars = plots.revenue(asked.answer, period).data[0]
        reached = np.array(bars.y)[np.array(bars.marker.color) == REACHED].sum()
        assert reached == pytest.approx(told["p_hit"], abs=0.005)
    shown = plots.funnel(asked.answer).data[0]
    assert list(shown.x) == [row["open"] for row in asked.answer.summary["stages"]]


def test_the_fan_begins_with_what_is_won(answer: HandMade) -> None:
    won = plots.fan(answer, 1).data[3]
    assert list(won.x) == [date(2017, month, 1) for month in range(1, 11)]
    assert won.y == pytest.approx(800_000.0 * np.arange(10))


def test_an_origin_within_a_month_divides_the_line(answer: HandMade) -> None:
    figure = plots.fan(changed(answer.told(origin="2017-10-11"), won_to_date=250_000.0))
    middle, won = figure.data[2:4]
    assert list(won.x) == [date(2017, 10, 1), date(2017, 10, 11)]
    assert list(won.y) == [0.0, 250_000.0]
    assert list(middle.x) == [date(2017, 10, 11), date(2017, 11, 1), date(2017, 12, 1), date(2018, 1, 1)]


def test_parts_of_months_outside_the_period_are_left_out(answer: HandMade) -> None:
    months = ("2017-10", "2017-11-01..14", "2017-11-15..30")
    by_month = [{"month": "2017-11", "simulated": True, "won": 0.0}]
    cut = replace(changed(answer, start="2017-11-15", end="2017-11-30", by_month=by_month), months=months)
    wide = plots.fan(cut).data[0]
    assert wide.y[1] == pytest.approx(np.quantile(answer.won[:, 2], 0.9))
    assert wide.x[:2] == (date(2017, 11, 15), date(2017, 12, 1))


def test_the_funnel_names_the_narrowest_and_the_slowest_stage(answer: HandMade) -> None:
    three = answer.told(stages=[stage("A", 30, 0.7, 10.0), stage("B", 9, 0.4, 5.25), stage("C", 1, 0.8, 40.0)])
    figure = plots.funnel(three)
    assert title(figure) == "B lets the fewest deals through (40 %), C takes the longest (40 days)"
    shown = [part.text[0] for part in figure.data[1:]]
    assert shown == ["70 %", "<b>40 %</b>", "80 %", "10", "5.2", "<b>40</b>"]
    dot = figure.data[2]
    assert (dot.error_x.array[0], dot.error_x.arrayminus[0]) == pytest.approx((0.04, 0.04))
    one = answer.told(stages=[stage("A", 30, 0.7, 10.0)])
    assert title(plots.funnel(one)) == "70 % of the deals in A are won, half of those within 10 days"
    same = answer.told(stages=[stage("A", 30, 0.7, 50.0), stage("C", 1, 0.8, 40.0)])
    assert title(plots.funnel(same)) == "A lets the fewest deals through (70 %) and takes the longest (50 days)"


def test_a_stage_without_rates_is_left_empty(answer: HandMade) -> None:
    assert len(plots.funnel(answer.told(stages=[stage("A", 3, 0.7, 10.0), stage("B", 0, None, None)])).data) == 3
    unknown = {"p50": float("nan"), "low": None, "high": None}
    row = {"stage": "A", "open": 3, "conversion": unknown, "lead_time_days": unknown}
    nothing = plots.funnel(answer.told(stages=[row]))
    assert title(nothing) == "Too few deals have moved on to say how the stages convert"


def test_words_of_the_data_are_never_markup(answer: HandMade) -> None:
    hostile = answer.told(
        funnel=HOSTILE, currency=HOSTILE, stages=[stage(HOSTILE, 3, 0.7, 10.0), stage("<b>", 4, 0.8, 3.0)]
    )
    hostile = changed(hostile, period=HOSTILE)
    for figure in (plots.revenue(hostile), plots.fan(hostile), plots.funnel(hostile)):
        written = json.dumps(figure.to_plotly_json(), default=str).replace("<br>", " ")
        assert "<img" not in written
        assert "<b><b>" not in written
        assert "$" not in written
        assert "&lt;img src=x onerror=alert(1)&gt;" in written
        assert "hovertemplate" not in written  # the only place where %{x} would mean something


def test_text() -> None:
    assert text("<b>a & b</b> $1$") == "&lt;b&gt;a &amp; b&lt;/b&gt; &#36;1&#36;"


def test_lines_are_balanced() -> None:
    assert balanced("aa bb cc dd", 8) == ["aa bb", "cc dd"]
    assert balanced("aa bb", 8) == ["aa bb"]
    assert balanced("", 8) == []


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (1.9e6, 5.2e6, ["2M", "3M", "4M", "5M"]),
        (0, 1.1e7, ["0", "2M", "4M", "6M", "8M", "10M"]),
        (0, 1.4e7, ["0", "2.5M", "5M", "7.5M", "10M", "12.5M"]),
        (0, 600, ["0", "100", "200", "300", "400", "500", "600"]),
        (1e6, 1.001e6, ["1,000,000", "1,000,200", "1,000,400", "1,000,600", "1,000,800", "1,001,000"]),
    ],
)
def test_ticks_are_round(low: float, high: float, shown: list[str]) -> None:
    assert ticks(low, high)["ticktext"] == shown


def test_words_at_the_right_keep_their_order_and_distance() -> None:
    figure = go.Figure()
    at_the_right(figure, [(50.0, "b", "red"), (49.0, "a", "red"), (90.0, "c", "red")], 100.0)
    places = {annotation.text: annotation.ay for annotation in figure.layout.annotations}
    assert places == pytest.approx({"a": 46.4, "b": 52.6, "c": 90.0})
