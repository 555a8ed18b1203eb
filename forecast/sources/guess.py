"""What the funnel file leaves open, from the columns and values of the files: stages, won, lost, their dates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.config_data import Outcome
from forecast.errors import FunnelError
from forecast.sources import values
from forecast.sources.columns import FLAGS, missing, recognise, stage_of_column
from forecast.sources.lookups import Labels, truth
from forecast.sources.names import end_meant, simplified
from forecast.sources.quality import Sieve
from forecast.sources.readers import Raw
from forecast.sources.rows import RESPELLED, as_text, declared, labelled, replaced

ONLY_STAGE = "Open"  # the name of the one open stage where the file has only created, closed and outcome
MOST_STAGES = 60
MOSTLY = 0.5
OPEN = (
    "open", "in progress", "in process", "ongoing", "active", "new", "pipeline", "pending", "working", "qualified",
    "offen", "ouvert", "ouverte", "en cours", "abierto", "abierta", "aperto",
)  # fmt: skip
FEWEST_ENDS, NEVER_LEFT = 5, 0.98  # a stage that as many deals entered and hardly any left is an end


def from_history(config: Config, history: Sieve, labels: Labels) -> Config:
    """`config` with won, lost and stages as the stage rows have them; declared ones stay."""
    said = {"won", "lost"} <= config.funnel.model_fields_set
    config = outcomes(config, history, labels)
    if not config.funnel.stages:
        _one_spelling(history)
    names = list(history.frame["stage"].dropna().unique())
    if not said:
        _refuse_unsaid_ends(config, history, names)
    if config.funnel.stages:
        return config
    open_names = [name for name in names if name not in (config.funnel.won, config.funnel.lost)]
    column = history.columns["stage"]
    if len(open_names) > MOST_STAGES:
        remedy = 'Name the column of the stage under [source.columns]: stage = "..."'
        what = f"{len(open_names):,} different stages are too many"
        raise FunnelError(what, file=history.file, column=column, examples=open_names, remedy=remedy)
    if set(open_names) <= set(labels.order):
        order = [name for name in labels.order if name in open_names]
    else:
        first = history.frame.groupby(["deal_id", "stage"])["entered"].min()
        order = stage_order(first.unstack("stage").reindex(columns=open_names))
    return config.with_funnel(stages=_need_stage(order, history.file, column))


def outcomes(config: Config, sieve: Sieve, labels: Labels) -> Config:
    """won and lost as the data write them, where the funnel file does not say; further words for them are read as
    these, and told. Flags count most, then the table of labels, then the words themselves.
    """
    stage = sieve.frame["stage"]
    counts = stage.value_counts()
    kinds = {**labels.kinds, **_flagged(sieve)}
    for key in ("won", "lost"):
        meant = [name for name in counts.index if kinds.get(name) == key]
        meant += [name for name in counts.index if name not in kinds and end_meant(name) == key]
        taken = (*config.funnel.stages, config.funnel.lost if key == "won" else config.funnel.won)
        meant = [name for name in meant if name not in taken]
        if key not in config.funnel.model_fields_set and meant:
            config = config.with_funnel(**{key: meant[0]})
        name = getattr(config.funnel, key)
        other = [word for word in meant if word != name]
        respelled = [word for word in other if simplified(word) == simplified(name)]
        further = [word for word in other if word not in respelled]
        sieve.note(stage.isin(respelled), RESPELLED, effect="read as meant", show=stage)
        sieve.note(stage.isin(further), f"other words for {key}", effect=f"read as '{name}'", show=stage)
        if other:
            sieve.frame = sieve.frame.assign(stage=sieve.frame["stage"].replace(dict.fromkeys(other, name)))
    return config


def _one_spelling(history: Sieve) -> None:
    """Stages that differ in case and blanks only are one, called as most rows call it, and told."""
    stage = history.frame["stage"]
    commonest: dict[str, str] = {}
    change = {}
    for name in stage.value_counts().index:
        meant = commonest.setdefault(" ".join(name.casefold().split()), name)
        if meant != name:
            change[name] = meant
    if change:
        history.note(stage.isin(list(change)), RESPELLED, effect="read as meant", show=stage)
        history.frame = history.frame.assign(stage=stage.replace(change))


def _flagged(sieve: Sieve) -> dict[str, str]:
    """Stages that a flag of their rows (mostly) calls won or lost."""
    frame = sieve.frame
    if "is_won" not in frame:
        return {}
    won = truth(frame["is_won"])
    ended = truth(frame["is_closed"]) if "is_closed" in frame else won
    shares = pd.DataFrame({"won": won, "lost": ended & ~won}).groupby(frame["stage"]).mean()
    return {name: key for key in ("lost", "won") for name in shares.index[shares[key] > 0.5]}


def _refuse_unsaid_ends(config: Config, history: Sieve, names: list[str]) -> None:
    """Raise FunnelError where no stage is called won, or lost, and there are stages that nobody ever leaves."""
    funnel = config.funnel
    lacking = [
        key for key in ("won", "lost") if key not in funnel.model_fields_set and getattr(funnel, key) not in names
    ]
    if not lacking:
        return
    ordered = history.frame[["deal_id", "stage", "entered"]].sort_values(["deal_id", "entered"], kind="stable")
    last = ordered.drop_duplicates("deal_id", keep="last")["stage"].value_counts()
    entered = ordered.drop_duplicates(["deal_id", "stage"])["stage"].value_counts()
    begun = ordered.drop_duplicates("deal_id")["stage"].value_counts()
    counts = pd.DataFrame({"entered": entered, "last": last, "begun": begun}).fillna(0)
    final = (counts["last"] >= NEVER_LEFT * counts["entered"]) & (counts["begun"] <= MOSTLY * counts["entered"])
    final &= (counts["entered"] >= FEWEST_ENDS) & ~counts.index.isin(funnel.states)
    ends = [f"'{name}' ({entered[name]:,})" for name in counts.index[final]]
    if ends:
        raise FunnelError(
            f"no stage is called {' or '.join(lacking)}, but some are hardly ever left: do they mean that?",
            file=history.file,
            column=history.columns["stage"],
            examples=ends,
            remedy=f'Write {lacking[-1]} = "..." under [funnel]; any other name there if it is none of them.',
        )


def from_columns(config: Config, raw: Raw, labels: Labels) -> Config:
    """`config` with stages, won, lost, the columns of their dates and the outcome's; declared ones stay."""
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
        wanted = {"stage": column, **{name: found[name] for name in FLAGS if name in found}}
        text = pd.DataFrame({name: as_text(raw.frame[column]) for name, column in wanted.items()})
        ended = Sieve(raw.file, replaced(text, wanted, config), columns=wanted)
        labelled(ended, labels.names, config)
        config = outcomes(config, ended, labels)
        names = list(ended.frame["stage"].dropna().unique())
    if not config.source.stage_dates:
        config = config.with_source(stage_dates=_stage_dates(config, raw, found, names, labels))
    dated = config.source.stage_dates
    if config.source.outcome is None and not {config.funnel.won, config.funnel.lost} & dated.keys():
        column = "stage" if "stage" not in found else "closed"
        raise missing(column, there, raw.file)
    if not config.funnel.stages:
        stages = [name for name in dated if name not in (config.funnel.won, config.funnel.lost)]
        config = config.with_funnel(stages=_need_stage(stages, raw.file, None))
    return config


