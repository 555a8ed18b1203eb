"""The sheets of workbooks: tables of an answer and of scenarios, with what their columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from forecast.workbook import MONEY, NOTE, NUMBER, SHARE, Sheet

Summary = Mapping[str, Any]

RANGE = "P10, p50, p90: in 1 of 10 futures it is lower than p10, in 5 lower than p50, in 9 lower than p90."
CHANGES = "Changes are to the first scenario, on the same random numbers; they are exact where they are 0."
SHARES = ("p_hit_change", "adds", "share")
AMOUNTS = (
    "target", "quota", "p10", "p50", "p90", "mean", "won", "gap", "rtv", "expected", "amount", "value", "change",
    "from_open", "from_new", "won_and_surer",
)  # fmt: skip
NUMBERS = ("deals", "capacity", "mean_backlog", "age_days", "funnel_factor", "share_of_target")
PERIOD = (
    "target",
    "p_hit",
    "p_hit_se",
    "p10",
    "p50",
    "p90",
    "mean",
    "won_to_date",
    "gap",
    "rtv",
    "from_open",
    "from_new",
)


def of_answer(summary: Summary, samples: pd.DataFrame, deals: pd.DataFrame) -> list[Sheet]:
    """The answer, months, clients, groups, levers, open deals, and the simulations by month."""
    sheets = [
        Sheet("Read me", _read_me(summary, "Can it reach its target?")),
        _sheet(
            "Answer",
            _periods(summary),
            RANGE,
            "p_hit: the chance that the target is reached; se: its error of simulation.",
        ),
        _sheet("Months", _by_month(summary), RANGE, NOTE, "won: before the as-of date, part of the others."),
        _sheet("Clients", clients(summary), "expected: mean revenue still to come; share: of all that is."),
        _sheet("Groups", _groups(summary), "Teams, sellers and the like: they sum to the whole."),
    ]
    if not (sellers := _rows(summary, "categories")).empty:
        sheets.append(_sheet("Categories", sellers, "What sellers forecast; won_and_surer: with all surer categories."))
    if summary.get("levers") is not None:
        sheets.append(_sheet("Levers", levers(summary), "One step of each lever, all else and all luck the same."))
    told = "p_win: the chance that it is won; close: the day of winning, where it is; expected_value: in the periods."
    return [*sheets, _sheet("Open deals", deals, told), _simulations(wide(samples))]


def of_scenarios(summary: Summary, simulations: pd.DataFrame) -> list[Sheet]:
    """`simulations`: see `joint`."""
    told = summary["scenarios"]
    sheets = [
        Sheet("Read me", _read_me(summary, "What would scenarios bring?")),
        _sheet("Scenarios", scenario_periods(told), RANGE, CHANGES),
        _sheet(
            "Months", scenario_months(told), RANGE, NOTE, CHANGES, "Won from the as-of date on.", *_of_capacity(told)
        ),
        Sheet("What they change", _changes(told)),
    ]
    return [*sheets, _simulations(simulations)]


def scenario_periods(told: Summary) -> pd.DataFrame:
    """One row per scenario and period."""
    return pd.DataFrame([{"scenario": one["name"], **row} for one in told["scenarios"] for row in one["periods"]])


def scenario_months(told: Summary) -> pd.DataFrame:
    """One row per scenario and month; without the columns of capacity where none is given."""
    table = pd.DataFrame([{"scenario": one["name"], **row} for one in told["scenarios"] for row in one["months"]])
    return table if told["capacity"] else table.drop(columns=["capacity", "p_backlog", "mean_backlog"])


def wide(samples: pd.DataFrame) -> pd.DataFrame:
    """One row per simulation, one column per month, of what Answer.samples gives."""
    months = samples["month"].drop_duplicates()
    return samples.pivot(index="simulation", columns="month", values="won")[months].reset_index()


def levers(summary: Summary) -> pd.DataFrame:
    """One row per period and lever."""
    periods = summary["levers"]["periods"]
    return pd.DataFrame([{"period": one["period"], **row} for one in periods for row in one["tornado"]])


def _sheet(name: str, table: pd.DataFrame, *notes: str) -> Sheet:
    return Sheet(name, table, {str(column): _format(str(column)) for column in table.columns}, notes)


def _format(column: str) -> str | None:
    """How a column's numbers are written, by its name: 'p50_change_se' as the p50 whose change it is about."""
    if column in NUMBERS:
        return NUMBER
    if column.startswith(("p_", *SHARES)) or column.endswith("share"):
        return SHARE
    return MONEY if column.startswith(AMOUNTS) or column.endswith("value") else None


def _simulations(table: pd.DataFrame) -> Sheet:
    months = [column for column in table.columns if column not in ("simulation", "scenario")]
    note = "Won by month from the as-of date on. A row is one future: its months belong together, in all scenarios."
    return Sheet("Simulations", table, dict.fromkeys(months, MONEY), [note])


def _periods(summary: Summary) -> pd.DataFrame:
    return pd.DataFrame([{"period": one["period"], **{key: one[key] for key in PERIOD}} for one in summary["periods"]])


def _by_month(summary: Summary) -> pd.DataFrame:
    rows = [{"period": one["period"], **month} for one in summary["periods"] for month in one["by_month"]]
    return pd.DataFrame(rows)


def clients(summary: Summary) -> pd.DataFrame:
    """One row per period and client; where some are rolled up to parents, first these and then each client by itself,
    told apart by the column level.
    """
    rows = []
    for one in summary["periods"]:
        if (singles := one["single_clients"]) is None:
            rows += [{"period": one["period"], **client} for client in one["clients"]["table"]]
            continue
        for level, told in (("parent", one["clients"]), ("client", singles)):
            rows += [{"period": one["period"], "level": level, **client} for client in told["table"]]
    return pd.DataFrame(rows)


def _rows(summary: Summary, part: str) -> pd.DataFrame:
    """A table of each period, under one another."""
    return pd.DataFrame([{"period": one["period"], **row} for one in summary["periods"] for row in one[part] or ()])


def _groups(summary: Summary) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"period": one["period"], "grouping": groups["grouping"], **row}
            for one in summary["periods"]
            for groups in one["groups"]
            for row in groups["rows"]
        ]
    )


def _changes(told: Summary) -> pd.DataFrame:
    rows = [
        {"scenario": one["name"], "changes": line}
        for one in told["scenarios"]
        for line in one["changes"] or ["nothing"]
    ]
    return pd.DataFrame(rows)


def _of_capacity(told: Summary) -> Sequence[str]:
    if told["capacity"] is None:
        return ()
    of = {"deals": "won deals", "amount": "amounts won"}[told["capacity"]["of"]]
    return (
        f"Capacity is in {of}. What is more than it waits for the next month: p_backlog is the chance that something "
        "waits at the end of the month, mean_backlog how much does on average.",
    )


def _read_me(summary: Summary, question: str) -> pd.DataFrame:
    rows = {
        "question": question, "funnel": summary["funnel"], "as of": summary["origin"],
        "currency": summary["currency"], "simulations": summary["draws"], "seed": summary["seed"],
        "the fit": summary["fit"]["message"], "ranges": RANGE, "adding up": NOTE,
        "unit": "Amounts are in units of the currency, shares and chances are between 0 and 1.",
    }  # fmt: skip
    return pd.DataFrame({"about": list(rows), "": [str(value) for value in rows.values()]})
