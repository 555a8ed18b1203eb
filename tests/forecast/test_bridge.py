"""What moved an answer: parts that sum to the move, and hand-made cases in which one thing alone happened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from forecast import draws as drawing
from forecast.answer import Answer, ask
from forecast.bridge import FATE, _later_arrivals, _old_frailty, bridge, table
from forecast.coding import code, combined
from forecast.config import Config
from forecast.draws import OTHERS
from forecast.errors import FunnelError
from forecast.exposure import expose
from forecast.fit import Fit, Health, _months
from forecast.history import History, as_of
from forecast.models import design
from forecast.models.exits import kinds_present
from forecast.question import Question, question_from
from forecast.sources import load
from forecast.sources.tables import Tables
from simulations import Deals, Frailty, simulate
from tests.conftest import Asked
from tests.forecast.histories import tables

SCHEMA = Path(__file__).parents[2] / "forecast" / "schema" / "bridge-1.0.json"
CONFIG = Config().with_funnel(stages=("A", "B"))
DRAWS, NEVER, AT_ONCE = 20, -1000.0, 12.0  # log hazards per day
LATE = pd.Timestamp("2024-03-01"), pd.Timestamp("2024-04-01")

# Nothing ever happens in A; what is in B is won within seconds of the origin. So of each day, the revenue of the
# year is certain: what is won, and what is in B.
BASE = [
    ("D1", "B", "2024-02-20", 100.0), ("D2", "B", "2024-02-20", 200.0), ("D3", "A", "2024-02-20", 400.0),
    ("D4", "A", "2024-01-05", 50.0), ("D4", "Won", "2024-02-05", 50.0),
    ("D5", "B", "2024-01-05", 70.0), ("D5", "Won", "2024-02-06", 70.0),
    ("D6", "A", "2024-01-05", 50.0), ("D6", "Lost", "2024-02-05", 50.0),
]  # fmt: skip


def certain(history: History, *, stuck_from: float = np.inf, both: bool = False) -> Fit:
    """A fit in which every draw is the same: deals in B are won at once up to an age, and so are those in A if both."""
    coding = code(history, [], clients_differ=False)
    coding = replace(coding, bands=None)
    cells, cell_of_deal = combined(coding.levels(history), pd.DataFrame(index=[0]))
    exposure = expose(history, cells, cell_of_deal)
    months = _months(exposure, history.origin, history.origin + pd.DateOffset(months=24))[:-1]
    funnel = exposure.funnel
    log_hazard = np.full((DRAWS, funnel.n_exits, funnel.n_bins), NEVER)
    for exit_, (here, there) in enumerate(funnel.exits):
        if there == history.won and (here == 1 or both):
            log_hazard[:, exit_, funnel.age_edges < stuck_from] = AT_ONCE
    posterior = {
        "log_hazard": log_hazard,
        "log_calendar": np.zeros((DRAWS, len(kinds_present(exposure)), len(months))),
        "effect": np.zeros((DRAWS, funnel.n_exits, 0)),
        "log_arrival_rate": np.full((DRAWS, len(months)), NEVER),
        "arrival_effect": np.full((DRAWS, 1), NEVER),
        "arrival_shape": np.ones(DRAWS),
    }
    health = Health(1.0, 400.0, 0, DRAWS, 1, 0, 0.0)
    none = design.Design(np.zeros((0, len(cells))), np.zeros(0, dtype=np.int64))
    return Fit(history, exposure, cell_of_deal, none, months, posterior, health, coding, history.origin, 1)


@pytest.fixture(autouse=True)
def amounts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is won at another amount than the one that is known: in hand-made cases only."""

    def kept(_: Any, n_states: int, n_draws: int, rng: np.random.Generator) -> Any:
        return np.ones((n_draws, n_states)), np.zeros((n_draws, n_states)), np.zeros((n_draws, n_states))

    monkeypatch.setattr(drawing, "draw_revisions", kept)


def asked_of(made: Tables, day: pd.Timestamp, **fit: Any) -> Answer:
    question = question_from(CONFIG, made, as_of=day.date(), period="2024", target=500, draws=DRAWS)
    return ask(CONFIG, made, question, fitted=certain(as_of(made, CONFIG.funnel, day), **fit), levers=False)


