"""The answer as one page: HTML that needs no network, opens anywhere and prints on A4.

Every number comes from the summary, every figure from `plots`. A part of the answer that the summary does not hold is
left out. Words of the data are escaped: by the template in text, by Plotly in figures; and the page forbids itself
to load anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from forecast import plots, told, told_basis, told_drivers
from forecast.language import heard, say, speaking, spoken
from forecast.outputs import finite
from forecast.plots.backtest import ranges
from forecast.plots.paths import bends
from forecast.told import Summary, Table, Told
from forecast.words import HARD, chance, error_told, money, number, percent, plain

CELL = 22  # characters of a cell that is wrapped
WIDTH = 700  # pixels of a figure: what fits on A4

Paragraph = tuple[str, str, str]  # what stands before, in and after the bold part


@dataclass(frozen=True)
class Part:
    """A part of the page, from top to bottom: its heading, what it says, figures, tables, and a note in small print."""

    title: str
    said: Sequence[Paragraph] = ()
    figures: Sequence[go.Figure] = ()
    tables: Sequence[Table] = ()
    note: str = ""
    terms: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class _Shown:
    """An answer with None for what is not known."""

    summary: dict[str, Any]
    samples: Callable[[], pd.DataFrame]


def page(answer: Told, language: str = "en") -> str:
    """The whole page."""
    answer = _Shown(finite(answer.summary), answer.samples)
    with speaking(language):
        environment = Environment(
            loader=PackageLoader("forecast", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        environment.filters["held"] = held
        template = environment.get_template("report.html.jinja")
        drawn = iter(range(1000))
        return template.render(
            language=spoken(),
            title=told.question(answer.summary),
            asked=told.asked_about(answer.summary),
            said=told.as_of(answer.summary),
            parts=[part for make in PARTS if (part := make(answer)) is not None],
            draw=lambda figure: drawing(figure, f"figure{next(drawn)}"),
            plotly=get_plotlyjs(),
        )


def held(words: str) -> str:
    """What stays on one line: a number with its signs, all of a short cell."""
    if len(words) < CELL:
        return words.replace(" ", HARD)
    return re.sub(r"(?<=[\d<>±]) (?=[%\d])", HARD, words)


def drawing(figure: go.Figure, name: str) -> str:
    """The figure as an element of a page that holds Plotly's script."""
    told_of = {"displayModeBar": False, "displaylogo": False}
    figure.update_layout(width=WIDTH)
    return str(figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=told_of))


# ------------------------------------------------------------------ the parts


def _answer(answer: Told) -> Part:
    """The answer in one sentence and one figure; further periods in a sentence each."""
    summary = answer.summary
    said: list[Paragraph] = [("", plots.sentence(answer, number_), "") for number_ in range(len(summary["periods"]))]
    if not summary["fit"]["healthy"]:
        said.insert(0, ("", say("Do not rely on this: the model check was not passed (see below)."), ""))
    note = say("The chance is a share of {draws} simulated futures.", draws=number(summary["draws"]))
    errors = [period for period in summary["periods"] if period["gap"] > 0]
    if errors:
        note += " " + say(
            "Simulating so many of them leaves an error of ± {points} points.", points=error_told(errors[0]["p_hit_se"])
        )
    if (later := told.next_period(summary)) is not None:
        said.append(("", "", later))
    return Part(say("The answer"), [*said, *told.happened(summary)], [plots.revenue(answer)], note=note)


def _months(answer: Told) -> Part:
    figures = [plots.fan(answer)]
    for period in range(1, len(answer.summary["periods"])):
        figures += [plots.revenue(answer, period), plots.fan(answer, period)]
    return Part(say("When it comes in"), figures=figures, tables=_folded(told.ranges(answer.summary)))


COLUMNS = 6  # of numbers, side by side


