"""Revenue of a period: how it is distributed against the target, and how it adds up by month."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from forecast.drawing import (
    BAND,
    FAINT,
    GREY,
    HAPPENED,
    INK,
    REACHED,
    SHORT,
    at_the_right,
    dress,
    months,
    note,
    text,
    ticks,
    upright,
)
from forecast.language import say
from forecast.told import Summary, Told, finding, within
from forecast.words import day, money, number, percent, with_unit

Floats = NDArray[np.float64]

BARS = 40
LETTER, ASIDE = 0.0125, 0.02  # room for a letter, and between words and a line, as shares of an axis of 600 pixels
NEARLY_ALL = (0.002, 0.998)  # of the futures are within the axis


# ------------------------------------------------------------------ revenue against target


def revenue(answer: Told, period: int = 0) -> go.Figure:
    """How the period's revenue is distributed, with target, P10, P50, P90, and what happened where known."""
    asked = answer.summary["periods"][period]
    total = _running(answer, asked)[:, -1]
    low, high = _view(total, asked)
    left, share, width = _bars(total, asked["target"], low, high)
    told = [
        say("{low} to {high}: {share} of the futures", low=money(a), high=money(a + width), share=percent(s))
        for a, s in zip(left, share, strict=True)
    ]
    color = np.where(left >= asked["target"] - width / 2, REACHED, SHORT)
    marker = {"color": color, "line": {"color": "white", "width": 1}}
    bars = go.Bar(x=left + width / 2, y=share, width=width, marker=marker, hovertext=[text(one) for one in told])
    figure = go.Figure(bars.update(hoverinfo="text"))
    top = float(share.max())
    _interval(figure, asked, 1.16 * top)
    unit = answer.summary["currency"]
    target = text(say("Target {amount}", amount=with_unit(money(asked["target"]), unit)))
    upright(figure, asked["target"], 1.74 * top, f"<b>{target}</b>", INK)
    if asked["gap"] > 0:
        fall, reach = (text(words) for words in _shares(asked))
        note(figure, asked["target"], 1.63 * top, fall, "right", GREY, shift=-8)
        note(figure, asked["target"], 1.63 * top, f"<b>{reach}</b>", "left", REACHED, shift=8)
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        words = f"<b>{say('What happened: {amount}', amount=money(happened))}</b>"
        upright(figure, happened, 1.40 * top, words, HAPPENED, dash="dot")
    detail = say(
        "Half of {number} futures bring more than {middle}, 8 of 10 end between {low} and {high}",
        number=number(len(total)), middle=with_unit(money(asked["p50"]), unit), low=money(asked["p10"]),
        high=money(asked["p90"]),
    )  # fmt: skip
    dress(figure, finding(asked, unit), detail, height=490)
    title = text(f"{say('Revenue {when}', when=within(asked))}{f', {unit}' if unit else ''}")
    figure.update_xaxes(range=[low, high], title_text=title, **ticks(low, high))
    figure.update_yaxes(visible=False, range=[0, 1.90 * top])
    return figure


def _interval(figure: go.Figure, asked: Summary, height: float) -> None:
    """P10 to P90 as a line, its words outside the ends and above the middle, so that none meets another."""
    symbols = ["line-ns-open", "diamond", "line-ns-open"]
    figure.add_scatter(
        x=[asked[key] for key in ("p10", "p50", "p90")],
        y=[height] * 3,
        mode="lines+markers",
        line={"color": INK, "width": 2},
        marker={"color": INK, "size": 9, "symbol": symbols},
        hoverinfo="skip",
    )
    places = {"p10": ("right", -8, 0), "p50": ("center", 0, 16), "p90": ("left", 8, 0)}
    for key, (anchor, shift, up) in places.items():
        words = f"{key.upper()} {money(asked[key])}"
        note(figure, asked[key], height, words, anchor, INK, shift=shift, up=up)


def _view(total: Floats, asked: Summary) -> tuple[float, float]:
    """Ends of the axis: nearly all futures, target and what happened, with room for words on both sides."""
    marks = [asked["target"]] + ([asked["actual"]["revenue"]] if asked["actual"] is not None else [])
    ends = [*np.quantile(total, NEARLY_ALL), *marks]
    width = max(max(ends) - min(ends), 0.02 * max(ends), 1.0)
    low = min(min(ends), min(marks) - 0.22 * width, asked["p10"] - 0.14 * width)
    high = max(max(ends), max(marks) + 0.22 * width, asked["p90"] + 0.14 * width)
    short, reach = (len(words) * LETTER + ASIDE for words in _shares(asked))
    for _ in range(4):  # each time nearer: the words beside the target are a share of an axis that they widen
        low = min(low, asked["target"] - short * (high - low))
        high = max(high, asked["target"] + reach * (high - low))
    return float(low - 0.03 * width), float(high + 0.03 * width)


def _shares(asked: Summary) -> tuple[str, str]:
    """How many futures fall short of the target, and how many reach it."""
    short, reach = percent(1 - asked["p_hit"]), percent(asked["p_hit"])
    return say("{share} fall short", share=short), say("{share} reach it", share=reach)


def _bars(total: Floats, target: float, low: float, high: float) -> tuple[Floats, Floats, float]:
    """Left edges, shares of all futures and width of bars, of which one begins exactly at the target."""
    most, least = np.quantile(total, NEARLY_ALL[::-1])
    width = max(float(most - least) / BARS, (high - low) / 300)
    first, last = np.floor((low - target) / width), np.ceil((high - target) / width)
    edges = target + width * np.arange(int(first), int(last) + 1)
    share = np.histogram(total, edges)[0] / len(total)
    return np.asarray(edges[:-1], dtype=np.float64), share, width


# ------------------------------------------------------------------ fan by month


