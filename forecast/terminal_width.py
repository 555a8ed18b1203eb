"""Where the width of the range comes from, on one screen: it words the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from forecast.language import say
from forecast.screen import Column, tables
from forecast.told import funnel, heading
from forecast.words import called, day, money, number, with_unit

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print the range of each period, the parts of its spread, and what could narrow it."""
    told = summary["width"]
    screen.print(Text(say("Why is the range of {funnel} so wide?", funnel=funnel(summary)), style="bold"))
    origin, draws = day(summary["origin"]), number(told["draws"])
    screen.print(Text(say("As of {day}; by comparing {draws} pairs of futures.", day=origin, draws=draws)))
    for period in told["periods"]:
        low, high = (with_unit(money(period[key]), summary["currency"]) for key in ("p10", "p90"))
        name = called(period["period"])
        screen.print(Text(f"  {say('{period}: P10 to P90 is {low} to {high}.', period=name, low=low, high=high)}"))
    screen.print()
    columns = [Column(heading(one["period"]), [_share(part) for part in one["parts"]]) for one in told["periods"]]
    labels = [_label(part["part"]) for part in told["periods"][0]["parts"]]
    for table in tables(say("Share of the spread (variance), %"), labels, columns, screen.width):
        screen.print(table)
    screen.print(Text(say("± is the standard error; the parts sum to 100."), style="dim"))
    screen.print()
    for period in told["periods"]:
        if period["narrower_by"] is not None:
            narrower = say(
                "{period}: more history would narrow the range by {gain} % at the very most.",
                period=called(period["period"]), gain=number(100 * period["narrower_by"]),
            )  # fmt: skip
            screen.print(Text(narrower))
    for line in (
        say("It cannot foresee months to come, nor deals that do not exist; both become known as time passes."),
        say("Chance stays; it weighs less where there are more deals, and none of them is large."),
    ):
        screen.print(Text(line))


def _label(part: str) -> str:
    return {
        "parameters": say("Not known yet of this funnel (rates, times, amounts)"),
        "shocks": say("Good and bad months to come, for all deals alike"),
        "new_deals": say("Deals not created yet: how many, and how they end"),
        "chance": say("Chance: how the deals that are open end"),
    }[part]


def _share(part: Summary) -> str:
    if part["share"] is None:
        return "–"
    return f"{number(100 * part['share'])} (± {number(max(100 * part['share_se'], 1))})"