def _folded(table: Table) -> list[Table]:
    """The same in several tables, each narrow enough for the page."""
    wide = len(table.head) - 1
    parts = [range(first, min(first + COLUMNS, wide + 1)) for first in range(1, wide + 1, COLUMNS)]
    return [
        Table(
            [table.head[0], *(table.head[n] for n in part)], [[row[0], *(row[n] for n in part)] for row in table.rows]
        )
        for part in parts
    ]


def _drivers(answer: Told) -> Part:
    summary = answer.summary
    figures = [plots.funnel(answer), *([plots.path_map(answer)] if bends(summary) else [])]
    tables = [told_drivers.drivers(summary), told_drivers.stages(summary, 48), *told_drivers.quotas(summary)]
    if (sellers := told_drivers.categories(summary)) is not None:
        tables.append(sellers)
    return Part(say("What drives it"), figures=figures, tables=tables, note=told_drivers.unknown_clients(summary))


def _clients(answer: Told) -> Part | None:
    """On whom the answer depends."""
    asked = answer.summary["periods"][0]["clients"]
    if not asked.get("table"):
        return None
    sentence = told_drivers.client_sentence(asked, answer.summary["periods"][0]["p_hit"], answer.summary["currency"])
    said: list[Paragraph] = [("", "", sentence)] if sentence else []
    if asked["effective_number"] is not None:
        so_many = number(asked["effective_number"], 0 if asked["effective_number"] >= 10 else 1)
        said.append(("", "", say("Spread as if over {number} clients of the same size.", number=so_many)))
    period = answer.summary["periods"][0]
    falls = period["p_hit"] - min(row["p_hit_without"] for row in asked["table"])
    figures = [plots.dependence(answer)] if period["gap"] > 0 and falls >= SEEN else []
    singles = period["single_clients"]
    name = say("Client") if singles is None else say("Client, with those it is the parent of")
    levels = [_of_clients(asked, name, answer.summary)]
    if singles is not None:
        levels.append(_of_clients(singles, say("Client by itself"), answer.summary))
    return Part(say("On whom it depends"), said, figures, levels)


def _of_clients(clients: told.Summary, name: str, summary: told.Summary) -> Table:
    rows = [
        [
            plain(one["client"], 40), percent(one["share"]), told.amount(one["expected"], summary),
            told.amount(one["open_value"], summary), chance(one["p_hit_without"], one["p_hit_without_se"]),
        ]
        for one in clients["table"][:CLIENTS]
    ]  # fmt: skip
    return Table(
        [name, say("share of what is still expected"), say("expected"), say("open"), say("chance without it")], rows
    )


CLIENTS = 10
SEEN = 0.005  # a change of the chance from which on a figure shows it


def _levers(answer: Told) -> Part | None:
    """What would change the chance."""
    found = answer.summary.get("levers")
    open_ = [n for n, period in enumerate(answer.summary["periods"]) if period["gap"] > 0]
    if found is None or not open_:
        return None
    note = say("Each lever was moved alone in {draws} draws, on the same random numbers.", draws=found["draws"])
    moves = [n for n in open_ if any(abs(row["p_hit_change"]) >= SEEN for row in found["periods"][n]["tornado"])]
    still = [plots.best_lever(answer, n) for n in open_ if n not in moves]
    said: list[Paragraph] = [("", "", f"{line}.") for line in still]
    return Part(say("What would change it"), said, [plots.tornado(answer, n) for n in moves], note=note)


def _deals(answer: Told) -> Part | None:
    """Deals to look at: those that move the chance most, and those that are overdue."""
    summary = answer.summary
    first, late = told.still_open(summary), told_basis.overdue(summary)
    decisive = first["decisive_deals"] if first is not None else []
    tables = []
    if decisive:
        head = [
            say("Deal"), say("client"), say("stage"), say("worth"), say("wins in time"), say("chance if lost"),
            say("chance if won"),
        ]  # fmt: skip
        rows = [
            [
                *_named(one), money(one["value"]), percent(one["p_win"]), percent(one["p_hit_if_lost"]),
                percent(one["p_hit_if_won"]),
            ]
            for one in decisive[:DEALS]
        ]  # fmt: skip
        tables.append(Table(head, rows))
    if late:
        head = [say("Overdue deal"), say("client"), say("stage"), say("worth"), say("days in it"), say("usual limit")]
        rows = [
            [*_named(one), money(one["value"]), number(one["age_days"]), number(one["limit_days"])]
            for one in summary["overdue"]["list"][:DEALS]
        ]
        tables.append(Table(head, rows))
    if not tables:
        return None
    said: list[Paragraph] = [("", "", line) for line in (next(told_basis.basis(summary)), late) if line]
    return Part(say("Deals to look at"), said, tables=tables)


