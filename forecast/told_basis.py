"""What an answer rests on, in words: its deals, assumptions, the check of the model, its record, the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forecast.language import heard, say
from forecast.told import Summary, amount, still_open, within
from forecast.told_drivers import STAGE
from forecast.words import horizon, money, number, percent, plain, with_unit

ASSUMED = 0.25  # share from which on assumptions are spoken of


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
    return say(
        "Model check: passed; {good} of {of} counts of deals that leave a stage are reproduced.", good=good, of=of
    )


def recorded(past: Mapping[str, Any]) -> str:
    """The track record in a sentence."""
    told = say(
        "Track record: {held} of {of} past {level} % ranges over {horizon} held the truth.",
        held=past["held"], of=past["questions"], level=number(100 * past["level"]), horizon=horizon(past["horizon"]),
    )  # fmt: skip
    if past["same_horizon"]:
        return told
    return f"{told} {say('There is none of a horizon like that of this question.')}"


def _rate(value: float) -> str:
    return number(value, 0 if value >= 10 else 1)
