"""Deals that won deals bring about, as a company's process has them: by a Poisson process on the days after each win.

Because it is one, what a win brings after a day does not depend on what it brought before: the same lines serve
the history and, from the wins of that history, its futures.
"""

from __future__ import annotations

import numpy as np

from forecast.synthetic.calendar import Calendar
from forecast.synthetic.company import Company
from forecast.synthetic.people import Deals, round_amount
from forecast.synthetic.walk import Visits, join, walk


def walk_with_follow_ups(
    company: Company, calendar: Calendar, deals: Deals, visits: Visits, past: Visits, days: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[Deals, Visits]:  # fmt: skip
    """Walk deals from visits that have just begun, with all that follows their wins, and the `past` wins, from the
    first of the days until before the second; all deals, the given ones first, and all visits that begin."""
    begun: list[Visits] = []
    wins = past
    while True:
        deals, following = _followers(company, deals, wins, days, rng)
        walked = walk(company, calendar, deals, join([visits, following]), days[1], rng)
        begun.append(walked)
        wins = walked.take(walked.stage == len(company.stages))
        visits = visits.take(np.zeros(0, dtype=np.int64))
        if not company.follow_ups or not len(wins.deal):
            return deals, join(begun)


def _followers(
    company: Company, deals: Deals, wins: Visits, days: tuple[float, float], rng: np.random.Generator
) -> tuple[Deals, Visits]:
    """The deals, with those that follow these wins at the end; and the first visits of these."""
    number = rng.poisson(company.follow_ups, len(wins.deal) if company.follow_ups else 0)
    which = np.repeat(np.arange(len(number)), number)
    delay = company.follow_median * np.exp(company.follow_sigma * rng.standard_normal(len(which)))
    created = wins.entered[which] + delay
    inside = (created >= days[0]) & (created < days[1])
    won, created = wins.take(which[inside]), created[inside]
    amount, stage = round_amount(company, won.amount), np.zeros(len(created), dtype=np.int64)
    new = {"created": created, "amount": amount, "stage": stage}
    both = {name: (getattr(deals, name), new.get(name, getattr(deals, name)[won.deal])) for name in vars(deals)}
    first = Visits(len(deals.created) + np.arange(len(created)), won.row, stage, created, amount)
    return Deals(**{name: np.concatenate(pair) for name, pair in both.items()}), first
