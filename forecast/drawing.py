"""How figures look: colours, titles, ticks, and words beside marks that never meet.

Colours are those of Okabe and Ito, told apart by the colour-blind; what matters is also told by words or
dashes, for readers on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go
from scipy.optimize import isotonic_regression

from forecast.words import HARD, brief, exact, month

INK, GREY, FAINT = "#222222", "#5E5E5E", "#D9D9D9"
REACHED, SHORT, HAPPENED = "#0072B2", "#B3B3B3", "#D55E00"
BAND = "rgba(0, 114, 178, 0.22)"
FONT, TITLE_FONT = 13, 18
FAMILY = "Helvetica Neue, Arial, DejaVu Sans, sans-serif"
WRAP = 62  # characters in a line of a title
DETAIL_WRAP = 93
MOST_MONTHS = 14  # named below an axis
GAP = 0.062  # between words at the end of lines, as a share of the axis
# Of Plotly's, which would lie over the title: only the one that saves a picture stays.
BUTTONS = ["zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale", "resetscale"]


def text(words: str) -> str:
    """Words of the data as Plotly shows them unchanged: it takes <...> for HTML and $...$ for a formula."""
    return escape(words, quote=False).replace("$", "&#36;")


def balanced(words: str, width: int) -> list[str]:
    """As few lines as `width` allows, of nearly the same length."""
    held = words.replace(" %", f"{HARD}%")  # which belongs to its number
    lines = wrap(held, width)
    shorter = (wrap(held, limit) for limit in range(1, width))
    found = next((found for found in shorter if len(found) <= len(lines)), lines)
    return [line.replace(f"{HARD}%", " %") for line in found] if held != words else found


def dress(
    figure: go.Figure,
    title: str,
    detail: str,
    height: int,
    *,
    left: int = 70,
    right: int = 30,
    below: int = 60,
) -> None:
    """The title with a line below it, both as plain words, and everything that all figures share."""
    lines, small = balanced(title, WRAP), balanced(detail, DETAIL_WRAP)
    told = "<b>" + "<br>".join(text(line) for line in lines) + "</b>"
    told += "".join(f"<br><span style='font-size:{FONT}px'>{text(line)}</span>" for line in small)
    place = {"x": 0.01, "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 22}}
    figure.update_layout(
        title={"text": told, "font": {"size": TITLE_FONT, "color": INK}, **place},
        height=height + 24 * (len(lines) - 1),
        margin={"t": 42 + 25 * len(lines) + 18 * len(small), "l": left, "r": right, "b": below},
        font={"family": FAMILY, "size": FONT, "color": INK},
        plot_bgcolor="white",
        paper_bgcolor="white",
        showlegend=False,
        bargap=0,
        hoverlabel={"align": "left"},
        dragmode=False,
        modebar={"remove": BUTTONS},
    )
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(title_font_size=FONT, ticks="outside", tickcolor="white", ticklen=4)


def ticks(low: float, high: float) -> dict[str, Any]:
    """Round amounts between `low` and `high`, worded like all others but without needless zeros."""
    rough = (high - low) / 6
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    values = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    shown = [brief(value) for value in values]
    if any(a == b for a, b in pairwise(shown)):  # steps finer than three digits
        shown = [exact(value) for value in values]
    return {"tickvals": list(values), "ticktext": shown}


def months(figure: go.Figure, edges: Sequence[date]) -> None:
    """Months named below the axis of days, in their middle; `edges` are where they begin, and the last one's end."""
    step = -(-(len(edges) - 1) // MOST_MONTHS)
    named = list(pairwise(edges))[::step]
    years = [first.year for first, _ in named]
    told = [
        f"{month(first.isoformat(), year=False)}{f'<br>{first.year}' if n == 0 or years[n - 1] != first.year else ''}"
        for n, (first, _) in enumerate(named)
    ]
    middles = [first + (after - first) / 2 for first, after in named]
    figure.update_xaxes(type="date", tickvals=middles, ticktext=told, showgrid=False)
    for edge in edges[1:-1]:
        figure.add_vline(x=edge, line={"color": FAINT, "width": 1}, layer="below")


def note(
    figure: go.Figure, x: float, y: float, words: str, anchor: str, color: str, *, shift: int = 0, up: int = 0
) -> None:
    """Words at a point, `shift` and `up` pixels away from it, legible over lines."""
    figure.add_annotation(
        x=x, y=y, text=words, xanchor=anchor, yanchor="middle", xshift=shift, yshift=up, showarrow=False,
        font={"color": color, "size": FONT}, bgcolor="rgba(255, 255, 255, 0.92)", borderpad=1,
    )  # fmt: skip


def upright(figure: go.Figure, x: float, height: float, words: str, color: str, *, dash: str = "solid") -> None:
    """An upright line with its words at the top."""
    line = {"color": color, "width": 2, "dash": dash}
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=height, line=line, layer="above")
    note(figure, x, height, words, "center", color, up=10)


def at_the_right(figure: go.Figure, labels: Sequence[tuple[float, str, str]], top: float) -> None:
    """Words (value, words, colour) at the right end of lines, moved apart no more than they have to be."""
    ordered = sorted(labels, key=lambda label: label[0])
    steps = GAP * top * np.arange(len(ordered))
    places = isotonic_regression([value for value, *_ in ordered] - steps).x + steps
    for place, (value, words, color) in zip(places, ordered, strict=True):
        figure.add_annotation(
            x=1, xref="paper", y=value, text=words, xanchor="left", ax=28, ayref="y", ay=place, standoff=8,
            showarrow=True, arrowhead=0, arrowwidth=1, arrowcolor=color, font={"color": color, "size": FONT},
        )  # fmt: skip