def _stage_dates(config: Config, raw: Raw, found: dict[str, str], names: list[str], labels: Labels) -> dict[str, str]:
    """Stage -> column: columns named like date_entered_Proposal, else created for the one open stage."""
    funnel = config.funnel
    spelled = {simplified(name): name for name in (*funnel.states, *names, *labels.names.values())}
    dated: dict[str, str] = {}
    for column in sorted(raw.frame.columns, key=lambda name: "_v2_" not in name):  # the newer name first
        stage = stage_of_column(column, labels.names)
        if stage is None or column in found.values():
            continue
        stage = spelled.get(simplified(stage), stage)
        kind = labels.kinds.get(stage)
        kind = kind or end_meant(stage)
        stage = funnel.won if kind == "won" else funnel.lost if kind == "lost" else stage
        if stage not in dated and _mostly_dates(raw.frame[column]):
            dated[stage] = column
    ends = (funnel.won, funnel.lost)
    stages = [stage for stage in dated if stage not in ends]
    if funnel.stages:
        stages = [stage for stage in funnel.stages if stage in dated]
    elif stages and set(stages) <= set(labels.order):
        stages = [stage for stage in labels.order if stage in dated]
    elif stages:
        place = {column: number for number, column in enumerate(raw.frame.columns)}
        stages.sort(key=lambda stage: place[dated[stage]])
        columns = [raw.frame[dated[stage]] for stage in stages]
        leads = config.source.day_first
        leads = values.day_first(columns, raw.file) if leads is None else leads
        entered = [values.dates(column, leads) for column in columns]
        stages = stage_order(pd.DataFrame(dict(zip(stages, entered, strict=True))))
    if stages:
        return {stage: dated[stage] for stage in (*stages, *ends) if stage in dated}
    if "created" not in found:
        what = "there is no column with the date at which a deal entered a stage, or was created"
        remedy = 'Write [source.stage_dates] STAGE = "column", or created = "column" in [source.columns].'
        raise FunnelError(what, file=raw.file, remedy=remedy)
    ended = {stage: column for stage, column in dated.items() if stage in ends}
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


