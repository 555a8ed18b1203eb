"""Figures of an answer, one function each: they draw what the answer says, and compute nothing of their own.

Every title states the finding. Colours are those of Okabe and Ito, told apart by the colour-blind; what matters is
also told by words or dashes, for readers on paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from forecast.answer import Answer
from forecast.terminal import day, exact, money, percent, plain

Summary = Mapping[str, Any]

INK, FAINT = "#222222", "#D9D9D9"
REACHED, SHORT = "#0072B2", "#B3B3B3"
TARGET, HAPPENED = INK, "#D55E00"
BAND = "rgba(0, 114, 178, 0.22)"
FONT = 13
WRAP = 62  # characters in a line of a title
BINS = 40


def sentence(answer: Answer, period: int = 0) -> str:
    """The answer for one period in plain words."""
    asked = answer.summary["periods"][period]
    low, high = (_money(answer, asked[key]) for key in ("p10", "p90"))
    if asked["gap"] <= 0:
        told = f"{_chance(answer, asked)}: {_money(answer, asked['won_to_date'])} is won."
    else:
        told = (
            f"{_chance(answer, asked)}: in 8 of 10 simulated futures it ends between {low} and {high}, "
            f"and {_money(answer, asked['target'] - asked['won_to_date'])} of the target is still missing."
        )
    return f"As of {day(answer.summary['origin'])}: {told[:1].lower()}{told[1:]}"


# ------------------------------------------------------------------ revenue against target


def revenue(answer: Answer, period: int = 0) -> go.Figure:
    """How the period's revenue is distributed, with the target, P10, P50, P90, and what happened if that is known."""
    asked = answer.summary["periods"][period]
    total = _running(answer, asked)[:, -1]
    low, high = _view(total, asked)
    left, share, width = _bars(total, asked["target"], low, high)
    reach = left >= asked["target"] - width / 2
    figure = go.Figure(
        go.Bar(
            x=left + width / 2,
            y=share,
            width=width,
            marker={"color": np.where(reach, REACHED, SHORT), "line": {"color": "white", "width": 1}},
            hovertext=[
                f"{money(a)} to {money(a + width)}: {percent(s)} of the futures"
                for a, s in zip(left, share, strict=True)
            ],
            hoverinfo="text",
        )
    )
    top = float(share.max())
    _interval(figure, asked, 1.18 * top)
    _mark(figure, asked["target"], 1.62 * top, f"<b>Target {_text(_money(answer, asked['target']))}</b>", TARGET)
    if 0 < asked["p_hit"] < 1:
        short = f"{_percent(1 - asked['p_hit'])} fall short"
        told = f"{_percent(asked['p_hit'])} reach it"
        _note(figure, asked["target"], 1.53 * top, short, "right", "#5E5E5E", shift=-8)
        _note(figure, asked["target"], 1.53 * top, f"<b>{told}</b>", "left", REACHED, shift=8)
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        _mark(figure, happened, 1.40 * top, f"<b>What happened: {_text(money(happened))}</b>", HAPPENED, dash="dot")
    half = _money(answer, asked["p50"])
    detail = (
        f"Half of {len(total):,} simulated futures bring more than {half}, "
        f"8 of 10 end between {money(asked['p10'])} and {money(asked['p90'])}"
    )
    _dress(figure, _chance(answer, asked), detail, height=470)
    currency = answer.summary["currency"]
    figure.update_xaxes(
        range=[low, high],
        title=_text(f"Revenue {_span(asked)}{f', {currency}' if currency else ''}"),
        **_ticks(low, high),
    )
    figure.update_yaxes(visible=False, range=[0, 1.76 * top], fixedrange=True)
    return figure


