"""How far a forecast rests on assumptions, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.assumptions import Assumptions, Quantity, assumptions, of_revenue, told
from forecast.models.amounts import LEVEL_SD
from forecast.models.priors import Priors, log_range, logit_range
from forecast.rates import stage_rates
from tests.forecast.fitted import small_fit

DRAWS = 400


def made(*shares: float, seed: int = 1) -> Assumptions:
    """Independent normals: conversion, lead time, new deals, amounts."""
    values = np.random.default_rng(seed).standard_normal((4, DRAWS))
    values = np.linalg.qr((values - values.mean(axis=1, keepdims=True)).T)[0].T * np.sqrt(
        DRAWS
    )  # of mean 0, variance 1
    names, stages = ("conversion", "lead_time", "new_deals", "amounts"), ("A", "A", None, None)
    first, second, third, fourth = (Quantity(*one) for one in zip(names, values, shares, stages, strict=True))
    return Assumptions(((first, second),), third, fourth, np.arange(DRAWS))


def test_share_of_revenue_is_that_of_the_rates_it_depends_on() -> None:
    """Of 3 x + 4 y, where x is all assumed and y half, 9 / 25 + 16 / 25 / 2; an offset and a unit change nothing."""
    found = made(0.9, 1.0, 0.5, 0.8)
    revenue = 1e6 + 100 * (3 * found.stages[0][1].values + 4 * found.new_deals.values)
    rests = of_revenue(found, np.arange(DRAWS), revenue)
    assert rests is not None
    assert rests["share"] == pytest.approx((9 + 16 / 2) / 25)
    assert (rests["most"], rests["stage"]) == ("lead_time", "A")  # 9 / 25 against 8 / 25


def test_chance_is_no_part_of_it() -> None:
    """Noise ten times as large, of which many simulations share a draw: its share of the weights is taken off."""
    found = made(1.0, 0.0, 0.0, 0.0)
    draw = np.tile(np.arange(DRAWS), 50)
    noise = 10 * np.random.default_rng(2).standard_normal(draw.size)
    rests = of_revenue(found, draw, found.stages[0][0].values[draw] + noise)
    assert rests is not None
    # Of a mean of 50: variance 2, so that a coefficient squared is off by about 2 / 400, of three that are zero.
    assert 1 - 5 * 3 * 2 / DRAWS < rests["share"] <= 1


def test_where_revenue_depends_on_nothing() -> None:
    found = made(1.0, 1.0, 1.0, 1.0)
    assert of_revenue(found, np.arange(DRAWS), np.zeros(DRAWS)) is None
    few = Assumptions(found.stages, found.new_deals, found.amounts, np.arange(4))
    assert of_revenue(few, np.arange(4), np.arange(4.0)) is None


def test_as_plain_data() -> None:
    found = made(0.9, 1.0, 0.5, 0.8)
    assert told(found) == {
        "stages": [{"stage": "A", "conversion": 0.9, "lead_time": 1.0}], "new_deals": 0.5, "amounts": 0.8
    }  # fmt: skip
    assert told(Assumptions(found.stages, found.new_deals, None, found.draws))["amounts"] is None


def test_of_a_fit() -> None:
    """Posterior variance over that of the stated range, or of the usual one."""
    fit = small_fit().fit
    rates = [stage_rates(fit, stage) for stage in range(fit.history.won)]
    first, second = fit.history.states[:2]
    priors = Priors(stages={second: ((0.3, 0.6), (5.0, 60.0))}, new_deals=(20.0, 50.0))
    found = assumptions(fit, priors, rates)
    names = [("conversion", first), ("lead_time", first), ("conversion", second)]
    assert [(one.name, one.stage) for one in found.every[:3]] == names
    variance = np.var(np.log(rates[0].lead_time), ddof=1)
    assert found.stages[0][1].assumed == pytest.approx(variance / log_range(Priors().lead_time)[1] ** 2)
    odds = np.log(rates[1].conversion / (1 - rates[1].conversion))
    assert found.stages[1][0].assumed == pytest.approx(np.var(odds, ddof=1) / logit_range((0.3, 0.6))[1] ** 2)
    level = fit.posterior["arrival_effect"][:, 0]
    assert found.new_deals.assumed == pytest.approx(np.var(level, ddof=1) / log_range((20, 50))[1] ** 2)
    assert found.amounts is not None
    assert found.amounts.assumed == pytest.approx(np.var(fit.posterior["log_amount"][:, 0], ddof=1) / LEVEL_SD**2)
    assert max(one.assumed for one in found.stages[0]) < 0.1  # of which there are hundreds of exits
    assert assumptions(fit, Priors(new_deals=(30.0, 30.1)), rates).new_deals.assumed == 1  # never more than all of it