def _mostly_dates(column: pd.Series) -> bool:
    """Whether nearly all are dates, be the day first in them or the month."""
    there = column.dropna()
    return len(there) > 0 and any(values.dates(there, leads).notna().mean() > 0.8 for leads in (True, False))


def open_words(config: Config, deals: Sieve) -> Config:
    """What a deal with dates may be called besides its stages, won and lost is read as the first stage, and told.

    Raises FunnelError for words that deals with a day of closing have: they may mean won or lost.
    """
    frame, states = deals.frame, config.funnel.states
    known = {simplified(name) for name in states}
    other = frame["stage"].notna() & ~frame["stage"].map(lambda name: simplified(str(name)) in known)
    if not other.any():
        return config
    dates = frame.select_dtypes("datetime").drop(columns=["closed", "expected_close"], errors="ignore")
    now = max(dates.max().max(), frame.loc[frame["stage"].isin(states[-2:]), "closed"].max())
    passed = frame["closed"].notna() & (frame["closed"] <= now)
    share = passed[other].groupby(frame.loc[other, "stage"]).mean()
    ends = [name for name in share.index if share[name] >= MOSTLY and simplified(name) not in OPEN]
    if ends:
        rows = frame["stage"].isin(ends)
        counts = frame.loc[rows, "stage"].value_counts()
        raise FunnelError(
            "these have a day of closing, yet it cannot be told whether they mean open, won or lost",
            file=deals.file,
            column=deals.columns["stage"],
            count=int(rows.sum()),
            examples=[f"'{name}' ({count:,})" for name, count in counts.items()],
            remedy=f'Write won = "..." and lost = "{counts.index[0]}" under [funnel], or name it among stages.',
        )
    first = states[0]
    deals.note(other, "neither a stage nor won or lost", effect=f"taken as open, in '{first}'", show=frame["stage"])
    change = dict.fromkeys(frame.loc[other, "stage"].unique().tolist(), first)
    deals.frame = frame.assign(stage=frame["stage"].replace(change))
    column = deals.columns["stage"]
    replace = {**config.source.replace, column: {**config.source.replace.get(column, {}), **change}}
    return config.with_source(replace=replace)


def _need_stage(stages: list[str], file: str, column: str | None) -> tuple[str, ...]:
    if not stages:
        remedy = "Name the open stages in the funnel file: [funnel] stages = [...]."
        raise FunnelError("there is no open stage, only won and lost", file=file, column=column, remedy=remedy)
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
