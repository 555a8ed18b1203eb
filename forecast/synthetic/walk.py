"""How deals move: each visit draws how it ends and when, given that it has not ended yet.

The ways in which a visit can end are *options*: a weight (the probability on entry), a log-normal time and a
clock. On entry every option is possible. Of a visit that is a days old on the option's clock,

    P(option o | not ended) is proportional to weight_o * S_o(a),    S_o(a) = P(T_o > a),

and the time of that option is the log-normal cut off below a. So the same few lines start a visit, and take
up, exactly, a visit that has lasted for some time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from forecast.synthetic.calendar import Calendar, Clock
from forecast.synthetic.company import Company
from forecast.synthetic.people import Deals, round_amount

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ADVANCE, ADVANCE_QUICK, BACK, LOSE, LOSE_QUICK, STALL = range(6)
NEVER = 1e300  # days; the time of a visit that stalls
FIELDS = ("deal", "row", "stage", "entered", "amount")
SMALLEST = 1e-300  # in place of zero, where a logarithm or a division follows


@dataclass(frozen=True)
class Visits:
    """Visits, (n,) each: of the deal `deal` to the stage `stage` from the day `entered` on."""

    deal: Ints  # row in Deals
    row: Ints  # row of the calendar
    stage: Ints  # index into company.states
    entered: Floats  # days since 1970-01-01
    amount: Floats  # of the deal, from then on

    def take(self, which: NDArray[np.bool_] | Ints) -> Visits:
        """Return some of the visits."""
        return Visits(*(getattr(self, f)[which] for f in FIELDS))


def first_visits(deals: Deals, row: Ints) -> Visits:
    """Return the visit in which each deal is created."""
    return Visits(np.arange(len(deals.created)), row, deals.stage, deals.created, deals.amount)


def join(parts: list[Visits]) -> Visits:
    """Return all visits of all parts, in their order."""
    return Visits(*(np.concatenate([getattr(p, f) for p in parts]) for f in FIELDS))


@dataclass(frozen=True)
class Options:
    """The ways in which n visits can end, (n, 6) each but sigma and clock, which are by stage: (n, 6) too."""

    weight: Floats  # probability on entry
    mu: Floats  # mean log time, in operational days
    sigma: Floats
    clock: Ints


def options(company: Company, calendar: Calendar, deals: Deals, visits: Visits) -> Options:
    """Return how these visits can end; a lost deal that advances is one that is opened again."""
    c = company
    n_open = len(c.stages)
    rows = [(s.conversion, s.back, s.stall, s.median, s.sigma, s.lost_median, s.lost_sigma) for s in c.stages]
    won, lost_for_now = (0.0, 0.0, 1.0, 1.0, 1.0), (c.reopen, 0.0, 1.0, c.reopen_median, c.reopen_sigma)
    rows += [(*won, 1.0, 1.0), (*lost_for_now, 1.0, 1.0)]
    base, back, stall, median, sigma, lost_median, lost_sigma = np.array(rows)[visits.stage].T

    shift = deals.logit[visits.deal] + calendar.logit(visits.row, visits.entered, deals.client[visits.deal])
    p = expit(logit(base) + shift)
    lost = (1 - p) * (1.0 - back - stall)
    q = c.quick
    weight = np.stack([p * (1 - q), p * q, (1 - p) * back, lost * (1 - q), lost * q, (1 - p) * stall])
    slow, quick = np.log(median), np.log(median * c.quick_ratio)
    lost_slow, lost_quick = np.log(lost_median), np.log(lost_median * c.quick_ratio)
    mu = np.stack([slow, quick, slow, lost_slow, lost_quick, slow]) + deals.log_time[visits.deal]
    forward = np.where(visits.stage == n_open - 1, Clock.WIN, Clock.MOVE)
    move, lose = np.full_like(forward, Clock.MOVE), np.full_like(forward, Clock.LOSE)
    return Options(
        weight=weight.T,
        mu=mu.T,
        sigma=np.stack([sigma, sigma, sigma, lost_sigma, lost_sigma, sigma]).T,
        clock=np.stack([forward, forward, move, lose, lose, move]).T,
    )


@dataclass(frozen=True)
class Prospects:
    """What is ahead of n visits that have lasted until a given moment."""

    options: Options
    entered: Floats  # (n,) days since 1970-01-01
    alive: Floats  # (n, 6) probability that a visit with that option would last as long as this one has


def prospects(
    company: Company, calendar: Calendar, deals: Deals, visits: Visits, now: float | None = None
) -> Prospects:
    """Return what is ahead of visits that have lasted until the day `now`; None: that have just begun."""
    o = options(company, calendar, deals, visits)
    alive = np.ones_like(o.weight)
    if now is not None:
        row = np.repeat(visits.row[:, None], o.weight.shape[1], axis=1)
        entered = np.repeat(visits.entered[:, None], o.weight.shape[1], axis=1)
        until = np.full_like(entered, now)
        age = calendar.read(row, o.clock, until) - calendar.read(row, o.clock, entered)
        alive = ndtr((o.mu - np.log(np.maximum(age, SMALLEST))) / o.sigma)
        alive[:, STALL] = 1.0
    return Prospects(o, visits.entered, alive)


def draw_exits(
    ahead: Prospects, which: Ints, calendar: Calendar, row: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Draw how m visits end and on which day.

    `which` (m,) are the visits and `row` (m,) their rows of the calendar. Until the day that the visits have
    lasted, these rows must be as the one with which the prospects were worked out.
    """
    chance = np.cumsum(ahead.options.weight * ahead.alive, axis=1)
    chance = (chance / np.maximum(chance[:, -1:], SMALLEST))[which]
    how = (rng.random(len(which))[:, None] >= chance[:, :-1]).sum(axis=1)

    day = np.full(len(which), NEVER)
    left = 1.0 - rng.random(len(which))  # P(T > the time drawn | not ended yet)
    ends = np.flatnonzero(how != STALL)
    pick = (which[ends], how[ends])
    clock, mu, sigma = ahead.options.clock[pick], ahead.options.mu[pick], ahead.options.sigma[pick]
    time = np.exp(mu - sigma * ndtri(left[ends] * ahead.alive[pick]))
    begun = calendar.read(row[ends], clock, ahead.entered[which[ends]])
    day[ends] = calendar.day(row[ends], clock, begun + time)
    return how, day


