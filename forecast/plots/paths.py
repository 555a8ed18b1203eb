"""The ways that deals have taken through the funnel: onwards, past a stage, back, and where they were lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forecast.drawing import FONT, GREY, HAPPENED, INK, REACHED, SHORT, balanced, dress, text
from forecast.language import say
from forecast.told import Summary, Told, worded
from forecast.words import number, percent, plain

WIDEST, THINNEST = 16.0, 1.0  # pixels of a line
REACH = 0.3  # of an arc to the side, for each stage that it passes
NAMED = 8  # arcs to each side with their numbers
ROW = 62


class Way(NamedTuple):
    """An exit between two places on the map, counted from the top; the last place is Won."""

    first: int
    last: int
    times: int


def bends(summary: Summary) -> bool:
    """Whether deals went back or past a stage: a funnel that goes straight needs no map."""
    ways = _ways(summary)
    return any(way.last < way.first or way.last > way.first + 1 for way in ways)


def path_map(answer: Told) -> go.Figure:
    """Every exit on record: lines onwards as thick as they are many, arcs to the left for returns, to the right for
    stages that were skipped; bars for the deals lost in each stage.
    """
    names = [plain(stage["stage"], 48) for stage in answer.summary["stages"]]
    ways, lost = _ways(answer.summary), _lost(answer.summary)
    most = max((way.times for way in ways), default=1)
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.02, column_widths=[0.68, 0.32])
    for way in sorted(ways, key=lambda one: -one.times):
        _draw(figure, way, max(WIDEST * way.times / most, THINNEST), [*names, say("Won")])
    for side in (-1, 1):
        arcs = [way for way in ways if side == (-1 if way.last < way.first else 1) and abs(way.last - way.first) > 1]
        arcs += [way for way in ways if side == -1 and way.last == way.first - 1]
        for way in sorted(arcs, key=lambda one: -one.times)[:NAMED]:
            _name(figure, way)
    rows = list(range(len(names) + 1))
    nodes = go.Scatter(x=[0] * len(rows), y=rows, mode="markers", marker={"color": INK, "size": 11}, hoverinfo="skip")
    figure.add_trace(nodes, row=1, col=1)
    left = _leaving(answer.summary)
    told = [
        f"{number(count)} ({percent(count / all_)})" if all_ else "–" for count, all_ in zip(lost, left, strict=True)
    ]
    bars = go.Bar(y=rows[:-1], x=lost, orientation="h", marker_color=SHORT, width=0.5, hoverinfo="skip", text=told)
    bars.update(textposition="outside", cliponaxis=False, textfont={"color": INK, "size": FONT})
    figure.add_trace(bars, row=1, col=2)
    heading = "<br>".join(text(line) for line in balanced(say("Lost there, share of those who left"), 22))
    figure.add_annotation(
        text=f"<b>{heading}</b>", align="left", x=0, xref="x2 domain", y=1, yref="paper",
        xanchor="left", yanchor="bottom", showarrow=False, font={"size": FONT, "color": INK},
    )  # fmt: skip
    detail = say("Every move on record. Blue: onwards, arcs to the right skip a stage; orange: back")
    dress(figure, _finding(names, ways, lost), detail, height=170 + ROW * len(rows), left=20, below=20)
    figure.update_layout(margin_t=figure.layout.margin.t + 22)
    far = max((_reach(way) for way in ways), default=REACH) + 0.25
    figure.update_xaxes(range=[-far, far], visible=False, row=1, col=1)
    figure.update_xaxes(range=[0, 1.9 * max(*lost, 1)], visible=False, row=1, col=2)
    labels = ["<br>".join(text(line) for line in balanced(name, 24)) for name in [*names, say("Won")]]
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5], tickvals=rows, ticktext=labels, automargin=True)
    return figure.update_yaxes(showgrid=False, zeroline=False)


def _draw(figure: go.Figure, way: Way, width: float, names: Sequence[str]) -> None:
    """A line down to the next stage, or an arc: x = reach * (1 - t²), for t from -1 to 1 along the way."""
    back = way.last < way.first
    side = -1 if back else 0 if way.last == way.first + 1 else 1
    steps = [number / 12 for number in range(-12, 13)]
    middle, half = (way.first + way.last) / 2, (way.last - way.first) / 2
    told = say("{first} to {last}: {number}", first=names[way.first], last=names[way.last], number=number(way.times))
    line = go.Scatter(
        x=[side * _reach(way) * (1 - t * t) for t in steps], y=[middle + half * t for t in steps], mode="lines",
        line={"color": HAPPENED if back else REACHED, "width": width}, opacity=0.75,
        hovertext=text(told), hoverinfo="text",
    )  # fmt: skip
    figure.add_trace(line, row=1, col=1)


def _name(figure: go.Figure, way: Way) -> None:
    """The number of an arc, outside its middle."""
    back = way.last < way.first
    figure.add_annotation(
        x=(-1 if back else 1) * _reach(way), y=(way.first + way.last) / 2, text=number(way.times), showarrow=False,
        xanchor="right" if back else "left", xshift=-4 if back else 4, font={"color": GREY, "size": FONT - 2},
        bgcolor="rgba(255, 255, 255, 0.8)", borderpad=0, row=1, col=1,
    )  # fmt: skip


def _reach(way: Way) -> float:
    return float(REACH * abs(way.last - way.first) ** 0.8)


def _ways(summary: Summary) -> list[Way]:
    place = {stage["stage"]: row for row, stage in enumerate(summary["stages"])}
    won = len(place)
    return [
        Way(place[one["from"]], won if one["kind"] == "won" else place[one["to"]], one["count"])
        for one in summary["exits"]
        if one["kind"] in ("advance", "back", "won") and one["from"] in place and one["count"] > 0
    ]


def _lost(summary: Summary) -> list[int]:
    """Deals lost in each stage."""
    lost = {one["from"]: one["count"] for one in summary["exits"] if one["kind"] == "lost"}
    return [lost.get(stage["stage"], 0) for stage in summary["stages"]]


def _leaving(summary: Summary) -> list[int]:
    """Exits of any kind from each stage."""
    stages = [stage["stage"] for stage in summary["stages"]]
    return [sum(one["count"] for one in summary["exits"] if one["from"] == stage) for stage in stages]


def _finding(names: Sequence[str], ways: Sequence[Way], lost: Sequence[int]) -> str:
    """Where most deals are lost, and how many moves go back or past a stage."""
    moves = sum(way.times for way in ways)
    if not moves or not sum(lost):
        return say("Too few deals have moved on to map their ways")
    where = max(range(len(lost)), key=lambda row: lost[row])
    worst = {"stage": names[where], "share": worded(lost[where] / sum(lost))}
    back = sum(way.times for way in ways if way.last < way.first)
    skips = sum(way.times for way in ways if way.last > way.first + 1)
    found = say(
        "{share} of the lost deals are lost in {stage}; {back} of the moves go back, {skips} skip a stage",
        back=worded(back / moves), skips=worded(skips / moves), **worst,
    )  # fmt: skip
    return f"{found[:1].upper()}{found[1:]}"
