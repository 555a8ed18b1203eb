"""What the funnel file leaves open, from the columns and values of the files: shape, stages, outcome."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from forecast.config import Config, Outcome
from forecast.errors import FunnelError
from forecast.sources import values
from forecast.sources.columns import LOST, WON, missing, outcome_name, recognise, simplified, stage_of_column
from forecast.sources.readers import Raw
from forecast.sources.rows import as_text, declared

ONLY_STAGE = "Open"  # the name of the one open stage where the file has only created, closed and outcome
MOST_STAGES = 60


def shape_of(config: Config, raw: Raw) -> str:
    """'canonical' for a file with a row per stage entered, 'stage_dates' for one with a row per deal."""
    if config.source.shape is not None:
        return config.source.shape
    if config.source.stage_history is not None:
        return "canonical"
    if config.source.stage_dates or config.source.outcome:
        return "stage_dates"
    found = recognise(raw.frame.columns, declared(config, raw), raw.file)
    return "canonical" if {"stage", "entered"} <= found.keys() else "stage_dates"


def completed(config: Config, raw: Raw, shape: str) -> Config:
    """`config` with stages, won, lost and, for dates per stage, their columns and the outcome's.

    Declared ones stay.
    """
    config = config.with_source(shape=shape)
    if shape == "canonical":
        return _from_history(config, raw)
    return _from_columns(config, raw)


def _from_history(config: Config, raw: Raw) -> Config:
    needed = ("deal_id", "stage", "entered")
    found = recognise(raw.frame.columns, declared(config, raw), raw.file, needed=needed)
    stage = as_text(raw.frame[found["stage"]]).replace(config.source.replace.get(found["stage"], {}))
    names = list(stage.replace(config.source.replace.get("stage", {})).dropna().unique())
    config = _with_outcomes(config, names)
    if config.funnel.stages:
        return config
    open_names = [name for name in names if name not in (config.funnel.won, config.funnel.lost)]
    if len(open_names) > MOST_STAGES:
        remedy = 'Name the column of the stage under [source.columns]: stage = "..."'
        what = f"{len(open_names):,} different stages are too many"
        raise FunnelError(what, file=raw.file, column=found["stage"], examples=open_names, remedy=remedy)
    text = raw.frame[found["entered"]]
    leads = config.source.day_first if config.source.day_first is not None else values.day_first([text], raw.file)
    entered = values.dates(text, leads)
    events = pd.DataFrame({"deal": raw.frame[found["deal_id"]], "stage": stage, "entered": entered}).dropna()
    first = events.groupby(["deal", "stage"])["entered"].min().unstack("stage").reindex(columns=open_names)
    return config.with_funnel(stages=_need_stage(stage_order(first), raw, found["stage"]))


def _from_columns(config: Config, raw: Raw) -> Config:
    there = list(raw.frame.columns)
    found = recognise(there, declared(config, raw), raw.file, needed=["deal_id"])
    if config.source.outcome is None and "stage" in found and "closed" in found:
        outcome = Outcome(column=found["stage"], date=found["closed"])
        config = config.with_source(outcome=outcome)
    names: list[str] = []
    if config.source.outcome is not None:
        column = config.source.outcome.column
        if column not in there:
            raise missing("stage", there, raw.file, column)
        change = {**config.source.replace.get(column, {}), **config.source.replace.get("stage", {})}
        names = list(as_text(raw.frame[column]).replace(change).dropna().unique())
    config = _with_outcomes(config, names)
    if not config.source.stage_dates:
        config = config.with_source(stage_dates=_stage_dates(config, raw, found, names))
    dated = config.source.stage_dates
    if config.source.outcome is None and not {config.funnel.won, config.funnel.lost} & dated.keys():
        column = "stage" if "stage" not in found else "closed"
        raise missing(column, there, raw.file)
    if not config.funnel.stages:
        stages = [name for name in dated if name not in (config.funnel.won, config.funnel.lost)]
        config = config.with_funnel(stages=_need_stage(stages, raw, None))
        config = _fold_others(config, raw, names)
    return config


def _with_outcomes(config: Config, names: Iterable[str]) -> Config:
    """won and lost as the data write them, where the funnel file does not say."""
    there = list(names)
    changes = {}
    for key, kind in (("won", WON), ("lost", LOST)):
        if key not in config.funnel.model_fields_set:
            name = outcome_name(there, kind)
            if name is not None and name not in config.funnel.stages:
                changes[key] = name
    return config.with_funnel(**changes) if changes else config


def _stage_dates(config: Config, raw: Raw, found: dict[str, str], names: list[str]) -> dict[str, str]:
    """Stage -> column: columns named like date_entered_Proposal, else created for the one open stage."""
    spelled = {simplified(name): name for name in (*config.funnel.states, *names)}
    dated: dict[str, str] = {}
    for column in raw.frame.columns:
        stage = stage_of_column(column)
        if stage is not None and column not in found.values() and _mostly_dates(raw.frame[column]):
            stage = spelled.get(simplified(stage), stage)
            stage = config.funnel.won if simplified(stage) in WON else stage
            stage = config.funnel.lost if simplified(stage) in LOST else stage
            dated.setdefault(stage, column)
    outcomes = (config.funnel.won, config.funnel.lost)
    stages = [stage for stage in dated if stage not in outcomes]
    if config.funnel.stages:
        stages = [stage for stage in config.funnel.stages if stage in dated]
    elif stages:
        first = pd.DataFrame({stage: values.dates(raw.frame[dated[stage]]) for stage in stages})
        stages = stage_order(first)
    if stages:
        return {stage: dated[stage] for stage in (*stages, *outcomes) if stage in dated}
    if "created" not in found:
        what = "there is no column with the date at which a deal entered a stage, or was created"
        remedy = 'Write [source.stage_dates] STAGE = "column", or created = "column" in [source.columns].'
        raise FunnelError(what, file=raw.file, remedy=remedy)
    ended = {stage: column for stage, column in dated.items() if stage in outcomes}
    return {_only_stage(config, raw, found, names): found["created"], **ended}


def _only_stage(config: Config, raw: Raw, found: dict[str, str], names: list[str]) -> str:
    """The first declared stage; else the one in which all open deals with a date are; else 'Open'."""
    if config.funnel.stages:
        return config.funnel.stages[0]
    if config.source.outcome is not None:
        stage = raw.frame.loc[raw.frame[found["created"]].notna(), config.source.outcome.column].dropna()
        there = [name for name in names if name not in (config.funnel.won, config.funnel.lost)]
        present = [name for name in there if stage.eq(name).any()]
        if len(present) == 1:
            return present[0]
    return ONLY_STAGE


def _fold_others(config: Config, raw: Raw, names: list[str]) -> Config:
    """Open stages without a date of their own, of deals that have a date, are read as the first stage."""
    outcome = config.source.outcome
    if outcome is None:
        return config
    dates = [column for stage, column in config.source.stage_dates.items() if stage in config.funnel.stages]
    present = raw.frame.loc[raw.frame[dates].notna().any(axis=1), outcome.column]
    other = [name for name in names if name not in config.funnel.states and present.eq(name).any()]
    if not other:
        return config
    change = {
        **config.source.replace.get(outcome.column, {}),
        **dict.fromkeys(other, config.funnel.stages[0]),
    }
    return config.with_source(replace={**config.source.replace, outcome.column: change})


def _mostly_dates(column: pd.Series) -> bool:
    there = column.dropna()
    return len(there) > 0 and bool(values.dates(there).notna().mean() > 0.8)


def _need_stage(stages: list[str], raw: Raw, column: str | None) -> tuple[str, ...]:
    if not stages:
        remedy = "Name the open stages in the funnel file: [funnel] stages = [...]."
        raise FunnelError("there is no open stage, only won and lost", file=raw.file, column=column, remedy=remedy)
    return tuple(stages)


def stage_order(first: pd.DataFrame) -> list[str]:
    """Stages (columns of `first`: one row per deal, dates of first entering) in funnel order.

    Of two stages the one that more deals entered first comes first; stages are sorted by how many of these
    comparisons they win, then by where they stand.
    """
    dates = first.to_numpy("datetime64[us]")
    before = np.zeros(first.shape[1])
    for place in range(first.shape[1]):
        earlier = (dates[:, [place]] < dates).sum(axis=0)  # comparisons with NaT are false
        later = (dates[:, [place]] > dates).sum(axis=0)
        before[place] = (np.sign(earlier - later)).sum()
    return [str(first.columns[place]) for place in np.argsort(-before, kind="stable").tolist()]
