"""How an answer moved, on the terminal: it words and lays out a trend or a bridge, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import say
from forecast.screen import Column, tables
from forecast.told import funnel, outcome, unanswered
from forecast.words import called, chance, day, exact, money, number, percent, points, signed, span, with_unit

Board = Mapping[str, Any]


def show_trend(board: Board, screen: Console) -> None:
    """Print a table of origins for every period."""
    screen.print(Text(say("How the forecasts of {funnel} moved", funnel=funnel(board)), style="bold"))
    for period in board["periods"]:
        screen.print()
        for line in _period(period, board["currency"], screen.width):
            screen.print(line)
    for refused in board["refused"]:
        screen.print(Text(unanswered(refused), "red"))


def _period(period: Board, currency: str, width: int) -> Iterator[RenderableType]:
    rows = period["origins"]
    targets = {row["target"] for row in rows}
    yield Text(_heading(period, rows[-1]["target"] if len(targets) == 1 else None, currency))
    columns = [
        Column(say("chance"), [chance(row["p_hit"], row["p_hit_se"]) for row in rows]),
        Column("P10", [money(row["p10"]) for row in rows]),
        Column("P50", [money(row["p50"]) for row in rows]),
        Column("P90", [money(row["p90"]) for row in rows]),
        Column(say("P50 moved"), ["" if row["p50_change"] is None else signed(row["p50_change"]) for row in rows]),
        Column(say("won"), [money(row["won_to_date"]) for row in rows]),
        Column(say("GAP"), [money(row["gap"]) if row["gap"] > 0 else say("none") for row in rows]),
        Column("RTV", [money(row["rtv"]) for row in rows]),
        Column(say("RTV/GAP"), ["–" if (f := row["funnel_factor"]) is None else number(f, 2) for row in rows]),
        Column(say("asked on"), [row["asked"][:10] for row in rows]),
    ]
    if len(targets) > 1:
        columns.insert(0, Column(say("target"), [money(row["target"]) for row in rows]))
    yield from tables(say("As of"), [row["origin"] for row in rows], columns, width)
    yield from _longer(period)
    if (actual := period["actual"]) is not None:
        yield Text.assemble(say("What really happened:"), " ", (outcome(actual, currency), "bold"), ".")


def _longer(told: Board) -> Iterator[RenderableType]:
    """Where the model came to tell months in place of weeks."""
    if told["months_since"] is not None:
        since = say(
            "As of {day}, a year is on record, and the model tells months apart in place of weeks: part of what it "
            "learned is that.",
            day=day(told["months_since"]),
        )  # fmt: skip
        yield Text(since)


def show_bridge(board: Board, screen: Console) -> None:
    """Print, for every period, what moved P50, the mean and the chance."""
    screen.print(Text(say("What moved the forecast of {funnel}", funnel=funnel(board)), style="bold"))
    first, last, draws = day(board["from"]), day(board["to"]), number(board["draws"])
    days = say("From {first} to {last}, {draws} draws of either day.", first=first, last=last, draws=draws)
    screen.print(Text(days))
    for period in board["periods"]:
        screen.print()
        for line in _steps(period, board, screen.width):
            screen.print(line)
    note = say(
        "Each line is the effect of one thing more being as it turned out, in this order: in another one, parts that "
        "act together would share their effect differently. Points are of the chance. The last line is not on the "
        "same random numbers as the others: its P50 has a standard error of simulation, given as ±."
    )
    screen.print(Text(f"\n{note}", style="dim"))
    for line in _longer(board):
        screen.print(line)


def _steps(period: Board, board: Board, width: int) -> Iterator[RenderableType]:
    yield Text(_heading(period, period["target"], board["currency"]))
    parts = period["parts"]
    ends = (period["before"], period["after"])
    labels = [day(board["from"]), *(f"  {_part(part['part'])}" for part in parts), day(board["to"])]
    counts = ["" if part["deals"] is None else number(part["deals"]) for part in parts]
    moved = [signed(part["p50"]) for part in parts]
    moved[-1] += f" ± {money(period['learned_se'])}"
    chances = [percent(end["p_hit"]) for end in ends]
    columns = [
        Column(say("deals"), ["", *counts, ""]),
        Column("P50", [money(ends[0]["p50"]), *moved, money(ends[1]["p50"])]),
        Column(
            say("mean"), [money(ends[0]["mean"]), *(signed(part["mean"]) for part in parts), money(ends[1]["mean"])]
        ),
        Column(say("chance"), [chances[0], *(points(part["p_hit"]) for part in parts), chances[1]]),
    ]
    yield from tables("", labels, columns, width)


def _part(name: str) -> str:
    return {
        "won": say("Won in between"),
        "lost": say("Lost in between"),
        "moved": say("Moved to another stage"),
        "aged": say("Stayed where they were, older now"),
        "resized": say("Amount changed, still open"),
        "created": say("Created in between, less those expected"),
        "learned": say("Learned since: rates, new deals, amounts"),
    }[name]


def _heading(period: Board, target: float | None, currency: str) -> str:
    days = "" if ".." in period["period"] else f" ({span(period['start'], period['end'])})"
    name = f"{called(period['period'])}{days}"
    if target is None:
        return name
    return say("{period}, target {target}", period=name, target=with_unit(exact(target), currency))
