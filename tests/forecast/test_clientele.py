"""Clients, deals, coverage and quotas on futures that are enumerated: every combination of a few deals, once each."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.ages import Ages
from forecast.asked import AskedPeriod, asked_about
from forecast.clientele import _members, by_client, decisive, overdue_apart
from forecast.coding import clients as clients_of
from forecast.config import Config, config_from
from forecast.config_asked import DependenceSection
from forecast.config_data import FunnelSection
from forecast.coverage import coverage, overdue
from forecast.draws import NEWCOMERS, OTHERS
from forecast.errors import FunnelError
from forecast.history import History, as_of, day_of
from forecast.outputs import write_csv
from forecast.parts import DEAL, OVERDUE, VIABLE, Parts
from forecast.periods import parse_period
from forecast.quotas import by_group, groupings, quotas_of
from forecast.sheets import clients as client_table
from forecast.single_clients import Level
from simulations import Outcomes
from tests.forecast.histories import tables

ORIGIN = pd.Timestamp("2024-04-10")
PERIOD = parse_period("2024Q2")
EDGES = np.array([day_of(ORIGIN), day_of(pd.Timestamp("2024-05-01")), day_of(pd.Timestamp("2024-07-01"))])
FUNNEL = FunnelSection(stages=("A", "B"), viable_from="B")
LIMITS = DependenceSection()
HOSTILE = '=HYPERLINK("http://x","y")'


def world(amounts: list[int], clients: list[str], owners: list[str], won: np.ndarray) -> tuple[Any, ...]:
    """History, scenario, parts and outcomes of open deals, `won` (simulations, deals) telling which are; the first is
    in stage A and overdue, the others are viable. One more deal was won on 5 April, by the first client, for 7.
    """
    n = len(amounts)
    rows = [(f"D{i:03d}", "B" if i else "A", "2024-03-01", amounts[i]) for i in range(n)]
    rows += [("W", "B", "2024-03-01", 7), ("W", "Won", "2024-04-05", 7)]
    made = tables(rows, client=[*clients, clients[0]], owner=[*owners, owners[0]], until="2024-04-10")
    made.known["owner"] = made.known["client"]  # type: ignore[index]
    history = as_of(made, FUNNEL, ORIGIN)
    names = {"client": sorted(set(clients)), "owner": sorted(set(owners))}
    code = {
        name: np.array([names[name].index(one) for one in of]) for name, of in (("client", clients), ("owner", owners))
    }
    value = 100 * np.array(amounts)
    opened = history.open_visits()
    prepared = SimpleNamespace(labels=names, open_visit=opened)
    late = np.arange(n) == 0
    place = np.where(late, n, code["client"])
    sizes = {"client": len(names["client"]), "owner": len(names["owner"]), DEAL: n + 1, VIABLE: n + 1, OVERDUE: 2}
    codes = {"client": code["client"], "owner": code["owner"], DEAL: np.arange(n), VIABLE: place, OVERDUE: 1 - late}
    by = {name: np.zeros((len(won), 2, size), dtype=np.int64) for name, size in sizes.items()}
    for deal in range(n):
        for name, groups in by.items():
            groups[:, 1, codes[name][deal]] += won[:, deal] * value[deal]
    total = by["client"].sum(axis=2)
    nothing = np.zeros(total.shape, dtype=np.int32)
    parts = Parts(
        value, ~late, np.where(late, 0, 1), Ages(np.full(n, 40.0), np.full(n, 0.5), np.where(late, 30.0, 50.0)),
        np.arange(n), Level("client", VIABLE, names["client"], clients_of(history), code["client"], np.arange(n)),
    )  # fmt: skip
    outcomes = Outcomes(total, nothing, nothing, by, np.arange(len(won)))
    return history, prepared, parts, outcomes


def three() -> tuple[Any, ...]:
    """60, 30 and 10, each won or not: eight futures, of which those with 40 or more are five."""
    won = np.array(list(itertools.product((0, 1), repeat=3)))
    return world([60, 30, 10], ["Acme", "<script>", HOSTILE], ["Ada", "Ben", "Ada"], won)


def asked(history: History, target: float | None, wanted: float = 0.8) -> AskedPeriod:
    return asked_about(PERIOD, target, history, EDGES, 100, wanted)


def test_clients_by_hand() -> None:
    history, *rest = three()
    found = by_client(asked(history, 47), LIMITS, history, *rest, "EUR")
    rows = {row["client"]: row for row in found["table"]}
    assert list(rows) == ["Acme", "<script>", HOSTILE]
    assert [row["expected"] for row in rows.values()] == [30, 15, 5]
    assert [row["share"] for row in rows.values()] == pytest.approx([0.6, 0.3, 0.1])
    # Won 7 to date, so 40 are missing. Without Acme only 30 + 10 hits: 1 of 4; without either other one, half.
    assert [row["p_hit_without"] for row in rows.values()] == [0.25, 0.5, 0.5]
    # With Acme's 60 always; with the 30: Acme or the 10; with the 10: Acme or the 30.
    assert [row["adds"] for row in rows.values()] == [0.75, 0.25, 0.25]
    # Three futures miss, at 0, 10 and 30 of 50 expected. Short of their means: 3 * 30, 15 + 15 - 15, 5 - 5 + 5.
    assert [row["shortfall_share"] for row in rows.values()] == pytest.approx([90 / 110, 15 / 110, 5 / 110])
    assert [row["won_to_date"] for row in rows.values()] == [7, 0, 0]
    assert [row["viable_value"] for row in rows.values()] == [0, 30, 10]
    assert found["concentration"] == pytest.approx(0.36 + 0.09 + 0.01)
    assert found["shares"] == pytest.approx({"1": 0.6, "3": 1, "5": 1})
    assert (found["verdict"], found["critical"]) == ("dependent", "Acme")
    # Without it 0, 10, 30 or 40 come in, twice each. Five of eight hit once the 10 is quadrupled: 3 * 40 more.
    assert rows["Acme"]["restoring_value"] == pytest.approx(120)
    assert found["sentence"] == (
        "Without Acme the chance falls from 62 % to 25 %; 120 EUR of viable value from other clients would restore it."
    )


def test_restoring_restores() -> None:
    """With the other clients' viable deals at that multiple, the chance is what it was with the client."""
    history, prepared, parts, outcomes = three()
    found = by_client(asked(history, 47), LIMITS, history, prepared, parts, outcomes, "")
    times = found["table"][0]["restoring_value"] / 40
    viable = outcomes.by[VIABLE][:, :, :-1].sum(axis=(1, 2))
    assert (700 + viable >= 4700).mean() < 0.625
    assert (700 + viable + times * viable >= 4700).mean() >= 0.625
    assert (700 + viable + 0.74 * times * viable >= 4700).mean() < 0.625


