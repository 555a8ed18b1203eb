"""A backtest on the terminal: it words and lays out the scoreboard, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.language import say
from forecast.record import OURS, QUOTED
from forecast.screen import Column, tables
from forecast.told import blamed, forecaster, funnel, unanswered
from forecast.words import day, horizon, money, number, plain, signed

NAME = 22
MOST_GROUPS = 8

Board = Mapping[str, Any]


def show(board: Board, screen: Console) -> None:
    """Print what was asked, who is best, the scores, where they differ, what went wrong, the verdict."""
    parts = (_asked, _best, _scores, _distance, _groups, _worst, _recalibration)
    for place, part in enumerate(parts):
        lines = list(part(board, screen.width))
        if lines and place:
            screen.print()
        for line in lines:
            screen.print(line)


def _asked(board: Board, width: int) -> Iterator[RenderableType]:
    yield Text(say("Can the forecasts of {funnel} be relied on?", funnel=funnel(board)), style="bold")
    windows, asked = board["windows"], board["questions"]
    told = {"questions": _questions(asked), "horizon": horizon(board["horizon"])}
    if not windows:
        none = say("None of {questions} over {horizon}, each with what was known then, could be answered.", **told)
        yield Text(none, style="bold red")
    else:
        days = day(windows[0]["origin"])
        if len(windows) > 1:
            days = say("{first} to {last}", first=days, last=day(windows[-1]["origin"]))
        yield Text(say("{questions}, as of {days}, over {horizon}, each with what was known then.", days=days, **told))
    for refused in board["refused"]:
        yield Text(unanswered(refused), style="red")
    if board["overlap"]:
        shared = say(
            "A question shares days with up to {number} of the next: ± takes that into account, the range of what a "
            "long record would show does not.",
            number=board["overlap"],
        )
        yield Text(shared, style="dim")


def _questions(asked: int) -> str:
    return say("1 past question") if asked == 1 else say("{number} past questions", number=number(asked))


def _best(board: Board, width: int) -> Iterator[RenderableType]:
    lines = board["all"]
    if not lines:
        return
    ours = next(line for line in lines if line["forecast"] == OURS)
    best = lines[0] if lines[0] is not ours else next(iter(lines[1:]), None)
    if best is not None:
        yield Text(_verdict(best, lines[0] is ours), "bold")
    held = next(part for part in ours["coverage"] if part["level"] == QUOTED)
    line = say(
        "The {level} % ranges of this forecast held the truth {held} times of {of} (a long record would show {low} to "
        "{high} %).",
        level=number(100 * QUOTED), held=held["held"], of=held["of"], low=number(100 * held["low"]),
        high=number(100 * held["high"]),
    )  # fmt: skip
    yield Text(line)


def _verdict(other: Board, first: bool) -> str:
    """Ours beside the best of the others, and whether so few questions can tell them apart."""
    skill, error, name = other["skill"], other["skill_se"], forecaster(other["forecast"])
    if skill is None or error is None or abs(skill) < 2 * error:
        if first:
            return say("Beside {forecast}, the best other, no difference that shows yet.", forecast=name)
        return say("Beside {forecast}, the best, no difference that shows yet.", forecast=name)
    told = {"share": number(100 * abs(skill)), "forecast": name}
    if skill > 0:
        return say("The error of this forecast is {share} % smaller than that of {forecast}.", **told)
    return say("The error of this forecast is {share} % larger than that of {forecast}.", **told)


def _scores(board: Board, width: int) -> Iterator[RenderableType]:
    if not board["all"]:
        return
    currency = board["currency"] or say("no currency given")
    yield from _table(say("All deals, {currency}", currency=currency), board["all"], width)
    if len(board["open"]) > 1:
        yield Text()
        yield from _table(say("Open deals alone"), board["open"], width)
    brier = any(line["brier"] is not None for line in board["all"])
    note = say(
        "CRPS: mean distance of forecast and outcome, its spread counted; smaller is better. Ours closer: by how "
        "much of the other's CRPS; ± twice is a 95 % range."
    )
    if brier:
        note += " " + say("Brier: error of the chance to reach 80, 100 and 120 % of the run-rate.")
    yield Text(note, style="dim")


def _table(title: str, lines: Sequence[Board], width: int) -> Iterator[RenderableType]:
    columns = [
        Column("CRPS", [money(line["crps"]) for line in lines]),
        Column(say("ours closer"), [_skill(line) for line in lines]),
        *(
            Column(
                say("{level} % held", level=number(100 * part["level"])),
                [_held(line["coverage"][index]) for line in lines],
            )
            for index, part in enumerate(lines[0]["coverage"] if lines else [])
        ),
        Column(say("P50 off by"), [money(line["median_error"]) for line in lines]),
        Column(say("80 % width"), [money(line["width"]) for line in lines]),
    ]
    if any(line["brier"] is not None for line in lines):
        scores = [line["brier"] for line in lines]
        columns.append(Column("Brier", ["–" if score is None else number(score["score"], 3) for score in scores]))
    most = max((line["questions"] for line in lines), default=0)
    names = [forecaster(line["forecast"]) + ("" if line["questions"] == most else " *") for line in lines]
    yield from tables(title, names, columns, width)
    if any(line["questions"] < most for line in lines):
        few = say("* could not be asked every question; compared with ours on those that it was.")
        yield Text(few, style="dim")


def _skill(line: Board) -> str:
    return "–" if line["skill"] is None else _gain(line["skill"], line["skill_se"])


def _gain(share: float, error: float | None) -> str:
    """A difference in per cent with its error, which a single question does not tell."""
    told = f"{100 * share:+.0f} %".replace("-", "−")
    return told if error is None else f"{told} ± {100 * error:.0f}"


def _held(part: Board) -> str:
    return say("{held} of {of}", held=part["held"], of=part["of"])


def _distance(board: Board, width: int) -> Iterator[RenderableType]:
    lines = board["by_distance"]
    if lines:
        names = [
            say("{number} days", number=line["from_days"]) if line["from_days"] == line["to_days"]
            else say("{first} to {last} days", first=line["from_days"], last=line["to_days"])
            for line in lines
        ]  # fmt: skip
        yield from _beside(say("Days to the end"), names, lines, width)


def _groups(board: Board, width: int) -> Iterator[RenderableType]:
    lines = sorted(board["by_group"], key=lambda line: -line["actual"])
    if lines:
        names = [plain(line["group"], NAME) for line in lines[:MOST_GROUPS]]
        title = say("By {column}", column=plain(board["grouping"], NAME))
        yield from _beside(title, names, lines[:MOST_GROUPS], width)
        if len(lines) > MOST_GROUPS:
            more = len(lines) - MOST_GROUPS
            yield Text(say("{number} smaller ones are in the file.", number=more), style="dim")


def _beside(title: str, names: Sequence[str], lines: Sequence[Board], width: int) -> Iterator[RenderableType]:
    columns = [
        Column(say("questions"), [f"{line['questions']}" for line in lines]),
        Column(say("happened, mean"), [money(line["actual"]) for line in lines]),
        Column("CRPS", [money(line["crps"]) for line in lines]),
        Column(say("{level} % held", level=number(100 * QUOTED)), [_held(line["coverage"]) for line in lines]),
        Column(say("P50 minus it"), [signed(line["bias"]) for line in lines]),
        Column(say("best other"), [_other(line) for line in lines]),
    ]
    yield from tables(title, names, columns, width)


def _other(line: Board) -> str:
    if line["best_other"] is None:
        return "–"
    return f"{forecaster(line['best_other'])} {money(line['best_other_crps'])}"


def _worst(board: Board, width: int) -> Iterator[RenderableType]:
    if board["worst"]:
        yield Text(say("Where it was furthest off"), style="bold")
    for case in board["worst"]:
        happened = say(
            "As of {day}: {amount} happened, {low} to {high} was forecast.", day=day(case["origin"]),
            amount=money(case["actual"]), low=money(case["p10"]), high=money(case["p90"]),
        )  # fmt: skip
        off = say("{amount} less than expected", amount=money(abs(case["error"])))
        if case["error"] > 0:
            off = say("{amount} more than expected", amount=money(case["error"]))
        amount = case["largest"] if case["cause"] == "one large deal" else case["parts"][case["cause"]]
        why = say("mostly {cause} ({amount})", cause=blamed(case["cause"]), amount=signed(amount))
        yield Text(f"{happened} {off}; {why}: {_numbers(case)}.")


def _numbers(case: Board) -> str:
    """The counts behind the cause."""
    expected, happened = case["expected"], case["happened"]
    if case["cause"] == "new deals":
        counts = {"seen": number(happened["created"]), "expected": number(expected["created"])}
        return say("{seen} were created, {expected} expected", **counts)
    if case["cause"] == "conversion of new deals":
        counts = {
            "won": number(happened["wins_new"]), "of": number(happened["created"]),
            "expected": number(expected["wins_new"]), "all": number(expected["created"]),
        }  # fmt: skip
        return say("{won} of {of} were won, {expected} of {all} expected", **counts)
    if case["cause"] == "conversion of open deals":
        counts = {"seen": number(happened["wins_open"]), "expected": number(expected["wins_open"])}
        return say("{seen} were won, {expected} expected", **counts)
    wins, hoped = (sum(of[f"wins_{kind}"] for kind in ("open", "new")) for of in (happened, expected))
    paid, planned = (sum(of[f"amount_{kind}"] for kind in ("open", "new")) for of in (happened, expected))
    if case["cause"] == "one large deal":
        return say("it was won")
    a_deal = {"seen": money(paid / max(wins, 1)), "expected": money(planned / max(hoped, 1e-9))}
    return say("{seen} a deal, {expected} expected", **a_deal)


def _recalibration(board: Board, width: int) -> Iterator[RenderableType]:
    tried = board["recalibration"]
    if tried is not None and tried["gain"] is not None:
        verdict = say("would have helped") if tried["helps"] else say("no help that shows")
        line = say(
            "Ranges bent by how earlier questions ended, tried on {questions}: {gain} of CRPS, {verdict}.",
            questions=_questions(tried["questions"]), gain=_gain(tried["gain"], tried["gain_se"]), verdict=verdict,
        )  # fmt: skip
        yield Text(line)
