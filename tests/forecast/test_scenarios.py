"""Scenarios: nothing changed is nothing moved; each part does what it says; all of it as plain data."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from forecast import scenarios as module
from forecast.config import Config, config_from
from forecast.config_asked import CapacitySection, ScenarioSection
from forecast.draws import Scenario
from forecast.errors import FunnelError
from forecast.scenarios import assumed, in_words, joint, month_capacity, played, scenarios
from forecast.sources import load
from forecast.tornado import stated_age, usual_effect
from simulations import Assumptions, Deals, levers
from tests.conftest import Asked
from tests.simulations.examples import deals

SCHEMA = json.loads((Path(module.__file__).parent / "schema" / "forecast-1.0.json").read_text("utf-8"))
NOTHING = {
    "conversion": {"Talk": 0.0}, "lead_time": {"Offer": 0.0}, "new_deals": 0.0, "amount": 0.0, "price": 0.0,
    "elasticity": -1.0,
}  # fmt: skip


def config(asked: Asked, named: dict[str, Any], **capacity: Any) -> Config:
    read, _ = load(asked.folder)
    checked = config_from({
        "funnel": {"stages": list(read.funnel.stages)}, "scenarios": named, "capacity": capacity,
    })  # fmt: skip
    return read.model_copy(update={"scenarios": checked.scenarios, "capacity": checked.capacity})


def told(asked: Asked, named: dict[str, Any], **capacity: Any) -> Any:
    answer = asked.answer
    found, simulations = scenarios(answer.what_if, answer.fit, answer.scenario, config(asked, named, **capacity))
    jsonschema.validate(found, SCHEMA["properties"]["scenarios"], jsonschema.Draft202012Validator)
    return found, simulations


def changed(asked: Asked, **section: Any) -> Assumptions:
    answer, one = asked.answer, config(asked, {"A": section})
    return assumed(answer.what_if, answer.fit, answer.scenario, one, one.scenarios["A"])


def test_size_zero_moves_nothing(asked: Asked) -> None:
    found, simulations = told(asked, {"nothing": {}, "zeros": NOTHING}, deals=5)
    base, *others = found["scenarios"]
    for one in others:
        assert one["months"] == base["months"]
        assert one["periods"] == base["periods"]
        changes = [value for row in (*one["periods"], *one["months"]) for key, value in row.items() if "change" in key]
        assert set(changes) == {0.0}
        assert simulations[one["name"]] is asked.answer.outcomes.won
    for row, period in zip(base["periods"], asked.answer.summary["periods"], strict=True):
        for key in ("p_hit", "p_hit_se", "p10", "p50", "p90", "mean"):
            assert row[key] == pytest.approx(period[key])


def test_deltas_are_those_of_the_simulations(asked: Asked) -> None:
    found, simulations = told(asked, {"more": {"new_deals": 0.5}, "fewer": {"new_deals_per_month": 1.0}})
    what_if = asked.answer.what_if
    for one in found["scenarios"]:
        won = simulations[one["name"]]
        for row, period in zip(one["periods"], what_if.periods, strict=True):
            revenue, before = period.revenue(won) / 100, period.revenue(what_if.base.won) / 100
            assert row["p_hit"] == pytest.approx((period.revenue(won) >= period.target).mean())
            assert row["p_hit_change"] == pytest.approx(row["p_hit"] - (before * 100 >= period.target).mean())
            assert row["p10_change"] == pytest.approx(np.quantile(revenue, 0.1) - np.quantile(before, 0.1))
            assert row["mean_change"] == pytest.approx((revenue - before).mean())
    _, more, fewer = found["scenarios"]
    assert min(row["mean_change"] for row in more["periods"]) >= 0
    assert max(row["mean_change"] for row in fewer["periods"]) <= 0


def test_new_deals_per_month(asked: Asked) -> None:
    given = changed(asked, new_deals_per_month=12.0)
    what_if = asked.answer.what_if
    mean = given.draws.arrival_mean[:, : what_if.kept].sum(axis=1).mean()
    assert mean / what_if.edges[-1] * 365.25 / 12 == pytest.approx(12.0)


def test_price_and_elasticity(asked: Asked) -> None:
    """Dearer by a tenth with an elasticity of -2: amounts times 1.1, the last conversion rate times 1.1 ** -2."""
    what_if = asked.answer.what_if
    given, before = changed(asked, price=0.1, elasticity=-2.0), what_if.given
    rate = {"by_age": stated_age(before.draws), "effect": usual_effect(before, what_if.kept)}
    for stage, factor in ((0, 1.0), (1, 1.1**-2)):
        p, now = (levers.conversion_rate(one.draws, stage, **rate) for one in (before, given))
        np.testing.assert_allclose(now, p * factor, rtol=1e-9)
    known = before.open_deals.amount >= 0
    np.testing.assert_array_equal(given.open_deals.amount[known], np.rint(before.open_deals.amount[known] * 1.1))
    plain = changed(asked, price=0.1)
    np.testing.assert_array_equal(plain.draws.hazard, before.draws.hazard)


def test_joining_sellers_add_an_average_share(asked: Asked) -> None:
    before, given = asked.answer.what_if.given, changed(asked, join=[{"month": "2024-05", "sellers": 2}])
    ratio = given.draws.arrival_mean[0] / before.draws.arrival_mean[0]
    month = [label[:7] >= "2024-05" for label in asked.answer.months]
    np.testing.assert_allclose(ratio[: len(month)], np.where(month, 1 + 2 / 4, 1.0))  # of four who sell


def test_leaving_sellers_bring_less(asked: Asked) -> None:
    answer = asked.answer
    name = str(answer.fit.history.deals["owner"].iloc[0])
    one = config(asked, {"A": {"leave": [name]}})
    won, _ = played(answer.what_if, answer.fit, answer.scenario, one, one.scenarios["A"])
    assert won.mean() < answer.outcomes.won.mean()


def test_a_client_that_is_lost_by_hand() -> None:
    """Rows 0 and 2 are the client's: open deal 1 is row 2, template 0 is row 0."""
    history = SimpleNamespace(deals=pd.DataFrame({"client": ["Acme", "Bolt", "Acme", None]}), known={})
    fit: Any = SimpleNamespace(history=history)
    prepared: Any = SimpleNamespace(deal_row=np.array([1, 2, 3]), template_row=np.array([0, 1]))
    prepared.templates_of = lambda chosen: Scenario.templates_of(prepared, chosen)
    from tests.forecast.what_ifs import ONE_STAGE
    from tests.simulations.examples import calm_draws

    draws = calm_draws(ONE_STAGE, [[0.1], [0.1]], [0.0, 10.0], template_cdf=[0.5, 1.0])
    given = Assumptions(draws, deals([0, 0, 0]), deals([0, 0], first_key=9))
    after = module._without_clients(given, fit, prepared, ScenarioSection(lost_clients=("Acme",)))
    assert after.open_deals.key.tolist() == [0, 2]
    assert after.templates.cell.tolist() == [1, 0]
    with pytest.raises(FunnelError, match="'Acne' is not a client") as error:
        module._without_clients(given, fit, prepared, ScenarioSection(lost_clients=("Acne",)))
    assert "Acme" in str(error.value.remedy)
    assert len(Deals.none()) == 0


