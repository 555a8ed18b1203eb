"""Small canonical tables, written by hand or drawn at random, and their visits worked out in plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.config_data import FunnelSection, Known
from forecast.history import History, as_of
from forecast.sources.quality import Ledger
from forecast.sources.tables import Tables
from forecast.synthetic import Company, generate

FUNNEL = FunnelSection(stages=("A", "B", "C"))
FIRST = pd.Timestamp("2020-01-01")
STAYS = (0, 0, 0, 1, 1, 2, 3, 7, 14, 29, 61, 150)  # days; most of them on an edge of the age bins
SECOND = Fraction(1, 86_400)


def tables(
    rows: Sequence[tuple[Any, ...]],
    *,
    timed: bool = False,
    known: Mapping[str, Known] | None = None,
    recorded_from: str | None = None,
    until: str | None = None,
    **columns: Any,
) -> Tables:
    """Tables of rows (deal_id, stage, entered[, amount]); `columns`: of deals, in the order of their ids."""
    history = pd.DataFrame(
        {
            "deal_id": pd.Series([row[0] for row in rows], dtype="str"),
            "stage": pd.Series([row[1] for row in rows], dtype="str"),
            "entered": [pd.Timestamp(row[2]) for row in rows],
            "amount": [float(row[3]) if len(row) > 3 else np.nan for row in rows],
        }
    )
    first = history.drop_duplicates("deal_id").reset_index(drop=True)
    missing = pd.Series([None] * len(first), dtype="str")
    deals = pd.DataFrame(
        {"deal_id": first["deal_id"], "client": missing, "amount": np.nan, "created": first["entered"]}
    ).assign(**columns)
    last = history["entered"].max().normalize() + pd.Timedelta(days=1)
    return Tables(
        deals=deals,
        stage_history=history,
        timed=timed,
        known={**dict.fromkeys(deals.columns[1:], Known.CREATION), "amount": Known.CHANGE, **(known or {})},
        ledger=Ledger(),
        recorded_from=None if recorded_from is None else pd.Timestamp(recorded_from),
        recorded_until=last if until is None else pd.Timestamp(until),
    )


def random_tables(seed: int, *, timed: bool, deals: int = 15, recorded_from: str | None = None) -> Tables:
    """Deals that skip, return, repeat a stage, move several times a day, are lost and re-opened."""
    random = np.random.default_rng(seed)
    states, rows = FUNNEL.states, []
    for number in range(deals):
        state = int(random.choice([0, 0, 1, 4]))
        time = FIRST + pd.Timedelta(days=int(random.integers(0, 100)))
        for _ in range(int(random.integers(1, 9))):
            rows.append((f"D{number:03d}", states[state], time, float(random.integers(1, 9))))
            if state == 3:
                break
            time += pd.Timedelta(days=int(random.choice(STAYS)))
            if timed:
                time += pd.Timedelta(seconds=int(random.choice([0, 1, 200, 5_000, 40_000])))
            state = int(random.choice([0, 1, 2, 3, 4, min(state + 1, 4)]))
    owner = pd.Series(random.choice(["x", "y"], deals), dtype="str").where(random.random(deals) < 0.8)
    return tables(rows, timed=timed, recorded_from=recorded_from, owner=owner)


def history_of(made: Tables, origin: Any = None) -> History:
    return as_of(made, FUNNEL, made.recorded_until if origin is None else pd.Timestamp(origin))


def company_tables(company: Company, seed: int, **known: Known) -> Tables:
    """The tables of a made-up company, its amounts dated in the stage history."""
    made = generate(company, seed)
    columns = dict.fromkeys(made.deals.columns.drop(["deal_id", "created"]), Known.CREATION)
    until = pd.Timestamp(company.end_day, unit="D")
    return Tables(
        made.deals, made.stage_history, company.timed, {**columns, "amount": Known.CHANGE, **known}, Ledger(),
        None, until,
    )  # fmt: skip


class Stay(NamedTuple):
    """One visit; days since 1970-01-01, exact. `month`: that of the exit, as a period; None where it goes on."""

    deal: str
    state: int
    entered: Fraction
    left: Fraction
    to: int
    month: pd.Period | None


def plain_stays(made: Tables, origin: pd.Timestamp) -> list[Stay]:
    """Row by row, with exact fractions of days."""
    stays: list[Stay] = []
    known = made.stage_history[made.stage_history["entered"] < origin]
    shortest = Fraction("0.00001") if made.timed else Fraction(1, 3)
    for deal, rows in known.groupby("deal_id"):
        moves: list[tuple[int, pd.Timestamp]] = []
        for stage, time in zip(rows["stage"], rows["entered"], strict=True):
            state = FUNNEL.states.index(stage)
            if not moves or moves[-1][0] != state:
                moves.append((state, time))
        for index, (state, time) in enumerate(moves):
            entered = begun(state, time, made.timed)
            if index + 1 == len(moves):
                stays.append(Stay(str(deal), state, entered, moment(origin, False), -1, None))
                continue
            to, end = moves[index + 1]
            left = begun(to, end, made.timed)
            if left - entered < shortest:
                entered = left - shortest
            stays.append(Stay(str(deal), state, entered, left, to, end.to_period("M")))
    return stays


def is_date(state: int, time: pd.Timestamp, timed: bool) -> bool:
    """Whether the time is a day without its hour; among times of day, a closing at midnight is."""
    return not timed or (state >= len(FUNNEL.states) - 2 and time == time.normalize())


def begun(state: int, time: pd.Timestamp, timed: bool) -> Fraction:
    """When a state was entered. A moment at midnight counts as just after, for it belongs to the day it begins."""
    dated = is_date(state, time, timed)
    return moment(time, dated) + (0 if dated or time != time.normalize() else Fraction("0.00001"))


def moment(time: pd.Timestamp, is_a_date: bool) -> Fraction:
    """Days since 1970-01-01; a date is the end of its day."""
    return int((time - pd.Timestamp(0)).total_seconds()) * SECOND + (1 if is_a_date else 0)


class Piece(NamedTuple):
    """Part of a stay that lies in one age bin and one month."""

    stay: Stay
    age: int
    month: pd.Period
    days: Fraction


def plain_pieces(stays: Sequence[Stay], edges: Sequence[float], since: Fraction | None) -> Iterator[Piece]:
    """All stays after `since`, cut wherever an age bin or a month ends, one after the other."""
    exact = [Fraction(str(float(edge))) for edge in edges]
    for stay in stays:
        here = stay.entered if since is None else max(stay.entered, since)
        while here < stay.left:
            month = (pd.Timestamp(0) + pd.Timedelta(seconds=int(here / SECOND))).to_period("M")
            age = max(i for i, edge in enumerate(exact) if edge <= here - stay.entered)
            ends = [stay.left, moment((month + 1).to_timestamp(), False)]
            ends += [stay.entered + edge for edge in exact[age + 1 : age + 2]]
            yield Piece(stay, age, month, min(ends) - here)
            here = min(ends)


def plain_age_bin(age: Fraction, edges: Sequence[float]) -> int:
    """The bin (lower, upper] that holds an age."""
    return max(i for i, edge in enumerate(edges) if Fraction(str(float(edge))) < age)
