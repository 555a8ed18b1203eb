"""Scenarios on one screen: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.screen import Column, tables
from forecast.terminal_levers import amount, points
from forecast.words import chance, day, money, percent, plain

NAME = 28
MONTHS = 6  # listed

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print each period by scenario, the months, and capacity."""
    told = summary["scenarios"]
    screen.print(Text(f"What would {plain(summary['funnel'] or 'this funnel', 60)} bring?", style="bold"))
    currency = summary["currency"] or "no currency given"
    screen.print(
        Text(f"As of {day(summary['origin'])}, in {currency}. All scenarios have the same luck, draw by draw.")
    )
    for line in _described(told):
        screen.print(line)
    for number, period in enumerate(summary["periods"]):
        screen.print()
        for line in _period(told, number, period, screen.width):
            screen.print(line)
    screen.print()
    for line in (*_months(told, screen.width), *_waiting(told, screen.width)):
        screen.print(line)
    screen.print(Text("P10s do not add up: months are seldom all low at once.", style="dim"))
    files = [str(path) for path in summary["files"].values() if path is not None]
    screen.print(Text(f"Files: {', '.join(files)}" if files else "Files: none; --out DIR writes a workbook and CSV."))


def _names(told: Summary) -> list[str]:
    return [plain(one["name"], NAME) for one in told["scenarios"]]


def _described(told: Summary) -> Iterator[RenderableType]:
    for name, one in zip(_names(told), told["scenarios"], strict=True):
        if one["changes"]:
            yield Text(f"  {name}: {plain('; '.join(one['changes']), 150)}")


def _period(told: Summary, number: int, period: Summary, width: int) -> Iterator[RenderableType]:
    rows = [one["periods"][number] for one in told["scenarios"]]
    columns = [
        Column("chance", [chance(row["p_hit"], row["p_hit_se"]) for row in rows]),
        Column("points", [points(row["p_hit_change"], row["p_hit_change_se"]) for row in rows]),
        Column("P10", [money(row["p10"]) for row in rows]),
        Column("P50", [money(row["p50"]) for row in rows]),
        Column("P90", [money(row["p90"]) for row in rows]),
        Column("P50 moves by", [amount(row["p50_change"]) for row in rows]),
    ]
    for column in columns[1], columns[5]:
        column.cells[0] = "–"  # type: ignore[index]
    yield from tables(f"{period['period']}, target {money(period['target'])}", _names(told), columns, width)


def _months(told: Summary, width: int) -> Iterator[RenderableType]:
    labels = [one["month"] for one in told["scenarios"][0]["months"]][:MONTHS]
    columns = [
        Column(label, [_range(one["months"][place]) for one in told["scenarios"]]) for place, label in enumerate(labels)
    ]
    yield from tables("P50 (P10 to P90) by month", _names(told), columns, width)
    more = len(told["scenarios"][0]["months"]) - len(labels)
    if more > 0:
        yield Text(f"{more} later months are in the files that --out writes.", style="dim")


def _range(month: Summary) -> str:
    return f"{money(month['p50'])} ({money(month['p10'])} to {money(month['p90'])})"


def _waiting(told: Summary, width: int) -> Iterator[RenderableType]:
    if told["capacity"] is None:
        return
    of = {"deals": "deals", "amount": "amount"}[told["capacity"]["of"]]
    yield Text()
    labels = [one["month"] for one in told["scenarios"][0]["months"]][:MONTHS]
    columns = [
        Column(label, [percent(one["months"][place]["p_backlog"]) for one in told["scenarios"]])
        for place, label in enumerate(labels)
    ]
    title = f"Chance that orders wait ({of})"
    yield from tables(title, _names(told), columns, width)
