"""What would change the answer, on one screen: it words and lays out the summary, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import say
from forecast.screen import Column, tables
from forecast.told import funnel, heading
from forecast.told_drivers import lever_told
from forecast.words import called, chance, day, error_told, money, number, percent, plain, with_unit

SHOWN = 8  # levers listed of a period
MONTHS = 4  # months of creation listed
STAGE = 24
BRIEF = 20

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print the levers of every period, the bottleneck, new deals, and contacts needed for sales."""
    told = summary["levers"]
    screen.print(Text(say("What would change the chance of {funnel}?", funnel=funnel(summary)), style="bold"))
    since = say(
        "As of {day}. From then on each lever is moved alone, all else and all luck the same.",
        day=day(summary["origin"]),
    )
    screen.print(Text(since))
    draws = number(told["draws"])
    error = say("± is the standard error, in points, of moving it in {draws} draws.", draws=draws)
    screen.print(Text(error, style="dim"))
    for period, asked in zip(told["periods"], summary["periods"], strict=True):
        screen.print()
        for line in _period(period, asked, told["wanted"], summary["currency"], screen.width):
            screen.print(line)
    for line in _reverse(told["periods"], screen.width):
        screen.print(line)


def name_of(row: Summary) -> str:
    """A lever in words, without its size."""
    stage = plain(row["stage"] or "", STAGE)
    return {
        "conversion": say("{stage}: conversion", stage=stage),
        "lead_time": say("{stage}: lead time", stage=stage),
        "new_deals": say("New deals"),
        "amount": say("Amounts"),
    }[row["lever"]]


def size(kind: str, value: float) -> str:
    """'+ 5 points', '- 10 %'; one decimal where it counts."""
    scaled = 100 * abs(value)
    digits = 0 if scaled >= 9.95 or abs(scaled - round(scaled)) < 0.05 else 1
    return f"{'-' if value < 0 else '+'} {number(scaled, digits)} {say('points') if kind == 'conversion' else '%'}"


def points(change: float, error: float) -> str:
    """A change of a probability: '+ 25 (± 2)'."""
    scaled = 100 * change
    if abs(scaled) < 0.05:
        return say("none")
    digits = 0 if abs(scaled) >= 9.95 else 1
    return f"{'-' if scaled < 0 else '+'} {number(abs(scaled), digits)} (± {error_told(error)})"


def brief(summary: Summary, width: int) -> Iterator[RenderableType]:
    """A few lines for the answer itself: the two levers that do most, the bottleneck, and new deals."""
    told = summary.get("levers")
    if told is None or all(asked["gap"] <= 0 for asked in summary["periods"]):
        return
    lead = next(p for p, asked in zip(told["periods"], summary["periods"], strict=True) if asked["gap"] > 0)
    rows = lead["tornado"][:2]
    several = len({row["stage"] for row in lead["tornado"] if row["stage"]}) > 1
    labels = [say("{lever}, points", lever=lever_told(row)) for row in rows]
    labels += [say("Bottleneck")] if several else []
    labels += [say("New deals a month for a chance of {wanted}", wanted=percent(told["wanted"]))]
    columns = []
    for period, asked in zip(told["periods"], summary["periods"], strict=True):
        cells = [_cell(period, row) for row in rows]
        cells += [_bottleneck(period["bottleneck"])] if several else []
        open_ = asked["gap"] > 0
        cells = [*cells, _new_deals(period, asked["p_hit"] >= told["wanted"])] if open_ else ["–"] * len(labels)
        columns.append(Column(heading(period["period"]), cells))
    yield from tables(say("What would change it"), labels, columns, width)


def _cell(period: Summary, wanted: Summary) -> str:
    same = (wanted["lever"], wanted["stage"])
    row = next(row for row in period["tornado"] if (row["lever"], row["stage"]) == same)
    return points(row["p_hit_change"], row["p_hit_change_se"])


def _bottleneck(found: Summary | None) -> str:
    return "–" if found is None else plain(found["stage"], BRIEF)


def _new_deals(period: Summary, reached: bool) -> str:
    new = period["new_deals"]
    needed = new["needed_per_month"]
    if reached:
        return say("no more than now ({now})", now=_count(new["expected_per_month"]))
    if needed is None:
        return say("out of reach")
    return say("{needed} (now {now})", needed=_count(needed), now=_count(new["expected_per_month"]))


def _count(value: float) -> str:
    return number(value, 0 if value >= 10 else 1)


