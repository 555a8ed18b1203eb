from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from forecast import terminal_scenarios, terminal_width
from forecast.screen import WIDTH
from tests.forecast import summaries

SCREENS = {
    "scenarios": (terminal_scenarios.show, summaries.with_scenarios),
    "width": (terminal_width.show, summaries.with_width),
}


def screen(name: str, width: int = WIDTH, **options: bool) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, **options)
    show, summary = SCREENS[name]
    show(summary(), console)
    return console.file.getvalue()


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("width", [WIDTH, 70])
def test_they_keep_to_the_width_and_a_screen(name: str, width: int) -> None:
    lines = screen(name, width).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    assert width < WIDTH or len(lines) <= 45


def test_words_of_scenarios() -> None:
    shown = " ".join(screen("scenarios", force_terminal=True, no_color=True).split())
    for told in (
        "What would Maven hardware sales bring?",
        "=More: new deals + 5 %",
        "as it is 31 % (± 1) – 2.51M 2.93M 3.60M –",
        "=More 31 % (± 1) + 5.0 (± 1) 2.51M 2.93M 3.60M + 50.0k",
        "=More 905k (769k to 1.04M)",
        "=More 75 % 75 % 75 %",
        "P10s do not add up",
    ):
        assert told in shown, told
    assert "[red]段階" in shown


def test_words_of_width() -> None:
    shown = " ".join(screen("width").split())
    for told in (
        "Why is the range of Maven hardware sales so wide?",
        "2017Q4: P10 to P90 is 2.50M USD to 3.60M USD.",
        "Good and bad months to come, for all deals alike 60 (± 3) –",
        "2017Q4: more history would narrow the range by 17 % at the very most.",
    ):
        assert told in shown, told
    assert "2017: more history" not in shown