def fan(answer: Told, period: int = 0) -> go.Figure:
    """Revenue as it adds up over the period: what is won, then the range of futures, against the target."""
    asked = answer.summary["periods"][period]
    won_days, won = _won(answer, asked)
    ends = _month_ends(asked)
    days = [won_days[-1], *(end for end in ends if end > won_days[-1])]
    bands = np.quantile(_running(answer, asked), [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
    p10, p25, p50, p75, p90 = np.column_stack([np.full(5, asked["won_to_date"]), bands])
    figure = go.Figure()
    for lower, upper in ((p10, p90), (p25, p75)):
        area = go.Scatter(x=[*days, *days[::-1]], y=[*upper, *lower[::-1]], mode="none", hoverinfo="skip")
        figure.add_trace(area.update(fill="toself", fillcolor=BAND))
    told = [
        say(
            "until {day}: {low} to {high}, half of the futures above {middle}",
            day=_last(end),
            low=money(a),
            high=money(c),
            middle=money(b),
        )
        for end, a, b, c in zip(days, p10, p50, p90, strict=True)
    ]
    _line(figure, days, list(p50), told, REACHED, dash="dash")
    if asked["won_to_date"] > 0:
        told = [
            say("until {day}: {amount} won", day=_last(end), amount=money(value))
            for end, value in zip(won_days, won, strict=True)
        ]
        _line(figure, won_days, won, told, INK)
    figure.add_hline(y=asked["target"], line={"color": INK, "width": 2})
    labels = [(asked["target"], f"<b>{say('Target {amount}', amount=money(asked['target']))}</b>", INK)]
    labels += [(asked[key], f"{key.upper()} {money(asked[key])}", REACHED) for key in ("p10", "p50", "p90")]
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        marker = {"color": HAPPENED, "size": 12, "symbol": "diamond", "line": {"color": "white", "width": 1}}
        end = go.Scatter(x=[ends[-1]], y=[happened], mode="markers", marker=marker, cliponaxis=False)
        figure.add_trace(end.update(hoverinfo="skip"))
        labels.append((happened, f"<b>{say('Happened {amount}', amount=money(happened))}</b>", HAPPENED))
    top = 1.08 * max(value for value, *_ in labels)
    at_the_right(figure, labels, top)
    detail = say("Dashed: the middle of the futures, light: 8 of 10, dark: 5 of 10")
    if asked["won_to_date"] > 0:
        detail = f"{say('Black: {amount} won to date.', amount=money(asked['won_to_date']))} {detail}"
    unit = answer.summary["currency"]
    dress(figure, _range(asked, unit), detail, height=450, right=165)
    months(figure, [won_days[0], *ends])
    figure.update_xaxes(range=[won_days[0], ends[-1]])
    title = text(f"{say('Revenue, added up')}{f', {unit}' if unit else ''}")
    figure.update_yaxes(range=[0, top], title_text=title, showgrid=True, gridcolor=FAINT, **ticks(0, top))
    return figure


def _range(asked: Summary, unit: str) -> str:
    """The finding of the fan."""
    if asked["gap"] <= 0:
        return finding(asked, unit)
    return say(
        "Revenue {when} ends between {low} and {high} in 8 of 10 futures; the target is {target}",
        when=within(asked), low=money(asked["p10"]), high=with_unit(money(asked["p90"]), unit),
        target=money(asked["target"]),
    )  # fmt: skip


def _won(answer: Told, asked: Summary) -> tuple[list[date], list[float]]:
    """What is won by the end of each month, up to the origin; 0 at the period's start."""
    start = date.fromisoformat(asked["start"])
    past = [month["won"] for month in asked["by_month"] if not month["simulated"]]
    days = [start, *_month_ends(asked)[: len(past)]]
    won = [0.0, *(float(value) for value in np.cumsum(past))]
    origin = max(date.fromisoformat(answer.summary["origin"]), start)
    return ([*days, origin], [*won, asked["won_to_date"]]) if days[-1] < origin else (days, won)


def _line(
    figure: go.Figure, days: list[date], values: list[float], told: list[str], color: str, dash: str = "solid"
) -> None:
    line = go.Scatter(x=days, y=values, mode="lines+markers", line={"color": color, "width": 3, "dash": dash})
    figure.add_trace(line.update(hovertext=[text(one) for one in told], hoverinfo="text", cliponaxis=False))


def _month_ends(asked: Summary) -> list[date]:
    """The day after each month of the period, the last one cut at the period's end."""
    after = date.fromisoformat(asked["end"]) + timedelta(days=1)
    starts = [date.fromisoformat(f"{month['month']}-01") for month in asked["by_month"]]
    return [*starts[1:], after]


def _last(after: date) -> str:
    return day((after - timedelta(days=1)).isoformat())


# ------------------------------------------------------------------ what the figures share


def _running(answer: Told, asked: Summary) -> Floats:
    """(simulations, months) what the period has brought by the end of each simulated month, in all."""
    samples: pd.DataFrame = answer.samples()
    labels = {label: label[:7] for label in samples["month"].unique() if _within(label, asked)}
    inside = samples.assign(month=samples["month"].map(labels)).dropna(subset="month")
    by_month = inside.groupby(["simulation", "month"])["won"].sum().unstack()
    return np.asarray(asked["won_to_date"] + by_month.to_numpy(dtype=np.float64).cumsum(axis=1))


def _within(label: str, asked: Summary) -> bool:
    """Whether a month of the samples, 2017-10 or a part of it like 2017-10-01..14, is in the period."""
    first, _, last = label.partition("..")
    if not last:
        return bool(asked["start"][:7] <= label <= asked["end"][:7])
    return bool(asked["start"] <= first and f"{label[:8]}{last}" <= asked["end"])
