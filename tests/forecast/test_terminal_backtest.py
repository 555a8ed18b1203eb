from __future__ import annotations

import io

from rich.console import Console

from forecast.backtest import Settings
from forecast.config import Config
from forecast.outputs import finite
from forecast.scoreboard import scoreboard
from forecast.terminal_backtest import show
from tests.forecast.cases import cases, refused, window

CONFIG = Config().with_funnel(name="A [bold]shop[/bold]", currency="EUR", stages=("A",))


def shown(actuals: list[float], *, grouping: str | None = "team", refusals: int = 0, **shifts: float) -> str:
    asked, made = cases(actuals, **shifts)
    for number in range(refusals):
        asked.append(window(len(actuals) + number))
        made.append(refused(asked[-1], "too few changes of stage"))
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    show(finite(scoreboard(CONFIG, asked, Settings(grouping=grouping), made)), screen)
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "None" not in text
    assert "nan" not in text
    return text


def test_everything_is_told() -> None:
    text = " ".join(shown([50.0, 7.0, 92.0, 97.0, 30.0], **{"run-rate": 30.0, "ETS": -50.0}).split())
    for told in (
        "Can the forecasts of A [bold]shop[/bold] be relied on?",
        "5 past questions, as of 1 January 2020 to 22 April 2020, each with what was known then.",
        "Closest to what happened: this forecast, off by",
        "Its 80 % ranges held the truth 2 times of 5 (a long record would show 12 to 77 %).",
        "All deals, EUR",
        "Open deals alone",
        "2 of 5 2 of 5 4 of 5",
        "By team",
        "East",
        "Where it was furthest off",
        "mostly amounts (+47.00): 19.4 a deal, 10 expected",
        "Ranges bent by how earlier questions ended",
    ):
        assert told.replace("47.00", "47") in text, (told, text)


def test_a_better_baseline_is_named_first() -> None:
    text = shown([80.0, 82.0, 85.0], **{"run-rate": 30.0})
    assert "Closest to what happened: run-rate, off by" in text
    assert "this forecast is off by" in text


def test_one_question_and_refusals() -> None:
    text = shown([50.0], refusals=2)
    assert text.count("there is no answer: too few changes of stage") == 2
    assert "By team" in text


def test_no_answer_at_all() -> None:
    text = shown([], refusals=1)
    assert "there is no answer" in text
    assert "Closest" not in text
