"""Figures of an answer, one function each: they draw what the answer says. Every title states the finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from forecast.answer import Answer
from forecast.drawing import (
    BAND,
    FAINT,
    FONT,
    GREY,
    HAPPENED,
    INK,
    REACHED,
    SHORT,
    at_the_right,
    balanced,
    dress,
    note,
    text,
    ticks,
    upright,
)
from forecast.outputs import finite
from forecast.words import day, money, percent, plain, span

Summary = Mapping[str, Any]
Floats = NDArray[np.float64]

BARS = 40
NEARLY_ALL = (0.002, 0.998)  # of the futures are within the axis
MOST_MONTHS = 14  # that are all named below the axis


def sentence(answer: Answer, period: int = 0) -> str:
    """The answer for one period in plain words."""
    asked = answer.summary["periods"][period]
    found = _finding(answer, asked)
    won = _money(answer, asked["won_to_date"])
    told = f"As of {day(answer.summary['origin'])}, {found[:1].lower()}{found[1:]}"
    if asked["gap"] <= 0:
        return f"{told}: {won} is won."
    low, high = money(asked["p10"]), _money(answer, asked["p90"])
    already = f" {won} of it is won already." if asked["won_to_date"] > 0 else ""
    return f"{told}. In 8 of 10 simulated futures, revenue ends between {low} and {high}.{already}"


# ------------------------------------------------------------------ revenue against target


def revenue(answer: Answer, period: int = 0) -> go.Figure:
    """How the period's revenue is distributed, with target, P10, P50, P90, and what happened where known."""
    asked = answer.summary["periods"][period]
    total = _running(answer, asked)[:, -1]
    low, high = _view(total, asked)
    left, share, width = _bars(total, asked["target"], low, high)
    told = [f"{money(a)} to {money(a + width)}: {percent(s)} of the futures" for a, s in zip(left, share, strict=True)]
    color = np.where(left >= asked["target"] - width / 2, REACHED, SHORT)
    marker = {"color": color, "line": {"color": "white", "width": 1}}
    bars = go.Bar(x=left + width / 2, y=share, width=width, marker=marker, hovertext=[text(one) for one in told])
    figure = go.Figure(bars.update(hoverinfo="text"))
    top = float(share.max())
    _interval(figure, asked, 1.16 * top)
    target = f"<b>Target {text(_money(answer, asked['target']))}</b>"
    upright(figure, asked["target"], 1.74 * top, target, INK)
    if asked["gap"] > 0:
        short, reach = (text(percent(share)) for share in (1 - asked["p_hit"], asked["p_hit"]))
        note(figure, asked["target"], 1.63 * top, f"{short} fall short", "right", GREY, shift=-8)
        note(figure, asked["target"], 1.63 * top, f"<b>{reach} reach it</b>", "left", REACHED, shift=8)
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        words = f"<b>What happened: {money(happened)}</b>"
        upright(figure, happened, 1.40 * top, words, HAPPENED, dash="dot")
    detail = (
        f"Half of {len(total):,} futures bring more than {_money(answer, asked['p50'])}, "
        f"8 of 10 end between {money(asked['p10'])} and {money(asked['p90'])}"
    )
    dress(figure, _finding(answer, asked), detail, height=490)
    currency = answer.summary["currency"]
    title = text(f"Revenue {_when(asked)}{f', {currency}' if currency else ''}")
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
    return float(low - 0.03 * width), float(high + 0.03 * width)


def _bars(total: Floats, target: float, low: float, high: float) -> tuple[Floats, Floats, float]:
    """Left edges, shares of all futures and width of bars, of which one begins exactly at the target."""
    most, least = np.quantile(total, NEARLY_ALL[::-1])
    width = max(float(most - least) / BARS, (high - low) / 300)
    first, last = np.floor((low - target) / width), np.ceil((high - target) / width)
    edges = target + width * np.arange(int(first), int(last) + 1)
    share = np.histogram(total, edges)[0] / len(total)
    return np.asarray(edges[:-1], dtype=np.float64), share, width


# ------------------------------------------------------------------ fan by month


