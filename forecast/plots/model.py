"""Figures of the model, one function each: what a fit has learned, beside what was seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from forecast import explained
from forecast.drawing import BAND, FONT, GREY, HAPPENED, INK, REACHED, dress, text
from forecast.fit import Fit
from simulations import Kind

ROW = 24  # pixels of one level
RARE_BAND = "rgba(213, 94, 0, 0.20)"
WORDS = {
    Kind.ADVANCE: "moving on", Kind.WON: "winning", Kind.BACK: "going back", Kind.LOST: "losing",
    Kind.REOPEN: "re-opening",
}  # fmt: skip


def hazards(fit: Fit, stage: int) -> go.Figure:
    """Exits per deal and day by age: counted (dots) and learned (line and band), of the two commonest exits."""
    table = explained.by_age(fit, stage)
    counts = fit.exposure.exits_by_age.sum(axis=1)
    funnel = fit.exposure.funnel
    exits = range(funnel.first_exit[stage], funnel.first_exit[stage + 1])
    shown = sorted(sorted(exits, key=lambda j: -counts[j])[:2])
    names = [funnel.stages[funnel.exits[j][1]] for j in shown]
    figure = go.Figure()
    for name, color, band in zip(names, (REACHED, HAPPENED), (BAND, RARE_BAND), strict=False):
        part = table[table["exit"] == name]
        x = [day for pair in zip(part["from_day"], part["to_day"], strict=True) for day in pair]
        low, middle, high = ([100 * y for y in part[key] for _ in range(2)] for key in ("low", "middle", "high"))
        figure.add_scatter(
            x=[*x, *x[::-1]], y=[*high, *low[::-1]], fill="toself", fillcolor=band, line_width=0, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
        figure.add_scatter(x=x, y=middle, mode="lines", line={"color": color, "width": 2}, name=f"to {text(name)}")
        figure.add_scatter(
            x=(part["from_day"] + part["to_day"]) / 2, y=100 * part["seen"], mode="markers",
            marker={"color": color, "size": 7, "symbol": "circle-open", "line_width": 2}, showlegend=False,
        )  # fmt: skip
    first = table[table["exit"] == names[0]]
    peak = first.iloc[int(first["middle"].argmax())]
    title = f"{funnel.stages[stage]} to {names[0]}: most likely at {peak['from_day']:g} to {peak['to_day']:g} days"
    detail = "Circles: counted exits per 100 deals and day. Lines and bands: learned, with 90 % intervals"
    dress(figure, title, detail, height=430)
    figure.update_layout(showlegend=True, legend={"x": 0.99, "xanchor": "right", "y": 0.98, "font_size": FONT})
    figure.update_xaxes(title_text="Age: days since the deal entered the stage", gridcolor="#EEEEEE")
    figure.update_yaxes(title_text="Exits per 100 deals and day", rangemode="tozero", gridcolor="#EEEEEE")
    return figure


def months(fit: Fit, kind: Kind, ahead: int = 6) -> go.Figure:
    """Months above and below the average: on record, and as far as can be said beforehand, `ahead` to come."""
    table = explained.by_month(fit, kind)
    table = table[table.index < table["past"].sum() + ahead]
    past = table[table["past"]]
    best = past.iloc[int(past["middle"].argmax())]
    title = f"{best['month']:%B %Y} had {best['middle']:.2g} times the usual rate of {WORDS[kind]}"
    detail = "One: the average month on record. Circles: counted. Bars: learned, 90 %; grey: months to come"
    return _bars(table, title, detail, "Times the usual rate")


def arrivals(fit: Fit, ahead: int = 6) -> go.Figure:
    """New deals a day by month, counted and learned, and `ahead` months to come."""
    table = explained.arrivals(fit)
    table = table[table.index < table["past"].sum() + ahead]
    last, coming = table[table["past"]].iloc[-1], table[~table["past"]]
    least, most = (coming[name] for name in ("low", "high"))
    ends = f"{least.iloc[-1]:.3g} to {most.iloc[-1]:.3g}"
    title = f"New deals: {last['middle']:.3g} a day lately, {ends} in the last month shown"
    detail = "Circles: counted. Bars: the rate that is learned, 90 %; grey: months to come"
    return _bars(table, title, detail, "New deals a day")


def levels(fit: Fit, attribute: str, kind: Kind) -> go.Figure:
    """Levels of an attribute: counted (circles) and drawn towards one as far as little is known (bars)."""
    table = explained.by_level(fit, attribute, kind).sort_values("middle", ignore_index=True)
    names = [text(str(level)) or "(none)" for level in table["level"]]
    figure = go.Figure()
    for name, row in zip(names, table.itertuples(), strict=True):
        line = {"color": REACHED, "width": 6}
        figure.add_scatter(x=[row.low, row.high], y=[name] * 2, mode="lines", line=line, hoverinfo="skip")
    for column, symbol, color in (("middle", "line-ns-open", INK), ("seen", "circle-open", HAPPENED)):
        marker = {"symbol": symbol, "size": 10, "color": color, "line_width": 2}
        figure.add_scatter(x=table[column], y=names, mode="markers", marker=marker)
    best, least = table.iloc[-1], table.iloc[0]
    title = f"{best['level']}: {best['middle']:.2f} times the usual rate of {WORDS[kind]}; "
    title += f"{least['level']}: {least['middle']:.2f}"
    detail = "Other things equal. Circles: counted. Bars: learned, 90 %, drawn towards one where deals are few"
    dress(figure, title, detail, height=190 + ROW * len(table), left=180)
    figure.add_vline(x=1, line={"color": GREY, "width": 1, "dash": "dot"})
    low, high = (float(find(table[["low", "high", "seen"]].to_numpy())) for find in (np.min, np.max))
    ends = [low - 0.05 * (high - low), high + 0.05 * (high - low)]
    figure.update_xaxes(title_text=text(f"Times the usual rate of {WORDS[kind]}"), gridcolor="#EEEEEE", range=ends)
    figure.update_yaxes(tickfont_size=FONT)
    return figure


def _bars(table: pd.DataFrame, title: str, detail: str, unit: str) -> go.Figure:
    """An upright bar from low to high for every month, with its middle and what was seen."""
    figure = go.Figure()
    for row in table.itertuples():
        line = {"color": REACHED if row.past else "#B3B3B3", "width": 9}
        figure.add_scatter(x=[row.month] * 2, y=[row.low, row.high], mode="lines", line=line, hoverinfo="skip")
    for column, symbol, color in (("middle", "line-ew-open", INK), ("seen", "circle-open", HAPPENED)):
        marker = {"symbol": symbol, "size": 11, "color": color, "line_width": 2}
        figure.add_scatter(x=table["month"], y=table[column], mode="markers", marker=marker)
    dress(figure, title, detail, height=400)
    figure.update_xaxes(tickformat="%b %Y", tickangle=0, nticks=12)
    figure.update_yaxes(title_text=unit, rangemode="tozero", gridcolor="#EEEEEE")
    return figure
