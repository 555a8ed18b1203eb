"""What a summary says, in words and tables of words: the same on the terminal, in figures, report and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol

import pandas as pd

from forecast.language import heard, say
from forecast.record import OURS
from forecast.words import (
    HARD,
    called,
    chance,
    day,
    exact,
    horizon,
    is_quarter,
    money,
    number,
    percent,
    plain,
    span,
    with_unit,
)

STAGE = 30  # letters of a stage's name in a sentence
ASSUMED = 0.25  # share from which on assumptions are spoken of

Summary = Mapping[str, Any]

SPREAD = "spread"  # the verdict that no single client decides


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
    """A period above a column: a range of days takes two lines."""
    return called(label).replace(" ", "\n", ".." in label)


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
    """The range of the period after the one asked about; None where that is not told."""
    if (later := summary["next_period"]) is None:
        return None
    low, middle, high = (money(later[key]) for key in ("p10", "p50", "p90"))
    return say(
        "{period}, which gets what slips: P10 {low}, P50 {middle}, P90 {high}.",
        period=called(later["period"]), low=low, middle=middle, high=with_unit(high, summary["currency"]),
    )  # fmt: skip


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


def drivers(summary: Summary) -> Table:
    """What the chance rests on, by period."""
    known, wanted = summary["open"]["amounts_known"], summary["periods"][0]["wanted"]
    labels = [
        say("Won to date"),
        say("Still missing (GAP)"),
        say("Viable open deals, value (RTV)") if known else say("Viable open deals, estimate (RTV)"),
        say("Open deals / GAP; weighted by stage"),
        say("RTV / GAP (funnel factor); needed for {wanted}", wanted=percent(wanted)),
        say("Expected from deals so far; yet to come"),
        say("Share of the 1 / 3 / 5 largest clients"),
    ]
    columns = [_driven(period) for period in summary["periods"]]
    rows = [[label, *(column[row] for column in columns)] for row, label in enumerate(labels)]
    return Table([say("What drives it"), *(called(period["period"]) for period in summary["periods"])], rows)


def _driven(period: Summary) -> list[str]:
    shares = period["clients"]["shares"]
    return [
        money(period["won_to_date"]),
        money(period["gap"]) if period["gap"] > 0 else say("none"),
        money(period["rtv"]),
        f"{_times(period['coverage'])}; {_times(period['weighted_coverage'])}",
        f"{_times(period['funnel_factor'])}; {_times(period['ideal_factor'])}",
        f"{money(period['from_open'])}; {money(period['from_new'])}",
        " / ".join(_share(shares.get(top)) for top in ("1", "3", "5")),
    ]


def _times(factor: float | None) -> str:
    return "–" if factor is None else number(factor, 2)


def categories(summary: Summary) -> Table | None:
    """What sellers forecast for the first period that is open, by category; None where they tell none."""
    period = still_open(summary)
    if period is None or not period["categories"]:
        return None
    head = [
        say("Sellers' categories, {period}", period=called(period["period"])), say("deals"), say("value"),
        say("expected of it"), say("won, with all surer"), say("over the target"),
    ]  # fmt: skip
    rows = [
        [
            plain(row["category"], STAGE), number(row["deals"]), money(row["value"]), money(row["expected"]),
            "–" if row["won_and_surer"] is None else money(row["won_and_surer"]), _times(row["share_of_target"]),
        ]
        for row in period["categories"]
    ]  # fmt: skip
    return Table(head, rows)


def unknown_clients(summary: Summary) -> str:
    """A remark where clients of open deals are drawn; empty where they are known."""
    if not any(period["clients"]["unknown"] for period in summary["periods"]):
        return ""
    return say("Clients of open deals that name none are drawn from past deals.")


def still_open(summary: Summary) -> Summary | None:
    """The first period whose target is not reached already."""
    return next((period for period in summary["periods"] if period["gap"] > 0), None)


def verdict(found: str) -> str:
    """Whether the chance depends on single clients."""
    return {SPREAD: say("spread"), "watch": say("watch"), "dependent": say("dependent")}[found]


def client_sentence(clients: Summary, p_hit: float, currency: str) -> str | None:
    """What the chance owes to the client without whom it falls most, in words; None where clients are not known."""
    row = next((one for one in clients["table"] if one["client"] == clients["critical"]), None)
    if row is None:
        return None
    before, after = percent(p_hit), percent(row["p_hit_without"])
    values = {"client": plain(row["client"]), "before": before, "after": after}
    if before == after:
        return say(
            "The largest client, {client}, brings {share} of the revenue to come; with or without it the chance is "
            "{after}.",
            client=values["client"], share=percent(row["share"]), after=after,
        )  # fmt: skip
    if clients["verdict"] == SPREAD:
        return say("No single client decides: without {client} the chance falls from {before} to {after}.", **values)
    if row["restoring_value"] is None:
        return say(
            "Without {client} the chance falls from {before} to {after}; no viable value from other clients would "
            "restore it.",
            **values,
        )
    return say(
        "Without {client} the chance falls from {before} to {after}; {value} of viable value from other clients would "
        "restore it.",
        value=with_unit(money(row["restoring_value"]), currency), **values,
    )  # fmt: skip


def overdue(summary: Summary) -> str | None:
    """The overdue deals and the chance without them; None where there are none."""
    late, first = summary["overdue"], still_open(summary)
    if not late["deals"]:
        return None
    values = {
        "deals": number(late["deals"]),
        "worth": amount(late["value"], summary),
        "share": percent(late["moved_on"]),
    }
    if first is None:
        return say("Overdue: {deals} of them, {worth}, past the age by which {share} move on.", **values)
    return say(
        "Overdue: {deals} of them, {worth}, past the age by which {share} move on; without them {chance} {when}.",
        chance=percent(first["without_overdue"]["p_hit_without"]), when=within(first), **values,
    )  # fmt: skip


def _share(share: float | None) -> str:
    return "–" if share is None else percent(share)


def stages(summary: Summary, width: int = 30) -> Table:
    """Open deals, conversion and lead time of each stage."""
    head = [say("Stage (95 % intervals)"), say("open now"), say("move on or win"), say("days until then")]
    return Table(
        head,
        [
            [
                plain(stage["stage"], width),
                number(stage["open"]),
                between(stage["conversion"], percent),
                between(stage["lead_time_days"], _like(stage["lead_time_days"]["p50"])),
            ]
            for stage in summary["stages"]
        ],
    )


def lever_told(row: Summary) -> str:
    """A lever moved by its size: 'Offer: conversion + 5 points'."""
    stage = plain(row["stage"] or "", 30)
    size = 100 * abs(row["size"])
    told = {"size": number(size, 0 if abs(size - round(size)) < 0.05 else 1), "sign": "+" if row["size"] > 0 else "-"}
    if row["lever"] == "conversion":
        return say("{stage}: conversion {sign} {size} points", stage=stage, **told)
    if row["lever"] == "lead_time":
        return say("{stage}: lead time {sign} {size} %", stage=stage, **told)
    if row["lever"] == "new_deals":
        return say("New deals {sign} {size} %", **told)
    return say("Amounts {sign} {size} %", **told)


def between(of: Mapping[str, float | None], told: Callable[[float], str]) -> str:
    """An estimate with its interval: '59 % (57 to 61)'."""
    middle, low, high = of["p50"], of["low"], of["high"]
    if middle is None:
        return "–"
    if low is None or high is None:
        return told(middle)
    first, last = (told(end).removesuffix("%").rstrip(f" {HARD}") for end in (low, high))
    return f"{told(middle)} ({say('{first} to {last}', first=first, last=last)})"


def _like(middle: float | None) -> Callable[[float], str]:
    """Tells days with as many decimals as the middle of their interval has."""
    digits = 0 if middle is not None and middle >= 10 else 1
    return lambda days: number(days, digits)


def basis(summary: Summary) -> Iterator[str]:
    """What the answer rests on: open and new deals, the check of the model, its record, the rows."""
    now, new, rows = summary["open"], summary["new_deals"], summary["quality"]
    worth = ""
    if now["amounts_known"]:
        worth = say(", worth {amount}", amount=with_unit(money(now["value"]), summary["currency"]))
    viable = say("all of them viable")
    if now["viable"] != now["deals"]:
        viable = say("{number} of them viable (the client has committed)", number=number(now["viable"]))
    told = say("Open deals: {deals}, {viable}{worth}.", deals=number(now["deals"]), viable=viable, worth=worth)
    expected, recent = (_rate(new[key]) for key in ("expected_per_month", "recent_per_month"))
    yield f"{told} {say('New deals: {expected} a month expected, {recent} lately.', expected=expected, recent=recent)}"
    if late := overdue(summary):
        yield late
    if (line := assumed(summary)) is not None:
        yield line
    yield checked(summary["fit"])
    if summary["fit"]["kept"]:
        yield say("The fit was kept from an earlier question about the same data; --fresh makes it anew.")
    if summary["record"] is not None:
        yield recorded(summary["record"])
    why = ""
    if rows["reasons"]:
        first = max(rows["reasons"], key=lambda one: one["count"])
        mostly = f"{say('mostly:')} " if len(rows["reasons"]) > 1 else ""
        why = f" ({mostly}{plain(heard(first['reason']), 48 - len(mostly))})"
    numbers = {key: number(rows[key]) for key in ("read", "used", "set_aside")}
    yield f"{say('Rows: {read} read = {used} used + {set_aside} set aside', **numbers)}{why}"


def assumed(summary: Summary) -> str | None:
    """How far the period that rests most on assumptions does so, where it does to a large part."""
    found = [period["assumed"] for period in summary["periods"] if period["assumed"] is not None]
    largest = max(found, key=lambda one: float(one["share"]), default=None)
    if largest is None or largest["share"] < ASSUMED:
        return None
    stage = plain(largest["stage"] or "", STAGE)
    most = {
        "conversion": say("conversion of {stage}", stage=stage),
        "lead_time": say("lead time of {stage}", stage=stage),
        "new_deals": say("number of new deals"),
        "amounts": say("level of amounts"),
    }[largest["most"]]
    share = percent(largest["share"])
    if largest["share"] >= 0.5:
        return say(
            "Rests mostly on assumptions: {share} of what is unsure, most of all the {most}.", share=share, most=most
        )
    return say(
        "Rests in part on assumptions: {share} of what is unsure, most of all the {most}.", share=share, most=most
    )


def checked(fit: Mapping[str, Any]) -> str:
    """Whether the model passed its check."""
    if not fit["healthy"]:
        return say("Model check: NOT passed; {why}", why=plain(heard(fit["message"]), 200))
    good, of = number(fit["checked"] - fit["outside"]), number(fit["checked"])
    told = say(
        "Model check: passed; {good} of {of} counts of deals that leave a stage are reproduced", good=good, of=of
    )
    worst = say("; furthest off: {worst}", worst=plain(heard(fit["worst"]), 100)) if fit["worst"] else ""
    return f"{told}{worst}."


def recorded(past: Mapping[str, Any]) -> str:
    """The track record in a sentence."""
    return say(
        "Track record: {held} of {of} past {level} % ranges over {horizon} held the truth.",
        held=past["held"], of=past["questions"], level=number(100 * past["level"]), horizon=horizon(past["horizon"]),
    )  # fmt: skip


def _rate(value: float) -> str:
    return number(value, 0 if value >= 10 else 1)


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