DEALS = 10


def _named(one: Summary) -> list[str]:
    return [plain(one["deal_id"], 24), plain(one["client"] or "–", 24), plain(one["stage"], 20)]


def _moved(answer: Told) -> Part | None:
    """How the chances have moved from one day of asking to the next."""
    found = answer.summary.get("trend") or []
    if not found:
        return None
    board = {"periods": found, "currency": answer.summary["currency"]}
    figures = [plots.trend(board, period) for period in range(len(found))]
    return Part(say("How it has moved"), figures=figures)


def _record(answer: Told) -> Part | None:
    """The ranges of past questions, and what happened."""
    summary = answer.summary
    if summary["record"] is None:
        return None
    quoted = {"windows": summary["record"]["windows"][-QUESTIONS:], "currency": summary["currency"]}
    said: list[Paragraph] = [("", "", told_basis.recorded(summary["record"]))]
    return Part(say("Track record"), said, [ranges(quoted)])


QUESTIONS = 24  # past ones that are drawn


def _basis(answer: Told) -> Part:
    summary = answer.summary
    past = summary["record"]
    before = {told_basis.overdue(summary), None if past is None else told_basis.recorded(past)}  # told in their parts
    said: list[Paragraph] = [("", "", line) for line in told_basis.basis(summary) if line not in before]
    reasons = [[plain(heard(one["reason"]), 90), number(one["count"])] for one in summary["quality"]["reasons"]]
    tables = [Table([say("Rows set aside, because"), say("rows")], reasons)] if reasons else []
    return Part(say("What it rests on"), said, tables=tables)


def _terms(answer: Told) -> Part:
    return Part(say("What the words mean"), terms=list(_definitions()))


def _definitions() -> Iterator[tuple[str, str]]:
    yield (
        "P10, P50, P90",
        say(
            "One future in ten is lower than P10, half are lower than P50, nine in ten are lower than P90. P10 of "
            "several months do not add up to the P10 of their sum: it is rare that all go badly."
        ),
    )
    yield say("Gap"), say("The target minus what is won to date.")
    yield (
        say("Viable, RTV"),
        say(
            "Viable is a deal at or past the stage at which the client has committed to invest. RTV is the value of "
            "all viable open deals; where a deal has no amount yet, it counts with what deals like it bring."
        ),
    )
    yield (
        say("Funnel factor"),
        say("RTV divided by the gap. How high it has to be depends on how much of this funnel converts in time."),
    )
    yield (
        say("Deals so far, deals to come"),
        say(
            "What is still expected from deals created before the day of the question, and from those created after it."
        ),
    )
    yield (
        say("Conversion, lead time"),
        say(
            "The share of stays in a stage that end with a move onwards or a win, and the median days that those take. "
            "Deals that are still open count for what they tell so far."
        ),
    )
    yield (
        say("Chance without a client"),
        say(
            "The chance if nothing more came from this client, neither from open deals nor from new ones; what it has "
            "bought already stays."
        ),
    )
    yield (
        say("Model check"),
        say("Whether the sampling of the model has settled, and whether it gives back the past that it was fitted to."),
    )
    yield (
        say("Track record"),
        say("The same question asked of past days with only what was known then: how often the range held what came."),
    )


PARTS: tuple[Callable[[Told], Part | None], ...] = (
    _answer,
    _months,
    _drivers,
    _clients,
    _levers,
    _deals,
    _moved,
    _record,
    _basis,
    _terms,
)