def next_visits(company: Company, visits: Visits, how: Ints, day: Floats, rng: np.random.Generator) -> Visits:
    """Return the visits that follow: the stage that the exit leads to, an amount that may have changed."""
    n_open = len(company.stages)
    lost = n_open + 1
    u, v, w = rng.random((3, len(how)))
    skip = np.array([s.skip for s in company.stages[:-2]] + [0.0] * 4)[visits.stage]
    forward = visits.stage + 1 + (u < skip)
    forward = np.where(visits.stage == lost, company.reopen_stage, forward)
    stage = np.where(how <= ADVANCE_QUICK, forward, np.where(how == BACK, visits.stage - 1, lost))
    changed = (v < company.revision) & (stage != lost) & (visits.stage != lost)
    laplace = -np.sign(w - 0.5) * np.log1p(-2.0 * np.abs(w - 0.5))
    revised = round_amount(company, visits.amount * np.exp(company.revision_scale * laplace))
    return Visits(visits.deal, visits.row, stage, day, np.where(changed, revised, visits.amount))


def walk(
    company: Company, calendar: Calendar, deals: Deals, visits: Visits, end: float, rng: np.random.Generator
) -> Visits:
    """Carry deals on from visits that have just begun until `end`; return the visits that begin before it."""
    begun = [visits]
    while len(visits.deal):
        visits = visits.take(visits.stage != len(company.stages))
        ahead = prospects(company, calendar, deals, visits)
        how, day = draw_exits(ahead, np.arange(len(visits.deal)), calendar, visits.row, rng)
        day = np.maximum(day, visits.entered)  # the clock's inverse may be off by a rounding error
        ends = day < end
        visits = next_visits(company, visits.take(ends), how[ends], day[ends], rng)
        begun.append(visits)
    return join(begun)
