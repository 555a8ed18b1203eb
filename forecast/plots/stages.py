"""Stages from first to last: open deals, conversion and lead time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forecast.drawing import FAINT, FONT, HAPPENED, INK, REACHED, SHORT, balanced, dress, text
from forecast.language import say
from forecast.outputs import finite
from forecast.told import Summary, Told, days_told, worded
from forecast.words import number, percent, plain


def funnel(answer: Told) -> go.Figure:
    """Stages from first to last: open deals, conversion and lead time with their 95 % intervals."""
    stages = finite(answer.summary["stages"])
    names = [plain(stage["stage"], 48) for stage in stages]
    rows = list(range(len(stages)))
    onwards = say("Move on or are won") if len(stages) > 1 else say("Are won")
    above = [balanced(head, 20) for head in (say("Open deals"), onwards, say("Days until then"))]
    heads = [f"<b>{'<br>'.join(head)}</b>" for head in above]
    figure = make_subplots(
        rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.05, column_widths=[0.26, 0.37, 0.37],
        subplot_titles=heads,
    )  # fmt: skip
    figure.update_annotations(font_size=FONT)
    counts = [stage["open"] for stage in stages]
    bars = go.Bar(y=rows, x=counts, orientation="h", marker_color=SHORT, width=0.55, hoverinfo="skip")
    bars.update(text=[number(count) for count in counts], textposition="outside", cliponaxis=False)
    figure.add_trace(bars.update(textfont={"color": INK, "size": FONT}), row=1, col=1)
    worst, slowest = _extreme(stages, "conversion", min), _extreme(stages, "lead_time_days", max)
    times = [stage["lead_time_days"] for stage in stages]
    _dots(figure, 2, [stage["conversion"] for stage in stages], worst, percent)
    _dots(figure, 3, times, slowest, days_told)
    detail = say(
        "Dots: best estimate, lines: 95 % interval; days: median of those that {onwards}", onwards=onwards.lower()
    )
    title = _slow_and_narrow(stages, names, worst, slowest)
    dress(figure, title, detail, height=170 + 56 * max(len(stages), 2), left=20, below=40)
    figure.update_layout(margin_t=figure.layout.margin.t + 18 * max(len(head) for head in above))
    shares = {"tickvals": [0, 0.5, 1], "ticktext": [f"{value} %" for value in (0, 50, 100)]}
    longest = max((value for time in times for value in time.values() if value is not None), default=1.0)
    figure.update_xaxes(showgrid=True, gridcolor=FAINT, zeroline=False)
    figure.update_xaxes(range=[0, 1.35 * max(*counts, 1)], visible=False, row=1, col=1)
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
    shown: Callable[[float], str],
) -> None:
    """A dot with its interval per stage; the notable one is coloured and bold."""
    for row, value in enumerate(values):
        middle, low, high = value["p50"], value["low"], value["high"]
        if middle is None:
            continue
        stands_out = row == notable and len(values) > 1
        color = HAPPENED if stands_out else REACHED
        told = text(shown(middle))
        dot = go.Scatter(x=[middle], y=[row], mode="markers+text", text=[f"<b>{told}</b>" if stands_out else told])
        dot.update(textposition="top center", textfont={"color": color, "size": FONT}, cliponaxis=False)
        dot.update(marker={"color": color, "size": 10}, hoverinfo="text", hovertext=told)
        if low is not None and high is not None:
            ends = {"array": [high - middle], "arrayminus": [middle - low]}
            dot.update(error_x={**ends, "color": color, "thickness": 2, "width": 5})
            dot.update(
                hovertext=text(f"{shown(middle)} ({say('{first} to {last}', first=shown(low), last=shown(high))})")
            )
        figure.add_trace(dot, row=1, col=column)


def _extreme(stages: Sequence[Summary], key: str, pick: Callable[..., int]) -> int | None:
    """Index of the stage with the least or the largest value."""
    known = [index for index, stage in enumerate(stages) if stage[key]["p50"] is not None]
    return pick(known, key=lambda index: stages[index][key]["p50"]) if known else None


def _slow_and_narrow(stages: Sequence[Summary], names: Sequence[str], worst: int | None, slowest: int | None) -> str:
    """The finding: where deals are lost most, and where they stay longest."""
    if worst is None or slowest is None:
        return say("Too few deals have moved on to say how the stages convert")
    share, days = worded(stages[worst]["conversion"]["p50"]), days_told(stages[slowest]["lead_time_days"]["p50"])
    told = {"stage": names[worst], "share": share, "days": days}
    if len(stages) == 1:
        return say("{share} of the deals in {stage} are won, half of those within {days} days", **told)
    if worst == slowest:
        return say("{stage} lets the fewest deals through ({share}) and takes the longest ({days} days)", **told)
    return say(
        "{stage} lets the fewest deals through ({share}), {slowest} takes the longest ({days} days)",
        slowest=names[slowest], **told,
    )  # fmt: skip