def test_capacity_by_month() -> None:
    """A usual month takes 31 deals; half of October is left; November is named."""
    section = CapacitySection(deals=31, months={"2017-11": 60})
    edges, labels = np.array([0.0, 15.5, 45.5, 76.5]), ("2017-10", "2017-11", "2017-12")
    room = month_capacity(section, labels, edges, pd.Timestamp("2017-10-16 12:00"))
    assert room is not None
    assert room.tolist() == pytest.approx([15.5, 60.0, 31.0])
    assert month_capacity(CapacitySection(), labels, edges, pd.Timestamp("2017-10-16")) is None


def test_what_waits(asked: Asked) -> None:
    found, _ = told(asked, {}, deals=4, backlog=2)
    outcomes, months = asked.answer.outcomes, found["scenarios"][0]["months"]
    first = months[0]["capacity"]
    assert months[0]["p_backlog"] == pytest.approx((outcomes.wins[:, 0] + 2 > first).mean())
    assert found["capacity"] == {"of": "deals", "usual": 4.0, "backlog": 2.0}
    by_amount, _ = told(asked, {}, amount=50_000)
    assert 0 < by_amount["scenarios"][0]["months"][-1]["p_backlog"] <= 1


def test_simulations_side_by_side(asked: Asked) -> None:
    _, simulations = told(asked, {"more": {"new_deals": 0.5}})
    table = joint(simulations, asked.answer.months, 100)
    assert list(table.columns) == ["scenario", "simulation", *asked.answer.months]
    assert table.groupby("scenario").size().tolist() == [asked.answer.outcomes.n_simulations] * 2
    assert table.iloc[0, 2:].sum() == pytest.approx(asked.answer.outcomes.won[0].sum() / 100)


def test_words() -> None:
    section = ScenarioSection(
        conversion={"Talk": 0.05}, lead_time={"Offer": -0.1}, price=0.03, elasticity=-1.5, lost_clients=("Acme",),
        leave=("Ada",), join=({"month": "2024-05", "sellers": 2, "ramp_months": 3},), new_deals_per_month=40,
    )  # fmt: skip
    assert in_words(section, Config()) == [
        "conversion of Talk + 5 points", "lead time of Offer - 10 %", "price + 3 %", "elasticity -1.5",
        "40 new deals a month", "Acme is lost", "Ada leaves", "2 sellers join in 2024-05, at full speed after 3 months",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"scenarios": {"A": {"conversion": {"Tlak": 0.1}}}}, r"\[scenarios.A\] 'Tlak' is not a stage"),
        ({"scenarios": {"A": {"new_deals": 0.1, "new_deals_per_month": 5}}}, "not both"),
        ({"scenarios": {"A": {"join": [{"month": "May"}]}}}, "write a month as 2017-11"),
        ({"scenarios": {"A": {"conversions": {}}}}, "has no key 'conversions'"),
        ({"scenarios": {"A": {"amount": -1.0}}}, "greater than -1"),
        ({"capacity": {"deals": 1, "amount": 1}}, "not both"),
        ({"capacity": {"backlog": 1}}, "say how many deals"),
    ],
)
def test_what_cannot_be_a_scenario(data: dict[str, Any], message: str) -> None:
    with pytest.raises(FunnelError, match=message):
        config_from({"funnel": {"stages": ["Talk", "Offer"]}, **data})
