"""What a summary says of chance and range, in words and tables of words: the same on the terminal, in figures, report
and notebooks. told_drivers.py says what the chance rests on, told_basis.py how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

import pandas as pd

from forecast.language import heard, say
from forecast.record import OURS
from forecast.words import called, chance, day, exact, is_quarter, money, number, percent, plain, span, with_unit

Summary = Mapping[str, Any]


class Told(Protocol):
    """What front ends read of an Answer."""

    @property
    def summary(self) -> dict[str, Any]: ...

    def samples(self) -> pd.DataFrame: ...


def sentence(answer: Told, period: int = 0) -> str:
    """The answer for one period in plain words."""
    asked, unit = answer.summary["periods"][period], answer.summary["currency"]
    found = finding(asked, unit)
    told = say("As of {day}, {found}", day=day(answer.summary["origin"]), found=f"{found[:1].lower()}{found[1:]}")
    won = with_unit(money(asked["won_to_date"]), unit)
    if asked["gap"] <= 0:
        return say("{told}: {won} is won.", told=told, won=won)
    low, high = money(asked["p10"]), with_unit(money(asked["p90"]), unit)
    range_ = say("In 8 of 10 simulated futures, revenue ends between {low} and {high}.", low=low, high=high)
    already = say("{won} of it is won already.", won=won) if asked["won_to_date"] > 0 else ""
    return f"{told}. {range_} {already}".rstrip()


def finding(asked: Summary, unit: str) -> str:
    """The chance of the target."""
    target, when = with_unit(money(asked["target"]), unit), within(asked)
    if asked["gap"] <= 0:
        return say("The target of {target} {when} is reached already", target=target, when=when)
    return say("The chance of {target} {when} is {chance}", target=target, when=when, chance=worded(asked["p_hit"]))


def within(asked: Summary) -> str:
    """In a period, or from day to day where the period is called by its days."""
    if ".." in asked["period"]:
        return say("from {span}", span=span(asked["start"], asked["end"]))
    if is_quarter(asked["period"]):
        return say("in {quarter}", quarter=called(asked["period"]))
    return say("in {period}", period=asked["period"])


def worded(share: float) -> str:
    """In words where a sign could be misread."""
    return percent(share).replace("<", say("less than")).replace(">", say("more than"))


def heading(label: str) -> str:
    """A period above a column: a range of days takes two lines, one of whole months a single one."""
    told = called(label)
    return told.replace(" ", "\n", ".." in label and told[:1].isdigit())


def forecaster(name: str) -> str:
    """The name of a way to forecast."""
    return {
        OURS: say("this forecast"),
        "run-rate": say("run-rate"),
        "seasonal naive": say("seasonal naive"),
        "stage-weighted": say("stage-weighted"),
        "CRM probability": say("CRM probability"),
        "life table": say("life table"),
    }.get(name, name)


def blamed(cause: str) -> str:
    """What the error of a past forecast came from most."""
    return {
        "new deals": say("new deals"),
        "conversion of new deals": say("conversion of new deals"),
        "conversion of open deals": say("conversion of open deals"),
        "amounts": say("amounts"),
        "one large deal": say("one large deal"),
    }[cause]


def days_told(days: float) -> str:
    """A number of days, with a decimal where they are few."""
    return number(days, 0 if days >= 10 else 1)


class Table(NamedTuple):
    """`head`: what the first column holds, then one heading per column of `rows`, which begin with their labels."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def amount(value: float, summary: Summary) -> str:
    """Money with the funnel's currency."""
    return with_unit(money(value), summary["currency"])


def question(summary: Summary) -> str:
    """The question, as a heading."""
    name = funnel(summary)
    if len(summary["periods"]) > 1:
        return say("Can {funnel} reach its targets?", funnel=name)
    return say("Can {funnel} reach its target?", funnel=name)


def funnel(of: Summary) -> str:
    """The name of the funnel of an answer, a trend or a backtest."""
    return plain(of["funnel"] or say("this funnel"), 60)


def as_of(summary: Summary) -> str:
    """The day of the question."""
    return say("Asked as of {day}; nothing recorded on that day or later is used.", day=day(summary["origin"]))


