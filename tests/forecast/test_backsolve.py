"""Back-solve: on responses that are known, and on a few deals that are simulated forward with the solution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from forecast.backsolve import CONVERSION_STEPS, LEAD_TIME_STEPS, SHARE_STEPS, Verdict, solve
from forecast.tornado import AMOUNT, CONVERSION, LEAD_TIME, Lever, unit_levers
from forecast.what_if import WhatIf
from simulations.answers import Probability
from simulations.pairs import Change, Moved
from tests.forecast.what_ifs import at_least, on_day, ten_deals

TOLERANCE = 0.01


def told(p: float) -> Moved:
    return Moved(Probability(p, TOLERANCE), Change(p - 0.5, TOLERANCE))


@pytest.mark.parametrize("wanted", [0.51, 0.6, 0.8, 0.9])
def test_a_response_that_is_known(wanted: float) -> None:
    calls: list[float] = []

    def response(size: float) -> Moved:
        calls.append(size)
        return told(float(ndtr(np.log1p(size))))

    found = solve(response, wanted, SHARE_STEPS)
    assert found.verdict is Verdict.REACHED
    assert found.monotone
    assert abs(found.moved.p.p - wanted) <= TOLERANCE / 4
    assert len(calls) < 12


def test_nothing_to_do() -> None:
    found = solve(lambda size: told(0.9), 0.8, SHARE_STEPS)
    assert (found.verdict, found.size) == (Verdict.ALREADY, 0.0)


def test_the_limit_is_not_passed() -> None:
    tried: list[float] = []
    found = solve(lambda size: told(tried.append(size) or 0.5 + abs(size)), 0.8, LEAD_TIME_STEPS, limit=0.25)
    assert min(tried) == -0.25
    assert (found.verdict, found.size) == (Verdict.OUT_OF_REACH, -0.25)


def lever(asked: WhatIf, kind: str) -> Lever:
    return next(one for one in unit_levers(asked.given, asked.kept) if one.kind == kind)


def solved(asked: WhatIf, kind: str, wanted: float, steps: tuple[float, ...]):  # type: ignore[no-untyped-def]
    moving = lever(asked, kind)

    def response(size: float) -> Moved:
        return asked.moved(asked.periods[0], asked.run(moving.move(asked.fewer(), size)).won)[0]

    return solve(response, wanted, steps, limit=moving.limit)


def test_forward_with_the_solution() -> None:
    """Ten deals of a half, six to win: P(hit) is 0.377; 0.8 takes the conversion at which P(at least 6 of 10) is."""
    asked = ten_deals()
    found = solved(asked, CONVERSION, 0.8, CONVERSION_STEPS)
    assert found.verdict is Verdict.REACHED
    forward = asked.periods[0].hits(asked.run(lever(asked, CONVERSION).move(asked.given, found.size)).won).mean()
    every = np.sqrt(0.8 * 0.2 / 4000)
    assert abs(forward - 0.8) < 4 * np.hypot(found.moved.p.se, every)
    assert abs(at_least(6, 10, 0.5 + found.size) - 0.8) < 4 * found.moved.p.se


def test_out_of_reach_with_the_best() -> None:
    """Eleven cannot be won of ten deals, whatever they convert; where they are worth more, they can."""
    asked = ten_deals(target=11)
    found = solved(asked, CONVERSION, 0.8, CONVERSION_STEPS)
    assert found.verdict is Verdict.OUT_OF_REACH
    assert found.moved.p.p < 0.01
    assert solved(asked, AMOUNT, 0.8, SHARE_STEPS).verdict is Verdict.REACHED


def test_hurried_past_the_quarter_end() -> None:
    """Won on day 35, in the period from day 30 to 60; a fifth sooner, and they are in the quarter before."""
    asked = on_day(35.0, [0.0, 30.0, 60.0], ([False, True], 11))
    before = solved(asked, LEAD_TIME, 0.8, LEAD_TIME_STEPS)
    assert before.verdict is Verdict.OUT_OF_REACH
    asked = on_day(35.0, [0.0, 30.0, 60.0], ([False, True], 10))
    quick = asked.run(lever(asked, LEAD_TIME).move(asked.fewer(), -0.2))
    assert asked.periods[0].hits(asked.base.won).all()
    assert not asked.periods[0].hits(quick.won).any()


def test_not_monotone_is_said() -> None:
    """Won on day 75, after the period from 30 to 60; half as long is enough, a fifth as long too soon."""
    asked = on_day(75.0, [0.0, 30.0, 60.0, 90.0], ([False, True, False], 10))
    found = solved(asked, LEAD_TIME, 0.8, LEAD_TIME_STEPS)
    assert found.verdict is Verdict.REACHED
    assert abs(75 * (1 + found.size) - 60) < 7.5  # the least change: barely in time
    rises = {-0.1: 0.4, -0.2: 0.7, -0.3: 0.5, -0.4: 0.2}
    found = solve(lambda size: told(rises.get(size, 0.1)), 0.8, LEAD_TIME_STEPS)
    assert (found.verdict, found.size, found.monotone) == (Verdict.OUT_OF_REACH, -0.2, False)
    assert found.moved.p.p == 0.7
