"""Asking the past: with baselines and a stand-in for our own model, which has tests of its own; and once for real."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast import backtest as module
from forecast.backtest import Case, Settings, asked_of, backtest, grouping_of, part_of
from forecast.baselines import Samples
from forecast.config import Config
from forecast.config_asked import FollowUpSection
from forecast.errors import FunnelError
from forecast.executors import executor
from forecast.history import History, as_of, day_of
from forecast.record import OURS
from forecast.scoreboard import scoreboard
from forecast.sources import load
from forecast.sources.tables import Tables
from forecast.windows import Window, windows
from tests.forecast.companies import SMALL, small, write_company

FAST = Settings(draws=200, seed=3, grouping="owner")
MONTHS = ["2024-01-01..2024-04-01"]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Tables]:
    folder = tmp_path_factory.mktemp("past")
    return load(write_company(folder, SMALL, small()))


def pretended(config: Config, history: History, window: Window, settings: Settings) -> Any:
    """In place of the model: what was won so far, so that whatever it sees of the future would show."""
    sums = history.wins()["amount"].sum() * np.linspace(0.2, 0.6, settings.draws)
    expected = dict.fromkeys(("created", "wins_open", "wins_new", "amount_open", "amount_new"), 1.0)
    return Samples(sums, sums / 2), {"Owner": sums}, expected


@pytest.fixture
def without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ours", pretended)


def run(company: tuple[Config, Tables], settings: Settings = FAST, **more: Any) -> list[Case]:
    return backtest(*company, windows(company[1], origins=MONTHS, horizon="1m"), settings, **more)


@pytest.mark.usefixtures("without_model")
def test_what_happened_is_what_was_won_in_the_window(company: tuple[Config, Tables]) -> None:
    config, tables = company
    cases = run(company)
    assert [case["origin"] for case in cases] == ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    recorded = as_of(tables, config.funnel, tables.recorded_until)
    for case in cases:
        start, after = pd.Timestamp(case["origin"]), pd.Timestamp(case["after"])
        assert case["actual"] == pytest.approx(recorded.won_between(day_of(start), day_of(after)))
        created = recorded.deals.set_index("deal_id")["created"]
        assert case["happened"]["created"] == ((created >= start) & (created < after)).sum()
        rows = tables.stage_history
        won = rows[(rows["stage"] == "Won") & (rows["entered"] > start) & (rows["entered"] <= after)]
        before = created[won["deal_id"]].to_numpy() < start
        assert case["actual_open"] == pytest.approx(won["amount"][before].sum())
        assert case["happened"]["wins_open"] == before.sum()
        assert case["happened"]["wins_new"] == (~before).sum()
        for row in case["rows"]:
            assert row["part"] != "all" or row["actual"] == case["actual"]
        names = [row["forecast"] for row in case["rows"] if row["part"] == "all"]
        assert names[0] == OURS
        assert {"run-rate", "stage-weighted", "life table"} <= set(names)


@pytest.mark.usefixtures("without_model")
def test_interrupted_and_gone_on_with(
    company: tuple[Config, Tables], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(company)
    asked: list[Window] = []
    most = 2
    ask_past = module.ask_past

    def interrupted(config: Config, tables: Tables, window: Window, settings: Settings) -> Case:
        if len(asked) == most:
            raise KeyboardInterrupt
        asked.append(window)
        return ask_past(config, tables, window, settings)

    monkeypatch.setattr(module, "ask_past", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(company, folder=tmp_path)
    kept = sorted(path.name for path in tmp_path.rglob("*.json"))
    assert kept == ["2024-01-01..2024-01-31.json", "2024-02-01..2024-02-29.json"]
    asked.clear()
    most = 4
    (broken,) = tmp_path.rglob("2024-02-01*.json")
    broken.write_text(broken.read_text()[:100])  # as if the machine had gone down
    steps: list[tuple[int, int]] = []
    again = run(company, folder=tmp_path, progress=lambda _, done, total: steps.append((done, total)))
    assert [str(window.origin.date()) for window in asked] == ["2024-02-01", "2024-03-01", "2024-04-01"]
    assert json.dumps(again) == json.dumps(whole)
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.usefixtures("without_model")
def test_another_question_is_asked_anew(company: tuple[Config, Tables], tmp_path: Path) -> None:
    run(company, folder=tmp_path)
    config, tables = company
    same = asked_of(config, tables, FAST)
    assert [path.name for path in tmp_path.iterdir()] == [same]
    changed = tables.stage_history.assign(amount=tables.stage_history["amount"] * 2)
    others = [
        (config.with_funnel(currency="USD"), tables, FAST),
        (config, Tables(**{**vars(tables), "stage_history": changed}), FAST),
        (config, tables, Settings(draws=201, seed=3, grouping="owner")),
        (config.model_copy(update={"follow_ups": FollowUpSection()}), tables, FAST),
    ]
    assert len({same, *(asked_of(*other) for other in others)}) == 5


@pytest.mark.usefixtures("without_model")
def test_a_history_that_shows_the_future_changes_the_answers(
    company: tuple[Config, Tables], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leak test of the backtest: nothing after the origin changes a sample, of ours or of a baseline; and a door
    to the past that lets four weeks of the future through does.
    """
    config, tables = company
    window = windows(tables, origins=["2024-03-01"], horizon="1m")[0]
    rows = tables.stage_history
    future = rows["entered"] >= window.origin
    other = rows.assign(
        amount=rows["amount"].where(~future, 7 * rows["amount"]),
        stage=rows["stage"].where(~(future & (rows["stage"] == "Lost")), "Won"),
    )
    changed = Tables(**{**vars(tables), "stage_history": other})

    def samples(found: Tables) -> list[Any]:
        return [
            (row["part"], row["group"], row["forecast"], row["quantiles"])
            for row in module.ask_past(config, found, window, FAST)["rows"]
        ]

    assert samples(changed) == samples(tables)

    def leaky(found: Tables, funnel: Any, origin: Any) -> History:
        return as_of(found, funnel, min(origin + pd.Timedelta(days=28), found.recorded_until))

    monkeypatch.setattr(module, "as_of", leaky)
    assert samples(changed) != samples(tables)


