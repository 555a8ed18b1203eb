from __future__ import annotations

import numpy as np
import pytest

from forecast.backtest import Settings
from forecast.config import Config
from forecast.outputs import finite
from forecast.plots import backtest as figures
from forecast.scoreboard import scoreboard
from tests.forecast.cases import cases

CONFIG = Config().with_funnel(name="Shop", currency="EUR", stages=("A",))


def board(actuals: list[float], **shifts: float) -> dict[str, object]:
    asked, made = cases(actuals, **shifts)
    return finite(scoreboard(CONFIG, asked, Settings(), made))  # type: ignore[no-any-return]


def test_ranges() -> None:
    figure = figures.ranges(board([50.0, 7.0, 92.0]))
    assert "1 of 3 ranges of 80 % held what happened" in figure.layout.title.text
    happened = figure.data[-1]
    assert list(happened.x) == [50.0, 7.0, 92.0]
    assert happened.y[0] == "2020-01-01 to 01-28"
    colors = [trace.line.color for trace in figure.data[:3]]
    assert colors[0] != colors[1] == colors[2]


@pytest.mark.parametrize(
    ("actuals", "finding"),
    [
        ([50.0], "1 outcome shows no fault"),
        (np.linspace(1, 99, 20).tolist(), "20 outcomes show no fault"),
        (np.linspace(1, 30, 20).tolist(), "too high"),
        (np.linspace(70, 99, 20).tolist(), "too low"),
        ([2.0] * 10 + [98.0] * 10, "too narrow"),
        (np.linspace(40, 60, 20).tolist(), "too wide"),
    ],
)
def test_pits_state_what_they_show(actuals: list[float], finding: str) -> None:
    figure = figures.pits(board(actuals))
    assert finding in figure.layout.title.text.replace("<br>", " ")
    assert sum(figure.data[0].y) == len(actuals)


def test_comparison_names_the_best() -> None:
    assert "This forecast came closest" in figures.comparison(board([50.0], ETS=30.0)).layout.title.text
    better = figures.comparison(board([80.0], ETS=30.0))
    assert "ETS came closest" in better.layout.title.text
    assert list(better.data[0].y) == ["ETS", "this forecast"]
