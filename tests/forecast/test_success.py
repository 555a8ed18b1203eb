"""Success by group: what is pooled, and how much; told by screen, schema and table as one."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from forecast import success as module
from forecast.draws import scenario
from forecast.pooled import Pooled, estimate, worth_pooled
from forecast.success import success
from forecast.terminal_rates import show, table
from tests.conftest import Asked

SCHEMA = json.loads((Path(module.__file__).parent / "schema" / "forecast-1.0.json").read_text("utf-8"))
LUCKY = "Four wins"


@pytest.fixture(scope="module")
def told(asked: Asked) -> dict[str, Any]:
    """By owner, where four deals that were won are those of a seller without any others, each worth ten times as much.

    The fit has not seen that seller, as it would hardly see one of four deals.
    """
    answer = asked.answer
    history = answer.fit.history
    won = history.wins()["deal"].to_numpy()[:4]
    deals, amount = history.deals.copy(), history.visits.amount.copy()
    deals.loc[won, "owner"] = LUCKY
    amount[np.isin(history.visits.deal, won)] *= 10
    later = replace(history, deals=deals, visits=replace(history.visits, amount=amount))
    fit = answer.fit.with_history(later)
    prepared = scenario(fit, answer.what_if.edges + history.day, (), minor=answer.minor, seed=1)
    return success(fit, prepared, ["owner"], answer.minor, seed=1, threads=2)


def test_four_deals_are_drawn_to_the_population(told: dict[str, Any]) -> None:
    everyone, rows = told["all"], {row["group"]: row for row in told["by"][0]["rows"]}
    lucky = rows.pop(LUCKY)
    assert lucky["win_rate"]["p50"] == 1
    assert everyone["win_rate"]["p50"] < 0.6
    expected = [row["expected"]["win_rate"]["p50"] for row in rows.values()]
    assert min(expected) - 0.05 < lucky["expected"]["win_rate"]["p50"] < max(expected) + 0.05
    own = lucky["won_amount"] * lucky["expected"]["win_rate"]["p50"]
    assert everyone["value"]["p50"] < lucky["value"]["p50"] < own
    width = {name: row["value"]["high"] / row["value"]["low"] for name, row in rows.items()}
    assert lucky["value"]["high"] / lucky["value"]["low"] > max(width.values())


def test_groups_sum_to_all(told: dict[str, Any]) -> None:
    rows = told["by"][0]["rows"]
    for name in ("deals", "open", "won", "lost"):
        assert sum(row[name] for row in rows) == told["all"][name]
    assert told["all"]["deals"] == told["all"]["open"] + told["all"]["won"] + told["all"]["lost"]
    values = [row["value"]["p50"] for row in rows]
    assert values == sorted(values, reverse=True)


def test_it_is_told_alike(told: dict[str, Any], asked: Asked) -> None:
    jsonschema.validate(told, SCHEMA["properties"]["success"])
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    summary = {**asked.answer.summary, "success": told}
    show(summary, screen)
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(len(line) <= 100 for line in lines)
    assert next(line for line in lines if line.startswith(LUCKY)).split()[2:6] == ["4", ">", "99", "%"]
    rows = table(summary).set_index("group")
    assert rows.loc[LUCKY, "won"] == 4
    assert rows.loc[LUCKY, "value"] == next(r for r in told["by"][0]["rows"] if r["group"] == LUCKY)["value"]["p50"]


def test_luck_of_the_simulation_is_taken_off() -> None:
    """Knowledge of sd 1 and luck of sd 1 in each of two runs: the interval is that of sd 1, of 400 draws its ends are
    right to 0.2 or so, and higher by the error of the covariance, which is (4 + 1) / 20 of it: sd 1.05.
    """
    random = np.random.default_rng(1)
    found = [estimate(random.normal(size=(400, 1)) + random.normal(size=(400, 2))) for _ in range(200)]
    ends = np.array([[one["low"], one["high"]] for one in found]).mean(axis=0)
    assert ends == pytest.approx([-2.05, 2.05], abs=0.05)
    assert estimate(np.full((5, 2), np.nan))["p50"] is None
    assert estimate(np.ones((5, 2))) == {"p50": 1.0, "low": 1.0, "high": 1.0}


def test_amounts_of_few_deals_are_drawn_to_all() -> None:
    """Two sellers of the same 100 amounts, and one of one deal of e times as much. Logs within groups have variance
    1, and groups differ by less than chance: the one deal counts for one of all 201, which bring 2 each.
    """
    random = np.random.default_rng(2)
    first = second = np.exp(random.normal(size=100))
    third = np.array([np.e])
    p_win, value = np.full((2000, 2, 4), 0.5), np.tile(0.5 * np.array([2.0, 2.0, 2.0, 20.0]), (2000, 2, 1))
    found = worth_pooled(
        Pooled(p_win, p_win, value), [np.concatenate([first, second, third]), first, second, third], random
    )
    assert found[..., 3].mean() == pytest.approx(0.5 * (200 * 2 + 20) / 201, rel=0.02)
    # Groups that differ for certain are left alone.
    apart = [np.concatenate([first, 1000 * second]), first, 1000 * second]
    kept = worth_pooled(Pooled(p_win[..., :3], p_win[..., :3], value[..., [0, 1, 3]]), apart, random)
    assert kept.mean(axis=(0, 1)) == pytest.approx([1.0, 1.0, 10.0], rel=0.02)
    # What is not known before the close is pooled by the model.
    unknown = Pooled(p_win, p_win, value)
    assert worth_pooled(unknown, [np.array([np.nan])] * 4, random) is value
