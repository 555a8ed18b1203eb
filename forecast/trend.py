"""How the answer about a period moved from origin to origin, as the log of forecasts tells it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from forecast import places, runs
from forecast.config import Config
from forecast.errors import FunnelError
from forecast.history import actual, as_of, day_of
from forecast.question import Question
from forecast.runs import OF_FIT, OF_PERIOD
from forecast.sources.tables import Tables
from forecast.windows import days_named

SCHEMA_VERSION = "1.0"
Progress = Callable[[str, int, int], None]

MOVED = ("origin", "target", "p_hit", "p_hit_se", "p10", "p50", "p90")  # what an answer tells of those before it
TOLD = (*OF_PERIOD, *OF_FIT, "draws", "seed", "version")


def missing(log: pd.DataFrame, questions: Sequence[Question]) -> list[Question]:
    """The questions of which at least one period, with its target, has not been asked as of that day."""
    known = set(zip(log["origin"], log["period"], log["target"], strict=True))
    return [
        question
        for question in questions
        if any((question.origin, period.label, target) not in known for period, target in question.periods)
    ]


def ask_missing(
    config: Config, tables: Tables, log: pd.DataFrame, questions: Sequence[Question], progress: Progress
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """The log with the answers to those questions that were missing, each noted on disk as soon as it is known; and
    the origins that could not be asked, with the reason.
    """
    refused = []
    for question in missing(log, questions):
        from forecast.answer import ask  # imports PyMC, which takes seconds
        from forecast.kept import kept_for

        try:
            answer = ask(
                config, tables, question, progress=as_of_day(question, progress), fits=kept_for(config), levers=False
            )
        except FunnelError as failed:
            refused.append({"origin": question.origin.isoformat(), "why": failed.message})
            continue
        now = pd.Timestamp.now("UTC").floor("s")
        runs.note(places.folder_of(config), answer.summary, now)
        log = runs.joined(log, runs.rows(answer.summary, now))
    return log, refused


def trend(
    config: Config,
    tables: Tables,
    log: pd.DataFrame,
    question: Question,
    refused: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """By period of the question, what was answered as of each origin on record: the last answer where several are.

    FunnelError where none is on record. `p_hit_change` and `p50_change`: since the origin before, the former None
    where the target was another one. An answer may have been given on its day or, from the records of a later day,
    in hindsight (with only what was known then): `asked` tells when.
    """
    periods = []
    for period, target in question.periods:
        found = _last(log[log["period"] == period.label])
        if len(found):
            last = as_of(tables, config.funnel, min(pd.Timestamp(found["origin"].iloc[-1]), tables.recorded_until))
            recorded = as_of(tables, config.funnel, tables.recorded_until)
            happened = actual(day_of(period.start), day_of(period.after), target, last, recorded)
            periods.append(
                {
                    "period": period.label,
                    "start": period.start.isoformat(),
                    "end": period.end.isoformat(),
                    "target": target,
                    "origins": _origins(found),
                    "months_since": _months_since(config, tables, found),
                    "actual": happened,
                }
            )
    if not periods and refused:
        raise FunnelError(
            f"none of {len(refused)} past days can be asked: as of {refused[0]['origin']}, {refused[0]['why']}"
        )
    if not periods:
        asked = ", ".join(period.label for period, _ in question.periods)
        raise FunnelError(
            f"no forecast of {asked} is on record",
            remedy="Run `funnel forecast` from time to time, or ask past days: --origins 2017-07-01..2017-10-01.",
        )
    return {
        "schema_version": SCHEMA_VERSION,
        "funnel": config.funnel.name,
        "currency": config.funnel.currency,
        "periods": periods,
        "refused": list(refused),
    }


def so_far(log: pd.DataFrame, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How the chances of an answer's own targets have come about: by period, what was answered as of earlier days, and
    the answer itself as the last; periods that were not asked about before are left out.
    """
    before = log[log["origin"] < date.fromisoformat(summary["origin"])]
    told = []
    for period in summary["periods"]:
        found = _last(before[(before["period"] == period["period"]) & (before["target"] == period["target"])])
        if len(found):
            rows = [{**row, "origin": row["origin"].isoformat()} for row in found.to_dict("records")]
            rows.append({**period, "origin": summary["origin"]})
            origins = [{key: row[key] for key in MOVED} for row in rows]
            told.append({**{key: period[key] for key in ("period", "start", "end", "target")}, "origins": origins})
    return told


def _last(found: pd.DataFrame) -> pd.DataFrame:
    """The last answer as of each origin, by origin."""
    found = found.sort_values("asked", kind="stable")
    return found.drop_duplicates("origin", keep="last").sort_values("origin")


def _months_since(config: Config, tables: Tables, found: pd.DataFrame) -> str | None:
    """The first of the origins from which on the model tells months, after others at which it told weeks."""
    origins = list(found["origin"])

    def monthly(origin: date) -> bool:
        return not as_of(tables, config.funnel, min(pd.Timestamp(origin), tables.recorded_until)).short_record

    place = bisect_left(origins, True, key=monthly)
    return str(origins[place].isoformat()) if 0 < place < len(origins) else None


def _origins(found: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per origin, in order."""
    told: list[dict[str, Any]] = []
    for row in found.to_dict("records"):
        one = {
            "origin": row["origin"].isoformat(),
            "asked": row["asked"].isoformat(),
            **{str(name): None if pd.isna(row[name]) else row[name] for name in TOLD},
        }
        before = told[-1] if told else None
        comparable = before is not None and before["target"] == one["target"]
        one["p_hit_change"] = one["p_hit"] - before["p_hit"] if before is not None and comparable else None
        one["p50_change"] = None if before is None else one["p50"] - before["p50"]
        told.append(one)
    return told


def table(board: dict[str, Any]) -> pd.DataFrame:
    """The same as rows: period, origin and all that is told of it."""
    return pd.DataFrame([{"period": one["period"], **row} for one in board["periods"] for row in one["origins"]])


def as_of_day(question: Question, progress: Progress) -> Progress:
    """Tells of progress with the day that is asked about."""
    return lambda stage, done, total: progress(f"As of {question.origin}: {stage[:1].lower()}{stage[1:]}", done, total)


def earlier(question: Question, day: str | None) -> pd.Timestamp:
    """The day that is meant, by default a month before the question's; FunnelError where it is not before that."""
    now = pd.Timestamp(question.origin)
    if day is None:
        return now - pd.DateOffset(months=1)
    named = days_named([day])
    if len(named) != 1 or named[0] >= now:
        raise FunnelError(f"'{day}' is not a day before {question.origin}", remedy="Name the earlier day as --from.")
    return named[0]


def question_as_of(question: Question, day: pd.Timestamp) -> Question:
    """The same question as of another day; FunnelError for periods that are over by then."""
    origin: date = day.date()
    for period, _ in question.periods:
        if period.after <= origin:
            raise FunnelError(
                f"the period {period.label} ends on {period.end}, before the origin {origin}",
                remedy="Name earlier origins (--origins), or another --period.",
            )
    return Question(origin, question.periods, question.draws, question.seed)
