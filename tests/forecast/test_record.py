from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.periods import Period
from forecast.question import Question
from forecast.record import FILE, FOLDER, at_hand, read, record, spared
from forecast.told_basis import recorded

CONFIG = Config().with_funnel(name="Shop", stages=("A", "B"))


def board(**changes: Any) -> dict[str, Any]:
    windows = [
        {
            "origin": f"2020-0{month}-01",
            "after": f"2020-0{month + 1}-01",
            "p10": 10.0,
            "p50": 15.0,
            "p90": 20.0,
            "actual": actual,
        }
        for month, actual in ((1, 15.0), (2, 9.9), (3, 20.0), (4, 12.0))
    ]
    return {
        "schema_version": "1.0",
        "funnel": "Shop",
        "stages": ["A", "B"],
        "horizon": "1m",
        "windows": windows,
        **changes,
    }


def question(origin: date, days: int = 31) -> Question:
    period = Period("a month", origin, origin + timedelta(days=days - 1))
    return Question(origin, ((period, 1.0),), draws=1, seed=1)


def test_only_questions_whose_answer_was_known() -> None:
    known = board()["windows"]
    assert record(board(), CONFIG, question(date(2020, 4, 1))) == {
        "questions": 3, "level": 0.8, "held": 2, "since": "2020-01-01", "horizon": "1m", "same_horizon": True,
        "windows": known[:3],
    }  # fmt: skip
    assert record(board(), CONFIG, question(date(2020, 3, 31))) == {
        "questions": 2, "level": 0.8, "held": 1, "since": "2020-01-01", "horizon": "1m", "same_horizon": True,
        "windows": known[:2],
    }  # fmt: skip
    assert record(board(), CONFIG, question(date(2020, 1, 31))) is None


@pytest.mark.parametrize("changes", [{"funnel": "Another"}, {"stages": ["A"]}])
def test_the_record_of_another_funnel_is_not_quoted(changes: dict[str, Any]) -> None:
    assert record(board(**changes), CONFIG, question(date(2021, 1, 1))) is None


def test_found_beside_the_funnel_file(tmp_path: Path) -> None:
    config = Config()
    config._path = tmp_path / "funnel.toml"
    assert at_hand(config) is None
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / FILE
    path.write_text(json.dumps(board()))
    assert at_hand(config) == path
    assert read(path) == board()
    assert at_hand(config, "sample") == path


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        json.dumps(board(schema_version="9")),
        json.dumps(board(windows=5)),
        json.dumps(board(windows=[{}])),
    ],
)
def test_what_is_no_backtest(tmp_path: Path, text: str) -> None:
    path = tmp_path / FILE
    path.write_text(text)
    with pytest.raises(FunnelError, match=r"backtest\.json"):
        read(path)
    with pytest.raises(FunnelError, match="cannot be read"):
        read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("horizon", "days", "same"),
    [("1m", 31, True), ("1m", 92, False), ("4w", 31, True), ("quarter", 92, True), ("quarter", 365, False)],
)
def test_it_says_where_the_question_looks_further(horizon: str, days: int, same: bool) -> None:
    found = record(board(horizon=horizon), CONFIG, question(date(2020, 4, 1), days))
    assert found is not None
    assert found["same_horizon"] is same
    assert ("none of a horizon" in recorded(found)) is not same


def test_a_larger_record_is_moved_aside(tmp_path: Path) -> None:
    file = tmp_path / FILE
    assert spared(file, board()) is None
    file.write_text(json.dumps(board()), encoding="utf-8")
    assert spared(file, board()) is None
    aside = spared(file, board(windows=board()["windows"][:1]))
    assert aside is not None
    assert json.loads(aside.read_bytes()) == board()
    assert not file.exists()
