from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from forecast.progress import bars
from forecast.screen import WIDTH
from forecast.terminal import show
from forecast.terminal_answers import show_clients, show_deals
from forecast.words import chance, exact, money, percent, plain, span
from tests.forecast import summaries


def screen(summary: summaries.Summary, width: int = WIDTH, **options: bool) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, **options)
    show(summary, console)
    return console.file.getvalue()


@pytest.mark.parametrize("name", summaries.ALL)
@pytest.mark.parametrize("width", [WIDTH, 60])
def test_it_keeps_to_the_width(name: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in screen(summaries.ALL[name](), width).splitlines())


@pytest.mark.parametrize("name", ["maven", "business", "reached", "unhealthy"])
def test_two_periods_fit_one_screen(name: str) -> None:
    """Besides the quotas, a table that is there where it was asked for."""
    summary = summaries.ALL[name]()
    for period in summary["periods"]:
        period["groups"] = []
    assert len(screen(summary).splitlines()) <= 52


def test_order_and_words() -> None:
    shown = " ".join(screen(summaries.maven()).split())
    told = [
        "Can Maven hardware sales reach its targets?",
        "Asked as of 1 October 2017; nothing recorded on that day or later is used.",
        "3,280,480.50 USD in 2017Q4 (1 October to 31 December 2017)",
        "The chance of reaching 3.28M USD in 2017Q4 is 31 % (± 1).",
        "The chance of reaching 11.3M USD in 2017 is 9 % (± 0.6).",
        "Revenue, USD 2017Q4 2017 2017-10 2017-11 2017-12",
        "P10: 1 in 10 lower 2.51M 9.72M 769k 783k 938k",
        "P50: the middle 2.93M 10.1M",
        "P90: 1 in 10 higher 3.60M 10.8M",
        "Won to date 0 7.20M",
        "Still missing (GAP) 3.28M 4.12M",
        "Viable open deals, estimate (RTV) 4.10M 4.10M",
        "Open deals / GAP; weighted by stage 1.25; 0.70 1.00; 0.56",
        "RTV / GAP (funnel factor); needed for 80 % 1.25; 1.75 1.00; –",
        "Expected from deals so far; yet to come 1.24M; 1.75M",
        "Share of the 1 / 3 / 5 largest clients 5 % / 13 % / 20 %",
        "2017Q4: Without Kan-code the chance falls from 31 % to 23 %; 478k USD of viable value from other clients",
        "What would change it 2017Q4 2017",
        "Engaging: conversion + 5 points, points + 12 (± 2) + 12 (± 2)",
        "Amounts + 5 %, points + 8.7 (± 2) + 8.7 (± 2)",
        "New deals a month for a chance of 80 % 1,149 (now 905)",
        "Engaging 2,409 63 % (61 to 65) 52 (50 to 55)",
        "Overdue: 611 of them, 1.61M USD, past the age by which 90 % move on; without them 29 % in 2017Q4.",
        "Model check: passed; 33 of 34 counts",
        "Rows: 8,927 read = 8,427 used + 500 set aside (no usable stage in sales_pipeline.csv)",
        "What really happened in 2017Q4: 2.80M USD, target missed (between P10 and P90).",
        "Files: out/forecast.json (answer), out/samples.parquet (simulations)",
    ]
    places = [shown.find(words) for words in told]
    assert [words for words, place in zip(told, places, strict=True) if place < 0] == []
    assert places == sorted(places)


def test_a_range_of_days_and_what_is_not_known() -> None:
    shown = " ".join(screen(summaries.business()).split())
    assert "The chance of reaching 5.63M EUR from 1 January to 30 June 2026 is 31 % (± 1)." in shown
    assert "2026-01 2026-02 2026-03 2026-04 2026-05 2026-06" in shown
    assert "Viable open deals, value (RTV)" in shown
    assert "612, 401 of them viable (the client has committed), worth 9.87M EUR" in shown
    assert "8,927 used + 0 set aside Files: none; --out DIR" in shown
    assert "really happened" not in shown
    assert all(name in shown for name in summaries.STAGES)


def test_a_target_that_is_reached_already() -> None:
    shown = " ".join(screen(summaries.reached()).split())
    assert "The target of 3.28M USD in 2017Q4 is reached already: 3.50M USD is won." in shown
    assert "(GAP) none" in shown
    assert "(funnel factor); needed for 80 % –; – 1.00; –" in shown
    assert "in 2017 is < 1 %." in shown
    assert "chance of 80 % – out of reach" in shown
    assert "2017: Without Kan-code" in shown
    assert "> 99 %" not in shown
    assert " 100 %" not in shown
    assert " 0 %" not in shown


def test_an_unhealthy_fit_is_told_beside_the_probability() -> None:
    shown = screen(summaries.unhealthy())
    assert shown.index("is 9 %") < shown.index("Do not rely on this") < shown.index("P10")
    assert "Model check: NOT passed; the chains disagree (R-hat 1.31 > 1.05)" in shown
    assert "3.28M in 2017Q4" in shown
    assert "no currency given" in shown


def test_assumptions_are_told_where_they_matter() -> None:
    """Of the period that rests most on them, in one line."""
    summary = summaries.maven()
    assert "assumptions" not in screen(summary)
    summary["periods"][1]["assumed"] = {"share": 0.3, "most": "lead_time", "stage": "Engaging"}
    assert "\nRests in part on assumptions: 30 % of what is unsure, most of all the lead time of Engaging.\n" in screen(
        summary
    )
    summary["periods"][0]["assumed"] = {"share": 0.7, "most": "new_deals", "stage": None}
    assert "\nRests mostly on assumptions: 70 % of what is unsure, most of all the number of new deals.\n" in screen(
        summary
    )


