"""The parts of the width against a case in which they are known, and of a real answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from forecast import width as module
from forecast.config import Config
from forecast.fit import other_future
from forecast.width import PARTS, parts, shares, width
from tests.conftest import Asked
from tests.forecast.what_ifs import LONG, ONE_STAGE, asked_about, on_day
from tests.simulations.examples import calm_draws, deals

SCHEMA = json.loads((Path(module.__file__).parent / "schema" / "forecast-1.0.json").read_text("utf-8"))


def test_parts_that_are_known() -> None:
    """Ten deals of 1, won with 0.2 or 0.8 by draw: (10 * 0.3)^2 = 9 from the parameter, 10 * 0.16 = 1.6 by chance.
    New deals are won at once; 2 or 8 of them are expected, by draw and whatever the parameter: 9 from shocks, and
    as they come as a Poisson number of 5 on average, 5 more.
    """
    number, random = 20_000, np.random.default_rng(1)
    months = [0.0, LONG]
    draws = calm_draws(
        ONE_STAGE, [[0.02], [0.02]], months, number, template_cdf=[1.0], effect=[[1.0, 1e4], [1.0, 0.0]],
        amount_log_mean=[0.0, 0.0], amount_log_sd=[0.0, 0.0],
    )  # fmt: skip
    p = random.choice([0.2, 0.8], number)
    hazard = 0.04 * np.stack([p, 1 - p], axis=1)[:, :, None]
    mean, other = random.choice([2.0, 8.0], (2, number, 1))
    draws = replace(draws, hazard=hazard, arrival_mean=mean)
    asked = asked_about(draws, deals(np.zeros(10, dtype=int)), deals(cell=1, first_key=99), ([True], 10))
    told = parts(asked, replace(draws, arrival_mean=other))["periods"][0]
    exact = np.array([9.0, 9.0, 5.0, 1.6])
    assert [part["part"] for part in told["parts"]] == list(PARTS)
    for part, share in zip(told["parts"], exact / exact.sum(), strict=True):
        assert abs(part["share"] - share) < 4 * part["share_se"]
        assert part["share_se"] < 0.02
    assert sum(part["share"] for part in told["parts"]) == pytest.approx(1)
    assert told["sd"] == pytest.approx(np.sqrt(exact.sum()), rel=4 / np.sqrt(2 * number))
    assert told["narrower_by"] == pytest.approx(1 - np.sqrt(1 - told["parts"][0]["share"]))


def test_errors_are_those_of_repetition() -> None:
    """Over 300 repetitions of 500 rows; the error of a spread is 1 / sqrt(2 * 300), taken four times."""
    random, found = np.random.default_rng(2), []
    for _ in range(300):
        a, b, c = random.normal(size=(3, 500))
        found.append(shares(a + b + c, a + random.normal(size=500), a + b))
    share, error = (np.array(part) for part in zip(*found, strict=True))
    assert np.abs(share.mean(axis=0) - 1 / 3).max() < 4 * error.mean() / np.sqrt(300)
    assert (np.abs(share.std(axis=0) / error.mean(axis=0) - 1) < 4 / np.sqrt(600)).all()


def test_nothing_varies() -> None:
    asked = on_day(5.0, [0.0, 30.0], ([True], 10))
    told = parts(asked, asked.given.draws)["periods"][0]
    assert told["sd"] == 0
    assert [part["share"] for part in told["parts"]] == [None] * 4


def test_of_a_real_answer(asked: Asked) -> None:
    answer = asked.answer
    told = width(answer.what_if, answer.fit, Config())
    jsonschema.validate(told, SCHEMA["properties"]["width"], jsonschema.Draft202012Validator)
    assert [one["period"] for one in told["periods"]] == [one["period"] for one in answer.summary["periods"]]
    for one, period in zip(told["periods"], answer.summary["periods"], strict=True):
        assert (one["p10"], one["p90"]) == pytest.approx((period["p10"], period["p90"]))
        assert sum(part["share"] for part in one["parts"]) == pytest.approx(1)
        assert min(part["share"] + 4 * part["share_se"] for part in one["parts"]) > 0


def test_another_future_of_the_same_past(asked: Asked) -> None:
    fit = asked.answer.fit
    other = other_future(fit, 1, seed=5)
    past = fit.exposure.exits_by_month.shape[1]
    now, then = fit.posterior["log_calendar"], other.posterior["log_calendar"]
    np.testing.assert_array_equal(then[..., :past], now[..., :past])
    assert then.shape == now.shape
    assert (then[..., past:] != now[..., past:]).all()
    # In distribution the same: the spread of each month's effect, within four standard errors of their difference.
    n = len(now)
    apart = now[..., past:].mean(axis=0) - then[..., past:].mean(axis=0)
    assert (np.abs(apart) < 5 * now[..., past:].std(axis=0) * np.sqrt(2 / n)).all()
    np.testing.assert_allclose(
        other.posterior["log_arrival_rate"][:, :past], fit.posterior["log_arrival_rate"][:, :past], rtol=1e-12
    )
    assert other.posterior["log_hazard"] is fit.posterior["log_hazard"]
