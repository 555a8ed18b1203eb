"""How an answer moved, on the terminal: it words and lays out a trend or a bridge, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.screen import Column, tables
from forecast.words import chance, day, exact, money, plain, signed, span, with_unit

Board = Mapping[str, Any]


def show_trend(board: Board, screen: Console) -> None:
    """Print a table of origins for every period."""
    name = plain(board["funnel"] or "this funnel", 60)
    screen.print(Text(f"How the forecasts of {name} moved", style="bold"))
    for period in board["periods"]:
        screen.print()
        for line in _period(period, board["currency"], screen.width):
            screen.print(line)
    for refused in board["refused"]:
        screen.print(Text(f"As of {day(refused['origin'])} there is no answer: {plain(refused['why'], 140)}.", "red"))


def _period(period: Board, currency: str, width: int) -> Iterator[RenderableType]:
    rows = period["origins"]
    targets = {row["target"] for row in rows}
    target = f", target {with_unit(exact(rows[-1]['target']), currency)}" if len(targets) == 1 else ""
    days = "" if ".." in period["period"] else f" ({span(period['start'], period['end'])})"
    yield Text(f"{period['period']}{days}{target}")
    columns = [
        Column("chance", [chance(row["p_hit"], row["p_hit_se"]) for row in rows]),
        Column("P10", [money(row["p10"]) for row in rows]),
        Column("P50", [money(row["p50"]) for row in rows]),
        Column("P90", [money(row["p90"]) for row in rows]),
        Column("P50 moved", ["" if row["p50_change"] is None else signed(row["p50_change"]) for row in rows]),
        Column("won", [money(row["won_to_date"]) for row in rows]),
        Column("GAP", [money(row["gap"]) if row["gap"] > 0 else "none" for row in rows]),
        Column("RTV", [money(row["rtv"]) for row in rows]),
        Column("RTV/GAP", ["–" if row["funnel_factor"] is None else f"{row['funnel_factor']:.2f}" for row in rows]),
        Column("asked on", [row["asked"][:10] for row in rows]),
    ]
    if len(targets) > 1:
        columns.insert(0, Column("target", [money(row["target"]) for row in rows]))
    yield from tables("As of", [row["origin"] for row in rows], columns, width)
    if (actual := period["actual"]) is not None:
        outcome = "target reached" if actual["hit"] else "target missed"
        won = with_unit(money(actual["revenue"]), currency)
        yield Text.assemble("What really happened: ", (f"{won}, {outcome}", "bold"), ".")