def test_a_kept_fit_is_told() -> None:
    summary = summaries.maven()
    assert "was kept" not in screen(summary)
    summary["fit"]["kept"] = True
    assert "The fit was kept from an earlier question about the same data; --fresh makes it anew." in screen(summary)


def test_names_are_neither_markup_nor_commands() -> None:
    shown = screen(summaries.hostile(), force_terminal=True, no_color=True)
    for words in ("[red]x[/red] ", "[bold]why", "[/oops] [/oops]", "<script>", "[green]forecast.json"):
        assert words in shown
    assert "\x1b[31m" not in shown
    assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "0"), (0.001, "0"), (-0.001, "0"), (4.257, "4.26"), (12, "12"), (950.4, "950"),
        (9_999.4, "9,999"), (9_999.6, "10.0k"), (87_600, "87.6k"), (999_499, "999k"), (999_600, "1.00M"),
        (9_996_000, "10.0M"),
        (3_280_480.5, "3.28M"), (-219_519.5, "-220k"), (876e6, "876M"), (1.234e9, "1.23B"), (2e12, "2,000B"),
    ],
)  # fmt: skip
def test_money(amount: float, told: str) -> None:
    assert money(amount) == told


def test_numbers() -> None:
    assert exact(3_280_480.5) == "3,280,480.50"
    assert exact(5_630_130.0) == "5,630,130"
    assert chance(0.5, 0.0112) == "50 % (± 1)"
    assert chance(0.5, 0.00001) == "50 % (± 0.1)"
    assert chance(1.0, 0.001) == "> 99 %"
    assert span("2017-10-01", "2017-12-31") == "1 October to 31 December 2017"
    assert span("2017-10-01", "2018-03-31") == "1 October 2017 to 31 March 2018"


def test_percent_never_claims_certainty() -> None:
    shown = {percent(p / 10_000) for p in range(10_001)}
    assert shown == {"< 1 %", "> 99 %", *(f"{p} %" for p in range(1, 100))}
    assert percent(0.0099) == "< 1 %"
    assert percent(0.9901) == "> 99 %"


def test_plain_words() -> None:
    assert plain("a\n  b\x1b[2J\u202ec") == "a b [2J c"
    assert plain("x" * 50, 10) == "x" * 9 + "…"
    assert cell_len(plain("段階" * 10, 11)) <= 11


def test_bars_are_drawn_on_terminals_only(capsys: pytest.CaptureFixture[str]) -> None:
    with bars() as tell:
        tell("Reading", 0, 0)
        tell("Sampling", 1, 4)
        tell("Sampling", 4, 4)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("name", summaries.ALL)
@pytest.mark.parametrize("shown", [show_clients, show_deals])
def test_clients_and_deals_keep_to_the_width(name: str, shown: Callable[..., None]) -> None:
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False, force_terminal=True, no_color=True)
    summary = summaries.ALL[name]()
    shown(summary, console)
    told = console.file.getvalue()
    assert all(cell_len(Text.from_ansi(line).plain) <= WIDTH for line in told.splitlines())
    assert "\x1b[2J" not in told
    assert "\x1b[31m" not in told
    words = " ".join(Text.from_ansi(told).plain.split())
    if shown is show_deals:
        assert "125VIRMX, Elease Gluck Engaging 26.4k 285 120" in words
        assert "31 October 2017 1.15M 990k 3.90M 870 855" in words
    else:
        assert "Verdict: watch. As concentrated as 50.0 equal clients" in words
        assert "Konex 0 0 140k 5 % 24 % + 0 5 %" in words


@pytest.mark.parametrize("name", summaries.ALL)
@pytest.mark.parametrize("shown", [show_clients, show_deals])
def test_clients_and_deals_fit_one_screen(name: str, shown: Callable[..., None]) -> None:
    """However long the lists are; what is left out is said. A deal that moves nothing is not listed."""
    summary = summaries.ALL[name]()
    of_all = summary["overdue"]
    of_all["list"] = (of_all["list"] * 60)[:60]
    for period in summary["periods"]:
        moving = [{**row, "p_hit_if_lost": 0.2, "p_hit_if_won": 0.6} for row in period["decisive_deals"][:1]]
        period["decisive_deals"] = moving * 50
        period["clients"]["table"] = (period["clients"]["table"] * 50)[:50]
    console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
    shown(summary, console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(told.splitlines()) <= 50
    if shown is show_deals:
        assert "more are in the table that --out FILE.csv writes." in told
        for period in summary["periods"]:
            period["decisive_deals"] = [{**row, "p_hit_if_won": 0.2} for row in period["decisive_deals"]]
        console = Console(file=io.StringIO(), width=WIDTH, highlight=False)
        shown(summary, console)
        told = console.file.getvalue()  # type: ignore[attr-defined]
        assert "No single deal moves the chance, won or lost." in told
        assert "Deal that moves the chance" not in told
        assert "What must be true by" in told


def test_quotas_add_up_to_the_whole() -> None:
    summary = summaries.maven()
    words = " ".join(screen(summary).split())
    period = summary["periods"][0]
    whole = f"All 400k {money(period['won_to_date'])} {money(period['mean'])}"
    assert "Quotas by owner, 2017Q4" in words
    assert "Darcel Schlecht 400k 0 340k 250k 440k 21 %" in words
    assert whole in words


def test_new_deals_that_are_enough_are_not_asked_for() -> None:
    summary = summaries.maven()
    summary["levers"]["wanted"] = 0.3  # the chance is 31 %
    assert "no more than now (" in screen(summary)
