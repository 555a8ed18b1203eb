"""The answer for several funnels on one screen: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast import told
from forecast.language import say
from forecast.screen import Column, tables
from forecast.words import called, chance, money, number, plain

Summary = Mapping[str, Any]
NAME = 30
MONTHS = 24  # listed
LITTLE = 0.25  # share of what was not known of the months shared, below which it counts as assumed


def show(summary: Summary, screen: Console) -> None:
    """Print the chance of the sum, each funnel beside it, months, and what is shared."""
    names = ", ".join(plain(name, NAME) for name in summary["funnels"])
    screen.print(Text(say("Can {funnels} together reach their target?", funnels=names), style="bold"))
    screen.print(Text(told.as_of(summary)))
    screen.print()
    for before, chance_, after in told.chances(summary):
        screen.print(Text.assemble(before, (chance_, "bold"), after, style="" if chance_ else "bold"))
    for part in (
        *(_period(period, summary, screen.width) for period in summary["periods"]),
        _months(summary, screen.width),
    ):
        screen.print()
        for line in part:
            screen.print(line)
    screen.print()
    screen.print(Text(shared(summary["shared"])))
    for before, outcome, place in told.happened(summary):
        screen.print(Text.assemble(before, (outcome, "bold"), place))
    if files := summary["files"].values():
        screen.print(Text("\n".join([say("Files:"), *files])), soft_wrap=True)


def shared(of: Summary) -> str:
    """How much the months have in common, and how that is known."""
    values = {key: number(100 * of[key]) for key in ("p10", "p50", "p90")}
    told_of = say(
        "Good and bad months are shared: {p50} % of what is new in a month is common to all funnels ({p10} to {p90} % "
        "in 8 of 10 draws).",
        **values,
    )
    spans = say("{number} months", number=number(of["months"]))
    if of["weeks"]:
        weeks = say("{number} weeks", number=number(of["weeks"]))
        spans = say("{months} and {weeks}", months=spans, weeks=weeks) if of["months"] else weeks
    if of["learnt"] < LITTLE:
        return f"{told_of} {say('This is assumed: {spans} on record tell little of it.', spans=spans)}"
    return f"{told_of} {say('This is learnt from {spans} that several of them have on record.', spans=spans)}"


def _period(period: Summary, summary: Summary, width: int) -> Iterator[RenderableType]:
    rows = [*period["funnels"], period]
    names = [*(plain(row["funnel"], NAME) for row in period["funnels"]), say("All together")]
    title = f"{called(period['period'])}, {summary['currency'] or say('no currency given')}"
    yield from tables(title, names, _columns(rows), width)
    low, high = (money(period["sums_of_funnels"][key]) for key in ("p10", "p90"))
    yield Text(
        say(
            "P10s do not add up, nor do P90s, as funnels are seldom all low at once: those of the funnels would make "
            "{low} and {high}.",
            low=low, high=high,
        ),
        style="dim",
    )  # fmt: skip


def _months(summary: Summary, width: int) -> Iterator[RenderableType]:
    months = sorted(told.months_of(summary).items())[:MONTHS]
    ranges = [Column(key.upper(), [money(month[key]) for _, month in months]) for key in ("p10", "p50", "p90")]
    yield from tables(say("All together, by month"), [name for name, _ in months], ranges, width)


def _columns(rows: list[Summary]) -> Iterator[Column]:
    for heading, key in ((say("target"), "target"), (say("won"), "won_to_date"), (say("GAP"), "gap"), ("RTV", "rtv")):
        yield Column(heading, ["–" if row[key] is None else money(row[key]) for row in rows])
    for key in ("p10", "p50", "p90"):
        yield Column(key.upper(), [money(row[key]) for row in rows])
    yield Column(
        say("chance"), ["–" if row["p_hit"] is None else chance(row["p_hit"], row["p_hit_se"]) for row in rows]
    )  # fmt: skip
