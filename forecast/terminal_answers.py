"""Clients and deals of an answer in full: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from rich.console import Console, RenderableType
from rich.text import Text

from forecast.screen import Column, tables
from forecast.words import chance, day, money, percent, plain, with_unit

SHOWN = 10  # rows of a table
NAME, ID = 26, 14

Summary = Mapping[str, Any]


def show_clients(summary: Summary, screen: Console) -> None:
    """Print the verdict and the largest clients of every period."""
    screen.print(Text(f"On which clients does {_name(summary)} depend? As of {day(summary['origin'])}", style="bold"))
    for period in summary["periods"]:
        screen.print()
        for line in _clients(period, summary["currency"], screen.width):
            screen.print(line)


def _clients(period: Summary, currency: str, width: int) -> Iterator[RenderableType]:
    clients = period["clients"]
    yield _asked(period, currency)
    if clients["verdict"] is None:
        yield Text("Clients are not known, or nothing is expected from them.")
        return
    yield Text(plain(clients["sentence"], 3 * width))
    shares = " / ".join(percent(clients["shares"][top]) for top in ("1", "3", "5"))
    alike = f"As concentrated as {clients['effective_number']:.1f} equal clients"
    yield Text(f"Verdict: {clients['verdict']}. {alike}; the largest 1 / 3 / 5 bring {shares} of the revenue to come.")
    rows = clients["table"][:SHOWN]
    yield from tables(
        f"Client, {currency or 'no currency given'}",
        [*(plain(row["client"], NAME) for row in rows), f"All others ({len(clients['table']) - len(rows)} named)"],
        [
            Column("open", [*(money(row["open_value"]) for row in rows), ""]),
            Column("viable", [*(money(row["viable_value"]) for row in rows), ""]),
            Column("expected", [*(money(row["expected"]) for row in rows), money(_others(clients, rows))]),
            Column("share", [*(percent(row["share"]) for row in rows), ""]),
            Column("without it", [*(percent(row["p_hit_without"]) for row in rows), ""]),
            Column("can add", [*(_points(row["adds"]) for row in rows), ""]),
            Column("of shortfall", [*(_share(row["shortfall_share"]) for row in rows), ""]),
        ],
        width,
    )
    if clients["unknown"]:
        yield Text("Clients of open deals that name none are drawn from past deals.", style="dim")


def _others(clients: Summary, shown: list[Summary]) -> float:
    return float(sum(row["expected"] for row in clients["table"][len(shown) :]) + clients["rest"]["expected"])


def show_deals(summary: Summary, screen: Console) -> None:
    """Print the overdue deals, the target without them, the decisive deals and the checkpoints of every period."""
    screen.print(Text(f"Which deals of {_name(summary)} to look at? As of {day(summary['origin'])}", style="bold"))
    for line in _overdue(summary, screen.width):
        screen.print(line)
    for period in summary["periods"]:
        screen.print()
        for line in _decisive(period, summary["currency"], screen.width):
            screen.print(line)


def _overdue(summary: Summary, width: int) -> Iterator[RenderableType]:
    late, currency = summary["overdue"], summary["currency"]
    if not late["deals"]:
        yield Text("No deal is overdue.")
        return
    which = f"{late['deals']:,} of {summary['open']['deals']:,} open deals, {with_unit(money(late['value']), currency)}"
    share = percent(late["moved_on"])
    yield Text(f"Overdue: {which}, past the days expected or the age by which {share} of those that move on have.")
    for period in summary["periods"]:
        without = period["without_overdue"]
        factor = "" if without["funnel_factor_without"] is None else f", factor {without['funnel_factor_without']:.2f}"
        brings = f"they still bring {with_unit(money(without['expected']), currency)}"
        told = f"RTV {money(without['rtv_without'])}{factor}, chance {percent(without['p_hit_without'])}"
        yield Text(f"{period['period']}: {brings}; without them {told}.")
    yield Text()
    rows = late["list"][:SHOWN]
    yield from tables(
        "Overdue deal",
        [_deal(row) for row in rows],
        [
            Column("stage", [plain(row["stage"], 20) for row in rows]),
            Column("value", [money(row["value"]) for row in rows]),
            Column("days there", [f"{row['age_days']:,.0f}" for row in rows]),
            Column("overdue after", [f"{row['limit_days']:,.0f}" for row in rows]),
        ],
        width,
    )


def _decisive(period: Summary, currency: str, width: int) -> Iterator[RenderableType]:
    yield _asked(period, currency)
    rows = period["decisive_deals"][:SHOWN]
    yield from tables(
        "Deal that moves the chance",
        [_deal(row) for row in rows],
        [
            Column("stage", [plain(row["stage"], 20) for row in rows]),
            Column("value", [money(row["value"]) for row in rows]),
            Column("won in time", [percent(row["p_win"]) for row in rows]),
            Column("if lost", [percent(row["p_hit_if_lost"]) for row in rows]),
            Column("if won", [percent(row["p_hit_if_won"]) for row in rows]),
        ],
        width,
    )
    marks = period["checkpoints"]
    if marks:
        yield Text()
        yield from tables(
            "What must be true by",
            [day(mark["by"]) for mark in marks],
            [
                Column(f"won, for {percent(period['wanted'])}", [_money(mark["won_needed"]) for mark in marks]),
                Column("won where it hits", [money(mark["won_if_hit"]) for mark in marks]),
                Column("new deals where it hits", [f"{mark['new_deals_if_hit']:,.0f}" for mark in marks]),
                Column("new deals expected", [f"{mark['new_deals']:,.0f}" for mark in marks]),
            ],
            width,
        )


def client_table(summary: Summary) -> pd.DataFrame:
    """All clients of all periods, one row each."""
    return pd.DataFrame(
        [{"period": one["period"], **row} for one in summary["periods"] for row in one["clients"]["table"]]
    )


def deal_table(summary: Summary) -> pd.DataFrame:
    """The overdue deals that are listed, then the decisive deals of each period."""
    late = [{"what": "overdue", **row} for row in summary["overdue"]["list"]]
    return pd.DataFrame(
        [
            *late,
            *(
                {"what": "decisive", "period": one["period"], **row}
                for one in summary["periods"]
                for row in one["decisive_deals"]
            ),
        ]
    )


def _name(summary: Summary) -> str:
    return plain(summary["funnel"] or "this funnel", 50)


def _asked(period: Summary, currency: str) -> Text:
    target = with_unit(money(period["target"]), currency)
    return Text(f"{period['period']}: target {target}, chance {chance(period['p_hit'], period['p_hit_se'])}", "bold")


def _deal(row: Summary) -> str:
    who = row["client"] or row["owner"]
    return plain(row["deal_id"], ID) + (f", {plain(who, NAME - 4)}" if who else "")


def _points(change: float) -> str:
    return f"+ {100 * change:.0f}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}".replace("%", " %")


def _money(amount: float | None) -> str:
    return "–" if amount is None else money(amount)
