"""Figures of a backtest, one function each: they draw what the scoreboard says. Every title states the finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from forecast.drawing import FONT, GREY, HAPPENED, INK, REACHED, SHORT, dress, note, text, ticks
from forecast.language import say
from forecast.record import OURS, QUOTED
from forecast.told import forecaster
from forecast.words import money, number, with_unit

Board = Mapping[str, Any]

ROW = 26  # pixels of one past question
SIGNIFICANT = 0.05  # of a test that outcomes fall everywhere alike
LEANING = 0.12  # of the mean place of the outcomes from the middle


def ranges(board: Board) -> go.Figure:
    """The 80 % range of every past question, its middle, and what happened."""
    windows = board["windows"]
    names = [_span(window) for window in windows]
    figure = go.Figure()
    for window, name in zip(windows, names, strict=True):
        color = REACHED if window["p10"] <= window["actual"] <= window["p90"] else HAPPENED
        line = {"color": color, "width": 7}
        figure.add_scatter(x=[window["p10"], window["p90"]], y=[name] * 2, mode="lines", line=line, hoverinfo="skip")
    for key, symbol, size, color in (("p50", "line-ns-open", 12, INK), ("actual", "diamond", 10, INK)):
        told = [f"{say('Happened') if key == 'actual' else 'P50'}: {money(window[key])}" for window in windows]
        marker = {"symbol": symbol, "size": size, "color": color}
        figure.add_scatter(
            x=[window[key] for window in windows], y=names, mode="markers", marker=marker,
            hovertext=told, hoverinfo="text",
        )  # fmt: skip
    held = sum(window["p10"] <= window["actual"] <= window["p90"] for window in windows)
    finding = say(
        "{held} of {of} ranges of {level} % held what happened", held=held, of=len(windows), level=f"{100 * QUOTED:.0f}"
    )
    detail = say("Bars: P10 to P90, blue where they held, orange where not. Diamond: what happened. Stroke: P50")
    dress(figure, finding, detail, height=170 + ROW * len(windows), left=190)
    ends = [window[key] for window in windows for key in ("p10", "p90", "actual")]
    low, high = 0.0, 1.05 * max(ends, default=1.0)
    currency = f", {board['currency']}" if board["currency"] else ""
    title = text(f"{say('Won within the window')}{currency}")
    figure.update_xaxes(range=[low, high], title_text=title, gridcolor="#EEEEEE", **ticks(low, high))
    figure.update_yaxes(autorange="reversed", tickfont_size=FONT)
    return figure


def _span(window: Board) -> str:
    end = date.fromisoformat(window["after"]) - timedelta(days=1)
    return say("{start} to {end}", start=window["origin"], end=end.isoformat()[5:])


def pits(board: Board) -> go.Figure:
    """Where in the forecast ranges the outcomes fell: level for a calibrated forecast."""
    ours = _ours(board)
    counts = ours["pit"]
    total, bins = sum(counts), len(counts)
    share = [100 * place / bins for place in range(bins + 1)]
    names = [say("{low} to {high} %", low=f"{low:.0f}", high=f"{high:.0f}") for low, high in pairwise(share)]
    told = [say("{count} of {total} outcomes", count=count, total=total) for count in counts]
    bars = go.Bar(x=names, y=counts, marker={"color": REACHED}, hovertext=told, hoverinfo="text", text=counts)
    figure = go.Figure(bars.update(textposition="outside", width=0.9))
    figure.add_hline(y=total / bins, line={"color": INK, "dash": "dash", "width": 1})
    detail = say("Dashed: {number} in each, as of a forecast without fault", number=number(total / bins, 1))
    dress(figure, _leaning(ours), detail, height=400, below=70)
    title = say("Place of the outcome within the simulated futures, from the lowest to the highest")
    figure.update_xaxes(title_text=title)
    figure.update_yaxes(visible=False, range=[0, 1.2 * max(counts, default=1)])
    return figure


def _leaning(ours: Board) -> str:
    """What the places of the outcomes say, in words that so few of them bear."""
    if ours["pit_p_value"] >= SIGNIFICANT:
        if ours["questions"] == 1:
            return say("1 outcome shows no fault of the ranges")
        return say("{number} outcomes show no fault of the ranges", number=ours["questions"])
    if abs(ours["pit_mean"] - 0.5) > LEANING:
        if ours["pit_mean"] < 0.5:
            return say("Outcomes fell low in the ranges: the forecasts were too high")
        return say("Outcomes fell high in the ranges: the forecasts were too low")
    counts = ours["pit"]
    if counts[0] + counts[-1] > ours["questions"] * 2 / len(counts):
        return say("Outcomes fell at the ends of the ranges: these were too narrow")
    return say("Outcomes fell in the middle of the ranges: these were too wide")


def comparison(board: Board) -> go.Figure:
    """Mean CRPS of every forecast, the best first."""
    lines = board["all"]
    most = max(line["questions"] for line in lines)
    names = [forecaster(line["forecast"]) + ("" if line["questions"] == most else " *") for line in lines]
    values = [line["crps"] for line in lines]
    colors = [REACHED if line["forecast"] == OURS else SHORT for line in lines]
    told = [with_unit(money(value), board["currency"]) for value in values]
    bars = go.Bar(x=values, y=names, orientation="h", marker={"color": colors}, text=told, hoverinfo="skip")
    figure = go.Figure(bars.update(textposition="outside", width=0.7))
    best = lines[0]["forecast"]
    finding = say("{forecast} came closest to what happened", forecast=forecaster(best))
    detail = say("Mean distance between forecast and outcome (CRPS), the spread counted; smaller is better")
    if any(line["questions"] < most for line in lines):
        detail += f". {say('* Could not be asked every question')}"
    dress(figure, finding[:1].upper() + finding[1:], detail, height=150 + 44 * len(lines), left=150)
    high = 1.25 * max(values, default=1.0)
    figure.update_xaxes(range=[0, high], color=GREY, **ticks(0, high))
    figure.update_yaxes(autorange="reversed", tickfont_size=FONT)
    return figure


def distances(board: Board) -> go.Figure:
    """CRPS of ours and of the best other by days to the end of the period, with how often the ranges held."""
    lines = board["by_distance"]
    days = [(line["from_days"] + line["to_days"]) / 2 for line in lines]
    figure = go.Figure()
    for key, color in (("best_other_crps", SHORT), ("crps", REACHED)):
        values = [line[key] for line in lines]
        names = [forecaster(OURS if key == "crps" else line["best_other"] or "") for line in lines]
        told = [
            "" if value is None else f"{name}: {with_unit(money(value), board['currency'])}"
            for name, value in zip(names, values, strict=True)
        ]
        figure.add_scatter(
            x=days, y=values, mode="lines+markers", line={"color": color, "width": 3}, marker={"size": 10},
            hovertext=told, hoverinfo="text",
        )  # fmt: skip
    high = 1.25 * max([value for line in lines for value in (line["crps"], line["best_other_crps"] or 0)], default=1.0)
    for day, line in zip(days, lines, strict=True):
        held = say("{held} of {of}", held=line["coverage"]["held"], of=line["coverage"]["of"])
        note(figure, day, 0.04 * high, held, "center", INK)
    closer = sum((line["skill"] or 0) > 0 for line in lines)
    finding = say("This forecast is closer than any other at {held} of {of} distances", held=closer, of=len(lines))
    detail = say(
        "Mean CRPS by days to the end; grey: the best other. Below: how many ranges of {level} % held",
        level=f"{100 * QUOTED:.0f}",
    )
    dress(figure, finding, detail, height=420, below=70)
    figure.update_xaxes(title_text=say("Days to the end"), autorange="reversed", tickvals=days)
    figure.update_yaxes(range=[0, high], gridcolor="#EEEEEE", **ticks(0, high))
    return figure


def _ours(board: Board) -> Board:
    found: Board = next(line for line in board["all"] if line["forecast"] == OURS)
    return found