def test_a_refusal_leaves_the_baselines(company: tuple[Config, Tables], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise FunnelError("too few")

    monkeypatch.setattr(module, "_ours", refuse)
    cases = run(company)
    assert {case["error"] for case in cases} == {"too few"}
    assert all(case["expected"] is None for case in cases)
    assert all(row["forecast"] != OURS for case in cases for row in case["rows"])
    board = scoreboard(company[0], windows(company[1], origins=MONTHS, horizon="1m"), FAST, cases)
    assert len(board["refused"]) == 4
    assert board["all"] == []


def test_part_of_a_history(company: tuple[Config, Tables]) -> None:
    config, tables = company
    history = as_of(tables, config.funnel, pd.Timestamp("2024-03-01"))
    owner = history.deals["owner"].mode()[0]
    rows = (history.deals["owner"] == owner).to_numpy()
    part, rest = part_of(history, rows), part_of(history, ~rows)
    assert list(part.deals["deal_id"]) == list(history.deals["deal_id"][rows])
    assert len(part.visits) + len(rest.visits) == len(history.visits)
    assert set(part.deals["deal_id"].iloc[part.visits.deal]) == set(part.deals["deal_id"])
    total = history.wins()["amount"].sum()
    assert part.wins()["amount"].sum() + rest.wins()["amount"].sum() == pytest.approx(total)


def test_grouping_of(company: tuple[Config, Tables]) -> None:
    tables = company[1]
    assert grouping_of(tables, None) == "owner"
    assert grouping_of(tables, "segment") == "segment"
    with pytest.raises(FunnelError, match="'nothing' is not a column"):
        grouping_of(tables, "nothing")
    with pytest.raises(FunnelError, match="'amount' is not known when"):
        grouping_of(tables, "amount")


def test_for_real_here_in_processes_and_on_a_cluster(company: tuple[Config, Tables], tmp_path: Path) -> None:
    """The model itself, twice here, in two processes, and on a Dask cluster of two: the same cases."""
    config, tables = company
    asked = windows(tables, origins=["2024-03-01..2024-04-01"], horizon="1m")
    settings = Settings(draws=200, grouping="owner")
    here = backtest(config, tables, asked, settings)
    assert {case["error"] for case in here} == {None}
    with executor(2, None) as pool:
        assert isinstance(pool, ProcessPoolExecutor)
        assert backtest(config, tables, asked, settings, executor=pool) == here
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, dashboard_address=None) as cluster,
        executor(1, cluster.scheduler_address) as pool,
    ):
        assert backtest(config, tables, asked, settings, executor=pool) == here


def test_without_a_cluster() -> None:
    with pytest.raises(FunnelError, match="no Dask cluster at"), executor(1, "nonsense"):
        pass
