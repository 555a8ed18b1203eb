"""Several funnels of one company: a hand-made pair added up, and a real fit that shares its months with its double."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from forecast import company as module
from forecast import shared_months
from forecast.cli import app
from forecast.company import FUNNEL, Company, Funnel, add_up, ask_together, question_of
from forecast.config import Config, config_from
from forecast.config_data import FunnelSection
from forecast.errors import FunnelError
from forecast.history import as_of, day_of
from forecast.options import Asking
from forecast.periods import parse_period
from forecast.question import Question
from forecast.shared_months import GRID, Correlation
from forecast.sources import load
from forecast.terminal_company import shared
from simulations import Outcomes
from tests.conftest import Asked
from tests.forecast.companies import PERIODS
from tests.forecast.histories import tables
from tests.forecast.test_shared_months import stated

SCHEMA = json.loads((Path(module.__file__).parent / "schema" / "company-1.0.json").read_text("utf-8"))
ORIGIN = pd.Timestamp("2024-04-10")
QUARTER = parse_period("2024Q2")
EDGES = np.array([day_of(ORIGIN), day_of(pd.Timestamp("2024-05-01")), day_of(pd.Timestamp("2024-07-01"))])
UNKNOWN = Correlation(np.full(len(GRID), 1 / len(GRID)), 0)


def config(name: str, *, target: float | None = None, **funnel: Any) -> Config:
    asked = {"period": "2024Q2"} | ({} if target is None else {"target": target})
    return config_from({"funnel": {"name": name, "currency": "EUR", **funnel}, "forecast": {"periods": [asked]}})


def funnel(name: str, won: list[list[int]], to_date: float, rtv: int, target: float | None = None) -> Funnel:
    """won: (simulations, months) cents; one deal was won on 5 April."""
    rows = [("W", "A", "2024-03-01", to_date), ("W", "Won", "2024-04-05", to_date), ("X", "A", "2024-03-01", 1.0)]
    history = as_of(tables(rows, until="2024-04-10"), FunnelSection(stages=("A",)), ORIGIN)
    counts = np.zeros((len(won), 2), dtype=np.int32)
    outcomes = Outcomes(np.array(won, dtype=np.int64), counts, counts, {}, np.arange(len(won)))
    return Funnel(config(name, target=target), history, history, outcomes, rtv)


def pair() -> Company:
    first = funnel("North", [[100, 0], [0, 250], [300, 50], [0, 1]], 0.10, 700, target=2.60)
    second = funnel("South", [[33, 33], [500, 0], [0, 0], [100, 200]], 1.01, 300)
    question = Question(date(2024, 4, 10), ((QUARTER, 5.00),), 4, 1)
    return add_up([first, second], question, EDGES, UNKNOWN)


def test_a_pair_by_hand() -> None:
    """Simulated 1.00, 2.50, 3.50, 0.01 and 0.66, 5.00, 0, 3.00: with 1.11 won, 2.77, 8.61, 4.61, 4.12."""
    told = pair().summary["periods"][0]
    assert (told["won_to_date"], told["gap"], told["rtv"]) == (1.11, 3.89, 10.0)
    assert told["funnel_factor"] == pytest.approx(10 / 3.89)
    assert told["p_hit"] == 0.25
    assert told["p50"] == pytest.approx((4.61 + 4.12) / 2)
    assert told["p10"] == pytest.approx(2.77 + 0.3 * (4.12 - 2.77))
    north, south = told["funnels"]
    assert (north["target"], north["gap"], north["p_hit"]) == (2.60, 2.50, 0.5)
    assert (south["target"], south["gap"], south["p_hit"], south["p_hit_se"]) == (None, None, None, None)
    for name in ("won_to_date", "rtv", "mean"):
        assert north[name] + south[name] == pytest.approx(told[name])
    assert told["sums_of_funnels"]["mean"] == pytest.approx(told["mean"])
    assert told["sums_of_funnels"]["p10"] == pytest.approx(north["p10"] + south["p10"])
    assert told["sums_of_funnels"]["p10"] < told["p10"]  # P10s do not add up
    april, may, june = told["by_month"]
    assert (april["won"], april["mean"]) == (1.11, pytest.approx(1.11 + (1.33 + 5 + 3 + 1) / 4))
    assert (may["simulated"], june["simulated"]) == (False, False)  # one column holds both


def test_the_sum_is_exact_in_every_simulation_and_month() -> None:
    answer = pair()
    np.testing.assert_array_equal(answer.outcomes.by[FUNNEL].sum(axis=2), answer.outcomes.won)
    samples = answer.samples()
    assert list(samples) == ["simulation", "month", "funnel", "won"]
    total = samples.groupby(["simulation", "month"], sort=False)["won"].sum().to_numpy()
    assert np.rint(100 * total).tolist() == answer.outcomes.won.ravel().tolist()
    jsonschema.validate(answer.summary, SCHEMA, jsonschema.Draft202012Validator)


# --- the question ---


def asked_of(*configs: Config, until: tuple[str, ...] = ("2024-04-10", "2024-04-20"), **typed: Any) -> Question:
    ends: Any = [SimpleNamespace(recorded_until=pd.Timestamp(day)) for day in until]
    return question_of(list(zip(configs, ends, strict=True)), Asking(**typed))


def test_targets_are_summed_and_the_day_is_the_first_on_which_records_end() -> None:
    question = asked_of(config("A", target=10), config("B", target=5.5))
    assert question.origin == date(2024, 4, 10)
    assert question.periods == ((QUARTER, 15.5),)
    assert asked_of(config("A", target=10), config("B"), target=["12"]).periods == ((QUARTER, 12.0),)
    assert asked_of(config("A"), config("B"), period=["2024"], target=["3"]).periods[0][1] == 3


BAD: dict[str, tuple[Callable[[], Any], str]] = {
    "names": (lambda: asked_of(config("A"), config("A")), "must have different names, got A, A"),
    "currencies": (lambda: asked_of(config("A"), config("B", currency="USD")), "must have one currency, got EUR, USD"),
    "years": (lambda: asked_of(config("A"), config("B", fiscal_year_starts=4)), "must have one fiscal_year_starts"),
    "no target": (lambda: asked_of(config("A", target=1), config("B")), "2024Q2 has no target"),
    "no common period": (
        lambda: asked_of(config("A", target=1), config_from({"funnel": {"currency": "EUR"}})),
        "no per",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_funnels_that_do_not_go_together(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(FunnelError, match=message) as error:
        call()
    assert error.value.remedy


def test_different_days_have_to_be_settled() -> None:
    days = [config_from({"funnel": {"name": str(day)}, "forecast": {"origin": f"2024-04-0{day}"}}) for day in (1, 2)]
    with pytest.raises(FunnelError, match="different days: 2024-04-01, 2024-04-02"):
        asked_of(*days)
    assert asked_of(*days, as_of="2024-04-03", period=["2024"], target=["1"]).origin == date(2024, 4, 3)


# --- a real fit, beside itself under another name ---


@pytest.fixture
def doubles(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Company]:
    """The answer for the shared company and its double, whose months are shared by this correlation. sharper: by how
    much their shocks are larger than learnt.
    """
    config, read = load(asked.folder)
    both = [(config.with_funnel(name=name), read) for name in ("North", "South")]

    def answered(r: float | None, sharper: float = 1.0) -> Company:
        fit = asked.answer.fit
        larger = {**fit.posterior, "calendar_size": sharper * fit.posterior["calendar_size"]}
        monkeypatch.setattr(module, "fitted_to", lambda *_, **__: replace(fit, posterior=larger))
        if r is not None:
            monkeypatch.setattr(shared_months, "correlation", stated(r))
        question = replace(asked.answer.question, periods=question_of(both, Asking()).periods)
        return ask_together(both, question, threads=2)

    return answered


def test_where_nothing_is_shared_each_funnel_is_its_own_answer(
    asked: Asked, doubles: Callable[..., Company]
) -> None:  # fmt: skip
    """To the byte in every simulation, in another order; and the order of one has nothing to do with the other's."""
    own, found = asked.answer.outcomes.won, doubles(0.0).outcomes.by[FUNNEL]
    for number in range(2):
        assert not np.array_equal(found[:, :, number], own)
        np.testing.assert_array_equal(np.unique(found[:, :, number], axis=0), np.unique(own, axis=0))
    assert abs(np.corrcoef(found.sum(axis=1).T)[0, 1]) < 4 / np.sqrt(len(own))


