"""Success rates by group of deals, on the screen: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import say
from forecast.screen import Column, tables
from forecast.told_drivers import between
from forecast.words import day, money, number, percent, plain, with_unit

NAME = 20
NAMED = 3  # groups that stand out
SHOWN = 10  # groups of a column where several columns are told

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print the rates of all deals and of the groups of each column, and how to read them."""
    told, currency = summary["success"], summary["currency"]
    name, since = plain(summary["funnel"] or say("this funnel"), 50), day(summary["origin"])
    screen.print(Text(say("Where does effort pay in {funnel}? As of {day}", funnel=name, day=since), style="bold"))
    everyone = told["all"]
    if not everyone["deals"]:
        screen.print(say("No deal was created since exits are recorded: there is nothing to tell."))
        return
    worth = with_unit(between(everyone["value"], money), currency)
    screen.print(Text(say("A new deal brings {worth} on average, won or not (95 % interval).", worth=worth)))
    for column in told["by"]:
        screen.print()
        for line in _column(column, everyone, len(told["by"]) == 1, screen.width):
            screen.print(line)
    screen.print()
    for note in _notes(told):
        screen.print(Text(note, style="dim"))


def _column(column: Summary, everyone: Summary, whole: bool, width: int) -> Iterator[RenderableType]:
    rows, name = column["rows"], plain(column["grouping"], NAME)
    if not whole and len(rows) > SHOWN:
        most = sorted(rows, key=lambda row: -row["deals"])[:SHOWN]
        rows = [row for row in rows if row in most]
    listed: list[Summary] = [*rows, everyone]
    yield from tables(
        name.capitalize(),
        [*(plain(row["group"], NAME) for row in rows), say("All")],
        [
            Column(say("closed"), [number(row["won"] + row["lost"]) for row in listed]),
            Column(say("won of these"), [between(row["win_rate"], percent) for row in listed]),
            Column(say("new deals won"), [between(row["expected"]["win_rate"], percent) for row in listed]),
            Column(say("days to win"), [_days(row["days_to_win"]) for row in listed]),
            Column(say("of new deals"), [_days(row["expected"]["days_to_win"]) for row in listed]),
            Column(say("brings"), [money(row["value"]["p50"] or 0) for row in listed]),
        ],
        width,
    )
    if len(rows) < len(column["rows"]):
        rest = number(len(column["rows"]) - len(rows))
        told = say("The {shown} with most deals; {rest} more with --by {column}.", shown=SHOWN, rest=rest, column=name)
        yield Text(told, style="dim")
    more, less = (_standing_out(column["rows"], way) for way in ("more", "less"))
    if more:
        yield Text(say("A new deal clearly brings more: {groups}.", groups=more))
    if less:
        yield Text(say("A new deal clearly brings less: {groups}.", groups=less))


def _standing_out(rows: Sequence[Summary], way: str) -> str:
    names = [plain(row["group"], NAME) for row in rows if row["stands_out"] == way]
    if len(names) <= NAMED:
        return ", ".join(names)
    return say("{names} and {number} more", names=", ".join(names[:NAMED]), number=len(names) - NAMED)


def _days(of: Mapping[str, float | None]) -> str:
    middle = of["p50"]
    return between(of, lambda days: number(days, 0 if middle is not None and middle >= 10 else 1))


def _notes(told: Summary) -> Iterator[str]:
    yield say("Won of these: share of the closed deals that was won, as counted. In brackets 95 % intervals.")
    yield say(
        "New deals won: chance that a new deal is won within {days} days; few deals of a group are drawn towards all.",
        days=number(told["days"]),
    )
    yield say(
        "Days to win: half of those to be won are by then; open deals count with their age. Counted, then expected."
    )
    yield say("Brings: expected revenue of one new deal, won or not; groups are in this order.")


def table(summary: Summary) -> pd.DataFrame:
    """All deals and all groups, one row each; `_low` and `_high` are ends of 95 % intervals."""
    told = summary["success"]
    rows = [("", {"group": "", **told["all"]}), *((one["grouping"], row) for one in told["by"] for row in one["rows"])]
    return pd.DataFrame([{"grouping": grouping, **_flat(row)} for grouping, row in rows])


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """{"a": {"p50": 1, "low": 0}} as {"a": 1, "a_low": 0}."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}_")
        else:
            found[before.removesuffix("_") if key == "p50" else f"{before}{key}"] = value
    return found