def _interval(figure: go.Figure, asked: Summary, height: float) -> None:
    """P10 to P90 as a bar, the labels outside its ends and above its middle, so that none meets another."""
    figure.add_scatter(
        x=[asked["p10"], asked["p50"], asked["p90"]],
        y=[height] * 3,
        mode="lines+markers",
        line={"color": INK, "width": 2},
        marker={"color": INK, "size": 9, "symbol": ["line-ns-open", "diamond", "line-ns-open"]},
        hoverinfo="skip",
    )
    places = {"p10": ("right", -8, 0), "p50": ("center", 0, 16), "p90": ("left", 8, 0)}
    for key, (anchor, shift, up) in places.items():
        _note(figure, asked[key], height, f"{key.upper()} {money(asked[key])}", anchor, INK, shift=shift, up=up)


def _mark(figure: go.Figure, x: float, height: float, text: str, color: str, dash: str = "solid") -> None:
    """An upright line with its words at the top."""
    figure.add_shape(
        type="line", x0=x, x1=x, y0=0, y1=height, line={"color": color, "width": 2, "dash": dash}, layer="between"
    )
    _note(figure, x, height, text, "center", color, up=10)


def _note(
    figure: go.Figure, x: float, y: float, text: str, anchor: str, color: str, shift: int = 0, up: int = 0
) -> None:
    figure.add_annotation(
        x=x, y=y, text=text, xanchor=anchor, yanchor="middle", xshift=shift, yshift=up, showarrow=False,
        font={"color": color, "size": FONT}, bgcolor="rgba(255, 255, 255, 0.85)", borderpad=1,
    )  # fmt: skip


def _view(total: NDArray[np.float64], asked: Summary) -> tuple[float, float]:
    """Ends of the axis: nearly all futures, target and what happened, with room for words on either side."""
    marks = [asked["target"]] + ([asked["actual"]["revenue"]] if asked["actual"] is not None else [])
    ends = [*np.quantile(total, [0.002, 0.998]), *marks]
    span = max(max(ends) - min(ends), 0.02 * max(ends), 1.0)
    low = min(min(ends), min(marks) - 0.18 * span, asked["p10"] - 0.14 * span) - 0.03 * span
    high = max(max(ends), max(marks) + 0.18 * span, asked["p90"] + 0.14 * span) + 0.03 * span
    return low, high


