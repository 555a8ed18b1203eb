"""How answers moved: from a log made by hand, and with a stand-in for the answer where days are asked."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pandas as pd
import pytest

from forecast import answer, runs
from forecast.config import Config
from forecast.errors import FunnelError
from forecast.outputs import finite
from forecast.question import Question, question_from
from forecast.sources import load
from forecast.sources.tables import Tables
from forecast.trend import ask_missing, missing, question_as_of, so_far, table, trend
from forecast.windows import days_named
from tests.forecast import summaries
from tests.forecast.companies import SMALL, small, write_company

SCHEMA = Path(__file__).parents[2] / "forecast" / "schema" / "trend-1.0.json"
QUARTER, TARGET = "2024Q2", 900_000.0


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Tables, Question]:
    config, tables = load(write_company(tmp_path_factory.mktemp("trend"), SMALL, small()))
    return config, tables, question_from(config, tables, period=QUARTER, target=TARGET)


def told(origin: str, p50: float, target: float = TARGET, p_hit: float = 0.5) -> dict[str, Any]:
    """An answer about the quarter."""
    summary = summaries.maven()
    quarter = {**summary["periods"][0], "period": QUARTER, "target": target, "p50": p50, "p_hit": p_hit}
    return {**summary, "origin": origin, "periods": [{**quarter, "start": "2024-04-01", "end": "2024-06-30"}]}


def log_of(*answers: dict[str, Any]) -> pd.DataFrame:
    """Asked one after the other, an hour apart."""
    start = pd.Timestamp("2024-07-01", tz="UTC")
    return pd.concat(
        [runs.rows(one, start + pd.Timedelta(hours=hour)) for hour, one in enumerate(answers)], ignore_index=True
    )


def test_what_was_said_before_an_answer_of_the_same_target(tmp_path: Path) -> None:
    now = told("2024-04-01", 5e5, p_hit=0.3)
    before = log_of(
        told("2024-03-01", 7e5), told("2024-02-01", 8e5, p_hit=0.4), told("2024-03-01", 6e5), now,
        told("2024-05-01", 9e5), told("2024-01-01", 1e5, target=1e6),
    )  # fmt: skip
    runs.write_parquet(tmp_path / runs.FILE, before)
    (moved,) = so_far(runs.read(tmp_path), now)
    assert [(row["origin"], row["p50"]) for row in moved["origins"]] == [
        ("2024-02-01", 8e5), ("2024-03-01", 6e5), ("2024-04-01", 5e5),
    ]  # fmt: skip
    schema = json.loads((SCHEMA.parent / "forecast-1.0.json").read_text(encoding="utf-8"))
    jsonschema.validate(finite({**summaries.maven(), "trend": [moved]}), schema)
    assert so_far(runs.read(tmp_path / "none"), now) == []
    assert so_far(log_of(now), now) == []


def test_the_last_answer_of_each_origin_in_order(company: tuple[Config, Tables, Question]) -> None:
    config, tables, question = company
    log = log_of(
        told("2024-03-01", 7e5, p_hit=0.2), told("2024-01-01", 8e5, p_hit=0.4), told("2024-03-01", 6e5, p_hit=0.1),
        told("2024-04-01", 5e5, target=1e6), summaries.maven(),
    )  # fmt: skip
    board = trend(config, tables, log, question)
    (period,) = board["periods"]
    rows = period["origins"]
    assert [(row["origin"], row["p50"]) for row in rows] == [
        ("2024-01-01", 8e5), ("2024-03-01", 6e5), ("2024-04-01", 5e5),
    ]  # fmt: skip
    assert [row["p50_change"] for row in rows] == [None, -2e5, -1e5]
    assert rows[0]["p_hit_change"] is None
    assert rows[1]["p_hit_change"] == pytest.approx(-0.3)
    assert rows[2]["p_hit_change"] is None  # another target
    rows_won = tables.stage_history[tables.stage_history["stage"] == "Won"]
    won = rows_won[rows_won["entered"].between(pd.Timestamp("2024-04-01"), pd.Timestamp("2024-06-30"))]["amount"].sum()
    assert period["actual"] == {"revenue": pytest.approx(won), "hit": won >= TARGET}
    jsonschema.validate(finite(board), json.loads(SCHEMA.read_text(encoding="utf-8")))
    flat = table(board)
    assert list(flat["origin"]) == ["2024-01-01", "2024-03-01", "2024-04-01"]
    assert set(flat["period"]) == {QUARTER}


def test_from_when_on_months_are_told_in_place_of_weeks(company: tuple[Config, Tables, Question]) -> None:
    """Recording began on 1 January 2023."""
    config, tables, question = company
    early, late = [told("2023-10-01", 7e5), told("2023-12-01", 7e5)], [told("2024-03-01", 7e5), told("2024-04-01", 6e5)]
    for log, since in ((early, None), (late, None), ([*early, *late], "2024-03-01")):
        board = trend(config, tables, log_of(*log), question)
        assert board["periods"][0]["months_since"] == since
        jsonschema.validate(finite(board), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_nothing_on_record(company: tuple[Config, Tables, Question]) -> None:
    config, tables, question = company
    with pytest.raises(FunnelError, match="no forecast of 2024Q2 is on record"):
        trend(config, tables, log_of(summaries.maven()), question)
    with pytest.raises(FunnelError, match="none of 1 past days can be asked: as of 2023-01-02, too few"):
        trend(config, tables, runs.read(None), question, [{"origin": "2023-01-02", "why": "too few"}])


def test_only_what_is_missing_is_asked(
    company: tuple[Config, Tables, Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, tables, question = company
    days = days_named(["2024-01-01..2024-04-01"])
    questions = [question_as_of(question, day) for day in days]
    log = log_of(told("2024-02-01", 7e5), told("2024-03-01", 7e5, target=1.0))
    assert [one.origin.month for one in missing(log, questions)] == [1, 3, 4]
    asked: list[date] = []

    def ask(config: Config, tables: Tables, question: Question, **_: Any) -> Any:
        asked.append(question.origin)
        if question.origin.month == 1:
            raise FunnelError("too few")
        return SimpleNamespace(summary=told(question.origin.isoformat(), 1e5 * question.origin.month))

    monkeypatch.setattr(answer, "ask", ask)
    monkeypatch.setattr("forecast.places.folder_of", lambda config: tmp_path)
    after, refused = ask_missing(config, tables, log, questions, lambda *_: None)
    assert [day.month for day in asked] == [1, 3, 4]
    assert refused == [{"origin": "2024-01-01", "why": "too few"}]
    assert list(runs.read(tmp_path)["p50"]) == [3e5, 4e5]  # noted as they became known
    (period,) = trend(config, tables, after, question, refused)["periods"]
    assert [row["p50"] for row in period["origins"]] == [7e5, 3e5, 4e5]
    asked.clear()
    ask_missing(config, tables, after, questions, lambda *_: None)
    assert [day.month for day in asked] == [1]


def test_a_day_after_the_period_is_refused(company: tuple[Config, Tables, Question]) -> None:
    question = company[2]
    assert question_as_of(question, pd.Timestamp("2024-06-30")).origin == date(2024, 6, 30)
    with pytest.raises(FunnelError, match="ends on 2024-06-30, before the origin 2024-07-01"):
        question_as_of(question, pd.Timestamp("2024-07-01"))