def walked(more: list[tuple[Any, ...]], changed: dict[str, float] | None = None, **later: Any) -> dict[str, Any]:
    """The bridge of the year from March to April where so much more happened; amounts changed on a day between."""
    rows = [*BASE, *more]
    for deal, amount in (changed or {}).items():
        stage = next(row[1] for row in BASE if row[0] == deal)
        rows.append((deal, stage, "2024-03-10", amount))
    made = tables(sorted(rows, key=lambda row: (row[0], row[2])), until="2024-06-01")
    then, now = asked_of(made, LATE[0]), asked_of(made, LATE[1], **later)
    return bridge(then, now, threads=1)


ONE_THING: dict[str, tuple[list[Any], dict[str, float], dict[str, Any], dict[str, float]]] = {
    "nothing": ([], {}, {}, {}),
    "won": ([("D3", "Won", "2024-03-15", 400.0)], {}, {}, {"won": 400.0}),
    "won, as expected": ([("D1", "Won", "2024-03-15", 100.0)], {}, {}, {}),
    "won for less": ([("D1", "Won", "2024-03-15", 80.0)], {}, {}, {"won": -20.0}),
    "lost": ([("D2", "Lost", "2024-03-15", 200.0)], {}, {}, {"lost": -200.0}),
    "lost that had no chance": ([("D3", "Lost", "2024-03-15", 400.0)], {}, {}, {}),
    "moved on": ([("D3", "B", "2024-03-15", 400.0)], {}, {}, {"moved": 400.0}),
    "moved back": ([("D1", "A", "2024-03-15", 100.0)], {}, {}, {"moved": -100.0}),
    "re-sized": ([], {"D1": 150.0}, {}, {"resized": 50.0}),
    "re-sized where it has no chance": ([], {"D3": 150.0}, {}, {}),
    "created": ([("N1", "B", "2024-03-15", 30.0)], {}, {}, {"created": 30.0}),
    "created and won": (
        [("N1", "B", "2024-03-15", 30.0), ("N1", "Won", "2024-03-16", 30.0)],
        {},
        {},
        {"created": 30.0},
    ),
    "learned": ([], {}, {"both": True}, {"learned": 400.0}),
}


