"""The period after the one asked about: which it is, and that it is told from the futures of the answer."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecast.answer import asked_months
from forecast.asked import asked_about
from forecast.config import config_from
from forecast.next_period import next_of, next_period, target_of
from forecast.periods import Period, following, parse_period
from forecast.question import Question
from forecast.terminal import show
from simulations import answers
from tests.conftest import Asked
from tests.forecast.summaries import maven
from tests.forecast.test_answer import SCHEMA


@pytest.mark.parametrize(
    ("asked", "starts", "then"),
    [
        ("2017Q4", 1, "2018Q1"),
        ("2017Q2", 4, "2017Q3"),
        ("2016", 1, "2017"),
        ("2017", 7, "2018"),
        ("2017-12", 1, "2018-01"),
        ("2017-11-01..2017-12-31", 1, "2018-01-01..2018-02-28"),
        ("2017-10-10..2017-10-19", 1, "2017-10-20..2017-10-29"),
    ],
)
def test_the_period_that_follows(asked: str, starts: int, then: str) -> None:
    assert following(parse_period(asked, starts)) == parse_period(then, starts)


def question(*labels: str) -> Question:
    return Question(date(2017, 10, 1), tuple((parse_period(label), 1.0) for label in labels), 1, 1)


def test_only_where_one_period_is_asked_about() -> None:
    assert next_of(question("2017Q4", "2017")) is None
    assert next_of(question("2199")) is None
    assert next_period(None, None, *[None] * 3, 100, seed=1) is None  # type: ignore[arg-type]


def test_the_simulation_reaches_to_its_end() -> None:
    asked: Any = replace(question("2017-10-10..2020-03-15"), origin=date(2017, 10, 10))
    later = next_of(asked)
    assert later is not None
    edges, kept = asked_months(pd.Timestamp("2017-10-10"), asked)
    days = [f"{day:%Y-%m-%d}" for day in pd.to_datetime(edges, unit="D")]
    assert (days[kept], days[-1]) == ("2020-03-16", later.after.isoformat())


def test_it_is_told_from_the_futures_of_the_answer(asked: Asked) -> None:
    """The year was simulated, too: what its third quarter brings is what the run for that quarter alone says."""
    answer = asked.answer
    later = following(parse_period("2024Q2"))
    edges = answer.scenario.draws.month_edges + answer.fit.history.day
    target = 1e5
    told = next_period(
        later, target, answer.fit.history, answer.scenario, edges, answer.minor, seed=answer.question.seed
    )
    kept = edges[: len(answer.months) + 1]
    mask = asked_about(later, None, answer.fit.history, kept, answer.minor, 1.0).months
    revenue = answers.revenue(answer.outcomes, months=mask) / answer.minor
    by_origin = answer.outcomes.by["created"][:, mask].sum(axis=1).mean(axis=0) / answer.minor
    assert told is not None
    assert mask.sum() == 3
    assert [told[key] for key in ("p10", "p50", "p90")] == list(np.quantile(revenue, answers.P10_P50_P90))
    assert [told["from_open"], told["from_new"]] == by_origin.tolist()
    assert told["mean"] == pytest.approx(told["from_open"] + told["from_new"], rel=1e-12)
    assert told["p_hit"] == (revenue >= target).mean()
    described = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]["next_period"]
    jsonschema.validate(told, described)


def shown(period: Period | None, target: float | None = None) -> str:
    summary = maven()
    if period is not None:
        chance = {"target": target, "p_hit": 0.4, "p_hit_se": 0.01}
        summary["next_period"] = {
            **chance,
            "period": period.label,
            "p10": 2.1e6,
            "p50": 2.9e6,
            "p90": 3.8e6,
            "target": target,
            "p_hit": 0.4,
            "p_hit_se": 0.01,
        }
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    show(summary, screen)
    return screen.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_one_line_of_the_screen() -> None:
    line = "2018Q1, which gets what slips: P10 2.10M, P50 2.90M, P90 3.80M USD.\n"
    assert line in shown(parse_period("2018Q1"))
    words = " ".join(shown(parse_period("2018Q1"), 3e6).split())
    assert "P90 3.80M USD. The chance of its target, 3.00M USD, is 40 % (± 1)." in words
    assert "what slips" not in shown(None)


def test_its_target_is_that_of_the_funnel_file() -> None:
    asked = {"periods": [{"period": "2018-01-01..2018-03-31", "target": 7.0}, {"period": "2019"}]}
    config = config_from({"forecast": asked})
    assert target_of(parse_period("2018Q1"), config) == 7.0
    assert target_of(parse_period("2019"), config) is None
    assert target_of(None, config) is None