def test_deals_by_hand() -> None:
    history, *rest = three()
    rows = {row["deal_id"]: row for row in decisive(asked(history, 47), LIMITS, history, *rest)}
    assert list(rows) == ["D000", "D001", "D002"]
    assert [row["p_win"] for row in rows.values()] == [0.5, 0.5, 0.5]
    assert [row["p_hit_if_lost"] for row in rows.values()] == [0.25, 0.5, 0.5]
    assert [row["p_hit_if_won"] for row in rows.values()] == [1, 0.75, 0.75]
    assert [row["moves"] for row in rows.values()] == [0.375, 0.125, 0.125]
    assert [row["carries"] for row in rows.values()] == [True, True, True]
    assert [row["overdue"] for row in rows.values()] == [True, False, False]
    without = overdue_apart(asked(history, 47), rest[1], rest[2])
    assert (without["expected"], without["p_hit_without"], without["rtv_without"]) == (30, 0.25, 40)
    assert without["funnel_factor_without"] == 1
    late = overdue(history, rest[0], rest[1], {"A": 30.0}, 100)
    assert (late["deals"], late["value"], late["rtv"]) == (1, 60, 0)
    assert [(one["deals"], one["declared"]) for one in late["stages"]] == [(1, True), (0, False)]
    assert late["list"][0]["deal_id"] == "D000"


def test_coverage_by_hand() -> None:
    history, _, parts, outcomes = three()
    told = coverage(asked(history, 47, 0.75), PERIOD, history, parts, outcomes)
    assert (told["open_value"], told["coverage"], told["rtv"], told["funnel_factor"]) == (100, 2.5, 40, 1)
    # Four futures have Acme's 60. Of the other four, the one with 30 has to bring 40: 4 / 3, and then 6 of 8 hit.
    assert told["wanted_rtv"] == pytest.approx(40 * 4 / 3)
    assert told["ideal_factor"] == pytest.approx(4 / 3)
    assert told["weighted_coverage"] == 2.5  # the only deal that is closed was won
    beyond = coverage(asked(history, 47, 0.9), PERIOD, history, parts, outcomes)
    assert (beyond["ideal_factor"], beyond["wanted_rtv"]) == (None, None)  # one future in eight has no win at all
    reached = coverage(asked(history, 7), PERIOD, history, parts, outcomes)
    assert (reached["coverage"], reached["funnel_factor"], reached["ideal_factor"]) == (None, None, None)


