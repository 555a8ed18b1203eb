"""Scenarios on one screen: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import heard, say
from forecast.screen import Column, tables
from forecast.terminal_levers import amount, points
from forecast.told import funnel
from forecast.words import called, chance, day, money, percent, plain

NAME = 28
MONTHS = 6  # listed

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print each period by scenario, the months, and capacity."""
    told = summary["scenarios"]
    screen.print(Text(say("What would {funnel} bring?", funnel=funnel(summary)), style="bold"))
    currency = summary["currency"] or say("no currency given")
    same = say(
        "As of {day}, in {currency}. All scenarios have the same luck, draw by draw.", day=day(summary["origin"]),
        currency=currency,
    )  # fmt: skip
    screen.print(Text(same))
    for line in _described(told):
        screen.print(line)
    for number, period in enumerate(summary["periods"]):
        screen.print()
        for line in _period(told, number, period, screen.width):
            screen.print(line)
    screen.print()
    for line in (*_months(told, screen.width), *_waiting(told, screen.width)):
        screen.print(line)
    screen.print(Text(say("P10s do not add up: months are seldom all low at once."), style="dim"))
    files = [str(path) for path in summary["files"].values() if path is not None]
    none = say("Files: none; --out DIR writes a workbook and CSV.")
    screen.print(Text(f"{say('Files:')} {', '.join(files)}" if files else none))


def _names(told: Summary) -> list[str]:
    return [say("as it is") if place == 0 else plain(one["name"], NAME) for place, one in enumerate(told["scenarios"])]


def _described(told: Summary) -> Iterator[RenderableType]:
    for name, one in zip(_names(told), told["scenarios"], strict=True):
        if one["changes"]:
            yield Text(f"  {name}: {plain('; '.join(heard(change) for change in one['changes']), 150)}")


def _period(told: Summary, number: int, period: Summary, width: int) -> Iterator[RenderableType]:
    rows = [one["periods"][number] for one in told["scenarios"]]
    columns = [
        Column(say("chance"), [chance(row["p_hit"], row["p_hit_se"]) for row in rows]),
        Column(say("points"), [points(row["p_hit_change"], row["p_hit_change_se"]) for row in rows]),
        Column("P10", [money(row["p10"]) for row in rows]),
        Column("P50", [money(row["p50"]) for row in rows]),
        Column("P90", [money(row["p90"]) for row in rows]),
        Column(say("P50 moves by"), [amount(row["p50_change"]) for row in rows]),
    ]
    for column in columns[1], columns[5]:
        column.cells[0] = "–"  # type: ignore[index]
    title = say("{period}, target {target}", period=called(period["period"]), target=money(period["target"]))
    yield from tables(title, _names(told), columns, width)


def _months(told: Summary, width: int) -> Iterator[RenderableType]:
    labels = [one["month"] for one in told["scenarios"][0]["months"]][:MONTHS]
    columns = [
        Column(label, [_range(one["months"][place]) for one in told["scenarios"]]) for place, label in enumerate(labels)
    ]
    yield from tables(say("P50 (P10 to P90) by month"), _names(told), columns, width)
    more = len(told["scenarios"][0]["months"]) - len(labels)
    if more > 0:
        yield Text(say("{number} later months are in the files that --out writes.", number=more), style="dim")


def _range(month: Summary) -> str:
    low_to_high = say("{first} to {last}", first=money(month["p10"]), last=money(month["p90"]))
    return f"{money(month['p50'])} ({low_to_high})"


def _waiting(told: Summary, width: int) -> Iterator[RenderableType]:
    if told["capacity"] is None:
        return
    yield Text()
    labels = [one["month"] for one in told["scenarios"][0]["months"]][:MONTHS]
    columns = [
        Column(label, [percent(one["months"][place]["p_backlog"]) for one in told["scenarios"]])
        for place, label in enumerate(labels)
    ]
    of = {"deals": say("deals"), "amount": say("amount")}[told["capacity"]["of"]]
    title = say("Chance that orders wait ({of})", of=of)
    yield from tables(title, _names(told), columns, width)
