"""What drives the chance, in words and tables of words: coverage, categories, clients, stages, levers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from forecast.language import say
from forecast.told import Summary, Table, still_open
from forecast.words import HARD, called, money, number, percent, plain, with_unit

QUOTAS = 10  # groups listed, those with the largest
STAGE = 30  # letters of a stage's name in a sentence
SPREAD = "spread"  # the verdict that no single client decides


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


def quotas(summary: Summary) -> list[Table]:
    """Groupings with quotas in the first period that is open: what groups have won, are to reach, and the chance."""
    period = still_open(summary)
    if period is None:
        return []
    return [_quotas(period, groups) for groups in period["groups"] if groups["quota"] is not None]


def _quotas(period: Summary, groups: Summary) -> Table:
    """The largest quotas, all other groups together, and the whole, which they sum to."""
    head = [
        say("Quotas by {column}, {period}", column=plain(groups["grouping"], STAGE), period=called(period["period"])),
        say("quota"), say("won"), say("expected, with what is won"), "P10", "P90", say("chance"),
    ]  # fmt: skip
    held = sorted((row for row in groups["rows"] if row["quota"] is not None), key=lambda row: -row["quota"])[:QUOTAS]
    rest = [row for row in groups["rows"] if row not in held]
    rows = [
        [
            plain(row["group"], STAGE), money(row["quota"]), money(row["won_to_date"]),
            money(row["mean"]), money(row["p10"]), money(row["p90"]), percent(row["p_hit"]),
        ]
        for row in held
    ]  # fmt: skip
    if rest:
        won, mean = (sum(row[key] for row in rest) for key in ("won_to_date", "mean"))
        rows.append([say("all others"), "–", money(won), money(mean), "–", "–", "–"])
    range_ = (money(period[key]) for key in ("won_to_date", "mean", "p10", "p90"))
    rows.append([say("All"), money(groups["quota"]), *range_, "–"])
    return Table(head, rows)


def unknown_clients(summary: Summary) -> str:
    """A remark where clients of open deals are drawn; empty where they are known."""
    if not any(period["clients"]["unknown"] for period in summary["periods"]):
        return ""
    return say("Clients of open deals that name none are drawn from past deals.")


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