def test_shared_months_widen_the_sum(doubles: Callable[..., Company]) -> None:
    """Beside the same simulations of both funnels paired at random, whose correlation is off 0 by 1 / sqrt(n)."""
    first, second = doubles(1.0, sharper=4.0).outcomes.by[FUNNEL].sum(axis=1).T
    assert np.corrcoef(first, second)[0, 1] > 4 / np.sqrt(len(first))
    together, apart = first + second, first + np.roll(second, 1)
    assert together.sum() == apart.sum()
    assert together.std() > apart.std()
    assert np.quantile(together, 0.1) < np.quantile(apart, 0.1)
    assert np.quantile(together, 0.9) > np.quantile(apart, 0.9)


def test_the_answer_as_told(asked: Asked, doubles: Callable[..., Company]) -> None:
    answer = doubles(None)
    jsonschema.validate(answer.summary, SCHEMA, jsonschema.Draft202012Validator)
    single = {one["period"]: one for one in asked.answer.summary["periods"]}
    for period in answer.summary["periods"]:
        alone = single[period["period"]]
        assert period["target"] == 2 * PERIODS[period["period"]]
        for row in period["funnels"]:
            for same in ("target", "won_to_date", "gap", "rtv", "funnel_factor"):
                assert row[same] == pytest.approx(alone[same])
            error = np.hypot(row["p_hit_se"], alone["p_hit_se"])
            assert row["p_hit"] == pytest.approx(alone["p_hit"], abs=5 * error)
        assert period["won_to_date"] == pytest.approx(2 * alone["won_to_date"])
    assert doubles(None).summary == answer.summary


