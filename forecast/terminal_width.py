"""Where the width of the range comes from, on one screen: it words the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from forecast.screen import Column, tables
from forecast.words import day, money, plain, with_unit

LABELS = {
    "parameters": "Not known yet of this funnel (rates, times, amounts)",
    "shocks": "Good and bad months to come, for all deals alike",
    "new_deals": "Deals not created yet: how many, and how they end",
    "chance": "Chance: how the deals that are open end",
}

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print the range of each period, the parts of its spread, and what could narrow it."""
    told = summary["width"]
    screen.print(Text(f"Why is the range of {plain(summary['funnel'] or 'this funnel', 60)} so wide?", style="bold"))
    screen.print(Text(f"As of {day(summary['origin'])}; by comparing {told['draws']:,} pairs of futures."))
    for period in told["periods"]:
        low, high = (with_unit(money(period[key]), summary["currency"]) for key in ("p10", "p90"))
        screen.print(Text(f"  {period['period']}: P10 to P90 is {low} to {high}."))
    screen.print()
    columns = [
        Column(str(one["period"]).replace("..", "\nto "), [_share(part) for part in one["parts"]])
        for one in told["periods"]
    ]
    labels = [LABELS[part["part"]] for part in told["periods"][0]["parts"]]
    for table in tables("Share of the spread (variance), %", labels, columns, screen.width):
        screen.print(table)
    screen.print(Text("± is the standard error; the parts sum to 100.", style="dim"))
    screen.print()
    for period in told["periods"]:
        if period["narrower_by"] is not None:
            gain = f"{100 * period['narrower_by']:.0f} %"
            screen.print(Text(f"{period['period']}: more history would narrow the range by {gain} at the very most."))
    screen.print(
        Text("It cannot foresee months to come, nor deals that do not exist; both become known as time passes.")
    )
    screen.print(Text("Chance stays; it weighs less where there are more deals, and none of them is large."))


def _share(part: Summary) -> str:
    if part["share"] is None:
        return "–"
    return f"{100 * part['share']:.0f} (± {max(100 * part['share_se'], 1):.0f})"
