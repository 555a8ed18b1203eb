"""No English is left on a screen, page or figure: with a catalogue of made-up signs, only words of the data remain."""

from __future__ import annotations

import html
import io
import re
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from babel import Locale
from rich.console import Console

from forecast import (
    language,
    report,
    terminal,
    terminal_answers,
    terminal_backtest,
    terminal_levers,
    terminal_scenarios,
    terminal_trend,
    terminal_width,
)
from forecast.backtest import Settings
from forecast.config import Config
from forecast.language import speaking
from forecast.outputs import finite
from forecast.plots import backtest
from forecast.scoreboard import scoreboard
from tests.forecast import phrases, summaries, test_terminal_trend
from tests.forecast.answers import hand_made
from tests.forecast.cases import cases, refused, window

# Names that are the same everywhere, options, and a template's own file.
ALIKE = {"RTV", "CRPS", "USD", "US", "EUR", "ETS", "Brier", "Excel", "CSV", "json", "out", "DIR"}
Shown = Callable[[], str]


@pytest.fixture(autouse=True)
def _signs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every phrase has signs in place of its letters; what is put into it stays."""

    def signs(phrase: str) -> str:
        parts = string.Formatter().parse(phrase)
        return "".join(
            re.sub(r"[^\W\d_]", "¤", text) + ("" if name is None else f"{{{name}}}") for text, name, *_ in parts
        )

    said = {phrase: signs(phrase) for phrase in phrases.told()}
    monkeypatch.setattr(language, "catalogue", lambda _: said)
    patterns = [(pattern, signs(told)) for pattern, told in language._patterns("fr")]
    monkeypatch.setattr(language, "_patterns", lambda _: patterns)


def on_screen(show: Callable[..., None], told: Mapping[str, Any]) -> str:
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    show(told, screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def board() -> dict[str, Any]:
    asked, made = cases([50.0, 7.0, 92.0, 97.0, 30.0], **{"run-rate": 30.0, "ETS": -50.0})
    asked.append(window(5))
    made.append(refused(asked[-1], "too few changes of stage"))
    config = Config().with_funnel(name="A shop", currency="EUR", stages=("A",))
    return finite(scoreboard(config, asked, Settings(grouping="team"), made))  # type: ignore[no-any-return]


def page() -> str:
    """What is read of the page, its figures included."""
    answer = hand_made()
    shown = report.page(answer, "fr").replace(report.get_plotlyjs(), "")
    figures = [drawn(figure) for make in report.PARTS if (part := make(answer)) for figure in part.figures]
    return " ".join([re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", shown, flags=re.DOTALL), *figures])


def drawn(figure: Any) -> str:
    """The words of a figure."""
    layout = figure.layout
    words = [layout.title.text, *(one.text for one in layout.annotations)]
    words += [text for axis in (layout.xaxis, layout.yaxis) for text in (axis.title.text, *(axis.ticktext or ()))]
    for trace in figure.data:
        words += [
            one
            for field in (trace.text, trace.hovertext)
            for one in ([field] if isinstance(field, str) else field or ())
        ]
    return re.sub(r"<[^>]*>", " ", " ".join(word for word in words if word))


def figures_of_a_backtest() -> str:
    made = [backtest.ranges, backtest.pits, backtest.comparison, backtest.distances]
    return " ".join(drawn(make(board())) for make in made)


SHOWN: dict[str, tuple[Shown, Callable[[], Any]]] = {
    "forecast": (lambda: on_screen(terminal.show, summaries.maven()), summaries.maven),
    "nothing passed": (lambda: on_screen(terminal.show, summaries.unhealthy()), summaries.unhealthy),
    "levers": (lambda: on_screen(terminal_levers.show, summaries.business()), summaries.business),
    "reached": (lambda: on_screen(terminal_levers.show, summaries.reached()), summaries.reached),
    "clients": (lambda: on_screen(terminal_answers.show_clients, summaries.maven()), summaries.maven),
    "deals": (lambda: on_screen(terminal_answers.show_deals, summaries.maven()), summaries.maven),
    "width": (lambda: on_screen(terminal_width.show, summaries.with_width()), summaries.with_width),
    "scenarios": (lambda: on_screen(terminal_scenarios.show, summaries.with_scenarios()), summaries.with_scenarios),
    "trend": (
        lambda: on_screen(terminal_trend.show_trend, test_terminal_trend.BOARD), lambda: test_terminal_trend.BOARD,
    ),
    "bridge": (lambda: on_screen(terminal_trend.show_bridge, test_terminal_trend.bridge()), test_terminal_trend.bridge),
    "backtest": (lambda: on_screen(terminal_backtest.show, board()), board),
    "figures of a backtest": (figures_of_a_backtest, board),
    "page": (page, lambda: hand_made().summary),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_only_words_of_the_data_are_left(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "get_plotlyjs", lambda: "/* Plotly */")
    shown, told = SHOWN[name]
    with speaking("fr"):
        seen = words(html.unescape(shown()))
    months = words(" ".join(str(text) for width in Locale("fr").months["format"].values() for text in width.values()))
    left = {word for word in seen - ALIKE - months - words(" ".join(held(told()))) if word != "er"}
    assert left == set()


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{2,}", text))


def held(told: Any) -> Iterator[str]:
    """All texts that the data hold, but remarks in English, which are heard (errors, told as `why`, are not)."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            if key not in ("message", "worst", "reason", "changes", "forecast", "cause", "sentence"):
                yield from held(value)
    elif isinstance(told, (list, tuple)):
        for value in told:
            yield from held(value)
    elif isinstance(told, str):
        yield told