@pytest.mark.parametrize("name", ONE_THING)
def test_one_thing_alone_is_one_part_alone(name: str) -> None:
    more, changed, later, expected = ONE_THING[name]
    board = walked(more, changed, **later)
    (period,) = board["periods"]
    parts = {part["part"]: part for part in period["parts"]}
    for measure in ("p50", "mean"):
        assert {part: told[measure] for part, told in parts.items() if told[measure]} == expected
    assert period["before"] == {"p50": 420.0, "p_hit": 0.0, "mean": 420.0}
    end = 420.0 + sum(expected.values())
    assert period["after"] == {"p50": end, "p_hit": float(end >= 500), "mean": end}
    assert sum(told["p_hit"] for told in parts.values()) == float(end >= 500)
    counted = {name: told["deals"] for name, told in parts.items()}
    assert counted["resized"] == len(changed)
    assert counted["created"] == any(row[0] == "N1" for row in more)
    assert sum(counted[part] for part in ("won", "lost", "moved", "aged")) == 3
    assert counted["learned"] is None
    jsonschema.validate(board, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_growing_older_alone() -> None:
    """Deals in B have no chance from 29 days on, which D1 and D2 pass in between."""
    made = tables(BASE, until="2024-06-01")
    then, now = (asked_of(made, day, stuck_from=29.0) for day in LATE)
    (period,) = bridge(then, now, threads=1)["periods"]
    assert {part["part"]: part["p50"] for part in period["parts"] if part["p50"]} == {"aged": -300.0}
    assert period["after"]["p50"] == 120.0


# --- a company ---


@pytest.fixture(scope="module")
def company(asked: Asked) -> tuple[Config, Tables]:
    return load(asked.folder)


def answer(company: tuple[Config, Tables], fit: Fit, day: str, **changes: Any) -> Answer:
    """As of a day of the same month, or the next, by a fit that is asked again."""
    config, tables = company
    periods = {"period": ["2024Q2", "2024-04-20..2024-05-15"], "target": [900_000, 300_000]}
    question = question_from(config, tables, as_of=day, **{**periods, **changes})
    return ask(
        config, tables, question, fitted=fit.with_history(as_of(tables, config.funnel, question.origin)), levers=False
    )


def test_the_parts_sum_to_the_move(asked: Asked, company: tuple[Config, Tables]) -> None:
    """To half a cent, which is as fine as a median of cents can be; with amounts that change and a cut month."""
    fit = asked.answer.fit
    then, now = answer(company, fit, "2024-04-10"), answer(company, fit, "2024-04-25")
    board = bridge(then, now)
    jsonschema.validate(board, json.loads(SCHEMA.read_text(encoding="utf-8")))
    for period, early, late in zip(board["periods"], then.summary["periods"], now.summary["periods"], strict=True):
        for name in ("p50", "p_hit", "mean"):
            assert period["before"][name] == pytest.approx(early[name], abs=1e-9 * abs(early["mean"]))
            assert period["after"][name] == pytest.approx(late[name], abs=1e-9 * abs(late["mean"]))
        assert sum(round(200 * part["p50"]) for part in period["parts"]) == round(200 * period["move"]["p50"])
        for name in ("p_hit", "mean"):
            assert sum(part[name] for part in period["parts"]) == pytest.approx(period["move"][name], abs=1e-6)
        assert sum(part["p50"] != 0 for part in period["parts"]) >= 5
        assert 0 < period["learned_se"] < period["before"]["p50"]
    flat = table(board)
    assert list(flat["part"][:2]) == ["before", "won"]
    assert len(flat) == 2 * 9
    history = as_of(company[1], company[0].funnel, pd.Timestamp("2024-04-25"))
    created = (history.deals["created"] >= pd.Timestamp("2024-04-10")).sum()
    assert {part["deals"] for part in board["periods"][0]["parts"] if part["part"] == "created"} == {created}


def test_new_deals_of_months_to_come_are_the_very_same(asked: Asked) -> None:
    """From the first of a month on, with and without those created before it; of a cut month a part of them."""
    made = asked.answer
    draws, templates = made.scenario.draws, made.scenario.templates
    templates = replace(templates, groups={FATE: np.zeros(len(templates), dtype=np.int64)})
    edges = draws.month_edges

    def run(day: float) -> Any:
        return simulate(_later_arrivals(draws, day), Deals.none(), templates, seed=1, group_sizes={FATE: 1})

    whole, from_third, cut = run(0.0), run(float(edges[3])), run(float(edges[3]) + 5)
    np.testing.assert_array_equal(from_third.created[:, 3:], whole.created[:, 3:])
    assert not from_third.created[:, :3].any()
    assert (from_third.won <= whole.won).all()
    np.testing.assert_array_equal(cut.created[:, 4:], whole.created[:, 4:])
    assert (cut.created[:, 3] <= whole.created[:, 3]).all()
    assert cut.created[:, 3].sum() < whole.created[:, 3].sum()


def test_clients_are_seen_as_they_were() -> None:
    """Those known then as then, those not known then as now, the pooled rest as now."""
    keys = np.arange(5, dtype=np.uint64)
    then = Frailty(np.ones(2), keys[:3], np.array([1.0, 2.0, 9.0]), np.array([[1.0, 2.0, 9.0], [3.0, 4.0, 9.0]]))
    now = Frailty(np.ones(2), keys[:4], np.array([5.0, 6.0, 7.0, 8.0]), np.array([[5.0, 6.0, 7.0, 8.0]] * 2))
    seen = _old_frailty(now, ["A", "New", "B", OTHERS], then, ["B", "A", OTHERS])
    assert seen is not None
    assert seen.exits.tolist() == [2.0, 6.0, 1.0, 8.0]
    assert seen.exposure.tolist() == [[2.0, 6.0, 1.0, 8.0], [4.0, 6.0, 3.0, 8.0]]
    assert _old_frailty(None, [], None, []) is None
    assert _old_frailty(now, [], None, []) is now


# --- what is refused ---


def test_what_is_no_bridge(asked: Asked, company: tuple[Config, Tables]) -> None:
    fit = asked.answer.fit
    first, later = answer(company, fit, "2024-04-10"), answer(company, fit, "2024-04-12")
    with pytest.raises(FunnelError, match="leads to a later day, not from 2024-04-12 to 2024-04-10"):
        bridge(later, first)
    other = answer(company, fit, "2024-04-12", target=[1, 2])
    with pytest.raises(FunnelError, match="to different questions"):
        bridge(first, other)
    elsewhere = replace(later, fit=replace(later.fit, history=replace(later.fit.history, states=("X", "Won", "Lost"))))
    with pytest.raises(FunnelError, match="about different stages"):
        bridge(first, elsewhere)
    broken = replace(first, question=Question(first.question.origin, first.question.periods, DRAWS, 99))
    with pytest.raises(ValueError, match="not those of its scenario and seed"):
        bridge(broken, replace(later, question=replace(broken.question, origin=later.question.origin)))