def fan(answer: Answer, period: int = 0) -> go.Figure:
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
        f"until {_last(end)}: {money(a)} to {money(c)}, half of the futures above {money(b)}"
        for end, a, b, c in zip(days, p10, p50, p90, strict=True)
    ]
    _line(figure, days, list(p50), told, REACHED, dash="dash")
    if asked["won_to_date"] > 0:
        told = [f"until {_last(end)}: {money(value)} won" for end, value in zip(won_days, won, strict=True)]
        _line(figure, won_days, won, told, INK)
    figure.add_hline(y=asked["target"], line={"color": INK, "width": 2})
    labels = [(asked["target"], f"<b>Target {money(asked['target'])}</b>", INK)]
    labels += [(asked[key], f"{key.upper()} {money(asked[key])}", REACHED) for key in ("p10", "p50", "p90")]
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        marker = {"color": HAPPENED, "size": 12, "symbol": "diamond", "line": {"color": "white", "width": 1}}
        end = go.Scatter(x=[ends[-1]], y=[happened], mode="markers", marker=marker, cliponaxis=False)
        figure.add_trace(end.update(hoverinfo="skip"))
        labels.append((happened, f"<b>Happened {money(happened)}</b>", HAPPENED))
    top = 1.08 * max(value for value, *_ in labels)
    at_the_right(figure, labels, top)
    won_words = f"Black: {money(asked['won_to_date'])} won to date. " if asked["won_to_date"] > 0 else ""
    detail = f"{won_words}Dashed: the middle of the futures, light: 8 of 10, dark: 5 of 10"
    dress(figure, _range(answer, asked), detail, height=450, right=165)
    months = {"dtick": "M1"} if len(ends) <= MOST_MONTHS else {}
    figure.update_xaxes(type="date", range=[won_days[0], ends[-1]], tickformat="%b\n%Y", **months)
    figure.update_xaxes(ticklabelmode="period", showgrid=True, gridcolor=FAINT)
    title = text(f"Revenue, added up, {answer.summary['currency']}".rstrip(", "))
    figure.update_yaxes(range=[0, top], title_text=title, showgrid=True, gridcolor=FAINT, **ticks(0, top))
    return figure


def _range(answer: Answer, asked: Summary) -> str:
    """The finding of the fan."""
    if asked["gap"] <= 0:
        return _finding(answer, asked)
    low, high = money(asked["p10"]), _money(answer, asked["p90"])
    told = f"Revenue {_when(asked)} ends between {low} and {high} in 8 of 10 futures"
    return f"{told}; the target is {money(asked['target'])}"


def _won(answer: Answer, asked: Summary) -> tuple[list[date], list[float]]:
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


# ------------------------------------------------------------------ stages


def funnel(answer: Answer) -> go.Figure:
    """Stages from first to last: open deals, conversion and lead time with their 95 % intervals."""
    stages = finite(answer.summary["stages"])
    names = [plain(stage["stage"], 48) for stage in stages]
    rows = list(range(len(stages)))
    onwards = "Move on or are won" if len(stages) > 1 else "Are won"
    heads = [f"<b>{head}</b>" for head in ("Open deals", onwards, "Days until then")]
    figure = make_subplots(
        rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.05, column_widths=[0.26, 0.37, 0.37],
        subplot_titles=heads,
    )  # fmt: skip
    figure.update_annotations(font_size=FONT)
    number = [stage["open"] for stage in stages]
    bars = go.Bar(y=rows, x=number, orientation="h", marker_color=SHORT, width=0.55, hoverinfo="skip")
    bars.update(text=[f"{count:,}" for count in number], textposition="outside", cliponaxis=False)
    figure.add_trace(bars.update(textfont={"color": INK, "size": FONT}), row=1, col=1)
    worst, slowest = _extreme(stages, "conversion", min), _extreme(stages, "lead_time_days", max)
    times = [stage["lead_time_days"] for stage in stages]
    _dots(figure, 2, [stage["conversion"] for stage in stages], worst, percent)
    _dots(figure, 3, times, slowest, _days)
    detail = f"Dots: best estimate, lines: 95 % interval; days: median of those that {onwards.lower()}"
    title = _slow_and_narrow(stages, names, worst, slowest)
    dress(figure, title, detail, height=170 + 56 * max(len(stages), 2), left=20, below=40)
    shares = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": ["0 %", "25 %", "50 %", "75 %", "100 %"]}
    longest = max((value for time in times for value in time.values() if value is not None), default=1.0)
    figure.update_xaxes(showgrid=True, gridcolor=FAINT, zeroline=False)
    figure.update_xaxes(range=[0, 1.35 * max(*number, 1)], visible=False, row=1, col=1)
    figure.update_xaxes(range=[0, 1.06], **shares, row=1, col=2)
    figure.update_xaxes(range=[0, 1.1 * longest], nticks=6, row=1, col=3)
    labels = ["<br>".join(text(line) for line in balanced(name, 24)) for name in names]
    figure.update_yaxes(range=[len(stages) - 0.4, -0.6], tickvals=rows, ticktext=labels, automargin=True)
    return figure.update_yaxes(showgrid=False, zeroline=False)


