"""What could really have happened after a day: the process itself, carried on from its state on that day.

Known on the day, to the process: all that had happened, each seller, client and deal with its effects,
and the months (and quarters of clients) that had begun. Unknown: how the visits of the day will end and
when, given that they have lasted until then; later months; deals not created yet. So this is the answer
of one who knows every parameter: no forecast can do better, and one that has to learn the parameters will
be less sure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from forecast.synthetic.calendar import draw_calendar
from forecast.synthetic.company import Company
from forecast.synthetic.days import day_of, month_of
from forecast.synthetic.follow_ups import walk_with_follow_ups
from forecast.synthetic.generate import Generated, draw_created
from forecast.synthetic.people import Deals, draw_deals
from forecast.synthetic.walk import Visits, draw_exits, first_visits, join, next_visits, prospects

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Futures:
    """Won amounts by simulated future and day."""

    origin: date
    won: Floats  # (n, days): in units of the currency, of the deals won on each day from the origin on

    def revenue(self, start: date | None = None, end: date | None = None) -> Floats:
        """Return the amount won from `start` (included) until `end` (not included) in each future, (n,)."""
        first = 0 if start is None else (start - self.origin).days
        last = self.won.shape[1] if end is None else (end - self.origin).days
        if not 0 <= first < last <= self.won.shape[1]:
            raise ValueError(f"start, end: {start}, {end} are not within the days simulated")
        return np.asarray(self.won[:, first:last].sum(axis=1))

    def p_hit(self, target: float, start: date | None = None, end: date | None = None) -> tuple[float, float]:
        """Return P(revenue >= target) and its simulation error (one standard deviation)."""
        p = float((self.revenue(start, end) >= target).mean())
        return p, math.sqrt(p * (1 - p) / len(self.won))


def true_outcomes(
    company: Company,
    generated: Generated,
    origin: date,
    end: date,
    n: int,
    seed: int | np.random.Generator,
    block: int = 250,
) -> Futures:
    """Carry the company on from `origin` (known: all before it) until `end` (not included), n times."""
    rng = np.random.default_rng(seed)
    first, last = day_of(origin), day_of(end)
    if not company.first_day < first < last or first > company.end_day:
        raise ValueError(f"origin, end: {origin}, {end} do not follow the company's first day within its record")
    won = [_carry_on(company, generated, first, last, min(block, n - i), rng) for i in range(0, n, block)]
    return Futures(origin, np.concatenate(won))


def what_happened(company: Company, generated: Generated, start: date, end: date) -> float:
    """Return the amount that was won from `start` (included) until `end` (not included)."""
    v = generated.world.visits
    which = (v.stage == len(company.stages)) & (v.entered >= day_of(start)) & (v.entered < day_of(end))
    return float(v.amount[which].sum())


def _carry_on(
    company: Company, generated: Generated, first: int, last: int, rows: int, rng: np.random.Generator
) -> Floats:
    """Return the amounts won by future and day, (rows, last - first)."""
    world = generated.world
    start = month_of(company.first_day)
    known_months, months = month_of(first - 1) + 1 - start, month_of(last - 1) + 1 - start
    calendar = draw_calendar(company, rng, months, rows, world.calendar, known_months)
    # All that matters to the visits of the day is known: their prospects are worked out once for all rows.
    state = state_at(company, generated, first)
    ahead = prospects(company, world.calendar, world.deals, state, float(first))
    row, which = np.divmod(np.arange(rows * len(state.deal)), max(len(state.deal), 1))
    how, day = draw_exits(ahead, which, calendar, row, rng)
    ends = np.flatnonzero(day < last)
    left = state.take(which[ends])
    left = Visits(left.deal, row[ends], left.stage, left.entered, left.amount)
    moved = next_visits(company, left, how[ends], np.maximum(day[ends], first), rng)

    row, created = draw_created(calendar, rng, since=first)
    new = draw_deals(company, world.people, created, rng)
    future = first_visits(new, row)
    future = Visits(future.deal + len(world.deals.created), row, future.stage, future.entered, future.amount)

    deals = Deals(*(np.concatenate([getattr(world.deals, f), getattr(new, f)]) for f in Deals.__dataclass_fields__))
    past = world.visits.take((world.visits.stage == len(company.stages)) & (world.visits.entered < first))
    row, which = np.divmod(np.arange(rows * len(past.deal)), max(len(past.deal), 1))
    past = past.take(which)
    past = Visits(past.deal, row, past.stage, past.entered, past.amount)
    begun = walk_with_follow_ups(
        company, calendar, deals, join([moved, future]), past, (float(first), float(last)), rng
    )[1]  # fmt: skip
    wins = begun.take(begun.stage == len(company.stages))
    cell = wins.row * (last - first) + (wins.entered.astype(np.int64) - first)
    won = np.bincount(cell, weights=wins.amount, minlength=rows * (last - first))
    return won.astype(np.float64).reshape(rows, last - first)


def state_at(company: Company, generated: Generated, day: int) -> Visits:
    """Return the visit that each deal created before `day` is in when it begins; deals won are left out."""
    visits = generated.world.visits
    before = visits.take(visits.entered < day)
    latest = np.append(before.deal[1:] != before.deal[:-1], True)
    state = before.take(latest)
    return state.take(state.stage != len(company.stages))