def asked_about(summary: Summary) -> list[str]:
    """Target and days of each period."""
    told = []
    for period in summary["periods"]:
        days = "" if ".." in period["period"] else f" ({span(period['start'], period['end'])})"
        told.append(f"{with_unit(exact(period['target']), summary['currency'])} {within(period)}{days}")
    return told


def chances(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """For each period a sentence: what stands before the chance, the chance, and what stands after it."""
    for period in summary["periods"]:
        target, when = with_unit(money(period["target"]), summary["currency"]), within(period)
        if period["gap"] <= 0:
            won = with_unit(money(period["won_to_date"]), summary["currency"])
            told = say("The target of {target} {when} is reached already", target=target, when=when)
            yield say("{told}: {won} is won.", told=told, won=won), "", ""
            continue
        chance_ = chance(period["p_hit"], period["p_hit_se"])
        before, after = say("The chance of reaching {target} {when} is |.", target=target, when=when).split("|")
        yield before, chance_, after


def ranges(summary: Summary, most: int = 24) -> Table:
    """P10, P50 and P90 of the periods and then of their months."""
    low, middle, high = say("P10: 1 in 10 lower"), say("P50: the middle"), say("P90: 1 in 10 higher")
    months = months_of(summary)
    shown = [*((called(one["period"]), one) for one in summary["periods"]), *sorted(months.items())[:most]]
    return Table(
        [
            say("Revenue, {currency}", currency=summary["currency"] or say("no currency given")),
            *(name for name, _ in shown),
        ],
        [
            [label, *(money(of[key]) for _, of in shown)]
            for label, key in zip((low, middle, high), ("p10", "p50", "p90"), strict=True)
        ],
    )


def next_period(summary: Summary) -> str | None:
    """The range of the period after the one asked about, and its chance; None where that is not told."""
    if (later := summary["next_period"]) is None:
        return None
    low, middle, high = (money(later[key]) for key in ("p10", "p50", "p90"))
    range_ = say(
        "{period}, which gets what slips: P10 {low}, P50 {middle}, P90 {high}.",
        period=called(later["period"]), low=low, middle=middle, high=with_unit(high, summary["currency"]),
    )  # fmt: skip
    if later["target"] is None:
        return range_
    chance_ = say(
        "The chance of its target, {target}, is {chance}.", chance=chance(later["p_hit"], later["p_hit_se"]),
        target=with_unit(money(later["target"]), summary["currency"]),
    )  # fmt: skip
    return f"{range_} {chance_}"


def months_of(summary: Summary) -> dict[str, Summary]:
    """The simulated months of all periods, the whole of a month before a part of it."""
    months: dict[str, Summary] = {}
    for period in sorted(summary["periods"], key=_length, reverse=True):
        for one in period["by_month"]:
            if one["simulated"]:
                months.setdefault(one["month"], one)
    return months


def _length(period: Summary) -> int:
    return (date.fromisoformat(period["end"]) - date.fromisoformat(period["start"])).days


def still_open(summary: Summary) -> Summary | None:
    """The first period whose target is not reached already."""
    return next((period for period in summary["periods"] if period["gap"] > 0), None)


def outcome(actual: Summary, currency: str) -> str:
    """What was won in a period, and whether that was enough."""
    won = with_unit(money(actual["revenue"]), currency)
    return say("{won}, target reached", won=won) if actual["hit"] else say("{won}, target missed", won=won)


def unanswered(refused: Summary) -> str:
    """A past day as of which there is no answer."""
    why = plain(heard(refused["why"]), 140)
    return say("As of {day} there is no answer: {why}.", day=day(refused["origin"]), why=why)


def happened(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """What the records that go on tell of each period: a sentence whose middle part is the outcome."""
    for period in summary["periods"]:
        actual = period["actual"]
        if actual is None:
            continue
        revenue = actual["revenue"]
        place = say("between P10 and P90")
        if revenue < period["p10"]:
            place = say("below P10")
        elif revenue > period["p90"]:
            place = say("above P90")
        yield (
            say("What really happened {when}:", when=within(period)) + " ",
            outcome(actual, summary["currency"]),
            f" ({place}).",
        )