def test_on_the_command_line(
    asked: Asked, doubles: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # fmt: skip
    folders = []
    for name in ("North", "South"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("deals.csv", "stage_history.csv"):
            (folder / file).write_bytes((asked.folder / file).read_bytes())
        text = (asked.folder / "funnel.toml").read_text().replace('"A small company"', f'"{name}\\u001b[31m"')
        (folder / "funnel.toml").write_text(text)
        folders.append(str(folder))
    told = CliRunner().invoke(
        app, ["forecast", *folders, "--period", "2024Q2", "--target", "2e6", "--out", str(tmp_path)]
    )
    assert told.exit_code == 0, told.output
    assert "\x1b" not in told.output
    assert "Can North [31m, South [31m together reach their target?" in told.output
    assert "P10s do not add up" in told.output
    assert "Good and bad months are shared" in told.output
    written = json.loads((tmp_path / "forecast.json").read_text("utf-8"))
    jsonschema.validate(written, SCHEMA, jsonschema.Draft202012Validator)
    assert set(pd.read_parquet(tmp_path / "samples.parquet")["funnel"]) == {"North\x1b[31m", "South\x1b[31m"}
    for option in (["--deals", str(tmp_path / "d.csv")], ["--sample", "maven"]):
        refused = CliRunner().invoke(app, ["forecast", *folders, *option])
        assert isinstance(refused.exception, FunnelError)


def test_how_far_it_is_assumed_is_said() -> None:
    known = {"p10": 0.3, "p50": 0.45, "p90": 0.62, "months": 30, "weeks": 0, "learnt": 0.7}
    assert "learnt from 30 months" in shared(known)
    assert "assumed: 3 months on record tell little" in shared({**known, "months": 3, "learnt": 0.1})
    assert "learnt from 28 weeks that" in shared({**known, "months": 0, "weeks": 28})
    assert "learnt from 30 months and 28 weeks that" in shared({**known, "weeks": 28})
