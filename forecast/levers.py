"""What would change the answer: levers by one unit, and by as much as the wanted probability takes, as plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from forecast import tornado
from forecast.backsolve import CONVERSION_STEPS, LEAD_TIME_STEPS, SHARE_STEPS, Solution, Verdict, solve
from forecast.history import Ints
from forecast.models.sampling import Progress
from forecast.new_deals import (
    Useful,
    expected_per_month,
    mean_win,
    more_new_deals,
    reverse_funnel,
    useful_months,
    wins_from,
    won_by_new_deals,
)
from forecast.tornado import AMOUNT, CONVERSION, LEAD_TIME, NEW_DEALS, Bar, Lever
from forecast.what_if import PAIRED, Aim, WhatIf
from simulations import Assumptions
from simulations.pairs import Moved

STEPS = {
    CONVERSION: CONVERSION_STEPS, LEAD_TIME: LEAD_TIME_STEPS, NEW_DEALS: SHARE_STEPS, AMOUNT: SHARE_STEPS,
}  # fmt: skip


def what_would_change(
    asked: WhatIf, wanted: float, *, every_lever: bool = False, sales: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The tornado, the bottleneck, and the new deals that the wanted probability takes, of every period; with
    `every_lever`, the least change of each other lever too, and the deals that each stage needs for a number of
    sales (default: what is missing to the target, at the mean amount of a win).
    """
    every = tornado.unit_levers(asked.given, asked.kept)
    tell = progress or (lambda *_: None)
    more = won_by_new_deals(asked)
    done = []
    for number, lever in enumerate(every):
        tell("Moving the levers", number, len(every))
        done.append(tornado.bar(asked, lever, more if lever.kind == NEW_DEALS else None))
    useful = useful_months(asked)
    found = wins_from(asked.given, asked.seed, **asked.place) if every_lever and len(asked.given.templates) else None
    others = [_response(asked, one) for one in done if every_lever and one.lever.kind != NEW_DEALS]
    periods = []
    for number, period in enumerate(asked.periods):
        tell("Solving for the wanted chance", number, len(asked.periods))
        periods.append(_period(asked, number, period, wanted, done, others, more, useful))
        periods[-1]["reverse"] = None if found is None else _reverse(asked, period, found, sales)
    return {
        "draws": min(PAIRED, asked.given.draws.n_draws),
        "wanted": wanted,
        "every_lever": every_lever,
        "periods": periods,
    }


def _period(
    asked: WhatIf, number: int, period: Aim, wanted: float, bars: list[Bar], responses: list[Response],
    more: Callable[[Assumptions], Ints], useful: Useful,
) -> dict[str, Any]:  # fmt: skip
    early, given = useful.months(number), asked.fewer()
    new = Lever(NEW_DEALS, None, lambda given, change: more_new_deals(early, given, change))
    responses = [*responses, Response(new, lambda change: more(new.move(given, change)))]
    solutions = [_solved(asked, period, one, wanted) for one in responses]
    return {
        "period": period.label,
        "tornado": tornado.told(asked, period, bars),
        "bottleneck": tornado.bottleneck(asked, period, bars),
        "solutions": solutions,
        "new_deals": _new_deals(asked, number, useful, solutions[-1]),
    }


class Response(NamedTuple):
    """What is won by month in the first draws, by the size of a lever."""

    lever: Lever
    won: Callable[[float], Ints]


def _response(asked: WhatIf, bar: Bar) -> Response:
    """Nothing is simulated twice, whichever period asks."""
    given, lever = asked.fewer(), bar.lever
    known = {lever.unit: bar.after}

    def won(size: float) -> Ints:
        if size not in known:
            known[size] = asked.run(lever.move(given, size)).won
        return known[size]

    return Response(lever, won)


def _solved(asked: WhatIf, period: Aim, response: Response, wanted: float) -> dict[str, Any]:
    lever, unchanged = response.lever, asked.base.won[:PAIRED]

    def moved(size: float) -> Moved:
        return asked.moved(period, unchanged if size == 0 else response.won(size))[0]

    solution = solve(moved, wanted, STEPS[lever.kind], limit=lever.limit)
    return {"lever": lever.kind, "stage": lever.stage, **_told(solution)}


def _told(solution: Solution) -> dict[str, Any]:
    return {
        "verdict": str(solution.verdict),
        "size": solution.size,
        "p_hit": solution.moved.p.p,
        "p_hit_se": solution.moved.p.se,
        "monotone": solution.monotone,
    }


def _new_deals(asked: WhatIf, number: int, useful: Useful, solution: dict[str, Any]) -> dict[str, Any]:
    """Deals a month as expected, and as they would be if all months had as many times more as the solution takes of
    those that are early enough; what won deals bring about stays as it is.
    """
    early = useful.months(number) > 0
    now, unrelated = (expected_per_month(one, asked.edges) for one in (asked.base, replace(asked.base, followed=None)))
    reached = solution["verdict"] != Verdict.OUT_OF_REACH
    return {
        "months": [
            {
                "month": label,
                "expected": float(useful.expected[place]),
                "p_win": float(useful.p_win[place]),
                "in_time": float(useful.in_time[place, number]),
                "useful": bool(early[place]),
            }
            for place, label in enumerate(asked.months)
        ],
        "latest": asked.months[int(np.flatnonzero(early)[-1])] if early.any() else None,
        "expected_per_month": now,
        "needed_per_month": now + unrelated * solution["size"] if reached and early.any() else None,
    }


def _reverse(asked: WhatIf, period: Aim, found: tuple[Any, Any], sales: float | None) -> dict[str, Any] | None:
    """Deals that have to enter each stage for a number of sales."""
    worth = mean_win(asked, period)
    if sales is None:
        missing = (period.target - period.won) / asked.minor
        if missing <= 0 or worth <= 0:
            return None
        sales = float(np.ceil(missing / worth))
    p_win, error = found
    needed = reverse_funnel(p_win, sales)
    return {
        "sales": sales,
        "mean_amount": worth,
        "stages": [
            {
                "stage": name,
                "p_win": float(p_win[place]),
                "p_win_se": float(error[place]),
                "needed": float(needed[place]) if np.isfinite(needed[place]) else None,
            }
            for place, name in enumerate(asked.given.draws.funnel.stages[: len(p_win)])
        ],
    }
