"""Revenue in two scenarios, one over the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from forecast.drawing import GREY, INK, REACHED, SHORT, dress, text, ticks, upright
from forecast.exploring import Explored, difference
from forecast.language import say
from forecast.told import worded
from forecast.words import money, plain, points, with_unit

BARS = 40
NEARLY_ALL = (0.002, 0.998)  # of the futures are within the axis


def explored(now: Explored, then: Explored, names: Sequence[str], currency: str) -> go.Figure:
    """How revenue is distributed in two scenarios, `now` as bars and `then` as a line; `names`: of both."""
    name, other = (plain(one, 30) for one in names)
    both = np.concatenate([now.revenue, then.revenue])
    low, high = np.quantile(both, NEARLY_ALL)
    low, high = min(low, now.target), max(high, now.target)
    width = max(float(high - low) / BARS, 1e-9)
    edges = now.target + width * np.arange(
        np.floor((low - now.target) / width), np.ceil((high - now.target) / width) + 1
    )
    share, before = (np.histogram(one.revenue, edges)[0] / len(one.revenue) for one in (now, then))
    middle = edges[:-1] + width / 2
    color = np.where(middle >= now.target, REACHED, SHORT)
    bars = go.Bar(x=middle, y=share, width=width, marker={"color": color, "line": {"color": "white", "width": 1}})
    figure = go.Figure(bars.update(hoverinfo="skip"))
    line = {"color": INK, "width": 2, "shape": "hvh", "dash": "dot"}
    figure.add_scatter(x=middle, y=before, mode="lines", line=line, hoverinfo="skip")
    top = 1.05 * float(max(share.max(), before.max()))
    upright(figure, now.target, top, f"<b>{text(say('Target {amount}', amount=money(now.target)))}</b>", INK)
    title = say("{name}: the chance is {chance}", name=name, chance=worded(now.p_hit.p))
    change, _ = difference(now, then)
    if change.value:
        title = say(
            "{name}: the chance is {chance}, {points} points against {other}", name=name, other=other,
            chance=worded(now.p_hit.p), points=points(change.value),
        )  # fmt: skip
    title = f"{title[:1].upper()}{title[1:]}"
    low_, middle_, high_ = now.quantiles
    detail = say(
        "Bars: P10 {low}, P50 {middle}, P90 {high}. Dotted: {other}, P50 {before}", low=money(low_),
        middle=money(middle_), high=with_unit(money(high_), currency), other=other, before=money(then.quantiles[1]),
    )  # fmt: skip
    dress(figure, title, detail, height=380)
    figure.update_xaxes(range=[edges[0], edges[-1]], color=GREY, **ticks(float(edges[0]), float(edges[-1])))
    return figure.update_yaxes(visible=False, range=[0, 1.18 * top])