def _bars(
    total: NDArray[np.float64], target: float, low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Left edges, shares of all futures and the width of bars, of which one begins exactly at the target."""
    inside = np.quantile(total, [0.002, 0.998])
    width = max(float(inside[1] - inside[0]) / BINS, (high - low) / 300)
    first = int(np.floor((low - target) / width))
    last = int(np.ceil((high - target) / width)) + 1
    edges = target + width * np.arange(first, last + 1)
    counts = np.histogram(total, np.concatenate([[-np.inf], edges[1:-1], [np.inf]]))[0]
    return edges[:-1], counts / len(total), width


# ------------------------------------------------------------------ fan by month


def fan(answer: Answer, period: int = 0) -> go.Figure:
    """Revenue as it adds up over the period: what is won, then the range of futures, against the target."""
    asked = answer.summary["periods"][period]
    origin = max(date.fromisoformat(answer.summary["origin"]), date.fromisoformat(asked["start"]))
    ends = _month_ends(asked)
    past = [month for month in asked["by_month"] if not month["simulated"]]
    won_days = [date.fromisoformat(asked["start"]), *ends[: len(past)]]
    won = [0.0, *np.cumsum([month["won"] for month in past])]
    if won_days[-1] < origin:
        won_days, won = [*won_days, origin], [*won, asked["won_to_date"]]
    days = [won_days[-1], *ends[len(past) :]]
    bands = np.quantile(_running(answer, asked), [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
    p10, p25, p50, p75, p90 = np.column_stack([np.full(5, asked["won_to_date"]), bands])
    figure = go.Figure()
    for lower, upper in ((p10, p90), (p25, p75)):
        figure.add_scatter(
            x=[*days, *days[::-1]], y=[*upper, *lower[::-1]], mode="none", fill="toself", fillcolor=BAND,
            hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=days, y=p50, mode="lines+markers", line={"color": REACHED, "width": 3, "dash": "dash"}, hoverinfo="text",
        hovertext=[
            f"{_until(end)}: {money(a)} to {money(c)}, half of the futures above {money(b)}"
            for end, a, b, c in zip(days, p10, p50, p90, strict=True)
        ],
    )  # fmt: skip
    if len(past) or asked["won_to_date"] > 0:
        figure.add_scatter(
            x=won_days, y=won, mode="lines+markers", line={"color": INK, "width": 3}, hoverinfo="text",
            hovertext=[f"{_until(end)}: {money(value)} won" for end, value in zip(won_days, won, strict=True)],
        )  # fmt: skip
    figure.add_hline(y=asked["target"], line={"color": TARGET, "width": 2})
    labels = [
        (asked["target"], f"<b>Target {money(asked['target'])}</b>", TARGET),
        *((asked[key], f"{key.upper()} {money(asked[key])}", REACHED) for key in ("p10", "p50", "p90")),
    ]
    if asked["actual"] is not None:
        happened = asked["actual"]["revenue"]
        figure.add_scatter(
            x=[ends[-1]], y=[happened], mode="markers", hoverinfo="skip", cliponaxis=False,
            marker={"color": HAPPENED, "size": 12, "symbol": "diamond", "line": {"color": "white", "width": 1}},
        )  # fmt: skip
        labels.append((happened, f"<b>Happened {money(happened)}</b>", HAPPENED))
    top = 1.08 * max(value for value, *_ in labels)
    _at_the_right(figure, labels, top)
    if asked["gap"] <= 0:
        title = _chance(answer, asked)
    else:
        low, high, target = money(asked["p10"]), _money(answer, asked["p90"]), money(asked["target"])
        title = f"Revenue {_span(asked)} ends between {low} and {high} in 8 of 10 futures; the target is {target}"
    detail = (
        f"Won to date {money(asked['won_to_date'])} (black), then simulated: dashed the middle, "
        "light 8 of 10 futures, dark 5 of 10"
    )
    _dress(figure, title, detail, height=450, right=150)
    figure.update_xaxes(
        type="date", range=[won_days[0], ends[-1]], dtick="M1" if len(ends) <= 14 else None, tickformat="%b\n%Y",
        ticklabelmode="period", showgrid=True, gridcolor=FAINT,
    )  # fmt: skip
    figure.update_yaxes(
        range=[0, top], title=_text(f"Revenue, added up {answer.summary['currency']}".rstrip()), showgrid=True,
        gridcolor=FAINT, rangemode="tozero", **_ticks(0, top),
    )  # fmt: skip
    return figure


def _month_ends(asked: Summary) -> list[date]:
    """The day after each month of the period, the last one cut at the period's end."""
    after = date.fromisoformat(asked["end"]) + timedelta(days=1)
    starts = [date.fromisoformat(f"{month['month']}-01") for month in asked["by_month"]]
    return [*(start for start in starts[1:]), after]


def _until(end: date) -> str:
    return f"until {day((end - timedelta(days=1)).isoformat())}"


def _at_the_right(figure: go.Figure, labels: Sequence[tuple[float, str, str]], top: float) -> None:
    """Words at the right end of a line, moved apart where they would meet."""
    gap = 0.062 * top
    places: list[float] = []
    ordered = sorted(labels, key=lambda label: label[0])
    for value, *_ in ordered:
        places.append(max(value, places[-1] + gap) if places else value)
    excess = max(0.0, places[-1] - 0.99 * top)
    places = [place - excess for place in places]
    for index in range(len(places) - 2, -1, -1):  # pushed down from the top, they may have met again
        places[index] = min(max(places[index], ordered[index][0] - excess), places[index + 1] - gap)
    for place, (_, text, color) in zip(places, ordered, strict=True):
        figure.add_annotation(
            x=1, xref="paper", y=place, text=text, xanchor="left", xshift=12, showarrow=False, align="left",
            font={"color": color, "size": FONT},
        )  # fmt: skip


# ------------------------------------------------------------------ stages


def funnel(answer: Answer) -> go.Figure:
    """Stages from first to last: open deals, conversion and lead time with their 95 % intervals."""
    stages = answer.summary["stages"]
    names = [plain(stage["stage"], 60) for stage in stages]
    rows = list(range(len(stages)))
    figure = make_subplots(
        rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.05, column_widths=[0.26, 0.37, 0.37],
        subplot_titles=["Open deals", "Move on or are won", "Days until they do"],
    )  # fmt: skip
    figure.add_bar(
        y=rows, x=[stage["open"] for stage in stages], orientation="h", marker_color=SHORT, width=0.55,
        text=[f"{stage['open']:,}" for stage in stages], textposition="outside", cliponaxis=False,
        textfont={"color": INK, "size": FONT}, hoverinfo="skip", row=1, col=1,
    )  # fmt: skip
    most = max((stage["open"] for stage in stages), default=0)
    figure.update_xaxes(range=[0, 1.35 * max(most, 1)], visible=False, row=1, col=1)
    worst, slowest = _extreme(stages, "conversion", min), _extreme(stages, "lead_time_days", max)
    _dots(figure, 2, [stage["conversion"] for stage in stages], worst, _percent)
    figure.update_xaxes(range=[0, 1.06], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", row=1, col=2)
    times = [stage["lead_time_days"] for stage in stages]
    _dots(figure, 3, times, slowest, lambda days: f"{days:.0f}" if days >= 10 else f"{days:.1f}")
    longest = max((_first(time["high"], time["p50"]) or 0.0 for time in times), default=0.0)
    figure.update_xaxes(range=[0, 1.1 * max(longest, 1.0)], rangemode="tozero", nticks=6, row=1, col=3)
    title = _slow_and_narrow(stages, names, worst, slowest)
    detail = "Dots: best estimate, lines: 95 % interval; days are the median of the visits that move on or are won"
    _dress(figure, title, detail, height=190 + 56 * max(len(stages), 2), left=20)
    figure.update_yaxes(
        range=[len(stages) - 0.4, -0.6], tickvals=rows, automargin=True, showgrid=False, zeroline=False,
        ticktext=["<br>".join(_text(line) for line in wrap(name, 24)) + " " for name in names],
    )  # fmt: skip
    figure.update_xaxes(showgrid=True, gridcolor=FAINT, zeroline=False)
    return figure


def _dots(
    figure: go.Figure, column: int, values: Sequence[Mapping[str, float | None]], notable: int | None, word: Any
) -> None:
    """A dot with its interval per stage; the notable one is coloured and bold."""
    for row, value in enumerate(values):
        middle = value["p50"]
        if middle is None:
            continue
        low, high = _first(value["low"], middle), _first(value["high"], middle)
        color = HAPPENED if row == notable and len(values) > 1 else REACHED
        shown = f"<b>{word(middle)}</b>" if color == HAPPENED else word(middle)
        figure.add_scatter(
            x=[middle], y=[row], mode="markers+text", text=[shown], textposition="top center", cliponaxis=False,
            textfont={"color": color, "size": FONT}, marker={"color": color, "size": 10}, hoverinfo="text",
            hovertext=[f"{word(middle)} ({word(low)} to {word(high)})"],
            error_x={"array": [high - middle], "arrayminus": [middle - low], "color": color, "thickness": 2, "width": 5},
            row=1, col=column,
        )  # fmt: skip


def _first(value: float | None, otherwise: float | None) -> Any:
    return otherwise if value is None else value


def _extreme(stages: Sequence[Summary], key: str, pick: Any) -> int | None:
    """Index of the stage with the least or the largest value."""
    known = [index for index, stage in enumerate(stages) if stage[key]["p50"] is not None]
    return pick(known, key=lambda index: stages[index][key]["p50"]) if known else None


def _slow_and_narrow(
    stages: Sequence[Summary], names: Sequence[str], worst: int | None, slowest: int | None
) -> str:
    """The finding: where deals are lost most, and where they stay longest."""
    if worst is None or slowest is None:
        return "Too few deals have moved on to say how the stages convert"
    through = percent(stages[worst]["conversion"]["p50"])
    days = f"{stages[slowest]['lead_time_days']['p50']:.0f} days"
    if len(stages) == 1:
        return f"{through} of the deals in {names[0]} are won or move on, half of those within {days}"
    if worst == slowest:
        return f"{names[worst]} lets the fewest deals through ({through}) and takes the longest ({days})"
    return f"{names[worst]} lets the fewest deals through ({through}), {names[slowest]} takes the longest ({days})"


# ------------------------------------------------------------------ shared


def _running(answer: Answer, asked: Summary) -> NDArray[np.float64]:
    """(simulations, months) what the period has brought by the end of each simulated month, won to date included."""
    months = [month["month"] for month in asked["by_month"] if month["simulated"]]
    samples: pd.DataFrame = answer.samples()
    table = samples.pivot(index="simulation", columns="month", values="won")
    running: NDArray[np.float64] = asked["won_to_date"] + table[months].to_numpy(dtype=np.float64).cumsum(axis=1)
    return running


def _chance(answer: Answer, asked: Summary) -> str:
    target = _money(answer, asked["target"])
    if asked["gap"] <= 0:
        return f"The target of {target} {_span(asked)} is reached already"
    return f"The chance of {target} {_span(asked)} is {_percent(asked['p_hit'])}"


def _percent(share: float) -> str:
    """In words where a sign could be misread."""
    return percent(share).replace("<", "less than").replace(">", "more than")


def _span(asked: Summary) -> str:
    if ".." in asked["period"]:
        return f"from {day(asked['start'])} to {day(asked['end'])}"
    return f"in {asked['period']}"


def _money(answer: Answer, amount: float) -> str:
    return f"{money(amount)} {answer.summary['currency']}".rstrip()


def _text(words: str) -> str:
    """Words of the data as Plotly shows them unchanged: it takes <...> for HTML and $...$ for a formula."""
    return escape(words, quote=False).replace("$", "&#36;")


def _ticks(low: float, high: float) -> dict[str, Any]:
    """Round amounts between `low` and `high`, worded like all others."""
    rough = (high - low) / 6
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    values = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    shown = [money(value) if value else "0" for value in values]
    if any(a == b for a, b in pairwise(shown)):  # steps finer than three digits
        shown = [exact(value) for value in values]
    return {"tickvals": list(values), "ticktext": shown}


def _dress(figure: go.Figure, title: str, detail: str, height: int, left: int = 70, right: int = 30) -> None:
    """Title and everything that all figures share."""
    lines = wrap(title, WRAP)
    small = wrap(detail, int(WRAP * 1.35))
    told = "<b>" + "<br>".join(_text(line) for line in lines) + "</b>"
    told += "".join(f"<br><span style='font-size:{FONT}px'>{_text(line)}</span>" for line in small)
    above = 34 + 25 * len(lines) + 18 * len(small)
    figure.update_layout(
        title={"text": told, "x": 0.01, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
               "pad": {"t": 14}, "font": {"size": 18, "color": INK}},
        height=height + 24 * (len(lines) - 1),
        margin={"t": above, "l": left, "r": right, "b": 60},
        font={"family": "Helvetica Neue, Arial, DejaVu Sans, sans-serif", "size": FONT, "color": INK},
        plot_bgcolor="white", paper_bgcolor="white", showlegend=False, bargap=0, hoverlabel={"align": "left"},
    )  # fmt: skip
