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
    assert "None" not in text.replace("None of", "")
    assert "nan" not in text
    return text


def test_everything_is_told() -> None:
    text = " ".join(shown([50.0, 7.0, 92.0, 97.0, 30.0], **{"run-rate": 30.0, "ETS": -50.0}).split())
    for told in (
        "Can the forecasts of A [bold]shop[/bold] be relied on?",
        "5 past questions, as of 1 January 2020 to 22 April 2020, over the rest of the quarter, each",
        "Beside run-rate, the best other, no difference that shows yet.",
        "The 80 % ranges of this forecast held the truth 2 times of 5 (a long record would show 12 to 77 %).",
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


def test_the_verdict_says_what_the_questions_can_show() -> None:
    better = shown([80.0, 82.0, 85.0, 79.0], **{"run-rate": 30.0})
    assert "The error of this forecast is 120 % larger than that of run-rate." in " ".join(better.split())
    assert "Beside ETS, the best other, no difference that shows yet." in shown([50.0, 40.0, 20.0], ETS=1.0)


def test_one_question_and_refusals() -> None:
    text = " ".join(shown([50.0], refusals=2, ETS=3.0).split())
    assert text.count("there is no answer: too few changes of stage.") == 2
    assert "3 past questions, as of 1 January 2020, over" in text
    assert "By team" in text


def test_no_answer_at_all() -> None:
    text = shown([], refusals=1)
    assert "None of 1 past question over the rest of the quarter" in text
    assert "there is no answer" in text
    assert "CRPS" not in text
