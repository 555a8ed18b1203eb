from __future__ import annotations

import json

import numpy as np
import pytest

from forecast import scores
from forecast.backtest import Settings
from forecast.config import Config
from forecast.outputs import finite
from forecast.record import OURS
from forecast.scoreboard import parts_of_error, scoreboard
from tests.forecast.cases import GRID, case, cases, refused, window

CONFIG = Config().with_funnel(name="Shop", currency="EUR", stages=("A",))
ACTUALS = [50.0, 7.0, 92.0, 97.0, 30.0]


def test_scores_of_every_forecast_in_order_of_crps() -> None:
    asked, made = cases(ACTUALS, **{"run-rate": 30.0, "ETS": -5.0})
    board = scoreboard(CONFIG, asked, Settings(), made)
    assert board["overlap"] == 0
    lines = {line["forecast"]: line for line in board["all"]}
    own, other = (np.array([scores.crps(GRID + shift, actual) for actual in ACTUALS]) for shift in (0, 30))
    assert lines[OURS]["crps"] == pytest.approx(own.mean())
    assert lines["run-rate"]["skill"] == pytest.approx(1 - own.mean() / other.mean())
    assert lines["run-rate"]["skill_se"] == pytest.approx(scores.skill(own, other, 0).se)
    assert lines[OURS]["skill"] is None
    assert [line["crps"] for line in board["all"]] == sorted(line["crps"] for line in board["all"])
    # The central 50 % of 0 to 100 is 25 to 75, of 80 % 10 to 90, of 90 % 5 to 95.
    assert [(part["held"], part["of"]) for part in lines[OURS]["coverage"]] == [(2, 5), (2, 5), (4, 5)]
    assert lines["run-rate"]["bias"] == pytest.approx(30 + np.mean(50 - np.array(ACTUALS)))
    assert lines[OURS]["pit"] == [1, 1, 1, 0, 2]
    chances, hits = [0.75, 0.25] * 5, [actual >= target for actual in ACTUALS for target in (25.0, 75.0)]
    assert lines[OURS]["brier"]["score"] == pytest.approx(scores.brier(np.array(chances), np.array(hits)))
    assert json.loads(json.dumps(finite(board))) == finite(board)


def test_forecasts_are_compared_on_questions_that_both_answered() -> None:
    asked, made = cases(ACTUALS, ETS=5.0)
    for row in [row for row in made[0]["rows"] if row["forecast"] == "ETS"]:
        made[0]["rows"].remove(row)
    line = next(line for line in scoreboard(CONFIG, asked, Settings(), made)["all"] if line["forecast"] == "ETS")
    own, other = (np.array([scores.crps(GRID + shift, actual) for actual in ACTUALS[1:]]) for shift in (0, 5))
    assert line["questions"] == 4
    assert line["skill"] == pytest.approx(1 - own.mean() / other.mean())


def test_a_refused_answer_is_told_and_not_scored() -> None:
    asked, made = cases(ACTUALS, **{"run-rate": 5.0})
    asked.append(window(5))
    made.append(refused(asked[-1], "too few to learn from"))
    board = scoreboard(CONFIG, asked, Settings(), made)
    assert board["questions"] == 6
    assert board["refused"] == [{"origin": made[-1]["origin"], "why": "too few to learn from"}]
    assert {line["questions"] for line in board["all"]} == {5}
    assert len(board["windows"]) == 5


def test_by_distance_and_by_group() -> None:
    asked = [window(0, days=90), window(1, days=62), window(2, days=31), window(3, days=91)]
    made = [case(one, actual, ETS=-20.0) for one, actual in zip(asked, ACTUALS, strict=False)]
    board = scoreboard(CONFIG, asked, Settings(grouping="team"), made)
    classes = [(line["from_days"], line["to_days"], line["questions"]) for line in board["by_distance"]]
    assert classes == [(31, 31, 1), (62, 62, 1), (90, 91, 2)]
    assert [line["group"] for line in board["by_group"]] == ["East"]
    ours, other = ([scores.crps(GRID - shift, a) for a in ACTUALS[:4:3]] for shift in (0, 20))
    assert board["by_distance"][2]["skill"] == pytest.approx(1 - np.mean(ours) / np.mean(other))
    assert board["by_distance"][2]["crps_share"] == pytest.approx(np.mean(ours) / np.mean(ACTUALS[:4:3]))
    east = board["by_group"][0]
    assert east["best_other"] == "ETS"
    assert east["actual"] == pytest.approx(np.mean(ACTUALS[:4]))
    assert east["best_other_crps"] == pytest.approx(np.mean([scores.crps(GRID - 20, a) for a in ACTUALS[:4]]))


def test_the_parts_of_an_error_sum_to_it() -> None:
    expected = {"created": 20.0, "wins_open": 8.0, "wins_new": 2.0, "amount_open": 800.0, "amount_new": 100.0}
    happened = {"created": 30, "wins_open": 6, "wins_new": 5, "amount_open": 900.0, "amount_new": 200.0, "largest": 1.0}
    parts = parts_of_error(expected, happened)
    assert parts == {
        "new deals": pytest.approx(50.0),  # 10 more, a tenth of which are won, at 50
        "conversion of open deals": pytest.approx(-200.0),  # two fewer, at 100
        "conversion of new deals": pytest.approx(100.0),  # 5 won of 30 instead of 3, at 50
        "amounts": pytest.approx(300.0 - 50.0),  # 6 deals brought 900 instead of 600, 5 brought 200 instead of 250
    }
    assert sum(parts.values()) == pytest.approx(1100.0 - 900.0)


def test_the_worst_questions_and_what_drove_them() -> None:
    asked, made = cases(ACTUALS)
    made[2]["happened"]["largest"] = 30.0
    worst = scoreboard(CONFIG, asked, Settings(), made)["worst"]
    assert [told["actual"] for told in worst] == [97.0, 7.0, 92.0]
    assert [told["cause"] for told in worst] == ["amounts", "amounts", "one large deal"]
    assert all(sum(told["parts"].values()) == pytest.approx(told["error"]) for told in worst)


def test_recalibration_uses_ended_questions_only_and_is_not_used_where_nothing_is_wrong() -> None:
    rng = np.random.default_rng(1)
    asked, made = cases(rng.uniform(0, 100, 40).tolist())
    tried = scoreboard(CONFIG, asked, Settings(), made)["recalibration"]
    assert tried["questions"] == 37
    assert not tried["helps"]
    _, low = cases(rng.uniform(0, 20, 40).tolist())  # forecasts that are far too wide and too high
    helped = scoreboard(CONFIG, asked, Settings(), low)["recalibration"]
    assert helped["helps"]
    assert helped["gain"] > 0.2
    assert scoreboard(CONFIG, asked[:3], Settings(), made[:3])["recalibration"] is None


def test_an_overconfident_forecast_is_caught_by_coverage() -> None:
    """Ranges a third as wide as they ought to be: the interval of the coverage excludes 80 %."""
    rng = np.random.default_rng(2)
    asked, made = cases((50 + 3 * (rng.uniform(0, 100, 30) - 50)).tolist())
    ours = scoreboard(CONFIG, asked, Settings(), made)["all"][0]
    for part in ours["coverage"][1:]:
        assert part["high"] < part["level"]
    assert ours["pit"][0] + ours["pit"][-1] > 15
    honest = scoreboard(CONFIG, asked, Settings(), cases(rng.uniform(0, 100, 30).tolist())[1])["all"][0]
    assert all(part["low"] < part["level"] < part["high"] for part in honest["coverage"])
