"""Clients and deals of an answer in full: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import say
from forecast.screen import Column, tables
from forecast.told import funnel
from forecast.told_drivers import client_sentence, unknown_clients, verdict
from forecast.words import called, chance, day, money, number, percent, plain, with_unit

SHOWN = 10  # rows of the tables of a kind, all periods together, so that they fit one screen
FEWEST = 4  # of each
NAME, ID = 26, 14

Summary = Mapping[str, Any]


def show_clients(summary: Summary, screen: Console) -> None:
    """Print the verdict and the largest clients of every period."""
    title = say(
        "On which clients does {funnel} depend? As of {day}", funnel=funnel(summary), day=day(summary["origin"])
    )
    screen.print(Text(title, style="bold"))
    for period in summary["periods"]:
        screen.print()
        for line in _clients(period, summary, screen.width):
            screen.print(line)


def _clients(period: Summary, summary: Summary, width: int) -> Iterator[RenderableType]:
    clients, singles = period["clients"], period["single_clients"]
    yield _asked(period, summary["currency"])
    if clients["verdict"] is None:
        yield Text(say("Clients are not known, or nothing is expected from them."))
        return
    title = say("Client") if singles is None else say("Client, with those it is the parent of")
    yield from _level(clients, title, period, summary, width)
    if clients["unknown"]:
        yield Text(unknown_clients(summary), style="dim")
    if singles is not None and singles["verdict"] is not None:
        yield Text()
        yield from _level(singles, say("Client by itself"), period, summary, width)


def _level(clients: Summary, title: str, period: Summary, summary: Summary, width: int) -> Iterator[RenderableType]:
    currency = summary["currency"]
    yield Text(plain(client_sentence(clients, period["p_hit"], currency) or clients["sentence"], 3 * width))
    shares = " / ".join(percent(clients["shares"][top]) for top in ("1", "3", "5"))
    alike = say(
        "Verdict: {verdict}. As concentrated as {number} equal clients; the largest 1 / 3 / 5 bring {shares} of the "
        "revenue to come.",
        verdict=verdict(clients["verdict"]), number=number(clients["effective_number"], 1), shares=shares,
    )  # fmt: skip
    yield Text(alike)
    shown = _rows(summary)
    rows, others = clients["table"][:shown], max(len(clients["table"]) - shown, 0)
    yield from tables(
        f"{title}, {currency or say('no currency given')}",
        [*(plain(row["client"], NAME) for row in rows), say("All others ({number} named)", number=others)],
        [
            Column(say("open"), [*(money(row["open_value"]) for row in rows), ""]),
            Column(say("viable"), [*(money(row["viable_value"]) for row in rows), ""]),
            Column(say("expected"), [*(money(row["expected"]) for row in rows), money(_others(clients, rows))]),
            Column(say("share"), [*(percent(row["share"]) for row in rows), ""]),
            Column(say("without it"), [*(percent(row["p_hit_without"]) for row in rows), ""]),
            Column(say("can add"), [*(_points(row["adds"]) for row in rows), ""]),
            Column(say("of shortfall"), [*(_share(row["shortfall_share"]) for row in rows), ""]),
        ],
        width,
    )


def _rows(summary: Summary) -> int:
    """How many rows each table shows; all are in the file that --out writes."""
    return max(SHOWN // len(summary["periods"]), FEWEST)


def _more(left: int) -> Iterator[RenderableType]:
    if left > 0:
        yield Text(say("{number} more are in the table that --out FILE.csv writes.", number=number(left)), "dim")


def _others(clients: Summary, shown: list[Summary]) -> float:
    return float(sum(row["expected"] for row in clients["table"][len(shown) :]) + clients["rest"]["expected"])


def show_deals(summary: Summary, screen: Console) -> None:
    """Print the overdue deals, the target without them, the decisive deals and the checkpoints of every period."""
    title = say("Which deals of {funnel} to look at? As of {day}", funnel=funnel(summary), day=day(summary["origin"]))
    screen.print(Text(title, style="bold"))
    for line in _overdue(summary, screen.width):
        screen.print(line)
    for period in summary["periods"]:
        screen.print()
        for line in _decisive(period, summary, screen.width):
            screen.print(line)


def _overdue(summary: Summary, width: int) -> Iterator[RenderableType]:
    late, currency = summary["overdue"], summary["currency"]
    if not late["deals"]:
        yield Text(say("No deal is overdue."))
        return
    line = say(
        "Overdue: {deals} of {all} open deals, {worth}, past the days expected or the age by which {share} of those "
        "that move on have.",
        deals=number(late["deals"]), all=number(summary["open"]["deals"]),
        worth=with_unit(money(late["value"]), currency), share=percent(late["moved_on"]),
    )  # fmt: skip
    yield Text(line)
    for period in summary["periods"]:
        without = period["without_overdue"]
        factor = without["funnel_factor_without"]
        line = say(
            "{period}: they still bring {amount}; without them RTV {rtv}, factor {factor}, chance {chance}.",
            period=called(period["period"]), amount=with_unit(money(without["expected"]), currency),
            rtv=money(without["rtv_without"]), factor="–" if factor is None else number(factor, 2),
            chance=percent(without["p_hit_without"]),
        )  # fmt: skip
        yield Text(line)
    yield Text()
    rows = late["list"][: _rows(summary)]
    yield from tables(
        say("Overdue deal"),
        [_deal(row) for row in rows],
        [
            Column(say("stage"), [plain(row["stage"], 20) for row in rows]),
            Column(say("value"), [money(row["value"]) for row in rows]),
            Column(say("days there"), [number(row["age_days"]) for row in rows]),
            Column(say("overdue after"), [number(row["limit_days"]) for row in rows]),
        ],
        width,
    )
    yield from _more(len(late["list"]) - len(rows))


def _decisive(period: Summary, summary: Summary, width: int) -> Iterator[RenderableType]:
    yield _asked(period, summary["currency"])
    moving = [row for row in period["decisive_deals"] if percent(row["p_hit_if_lost"]) != percent(row["p_hit_if_won"])]
    rows = moving[: _rows(summary)]
    if rows:
        yield from tables(
            say("Deal that moves the chance"),
            [_deal(row) for row in rows],
            [
                Column(say("stage"), [plain(row["stage"], 20) for row in rows]),
                Column(say("value"), [money(row["value"]) for row in rows]),
                Column(say("won in time"), [percent(row["p_win"]) for row in rows]),
                Column(say("if lost"), [percent(row["p_hit_if_lost"]) for row in rows]),
                Column(say("if won"), [percent(row["p_hit_if_won"]) for row in rows]),
            ],
            width,
        )
        yield from _more(len(period["decisive_deals"]) - len(rows))
    else:
        yield Text(say("No single deal moves the chance, won or lost."))
    marks = period["checkpoints"]
    if marks:
        yield Text()
        yield from tables(
            say("What must be true by"),
            [day(mark["by"]) for mark in marks],
            [
                Column(
                    say("won, for {wanted}", wanted=percent(period["wanted"])),
                    [_money(mark["won_needed"]) for mark in marks],
                ),
                Column(say("won where it hits"), [money(mark["won_if_hit"]) for mark in marks]),
                Column(say("RTV then"), [_money(mark["rtv_if_hit"]) for mark in marks]),
                Column(say("new deals where it hits"), [number(mark["new_deals_if_hit"]) for mark in marks]),
                Column(say("expected"), [number(mark["new_deals"]) for mark in marks]),
            ],
            width,
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


def _asked(period: Summary, currency: str) -> Text:
    target = with_unit(money(period["target"]), currency)
    now = chance(period["p_hit"], period["p_hit_se"])
    name = called(period["period"])
    return Text(say("{period}: target {target}, chance {chance}", period=name, target=target, chance=now), "bold")


def _deal(row: Summary) -> str:
    who = row["client"] or row["owner"]
    return plain(row["deal_id"], ID) + (f", {plain(who, NAME - 4)}" if who else "")


def _points(change: float) -> str:
    return f"+ {number(100 * change)}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{number(100 * share)} %"


def _money(amount: float | None) -> str:
    return "–" if amount is None else money(amount)
