"""The tornado: what one unit of each lever does to P(hit) and to the middle of revenue, on the same random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecast.history import Floats, Ints
from forecast.rates import STATED_AGE
from forecast.what_if import Aim, WhatIf
from simulations import Assumptions, Draws, levers
from simulations.pairs import Moved, moved_share

CONVERSION, LEAD_TIME, NEW_DEALS, AMOUNT = "conversion", "lead_time", "new_deals", "amount"
UNITS = {CONVERSION: 0.05, LEAD_TIME: -0.10, NEW_DEALS: 0.10, AMOUNT: 0.05}
TOLD_APART = 2.0  # standard errors of their difference, from which on one stage counts as more of a bottleneck


@dataclass(frozen=True, eq=False)
class Lever:
    """`kind`: one of UNITS. `stage`: its name, or None where it acts on all deals. `move`: the assumptions with the
    lever moved by a size: points of the conversion rate, else a share of what is.
    """

    kind: str
    stage: str | None
    move: Callable[[Assumptions, float], Assumptions]
    limit: float = field(default=np.inf)  # sizes beyond it change nothing more

    @property
    def unit(self) -> float:
        return UNITS[self.kind]


def unit_levers(given: Assumptions, kept: int) -> list[Lever]:
    """Conversion and lead time of every open stage, then new deals and amounts."""
    draws, effect = given.draws, usual_effect(given, kept)
    by_age = stated_age(draws)
    found = []
    for stage, name in enumerate(draws.funnel.stages[: draws.funnel.n_open]):
        found.append(Lever(CONVERSION, name, _conversion(stage, by_age, effect), _room(draws, stage, by_age, effect)))
        found.append(Lever(LEAD_TIME, name, _lead_time(stage)))
    return [*found, Lever(NEW_DEALS, None, levers.new_deals), Lever(AMOUNT, None, levers.amount)]


def stated_age(draws: Draws) -> float | None:
    """The edge of the age bins by which conversion rates are told: the last one up to STATED_AGE."""
    upto = draws.funnel.age_edges[draws.funnel.age_edges <= STATED_AGE][-1]
    return float(upto) if upto > 0 else None


def usual_effect(given: Assumptions, kept: int) -> Floats:
    """(D, J) average multiplier of the exits, over the cells of open deals and of new ones, as many as are expected,
    and over the months kept.
    """
    draws = given.draws
    weight = np.bincount(given.open_deals.cell, minlength=draws.n_cells).astype(np.float64)
    if len(given.templates):
        new = draws.arrival_mean[:, :kept].sum(axis=1).mean() / len(given.templates)
        weight += new * np.bincount(given.templates.cell, minlength=draws.n_cells)
    weight = weight / weight.sum() if weight.any() else np.full(draws.n_cells, 1 / draws.n_cells)
    days = np.diff(draws.month_edges[: kept + 1])
    calendar = draws.calendar[:, :, :kept] @ (days / days.sum())
    return np.asarray((draws.effect @ weight) * calendar[:, draws.funnel.kinds])


def _conversion(stage: int, by_age: float | None, effect: Floats) -> Callable[[Assumptions, float], Assumptions]:
    def move(given: Assumptions, points: float) -> Assumptions:
        own = effect[: given.draws.n_draws]
        return levers.conversion(given, stage, points, by_age=by_age, effect=own)

    return move


def _room(draws: Draws, stage: int, by_age: float | None, effect: Floats) -> float:
    """The points that lift the conversion rate to one in every draw."""
    return float(1 - levers.conversion_rate(draws, stage, by_age=by_age, effect=effect).min())


def _lead_time(stage: int) -> Callable[[Assumptions, float], Assumptions]:
    return lambda given, change: levers.lead_time(given, change, stages=[stage])


@dataclass(frozen=True, eq=False)
class Bar:
    """A lever moved by one unit, and what is won (n, M) by month in the first draws."""

    lever: Lever
    after: Ints


def bar(asked: WhatIf, lever: Lever, won: Callable[[Assumptions], Ints] | None = None) -> Bar:
    """`won`: a quicker way to what is won by month than to simulate everything, where the lever has one."""
    after = lever.move(asked.fewer(), lever.unit)
    return Bar(lever, asked.run(after).won if won is None else won(after))


def told(asked: WhatIf, period: Aim, tornado: Sequence[Bar]) -> list[dict[str, Any]]:
    """The bars of one period as plain data, the largest change of P(hit) first."""
    rows = []
    for bar in tornado:
        moved, median = asked.moved(period, bar.after)
        rows.append(
            {
                "lever": bar.lever.kind, "stage": bar.lever.stage, "size": bar.lever.unit, "p_hit": moved.p.p,
                "p_hit_change": moved.change.value, "p_hit_change_se": moved.change.se,
                "p50_change": median.value, "p50_change_se": median.se,
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row["p_hit_change"], -row["p50_change"]))


def bottleneck(asked: WhatIf, period: Aim, tornado: Sequence[Bar]) -> dict[str, Any] | None:
    """The stage of which a unit of conversion or of lead time, whichever does more, lifts P(hit) most.

    `clear`: whether it does so by more than the error of its lead over the next stage; true of an only stage. None
    where no stage has a lever that lifts P(hit).
    """
    best: dict[str, tuple[tuple[float, float], Moved, Bar]] = {}
    for one in tornado:
        moved, median = asked.moved(period, one.after)
        rank = (moved.change.value, median.value)
        if one.lever.stage is not None and (one.lever.stage not in best or rank > best[one.lever.stage][0]):
            best[one.lever.stage] = (rank, moved, one)
    ranked = [found[1:] for found in sorted(best.values(), key=lambda found: found[0], reverse=True)]
    if not ranked or ranked[0][0].change.value <= 0:
        return None
    first, runner_up = ranked[0], ranked[1] if len(ranked) > 1 else None
    clear = True
    if runner_up is not None:
        lead = moved_share(period.hits(first[1].after), period.hits(runner_up[1].after)).change
        clear = lead.value > TOLD_APART * lead.se
    return {
        "stage": first[1].lever.stage, "lever": first[1].lever.kind, "p_hit_change": first[0].change.value,
        "p_hit_change_se": first[0].change.se, "clear": clear,
        "next": None if runner_up is None else runner_up[1].lever.stage,
    }  # fmt: skip
