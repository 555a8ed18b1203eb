"""What would change the answer, on whom it depends, and how it has moved."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from forecast.drawing import FAINT, FONT, GREY, HAPPENED, INK, REACHED, SHORT, balanced, dress, text, ticks
from forecast.language import say
from forecast.told import Summary, Told, within, worded
from forecast.told_drivers import lever_told
from forecast.words import called, chance, day, money, percent, plain, points, signed, with_unit

MOST = 10  # bars
NAMED = 7  # days below an axis
ROW = 40


def tornado(answer: Told, period: int = 0) -> go.Figure:
    """The change of the chance by one unit of each lever, the largest first."""
    rows = answer.summary["levers"]["periods"][period]["tornado"][:MOST]
    changes = [row["p_hit_change"] for row in rows]
    names = [lever_told(row) for row in rows]
    told = [_of(percent(row["p_hit"]), points(row["p_hit_change"])) for row in rows]
    ends = {"type": "data", "array": [100 * row["p_hit_change_se"] for row in rows], "color": INK, "thickness": 1.5}
    color = [REACHED if change >= 0 else HAPPENED for change in changes]
    figure = go.Figure(
        go.Bar(
            x=[100 * change for change in changes], y=list(range(len(rows))), orientation="h", width=0.6,
            marker={"color": color}, hoverinfo="skip", error_x=ends,
        )
    )  # fmt: skip
    for at, (row, words) in enumerate(zip(rows, told, strict=True)):
        end = max(100 * (row["p_hit_change"] + row["p_hit_change_se"]), 0.0)
        figure.add_annotation(
            x=end, y=at, text=text(words), xanchor="left", xshift=8, showarrow=False, font={"size": FONT, "color": GREY}
        )
    detail = say("Change of the chance in points, all else and all luck the same; lines: simulation error")
    reach = [100 * (row["p_hit_change"] + side * row["p_hit_change_se"]) for row in rows for side in (-1, 1)]
    return _dressed(figure, best_lever(answer, period), detail, names, reach)


def best_lever(answer: Told, period: int = 0) -> str:
    """The lever that raises the chance most, in words."""
    asked = answer.summary["periods"][period]
    rows = answer.summary["levers"]["periods"][period]["tornado"]
    best = max(rows, key=lambda row: row["p_hit_change"], default=None)
    if best is None or best["p_hit_change"] <= 0:
        return say("No lever, moved by one unit, raises the chance {when}", when=within(asked))
    return say(
        "{lever} raises the chance {when} most: from {now} to {then}", lever=lever_told(best), when=within(asked),
        now=worded(asked["p_hit"]), then=worded(best["p_hit"]),
    )  # fmt: skip


def _of(reached: str, change: str) -> str:
    return f"{change} ({reached})"


def dependence(answer: Told, period: int = 0) -> go.Figure:
    """The chance without each of the clients that it depends on most."""
    asked = answer.summary["periods"][period]
    rows = sorted(asked["clients"]["table"], key=lambda row: row["p_hit_without"])[:MOST]
    names = [plain(row["client"], 40) for row in rows]
    rows_at = list(range(len(rows)))
    figure = go.Figure()
    for at, row in enumerate(rows):
        line = {"color": SHORT, "width": 3}
        figure.add_scatter(
            x=[100 * row["p_hit_without"], 100 * asked["p_hit"]], y=[at, at], mode="lines", line=line, hoverinfo="skip"
        )
    told = [text(chance(row["p_hit_without"], row["p_hit_without_se"])) for row in rows]
    dots = go.Scatter(
        x=[100 * row["p_hit_without"] for row in rows], y=rows_at, mode="markers+text", text=told,
        textposition="middle left", marker={"color": HAPPENED, "size": 11}, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
    figure.add_trace(dots)
    figure.add_vline(x=100 * asked["p_hit"], line={"color": INK, "width": 2})
    largest = rows[0]
    title = say(
        "Without {client} the chance {when} falls from {now} to {then}", client=names[0], when=within(asked),
        now=worded(asked["p_hit"]), then=worded(largest["p_hit_without"]),
    )  # fmt: skip
    if largest["p_hit_without"] >= asked["p_hit"] - 0.02:
        title = say("No single client decides the chance {when}", when=within(asked))
    detail = say("Dots: the chance if a client brought nothing more; line: the chance with all of them")
    low = min(100 * row["p_hit_without"] for row in rows)
    high = 100 * asked["p_hit"]
    width = max(high - low, 5.0)
    figure = _dressed(figure, title, detail, names, [])
    first = max(low - 0.45 * width, -0.45 * width)
    marks = [mark for mark in range(0, 101, 5 if width < 20 else 10) if mark >= low - width]
    figure.add_annotation(
        x=high, y=-0.6, text=f"<b>{text(worded(asked['p_hit']))}</b>", yanchor="bottom", showarrow=False,
        font={"size": FONT, "color": INK},
    )  # fmt: skip
    words = [f"{mark} %" for mark in marks]
    figure.update_xaxes(range=[first, high + 0.08 * width], visible=True, tickvals=marks, ticktext=words)
    return figure.update_xaxes(showgrid=True, gridcolor=FAINT)


def trend(board: Summary, period: int = 0) -> go.Figure:
    """The chance of one target by the day of asking, of what `funnel trend` tells."""
    asked = board["periods"][period]
    origins = asked["origins"]
    figure = go.Figure()
    days = [one["origin"] for one in origins]
    shares = [100 * one["p_hit"] for one in origins]
    step, first, last = -(-len(days) // NAMED), origins[0], origins[-1]
    told = [text(f"{day(one['origin'])}: {chance(one['p_hit'], one['p_hit_se'])}") for one in origins]
    errors = {"type": "data", "array": [100 * one["p_hit_se"] for one in origins], "color": REACHED, "thickness": 1.5}
    line = go.Scatter(
        x=days, y=shares, mode="lines+markers+text", hovertext=told,
        text=[percent(one["p_hit"]) if step == 1 or one in (first, last) else "" for one in origins],
        textposition="top center", line={"color": REACHED, "width": 3}, marker={"size": 9}, hoverinfo="text",
        error_y=errors, cliponaxis=False,
    )  # fmt: skip
    figure.add_trace(line)
    target = with_unit(money(asked["target"]), board["currency"])
    if len(origins) == 1:
        title = say(
            "As of {day}, the chance of {target} {when} was {chance}", day=day(first["origin"]), target=target,
            when=within(asked), chance=worded(first["p_hit"]),
        )  # fmt: skip
    else:
        title = say(
            "The chance of {target} {when} went from {then} on {first} to {now} on {last}", target=target,
            when=within(asked), then=worded(first["p_hit"]), now=worded(last["p_hit"]), first=day(first["origin"]),
            last=day(last["origin"]),
        )  # fmt: skip
    dress(figure, title, say("Each asked with only what was known on that day; lines: simulation error"), height=400)
    figure.update_yaxes(range=[0, 108], ticksuffix=" %", showgrid=True, gridcolor=FAINT)
    named = days[::-step][::-1]
    words = ["<br>".join(text(day(one)).rsplit(" ", 1)) for one in named]
    return figure.update_xaxes(type="date", tickvals=named, ticktext=words, showgrid=False)


def bridge(board: Summary, period: int = 0) -> go.Figure:
    """What moved P50 between two days, part by part, of what `funnel bridge` tells."""
    asked = board["periods"][period]
    parts = asked["parts"]
    names = [say("P50 on {day}", day=day(board["from"])), *(_part(part["part"]) for part in parts)]
    names.append(say("P50 on {day}", day=day(board["to"])))
    before, after = asked["before"]["p50"], asked["after"]["p50"]
    moves = [part["p50"] for part in parts]
    bars = go.Waterfall(
        orientation="h", y=list(range(len(names))), x=[before, *moves, after],
        measure=["absolute", *["relative"] * len(parts), "total"],
        text=[money(before), *(signed(move) for move in moves), money(after)], textposition="outside",
        increasing={"marker": {"color": REACHED}}, decreasing={"marker": {"color": HAPPENED}},
        totals={"marker": {"color": SHORT}}, connector={"line": {"color": FAINT}}, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
    most = max(parts, key=lambda part: abs(part["p50"]))
    title = say(
        "P50 {when} moved by {move}; most of it: {part} ({size})", when=within(asked), move=signed(after - before),
        part=_part(most["part"]).lower(), size=signed(most["p50"]),
    )  # fmt: skip
    detail = say("Parts in the order in which they were replaced; another order would share them otherwise")
    dress(figure := go.Figure(bars), title, detail, height=150 + ROW * len(names), left=20)
    levels = [before]
    for move in moves:
        levels.append(levels[-1] + move)
    low, high = min(levels), max(levels)
    spare = max(high - low, 0.05 * high)
    view = max(0.0, low - 0.6 * spare), high + 0.6 * spare
    figure.update_xaxes(range=view, showgrid=True, gridcolor=FAINT, **ticks(*view))
    return _named(figure, names)


def _part(name: str) -> str:
    return {
        "won": say("Deals won"),
        "lost": say("Deals lost"),
        "moved": say("Deals that moved"),
        "aged": say("Deals that only aged"),
        "resized": say("Changed amounts"),
        "created": say("New deals"),
        "learned": say("What was learned"),
    }.get(name, name)


def scenarios(told: Summary, currency: str, period: int = 0) -> go.Figure:
    """P10, P50 and P90 of every scenario of `funnel scenarios`, with the chance."""
    rows = [(one["name"], one["periods"][period]) for one in told["scenarios"]]
    names = [plain(name, 40) for name, _ in rows]
    figure = go.Figure()
    for at, (_, row) in enumerate(rows):
        line = {"color": SHORT if at == 0 else REACHED, "width": 9}
        figure.add_scatter(x=[row["p10"], row["p90"]], y=[at, at], mode="lines", line=line, hoverinfo="skip")
    dots = go.Scatter(
        x=[row["p50"] for _, row in rows], y=list(range(len(rows))), mode="markers+text", hoverinfo="skip",
        text=[text(f"{money(row['p50'])}, {percent(row['p_hit'])}") for _, row in rows], textposition="top center",
        marker={"color": INK, "size": 11, "symbol": "diamond"}, cliponaxis=False,
    )  # fmt: skip
    figure.add_trace(dots)
    best = max(range(len(rows)), key=lambda at: rows[at][1]["p50"])
    title = say(
        "{scenario} brings most: {amount} in the middle, {chance} to reach the target", scenario=names[best],
        amount=with_unit(money(rows[best][1]["p50"]), currency), chance=worded(rows[best][1]["p_hit"]),
    )  # fmt: skip
    detail = say(
        "{period}. Bars: P10 to P90; diamonds: P50, with the chance of the target", period=called(rows[0][1]["period"])
    )
    low, high = min(row["p10"] for _, row in rows), max(row["p90"] for _, row in rows)
    view = low - 0.08 * (high - low), high + 0.08 * (high - low)
    figure = _dressed(figure, title, detail, names, [])
    return figure.update_xaxes(range=view, visible=True, showgrid=True, gridcolor=FAINT, **ticks(*view))


# ------------------------------------------------------------------ what they share


def _dressed(figure: go.Figure, title: str, detail: str, names: Sequence[str], values: Sequence[float]) -> go.Figure:
    dress(figure, title, detail, height=150 + ROW * max(len(names), 2), left=20, below=40)
    if values:
        high, low = max(*values, 0.5), min(*values, 0.0)
        figure.update_xaxes(range=[low - 0.05 * (high - low), high + 0.5 * (high - low)], visible=False)
        figure.add_vline(x=0, line={"color": INK, "width": 1})
    return _named(figure, names)


def _named(figure: go.Figure, names: Sequence[str]) -> go.Figure:
    labels = ["<br>".join(text(line) for line in balanced(name, 28)) for name in names]
    figure.update_yaxes(range=[len(names) - 0.4, -0.6], tickvals=list(range(len(names))), ticktext=labels)
    return figure.update_yaxes(automargin=True, showgrid=False, zeroline=False)
