from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from forecast.screen import WIDTH
from forecast.terminal_levers import points, show, size
from tests.forecast import summaries

TOLD = [name for name in summaries.ALL if name != "unasked"]


def screen(summary: summaries.Summary, width: int = WIDTH, **options: bool) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, **options)
    show(summary, console)
    return console.file.getvalue()


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("width", [WIDTH, 60])
def test_it_keeps_to_the_width(name: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in screen(summaries.ALL[name](), width).splitlines())


@pytest.mark.parametrize("name", ["maven", "business", "reached", "unhealthy"])
def test_two_periods_fit_one_screen(name: str) -> None:
    assert len(screen(summaries.ALL[name]()).splitlines()) <= 48


def test_words_of_a_funnel_of_one_stage() -> None:
    shown = " ".join(screen(summaries.maven()).split())
    for told in (
        "What would change the chance of Maven hardware sales?",
        "2017Q4: the chance of reaching 3.28M USD is 31 % (± 1), aimed at is 80 %",
        "Engaging: conversion + 5 points + 12 (± 2) + 149k + 18.3 points".replace("18.3", "18"),
        "Amounts + 5 % + 8.7 (± 2) + 108k reached",
        "Engaging: lead time - 10 % + 4.4 (± 2) + 54.6k at most 71 %*",
        "*: more of it is not always better",
        "New deals: 1,149 a month instead of 905 would do, created no later than in 2017-11",
        "2017-10 61 %, 2017-11 15 %, 2017-12 7 %",
        "Engaging 54.0 2,646 2,646",
    ):
        assert told in shown, told
    assert "Bottleneck" not in shown  # there is one stage


def test_words_of_seven_stages() -> None:
    shown = " ".join(screen(summaries.business()).split())
    assert "Bottleneck: Problem recognised, by converting more, though hardly more than Impact." in shown
    assert "8 more levers do less" in shown


def test_a_period_that_is_reached_and_one_that_cannot_be() -> None:
    shown = " ".join(screen(summaries.reached()).split())
    assert "2017Q4: the target of 3.28M USD is reached already." in shown
    assert "New deals: created from now on, they are won too late for this period." in shown


def test_names_are_neither_markup_nor_commands() -> None:
    shown = screen(summaries.hostile(), force_terminal=True, no_color=True)
    assert "<script>: conversion" in shown
    assert "\x1b[2J" not in shown


def test_sizes_and_changes() -> None:
    assert [size("conversion", 0.05), size("lead_time", -0.1), size("amount", 0.1234)] == [
        "+ 5 points",
        "- 10 %",
        "+ 12 %",
    ]
    assert size("conversion", 0.0512) == "+ 5.1 points"
    assert [points(0.123, 0.016), points(-0.012, 0.004), points(0.0, 0.01)] == ["+ 12 (± 2)", "- 1.2 (± 0.4)", "none"]
    assert points(0.001, 0.0002) == "+ 0.1 (± 0.1)"  # no error is nothing
