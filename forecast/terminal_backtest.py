"""A backtest on the terminal: it words and lays out the scoreboard, and computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from forecast.record import OURS, QUOTED
from forecast.screen import Column, tables
from forecast.words import day, horizon, money, plain, signed

NAME = 22
MOST_GROUPS = 8

Board = Mapping[str, Any]


def show(board: Board, screen: Console) -> None:
    """Print what was asked, who is best, the scores, where they differ, what went wrong, the verdict."""
    parts = (_asked, _best, _scores, _distance, _groups, _worst, _recalibration)
    for number, part in enumerate(parts):
        lines = list(part(board, screen.width))
        if lines and number:
            screen.print()
        for line in lines:
            screen.print(line)


def _asked(board: Board, width: int) -> Iterator[RenderableType]:
    yield Text(f"Can the forecasts of {plain(board['funnel'] or 'this funnel', 60)} be relied on?", style="bold")
    windows, asked = board["windows"], board["questions"]
    over = f"over {horizon(board['horizon'])}, each with what was known then"
    if not windows:
        yield Text(f"None of {_questions(asked)} {over}, could be answered.", style="bold red")
    elif len(windows) == 1:
        yield Text(f"{_questions(asked)}, as of {day(windows[0]['origin'])}, {over}.")
    else:
        yield Text(f"{_questions(asked)}, as of {day(windows[0]['origin'])} to {day(windows[-1]['origin'])}, {over}.")
    for refused in board["refused"]:
        yield Text(f"As of {day(refused['origin'])} there is no answer: {plain(refused['why'], 140)}.", style="red")
    if board["overlap"]:
        yield Text(
            f"A question shares days with up to {board['overlap']} of the next: ± takes that into account, the range "
            "of what a long record would show does not.",
            style="dim",
        )


def _questions(number: int) -> str:
    return f"{number} past question{'' if number == 1 else 's'}"


def _best(board: Board, width: int) -> Iterator[RenderableType]:
    lines = board["all"]
    if not lines:
        return
    ours = next(line for line in lines if line["forecast"] == OURS)
    best = lines[0] if lines[0] is not ours else next(iter(lines[1:]), None)
    if best is not None:
        yield Text(_verdict(best, lines[0] is ours), "bold")
    held = next(part for part in ours["coverage"] if part["level"] == QUOTED)
    likely = f"a long record would show {100 * held['low']:.0f} to {100 * held['high']:.0f} %"
    ranges = f"The {100 * QUOTED:.0f} % ranges of this forecast held the truth"
    yield Text(f"{ranges} {held['held']} times of {held['of']} ({likely}).")


def _verdict(other: Board, first: bool) -> str:
    """Ours beside the best of the others, and whether so few questions can tell them apart."""
    skill, error = other["skill"], other["skill_se"]
    if skill is None or error is None or abs(skill) < 2 * error:
        return f"Beside {other['forecast']}, the {'best other' if first else 'best'}, no difference that shows yet."
    way = "smaller" if skill > 0 else "larger"
    return f"The error of this forecast is {100 * abs(skill):.0f} % {way} than that of {other['forecast']}."


def _scores(board: Board, width: int) -> Iterator[RenderableType]:
    if not board["all"]:
        return
    yield from _table(f"All deals, {board['currency'] or 'no currency given'}", board["all"], width)
    if len(board["open"]) > 1:
        yield Text()
        yield from _table("Open deals alone", board["open"], width)
    brier = any(line["brier"] is not None for line in board["all"])
    yield Text(
        "CRPS: mean distance of forecast and outcome, its spread counted; smaller is better. Ours closer: by how "
        "much of the other's CRPS; ± twice is a 95 % range."
        + (" Brier: error of the chance to reach 80, 100 and 120 % of the run-rate." if brier else ""),
        style="dim",
    )


def _table(title: str, lines: Sequence[Board], width: int) -> Iterator[RenderableType]:
    columns = [
        Column("CRPS", [money(line["crps"]) for line in lines]),
        Column("ours closer", [_skill(line) for line in lines]),
        *(
            Column(f"{100 * part['level']:.0f} % held", [_held(line["coverage"][index]) for line in lines])
            for index, part in enumerate(lines[0]["coverage"] if lines else [])
        ),
        Column("P50 off by", [money(line["median_error"]) for line in lines]),
        Column("80 % width", [money(line["width"]) for line in lines]),
    ]
    if any(line["brier"] is not None for line in lines):
        scores = [line["brier"] for line in lines]
        columns.append(Column("Brier", ["–" if score is None else f"{score['score']:.3f}" for score in scores]))
    most = max((line["questions"] for line in lines), default=0)
    names = [line["forecast"] + ("" if line["questions"] == most else " *") for line in lines]
    yield from tables(title, names, columns, width)
    if any(line["questions"] < most for line in lines):
        yield Text("* could not be asked every question; compared with ours on those that it was.", style="dim")


def _skill(line: Board) -> str:
    return "–" if line["skill"] is None else _gain(line["skill"], line["skill_se"])


def _gain(share: float, error: float | None) -> str:
    """A difference in per cent with its error, which a single question does not tell."""
    told = f"{100 * share:+.0f} %".replace("-", "−")
    return told if error is None else f"{told} ± {100 * error:.0f}"


def _held(part: Board) -> str:
    return f"{part['held']} of {part['of']}"


def _distance(board: Board, width: int) -> Iterator[RenderableType]:
    lines = board["by_distance"]
    if lines:
        names = [
            f"{line['from_days']} days" if line["from_days"] == line["to_days"]
            else f"{line['from_days']} to {line['to_days']} days"
            for line in lines
        ]  # fmt: skip
        yield from _beside("Days to the end", names, lines, width)


def _groups(board: Board, width: int) -> Iterator[RenderableType]:
    lines = sorted(board["by_group"], key=lambda line: -line["actual"])
    if lines:
        names = [plain(line["group"], NAME) for line in lines[:MOST_GROUPS]]
        yield from _beside(f"By {plain(board['grouping'], NAME)}", names, lines[:MOST_GROUPS], width)
        if len(lines) > MOST_GROUPS:
            yield Text(f"{len(lines) - MOST_GROUPS} smaller ones are in the file.", style="dim")


def _beside(title: str, names: Sequence[str], lines: Sequence[Board], width: int) -> Iterator[RenderableType]:
    columns = [
        Column("questions", [f"{line['questions']}" for line in lines]),
        Column("happened, mean", [money(line["actual"]) for line in lines]),
        Column("CRPS", [money(line["crps"]) for line in lines]),
        Column("80 % held", [_held(line["coverage"]) for line in lines]),
        Column("P50 minus it", [signed(line["bias"]) for line in lines]),
        Column("best other", [_other(line) for line in lines]),
    ]
    yield from tables(title, names, columns, width)


def _other(line: Board) -> str:
    return "–" if line["best_other"] is None else f"{line['best_other']} {money(line['best_other_crps'])}"


def _worst(board: Board, width: int) -> Iterator[RenderableType]:
    if board["worst"]:
        yield Text("Where it was furthest off", style="bold")
    for case in board["worst"]:
        way = "more" if case["error"] > 0 else "less"
        amount = case["largest"] if case["cause"] == "one large deal" else case["parts"][case["cause"]]
        yield Text(
            f"As of {day(case['origin'])}: {money(case['actual'])} happened, {money(case['p10'])} to "
            f"{money(case['p90'])} was forecast. {money(abs(case['error']))} {way} than expected; "
            f"mostly {case['cause']} ({signed(amount)}): {_numbers(case)}."
        )


def _numbers(case: Board) -> str:
    """The counts behind the cause."""
    expected, happened = case["expected"], case["happened"]
    if case["cause"] == "new deals":
        return f"{happened['created']:,.0f} were created, {expected['created']:,.0f} expected"
    if case["cause"] == "conversion of new deals":
        won = f"{happened['wins_new']:,.0f} of {happened['created']:,.0f}"
        return f"{won} were won, {expected['wins_new']:,.0f} of {expected['created']:,.0f} expected"
    if case["cause"] == "conversion of open deals":
        return f"{happened['wins_open']:,.0f} were won, {expected['wins_open']:,.0f} expected"
    wins, hoped = (sum(of[f"wins_{kind}"] for kind in ("open", "new")) for of in (happened, expected))
    paid, planned = (sum(of[f"amount_{kind}"] for kind in ("open", "new")) for of in (happened, expected))
    if case["cause"] == "one large deal":
        return "it was won"
    return f"{money(paid / max(wins, 1))} a deal, {money(planned / max(hoped, 1e-9))} expected"


def _recalibration(board: Board, width: int) -> Iterator[RenderableType]:
    tried = board["recalibration"]
    if tried is not None and tried["gain"] is not None:
        gain = f"{_gain(tried['gain'], tried['gain_se'])} of CRPS"
        verdict = "would have helped" if tried["helps"] else "no help that shows"
        yield Text(
            f"Ranges bent by how earlier questions ended, tried on {_questions(tried['questions'])}: {gain}, {verdict}."
        )
