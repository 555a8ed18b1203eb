"""Dependence on clients with a real fit: generated companies that differ in nothing but whose the deals are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from forecast.answer import asked_months, simulated
from forecast.asked import asked_about
from forecast.clientele import by_client
from forecast.config import Config
from forecast.config_data import Known
from forecast.draws import MOST_CLIENTS, NEWCOMERS, OTHERS, Scenario, client_codes
from forecast.history import History
from forecast.parts import Parts, parts_of
from forecast.periods import parse_period
from forecast.question import Question
from forecast.report import page
from forecast.sheets import clients
from forecast.single_clients import SINGLE, names_of, singles
from forecast.sources import load
from forecast.terminal_answers import show_clients
from simulations import Outcomes, simulate
from simulations.levers import Assumptions, without_group
from tests.conftest import Asked
from tests.forecast.answers import hand_made
from tests.forecast.companies import ORIGIN
from tests.forecast.fitted import history
from tests.forecast.summaries import maven
from tests.forecast.test_answer import SCHEMA

PERIOD, DRAWS = parse_period("2024Q2"), 400


class Company(NamedTuple):
    config: Config
    history: History
    scenario: Scenario
    parts: Parts
    outcomes: Outcomes
    edges: np.ndarray

    def told(self, target: float, *, single: bool = False) -> dict[str, Any]:
        asked = asked_about(PERIOD, target, self.history, self.edges, 100, wanted=0.8)
        level = self.parts.singles if single else None
        who = (self.history, self.scenario, self.parts, self.outcomes)
        return by_client(asked, self.config.dependence, *who, "EUR", level)

    def middle(self) -> float:
        """A target that is reached in every other simulation."""
        won = asked_about(PERIOD, 1.0, self.history, self.edges, 100, wanted=0.8).won_to_date
        return float(won + np.median(self.outcomes.won.sum(axis=1))) / 100


def company(asked: Asked, whose: Callable[[pd.DataFrame], dict[str, Any]]) -> Company:
    """The shared company, simulated from the shared fit, which does not look at clients; `whose`: columns client and
    perhaps parent_client of its deals, known when these are created.
    """
    config, _ = load(asked.folder)
    fit = asked.answer.fit
    assert not fit.coding.frailty
    assert not fit.coding.existing
    columns = whose(fit.history.deals)
    known = {**fit.history.known, **dict.fromkeys(columns, Known.CREATION)}
    history = replace(fit.history, deals=fit.history.deals.assign(**columns), known=known)
    edges, kept = asked_months(history.origin, Question(ORIGIN, ((PERIOD, 1.0),), DRAWS, 1))
    fitted = replace(fit.with_history(history), posterior={k: v[:DRAWS] for k, v in fit.posterior.items()})
    _, prepared, outcomes = simulated(
        config, history, edges, kept, draws=DRAWS, seed=1, apart=[PERIOD], threads=2, fitted=fitted
    )  # fmt: skip
    parts = parts_of(fitted, prepared, {})
    return Company(config, history, prepared, parts, outcomes, edges[: kept + 1])


def one_large(deals: pd.DataFrame) -> dict[str, Any]:
    """45 % of the value are one client's, spread over the years; each other deal has a client of its own."""
    random, amount = np.random.default_rng(2), deals["amount"].fillna(0).to_numpy()
    order = random.permutation(len(deals))
    large = order[np.cumsum(amount[order]) <= 0.45 * amount.sum()]
    names = np.array([f"C{i:03d}" for i in range(len(deals))], dtype=object)
    names[large] = "Major"
    return {"client": names}


def equal(deals: pd.DataFrame) -> dict[str, Any]:
    """400 clients, with one deal or two each."""
    return {"client": [f"C{i % 400:03d}" for i in range(len(deals))]}


def rolled_up(deals: pd.DataFrame) -> dict[str, Any]:
    """Ten clients, of which the first three have one parent; every tenth deal names none."""
    client = np.array([f"C{i % 10}" for i in range(len(deals))], dtype=object)
    client[::10] = None
    return {"client": client, "parent_client": [("P" if name in ("C1", "C2", "C3") else None) for name in client]}


@pytest.fixture(scope="module")
def large(asked: Asked) -> Company:
    return company(asked, one_large)


def test_opposite_verdicts(asked: Asked, large: Company) -> None:
    dependent = large.told(large.middle())
    assert (dependent["verdict"], dependent["critical"], dependent["largest"]) == ("dependent", "Major", "Major")
    # Of the revenue to come: 45 % of the value, as far as the deals of a few months are like all.
    assert dependent["shares"]["1"] == pytest.approx(0.45, abs=0.15)
    spread = company(asked, equal)
    told = spread.told(spread.middle())
    assert told["verdict"] == "spread"
    assert told["effective_number"] > 10 * dependent["effective_number"]
    for one in (dependent, told):
        for key in ("share", "shortfall_share"):
            assert sum(row[key] for row in [*one["table"], one["rest"]]) == pytest.approx(1)