def _period(period: Summary, asked: Summary, wanted: float, currency: str, width: int) -> Iterator[RenderableType]:
    target = with_unit(money(asked["target"]), currency)
    if asked["gap"] <= 0:
        reached = say(
            "{period}: the target of {target} is reached already.", period=called(period["period"]), target=target
        )
        yield Text(reached, style="bold")
        return
    aim = say(
        "{period}: the chance of reaching {target} is {chance}, aimed at is {wanted}", period=called(period["period"]),
        target=target, chance=chance(asked["p_hit"], asked["p_hit_se"]), wanted=percent(wanted),
    )  # fmt: skip
    yield Text(aim, "bold")
    rows = period["tornado"][:SHOWN]
    found = {(one["lever"], one["stage"]): one for one in period["solutions"]}
    solved = [found[row["lever"], row["stage"]] for row in rows]
    columns = [
        Column(say("one step"), [size(row["lever"], row["size"]) for row in rows]),
        Column(say("chance, points"), [points(row["p_hit_change"], row["p_hit_change_se"]) for row in rows]),
        Column(say("middle (P50)"), [amount(row["p50_change"]) for row in rows]),
        Column(say("for {wanted}", wanted=percent(wanted)), [_solution(one) for one in solved]),
    ]
    yield from tables(say("Lever"), [name_of(row) for row in rows], columns, width)
    if len(period["tornado"]) > SHOWN:
        more = len(period["tornado"]) - SHOWN
        yield Text(say("{number} more levers do less; --json FILE writes all.", number=more), style="dim")
    if any(not one["monotone"] for one in solved):
        yield Text(say("*: more of it is not always better; the least that is enough is told, or the best there is."))
    yield from _of_stages(period["bottleneck"])
    yield from _of_new_deals(period, asked["p_hit"] >= wanted)


def _solution(one: Summary) -> str:
    mark = "" if one["monotone"] else "*"
    if one["verdict"] == "already":
        return say("reached")
    if one["verdict"] == "reached":
        return size(one["lever"], one["size"]) + mark
    return say("at most {chance}", chance=percent(one["p_hit"])) + mark


def amount(change: float) -> str:
    return ("- " if change < 0 else "+ ") + money(abs(change))


def _of_stages(found: Summary | None) -> Iterator[RenderableType]:
    if found is None or found["next"] is None:
        return
    kind = {"conversion": say("by converting more"), "lead_time": say("by taking less time")}[found["lever"]]
    told = f"{plain(found['stage'], STAGE)}, {kind}"
    if not found["clear"]:
        told += say(", though hardly more than {stage}", stage=plain(found["next"], STAGE))
    yield Text(say("Bottleneck: {told}.", told=told))


def _of_new_deals(period: Summary, reached: bool) -> Iterator[RenderableType]:
    new = period["new_deals"]
    months: Sequence[Summary] = new["months"]
    if new["latest"] is None:
        yield Text(say("New deals: created from now on, they are won too late for this period."))
        return
    needed = new["needed_per_month"]
    now = _count(new["expected_per_month"])
    told = say("no number of them suffices")
    if reached:
        told = say("{now} a month are enough", now=now)
    elif needed is not None:
        told = say("{needed} a month instead of {now} would do", needed=_count(needed), now=now)
    yield Text(say("New deals: {told}, created no later than in {month}.", told=told, month=new["latest"]))
    shares = [f"{one['month']} {percent(one['in_time'])}" for one in months[:MONTHS]]
    more = ", ..." if len(months) > MONTHS else ""
    shares_told = f"{', '.join(shares)}{more}"
    yield Text(say("Of their wins, so many come in time: {shares}.", shares=shares_told), style="dim")


def _reverse(periods: Sequence[Summary], width: int) -> Iterator[RenderableType]:
    known = [period for period in periods if period["reverse"] is not None]
    if not known:
        return
    yield Text()
    stages = known[0]["reverse"]["stages"]
    columns = [Column(say("of 100, won"), [number(100 * one["p_win"], 1) for one in stages])]
    for period in known:
        sales = say("{number} sales", number=number(period["reverse"]["sales"]))
        title = f"{heading(period['period'])}\n{sales}"
        needed = [one["needed"] for one in period["reverse"]["stages"]]
        columns.append(Column(title, ["–" if one is None else number(one) for one in needed]))
    yield from tables(say("Deals that have to enter for"), [plain(one["stage"], 30) for one in stages], columns, width)