def test_groups_and_their_quotas() -> None:
    history, *rest = three()
    config = config_from({"quotas": {"2024Q2": {"owner": {"Ada": 77}}, "2024Q3": {"owner": {"Ada": 1}}}})
    (told,) = by_group(asked(history, 47), quotas_of(config, PERIOD), ["owner"], history, *rest)
    ada, ben = told["rows"]
    assert (ada["group"], ada["won_to_date"], ada["expected"], ada["mean"]) == ("Ada", 7, 35, 42)
    assert (ada["quota"], ada["gap"], ada["p_hit"]) == (77, 70, 0.25)  # both her deals, or none
    assert ada["funnel_factor"] == pytest.approx(10 / 70)
    assert (ben["quota"], ben["p_hit"], ben["won_to_date"], ben["rtv"]) == (None, None, 0, 30)
    with pytest.raises(FunnelError, match="there is no owner 'Adda'") as error:
        by_group(asked(history, 47), {"owner": {"Adda": 1.0}}, ["owner"], history, *rest)
    assert "Ada" in str(error.value)
    assert groupings(config, history, []) == ("owner",)
    with pytest.raises(FunnelError, match="'seller' is not a column"):
        groupings(config_from({"quotas": {"2024": {"seller": {"Ada": 1}}}}), history, [])
    assert Config().quotas == {}
    with pytest.raises(FunnelError, match="'Q3' is not a period"):
        config_from({"quotas": {"Q3": {"owner": {"Ada": 1}}}})


def test_names_that_are_formulas_or_markup(tmp_path: Any) -> None:
    history, *rest = three()
    found = by_client(asked(history, 47), LIMITS, history, *rest, "EUR")
    assert HOSTILE in json.dumps(found, ensure_ascii=False).replace('\\"', '"')
    path = tmp_path / "clients.csv"
    write_csv(path, client_table({"periods": [{"period": "2024Q2", "clients": found, "single_clients": None}]}))
    assert pd.read_csv(path)["client"].tolist() == ["Acme", "<script>", f"'{HOSTILE}"]


@pytest.mark.parametrize("pooled", [(OTHERS,), (NEWCOMERS, OTHERS), (NEWCOMERS,)])
def test_of_how_many_clients_a_group_consists(pooled: tuple[str, ...]) -> None:
    """Seven clients, of whom two are told apart."""
    everyone = pd.Series([*"abcdefg", "a", None])
    level = Level("client", VIABLE, ["a", *pooled, "b"], everyone, np.zeros(9, dtype=int), np.zeros(0, dtype=int))
    assert _members(level).tolist() == [1, *(5 if name == OTHERS else np.inf for name in pooled), 1]


def independent(amounts: list[int], clients: list[str]) -> dict[str, Any]:
    random = np.random.default_rng(1)
    won = (random.random((2000, len(amounts))) < 0.3).astype(np.int64)
    history, *rest = world(amounts, clients, ["Ada"] * len(amounts), won)
    target = 7 + 0.29 * sum(amounts)
    return by_client(asked(history, target), LIMITS, history, *rest, "EUR")


def test_one_large_client_or_four_hundred_equal_ones() -> None:
    """Opposite verdicts; the names are Arabic and Chinese."""
    large = independent([450] + [1] * 550, ["شركة"] + [f"客户{i}" for i in range(550)])
    assert (large["verdict"], large["critical"]) == ("dependent", "شركة")
    assert large["shares"]["1"] == pytest.approx(0.45, abs=0.05)
    assert large["effective_number"] < 6
    equal = independent([100] * 400, [f"客户{i}" for i in range(400)])
    assert equal["verdict"] == "spread"
    assert equal["sentence"].startswith("No single client decides")
    assert equal["effective_number"] == pytest.approx(400, rel=0.02)
    for told in (large, equal):
        assert sum(row["share"] for row in [*told["table"], told["rest"]]) == pytest.approx(1)
        assert sum(row["shortfall_share"] for row in [*told["table"], told["rest"]]) == pytest.approx(1)