def _dots(
    figure: go.Figure,
    column: int,
    values: Sequence[Mapping[str, float | None]],
    notable: int | None,
    worded: Callable[[float], str],
) -> None:
    """A dot with its interval per stage; the notable one is coloured and bold."""
    for row, value in enumerate(values):
        middle, low, high = value["p50"], value["low"], value["high"]
        if middle is None:
            continue
        stands_out = row == notable and len(values) > 1
        color = HAPPENED if stands_out else REACHED
        told = text(worded(middle))
        dot = go.Scatter(x=[middle], y=[row], mode="markers+text", text=[f"<b>{told}</b>" if stands_out else told])
        dot.update(textposition="top center", textfont={"color": color, "size": FONT}, cliponaxis=False)
        dot.update(marker={"color": color, "size": 10}, hoverinfo="text", hovertext=told)
        if low is not None and high is not None:
            ends = {"array": [high - middle], "arrayminus": [middle - low]}
            dot.update(error_x={**ends, "color": color, "thickness": 2, "width": 5})
            dot.update(hovertext=text(f"{worded(middle)} ({worded(low)} to {worded(high)})"))
        figure.add_trace(dot, row=1, col=column)


def _extreme(stages: Sequence[Summary], key: str, pick: Callable[..., int]) -> int | None:
    """Index of the stage with the least or the largest value."""
    known = [index for index, stage in enumerate(stages) if stage[key]["p50"] is not None]
    return pick(known, key=lambda index: stages[index][key]["p50"]) if known else None


def _slow_and_narrow(stages: Sequence[Summary], names: Sequence[str], worst: int | None, slowest: int | None) -> str:
    """The finding: where deals are lost most, and where they stay longest."""
    if worst is None or slowest is None:
        return "Too few deals have moved on to say how the stages convert"
    through = _percent(stages[worst]["conversion"]["p50"])
    days = f"{_days(stages[slowest]['lead_time_days']['p50'])} days"
    if len(stages) == 1:
        return f"{through} of the deals in {names[0]} are won, half of those within {days}"
    if worst == slowest:
        return f"{names[worst]} lets the fewest deals through ({through}) and takes the longest ({days})"
    told = f"{names[worst]} lets the fewest deals through ({through})"
    return f"{told}, {names[slowest]} takes the longest ({days})"


def _days(days: float) -> str:
    return f"{days:,.0f}" if days >= 10 else f"{days:.1f}"


# ------------------------------------------------------------------ what the figures share


def _running(answer: Answer, asked: Summary) -> Floats:
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


def _finding(answer: Answer, asked: Summary) -> str:
    target = _money(answer, asked["target"])
    if asked["gap"] <= 0:
        return f"The target of {target} {_when(asked)} is reached already"
    return f"The chance of {target} {_when(asked)} is {_percent(asked['p_hit'])}"


def _when(asked: Summary) -> str:
    """In a period, or from day to day where the period is called by its days."""
    days = ".." in asked["period"]
    return f"from {span(asked['start'], asked['end'])}" if days else f"in {asked['period']}"


def _percent(share: float) -> str:
    """In words where a sign could be misread."""
    return percent(share).replace("<", "less than").replace(">", "more than")


def _money(answer: Answer, amount: float) -> str:
    return f"{money(amount)} {answer.summary['currency']}".rstrip()
