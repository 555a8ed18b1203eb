"""Whether the model reproduces what was seen: exits of every stage and kind, by month and by age.

A mixed predictive check (Marshall and Spiegelhalter 2003): what a month has of its own is drawn anew, given the other
months, so that a number is odd only if it is so for a month of this funnel. Held against its fitted month, no month is
odd, or with thousands of exits every month is in which the stages differ a little. Clients are taken as they were, each
with a frailty drawn from its posterior: at those of new ones, too little would be expected of those who got far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.exposure import WEEK, Exposure
from forecast.history import Floats
from forecast.models import design
from forecast.models.calendar import CalendarTerms, redrawn
from forecast.models.clients import ClientTerms, added_exits, expected_by_client
from forecast.models.contraction import compressed, expected_exits
from forecast.models.exits import kinds_present
from simulations import Kind

REPLICAS = 200
RANGE = (0.005, 0.995)  # the numbers between are those that the model predicts
EXITS = {Kind.ADVANCE: "advances", Kind.WON: "wins", Kind.BACK: "returns", Kind.LOST: "losses", Kind.REOPEN: "reopened"}


@dataclass(frozen=True)
class Reproduced:
    """Numbers of exits that were `checked`, how many of them lie `outside` their 99 % predictive range, and the
    furthest of these in words.
    """

    checked: int
    outside: int
    worst: str


def reproduced(
    posterior: Mapping[str, Floats], exposure: Exposure, calendar: CalendarTerms, clients: ClientTerms,
    rng: np.random.Generator,
) -> Reproduced:  # fmt: skip
    """posterior: (draws, ...), of months with data. clients: NO_CLIENTS where the model has no frailty."""
    funnel, rows = exposure.funnel, compressed(exposure)
    chosen = np.linspace(0, len(posterior["log_hazard"]) - 1, REPLICAS).astype(np.int64)
    kind = np.searchsorted(kinds_present(exposure), funnel.kinds)
    effect = posterior["effect"][chosen] @ design.cells(exposure.cells).matrix
    months = posterior["log_calendar"][chosen]
    shift = redrawn(calendar, posterior["calendar_size"][chosen], months, rng) - months
    of_exit = np.column_stack([[source for source, _ in funnel.exits], funnel.kinds])
    names, group = np.unique(of_exit, axis=0, return_inverse=True)
    member = np.eye(len(names))[group.ravel()].T
    by_month, by_age = [], []
    for i, draw in enumerate(chosen):
        tables = (posterior["log_hazard"][draw], months[i][kind], effect[i])
        _, ages, expected, _ = expected_exits(rows, *tables)
        if clients.exits.size:
            shape = posterior["frailty_shape"][draw]
            frailty = rng.gamma(shape + clients.exits) / (shape + expected_by_client(clients, *tables))
            added = added_exits(clients, frailty, *tables)
            # None is below zero, but by rounding, where nearly all exits are of clients whose frailty is about none.
            ages, expected = np.maximum(ages + added[0], 0), np.maximum(expected + added[1], 0)
        by_month.append(rng.poisson(member @ (expected * np.exp(np.minimum(shift[i][kind], 20)))))
        by_age.append(rng.poisson(member @ ages))

    def month(m: int) -> str:
        first, after = pd.to_datetime(exposure.month_edges[m : m + 2], unit="D")
        return f"in the week from {first.date()}" if (after - first).days == WEEK else f"in {first:%Y-%m}"

    def age(b: int) -> str:
        edges = [f"{edge:g}" for edge in funnel.age_edges]
        return f"after {edges[b]} to {edges[b + 1]} days" if b + 1 < len(edges) else f"after {edges[b]} days"

    stages = [f"{funnel.stages[state]}, {EXITS[Kind(number)]}" for state, number in names]
    parts = [
        _compared(np.array(by_month), member @ exposure.exits_by_month, stages, month),
        _compared(np.array(by_age), member @ exposure.exits_by_age, stages, age),
    ]
    _, worst = max((far, words) for _, _, far, words in parts)
    return Reproduced(sum(part[0] for part in parts), sum(part[1] for part in parts), worst)


def _compared(
    replicas: Floats, seen: Floats, stages: list[str], when: Callable[[int], str]
) -> tuple[int, int, float, str]:
    """Checked, outside, and how far the worst is outside, on the scale of square roots on which counts are about
    normal. replicas: (replicas, stages and kinds, bins).
    """
    low, high = np.quantile(replicas, RANGE, axis=0)
    relevant = (high > 0) | (seen > 0)
    outside = (seen < low) | (seen > high)
    far = np.where(outside, np.maximum(np.sqrt(low) - np.sqrt(seen), np.sqrt(seen) - np.sqrt(high)), 0.0)
    row, column = np.unravel_index(np.argmax(far), far.shape)
    if not outside.any():
        return int(relevant.sum()), 0, 0.0, ""
    expected = f"{np.ceil(low[row, column]):,.0f} to {np.floor(high[row, column]):,.0f} expected"
    words = f"{stages[row]} {when(int(column))}: {seen[row, column]:,.0f} seen, {expected}"
    return int(relevant.sum()), int(outside.sum()), float(far[row, column]), words
