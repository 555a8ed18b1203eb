"""What the data are good for: which questions they can answer, and which open deals are overdue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.history import Floats, History, as_of
from forecast.overdue import limits_on_record
from forecast.sources.tables import Known, Tables, usual_attributes

MANY_WINS, SOME_WINS = 100, 10
MOST, SOME = 0.9, 0.5  # shares of deals that have a value
MONTH = 365.25 / 12
SHOWN = 3


class Verdict(StrEnum):
    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True)
class Grade:
    """Whether the data can answer a question, and why (not)."""

    question: str
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class Overdue:
    """Open deals in `stage` for more than `limit` days (see forecast/overdue.py).

    `value`: the sum of their amounts, where unknown the mean amount of wins. `examples`: the most valuable ones.
    """

    stage: str
    limit: float
    deals: int
    value: float
    estimated: bool
    examples: tuple[str, ...]


def judged(config: Config, tables: Tables) -> tuple[tuple[Grade, ...], tuple[Overdue, ...]]:
    """Grades of all questions, and overdue deals by stage, as of the end of the records."""
    try:
        history = as_of(tables, config.funnel, tables.recorded_until)
    except FunnelError as error:
        return (Grade("anything", Verdict.NO, error.message),), ()
    limits = limits_on_record(history, config.funnel.expected_days)
    return tuple(_grades(config, tables, history, limits)), tuple(_overdue(history, limits))


def _overdue(history: History, limits: Floats) -> Iterator[Overdue]:
    visits = history.visits
    won = history.wins()["amount"]
    mean = float(won.mean()) if won.notna().any() else 0.0
    opened = history.open_visits()
    age = history.day - visits.entered[opened]
    for stage, name in enumerate(history.states[: history.won]):
        old = opened[(visits.state[opened] == stage) & (age > limits[stage])]
        if not len(old):
            continue
        amount = visits.amount[old]
        value = np.where(np.isnan(amount), mean, amount)
        first = old[np.argsort(-value, kind="stable")[:SHOWN]]
        examples = tuple(
            f"{history.deals['deal_id'].iloc[visits.deal[row]]} ({history.day - visits.entered[row]:,.0f} days)"
            for row in first
        )
        yield Overdue(name, float(limits[stage]), len(old), float(value.sum()), bool(np.isnan(amount).any()), examples)


def _grades(config: Config, tables: Tables, history: History, limits: Floats) -> Iterator[Grade]:
    wins = history.wins()
    paid = int(wins["amount"].gt(0).sum())
    since = tables.recorded_from if tables.recorded_from is not None else history.deals["created"].min()
    months = (tables.recorded_until - since).days / MONTH
    yield _counted("Will the period's target be reached? What revenue to plan?", paid, "wins with an amount")
    opened = history.open_visits()
    known = float(np.mean(~np.isnan(history.visits.amount[opened]))) if len(opened) else 0.0
    told = f"{known:.0%} of the open deals have an amount".replace("%", " %")
    yield Grade(
        "How much is in the funnel against the gap (RTV, factor)?",
        Verdict.YES if known >= MOST else Verdict.PARTLY if paid else Verdict.NO,
        told if known >= MOST or not paid else f"{told}; the others are estimated from wins",
    )
    if config.funnel.viable_from is None:
        yield Grade("Which deals are viable?", Verdict.PARTLY, "all count: viable_from is not said under [funnel]")
    yield from _groups(config, tables)
    yield _clients(tables, history)
    moves = history.visits.to[history.visits.state < history.won]
    onwards = int((moves >= 0).sum())
    stages = len(config.funnel.stages)
    verdict = Verdict.NO if onwards < SOME_WINS else Verdict.YES if stages > 1 else Verdict.PARTLY
    told = f"{onwards:,} changes of stage, {stages} open stage{'s' if stages > 1 else ''}"
    yield Grade("Which stage holds the funnel back? What would a better rate or pace bring?", verdict, told)
    usual = int(np.isfinite(limits).sum())
    told = f"what is usual is known for {usual} of {stages} stages"
    verdict = Verdict.YES if usual == stages else Verdict.PARTLY if usual else Verdict.NO
    yield Grade("Which deals are overdue?", verdict, told)
    yield _lasting("How many new deals will come?", months, 6, 2)
    yield _lasting("Is there a season?", months, 24, 12)
    yield _lasting("Would past forecasts have been right?", months, 18, 9)


def _counted(question: str, count: int, what: str) -> Grade:
    verdict = Verdict.YES if count >= MANY_WINS else Verdict.PARTLY if count >= SOME_WINS else Verdict.NO
    told = f"{count:,} {what}" + ("" if verdict is Verdict.YES else ": the answer rests on assumptions")
    return Grade(question, verdict, told)


def _lasting(question: str, months: float, enough: int, some: int) -> Grade:
    verdict = Verdict.YES if months >= enough else Verdict.PARTLY if months >= some else Verdict.NO
    more = "" if verdict is Verdict.YES else f"; {enough} would be enough"
    return Grade(question, verdict, f"{months:.0f} months on record{more}")


def _groups(config: Config, tables: Tables) -> Iterator[Grade]:
    chosen = config.model.attributes
    names = usual_attributes(tables.deals, tables.known) if chosen is None else chosen
    told = f"by {', '.join(names)}" if names else "no such column is known when deals are created"
    question = "By team, seller, region or segment?"
    yield Grade(question, Verdict.YES if names else Verdict.NO, told)


def _clients(tables: Tables, history: History) -> Grade:
    question = "On which clients does it depend?"
    known = tables.known.get("client", Known.CREATION)
    share = float(tables.deals["client"].notna().mean())
    if share == 0:
        return Grade(question, Verdict.NO, "there is no column for client")
    if known is not Known.CREATION:
        told = f"the client is known at '{known}' only: those of open deals are drawn from past ones"
        return Grade(question, Verdict.PARTLY, told)
    told = f"{share:.0%} of the deals name their client".replace("%", " %")
    return Grade(question, Verdict.YES if share >= MOST else Verdict.PARTLY if share >= SOME else Verdict.NO, told)


def table(rows: pd.DataFrame, grades: tuple[Grade, ...], overdue: tuple[Overdue, ...]) -> pd.DataFrame:
    """One table of what was found in the rows, the grades and the overdue deals, to be written as CSV."""
    more: list[dict[str, object]] = [
        {"kind": "question", "what": one.question, "verdict": one.verdict.value, "effect": one.because}
        for one in grades
    ]
    more += [
        {
            "kind": "overdue deals",
            "what": f"in '{one.stage}' for more than {one.limit:,.1f} days",
            "count": one.deals,
            "value": round(one.value, 2),
            "examples": "; ".join(one.examples),
            "effect": "most deals that moved on had done so by then",
        }
        for one in overdue
    ]
    columns = ["kind", "file", "what", "count", "verdict", "value", "examples", "effect"]
    return pd.concat([rows, pd.DataFrame(more)]).reindex(columns=columns).astype({"count": "Int64"})