def test_without_a_client_is_a_fresh_simulation_without_its_deals(large: Company) -> None:
    """To the cent in every simulation, and so is the chance."""
    target, whole = large.middle(), Assumptions(
        large.scenario.draws, large.scenario.open_deals, large.scenario.templates
    )  # fmt: skip
    told = {row["client"]: row for row in large.told(target)["table"]}
    names = large.scenario.labels["client"]
    months = large.outcomes.n_months
    for name in ("Major", next(name for name in told if name != "Major")):
        index = names.index(name)
        fewer = without_group(whole, "client", index)
        assert (fewer.open_deals.groups["client"] != index).all()
        fresh = simulate(*fewer, seed=1, months=months, arrival_months=months, threads=2)
        rest = large.outcomes.won - large.outcomes.by["client"][:, :, index]
        np.testing.assert_array_equal(rest, fresh.won)
        won = asked_about(PERIOD, target, large.history, large.edges, 100, wanted=0.8).won_to_date
        assert told[name]["p_hit_without"] == (won + fresh.won.sum(axis=1) >= round(target * 100)).mean()


def test_clients_and_their_parents_beside_each_other(asked: Asked) -> None:
    """Both levels sum to the whole; a parent has what its clients have; one that is no parent's is told of alike."""
    made = company(asked, rolled_up)
    assert made.parts.singles is not None
    target = made.middle()
    parents, singles = made.told(target), made.told(target, single=True)
    above, below = ({row["client"]: row for row in told["table"]} for told in (parents, singles))
    assert set(above) == {"P", *(f"C{i}" for i in range(4, 10))}
    assert set(below) == {f"C{i}" for i in range(1, 10)}
    np.testing.assert_array_equal(made.outcomes.by[SINGLE].sum(axis=2), made.outcomes.won)
    for told in (parents, singles):
        rows = [*told["table"], told["rest"]]
        assert sum(row["expected"] for row in rows) == pytest.approx(made.outcomes.won.sum(axis=1).mean() / 100)
        assert sum(row["shortfall_share"] for row in rows) == pytest.approx(1)
    for key in ("won_to_date", "open_deals", "open_value", "viable_value"):
        assert above["P"][key] == pytest.approx(sum(below[name][key] for name in ("C1", "C2", "C3")))
    assert above["P"]["p_hit_without"] <= min(below[name]["p_hit_without"] for name in ("C1", "C2", "C3"))
    # Deals that name no client are drawn for a payer, and are among the others where clients stand by themselves.
    assert parents["unknown"]
    for name in ("C4", "C9"):
        assert below[name]["expected"] <= above[name]["expected"]
        assert below[name]["open_value"] == above[name]["open_value"]
    period = {"period": "2024Q2", "clients": parents, "single_clients": singles}
    table = clients({"periods": [period]})
    assert table["level"].value_counts().to_dict() == {"client": 9, "parent": 7}
    described = json.loads(SCHEMA.read_text("utf-8"))["properties"]["periods"]["items"]["properties"]["clients"]
    for told in (parents, singles):
        jsonschema.validate(told, described)


def test_new_clients_are_a_group_of_their_own(asked: Asked) -> None:
    """A template that was the first deal of its client stands for one not seen yet, at either level."""
    made = company(asked, lambda deals: {**equal(deals), "parent_client": [f"P{i % 7}" for i in range(len(deals))]})
    singles = made.parts.singles
    assert singles is not None
    new = singles.names.index(NEWCOMERS)
    rows = made.scenario.template_row
    created = made.history.deals["created"]
    earliest = (created == created.groupby(made.history.deals["client"]).transform("min")).to_numpy()
    assert (made.scenario.templates.groups[SINGLE] == new).tolist() == earliest[rows].tolist()


def test_both_levels_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    summary = maven()
    quarter = summary["periods"][0]
    quarter["single_clients"] = {**quarter["clients"], "table": quarter["clients"]["table"][:2]}
    show_clients(summary, Console(width=100))
    shown = capsys.readouterr().out
    in_html = page(replace(hand_made(), summary=summary))
    for heading in ("Client, with those it is the parent of", "Client by itself"):
        assert f"{heading}, USD" in shown
        assert heading in in_html
    assert set(clients(summary)["level"].dropna()) == {"parent", "client"}


def test_a_hundred_thousand_clients_are_kept_apart_as_far_as_they_matter() -> None:
    number = 100_000
    client = pd.Series([f"客户 {i}" for i in range(number)], dtype=object)
    names = names_of(client, pd.Series(np.arange(number, dtype=float)))
    assert len(names) == MOST_CLIENTS
    assert set(names[:-2]) == set(client[number - MOST_CLIENTS + 2 :])
    assert names[-2:] == [OTHERS, NEWCOMERS]
    codes = client_codes(client, names)
    assert np.bincount(codes).tolist() == [1] * (MOST_CLIENTS - 2) + [number - MOST_CLIENTS + 2]


def test_single_clients_are_told_of_only_where_open_deals_know_theirs() -> None:
    """Else all deals whose client is drawn would count as one client's."""
    made = history()
    known = {**made.known, "parent_client": Known.CREATION}
    rolled = replace(made, deals=made.deals.assign(parent_client="Group"), known=known)
    assert known["client"] is Known.CLOSE
    assert singles(rolled) is None
    assert singles(replace(rolled, known={**known, "client": Known.CREATION})) is not None
