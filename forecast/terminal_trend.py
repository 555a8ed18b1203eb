"""How an answer moved, on the terminal: it words and lays out a trend or a bridge, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.screen import Column, tables
from forecast.words import chance, day, exact, money, percent, plain, points, signed, span, with_unit

Board = Mapping[str, Any]

PARTS = {
    "won": "Won in between",
    "lost": "Lost in between",
    "moved": "Moved to another stage",
    "aged": "Stayed where they were, older now",
    "resized": "Amount changed, still open",
    "created": "Created in between, less those expected",
    "learned": "Learned since: rates, new deals, amounts",
}


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
    yield Text(_heading(period, target))
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


def show_bridge(board: Board, screen: Console) -> None:
    """Print, for every period, what moved P50, the mean and the chance."""
    name = plain(board["funnel"] or "this funnel", 60)
    screen.print(Text(f"What moved the forecast of {name}", style="bold"))
    screen.print(Text(f"From {day(board['from'])} to {day(board['to'])}, {board['draws']:,} draws of either day."))
    for period in board["periods"]:
        screen.print()
        for line in _steps(period, board, screen.width):
            screen.print(line)
    note = (
        "Each line is the effect of one thing more being as it turned out, in this order: in another one, parts that "
        "act together would share their effect differently. Points are of the chance. The last line is not on the "
        "same random numbers as the others: its P50 has a standard error of simulation, given as ±."
    )
    screen.print(Text(f"\n{note}", style="dim"))


def _steps(period: Board, board: Board, width: int) -> Iterator[RenderableType]:
    yield Text(_heading(period, f", target {with_unit(exact(period['target']), board['currency'])}"))
    parts = period["parts"]
    ends = (period["before"], period["after"])
    labels = [day(board["from"]), *(f"  {PARTS[part['part']]}" for part in parts), day(board["to"])]
    counts = ["" if part["deals"] is None else f"{part['deals']:,}" for part in parts]
    moved = [signed(part["p50"]) for part in parts]
    moved[-1] += f" ± {money(period['learned_se'])}"
    chances = [percent(end["p_hit"]) for end in ends]
    columns = [
        Column("deals", ["", *counts, ""]),
        Column("P50", [money(ends[0]["p50"]), *moved, money(ends[1]["p50"])]),
        Column("mean", [money(ends[0]["mean"]), *(signed(part["mean"]) for part in parts), money(ends[1]["mean"])]),
        Column("chance", [chances[0], *(_points(part["p_hit"]) for part in parts), chances[1]]),
    ]
    yield from tables("", labels, columns, width)


def _points(change: float) -> str:
    return points(change) if change else "0"


def _heading(period: Board, more: str) -> str:
    days = "" if ".." in period["period"] else f" ({span(period['start'], period['end'])})"
    return f"{period['period']}{days}{more}"
