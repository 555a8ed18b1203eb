"""What would change the answer, as plain data: coherent with the answer, and true when run forward."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from forecast import levers
from forecast.new_deals import more_new_deals
from forecast.what_if import WhatIf
from tests.conftest import Asked
from tests.forecast.what_ifs import on_day, ten_deals, with_new_deals

SCHEMA = json.loads((Path(levers.__file__).parent / "schema" / "forecast-1.0.json").read_text("utf-8"))
WANTED = 0.8


def told(asked: WhatIf, **options: Any) -> dict[str, Any]:
    """Of the first period, checked against the schema."""
    found = levers.what_would_change(asked, WANTED, every_lever=True, **options)
    jsonschema.validate(found, SCHEMA["properties"]["levers"], jsonschema.Draft202012Validator)
    return dict(found["periods"][0])


def test_new_deals_forward() -> None:
    """Run forward in all draws with what is needed a month, P(hit) is as wanted, within simulation error."""
    asked = with_new_deals(target=15)
    found = told(asked)
    solution = next(one for one in found["solutions"] if one["lever"] == "new_deals")
    assert solution["verdict"] == "reached"
    new = found["new_deals"]
    share = new["needed_per_month"] / new["expected_per_month"] - 1
    assert share == pytest.approx(solution["size"])
    useful = np.array([one["useful"] for one in new["months"]], dtype=float)
    forward = asked.periods[0].hits(asked.run(more_new_deals(useful, asked.given, share)).won).mean()
    assert abs(forward - WANTED) < 4 * np.hypot(solution["p_hit_se"], np.sqrt(WANTED * (1 - WANTED) / 1000))
    assert new["latest"] == "2024-03"


def test_every_lever_has_a_solution() -> None:
    found = told(ten_deals())
    kinds = [(one["lever"], one["verdict"]) for one in found["solutions"]]
    assert kinds == [
        ("conversion", "reached"),
        ("lead_time", "out of reach"),
        ("amount", "reached"),
        ("new_deals", "out of reach"),
    ]
    assert found["new_deals"]["latest"] is None  # nobody is ever created
    assert found["reverse"] is None
    quick = levers.what_would_change(ten_deals(), WANTED)["periods"][0]
    assert [one["lever"] for one in quick["solutions"]] == ["new_deals"]
    assert quick["tornado"] == found["tornado"]  # the same numbers, whichever command asks


def test_a_period_that_is_certain() -> None:
    found = told(on_day(5.0, [0.0, 30.0], ([True], 10)))
    assert {one["verdict"] for one in found["solutions"]} == {"already"}
    assert {one["size"] for one in found["solutions"]} == {0.0}


def test_the_reverse_funnel_of_what_is_missing() -> None:
    """A target of 15, at 1 a win, with half of the deals won: 15 sales take 30 deals."""
    reverse = told(with_new_deals(target=15))["reverse"]
    assert (reverse["sales"], reverse["mean_amount"]) == (15.0, 1.0)
    p = reverse["stages"][0]["p_win"]
    assert abs(p - 0.5) < 4 * np.sqrt(0.25 / 200)
    assert reverse["stages"][0]["needed"] == pytest.approx(15 / p)
    assert told(with_new_deals(target=15), sales=4.0)["reverse"]["sales"] == 4.0


def test_of_a_real_answer(asked: Asked) -> None:
    summary = asked.answer.summary
    found = summary["levers"]
    assert [one["period"] for one in found["periods"]] == [one["period"] for one in summary["periods"]]
    for period, answer in zip(found["periods"], summary["periods"], strict=True):
        for row in period["tornado"]:
            assert row["p_hit"] - row["p_hit_change"] == pytest.approx(answer["p_hit"])
        best = max((row for row in period["tornado"] if row["stage"]), key=lambda row: row["p_hit_change"])
        if period["bottleneck"] is not None:
            assert period["bottleneck"]["p_hit_change"] == best["p_hit_change"]
