"""Event logs: one row per activity of a case, as CSV (case:concept:name, concept:name, time:timestamp) or XES.

[source.activities] says which activity enters which stage; the others are no stages, and set aside. Where a log
tells the phases of an activity apart, the one that completes it counts; "ACTIVITY:PHASE" names another one.
"""

from __future__ import annotations

from forecast.config import Config
from forecast.sources import pair, rows
from forecast.sources.columns import recognise
from forecast.sources.inputs import Inputs
from forecast.sources.names import simplified
from forecast.sources.quality import Sieve
from forecast.sources.tables import Tables

PHASE = ("lifecycle transition", "lifecycle")
COMPLETE = "complete"


def fits(config: Config, inputs: Inputs) -> bool:
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    words = {simplified(name) for name in raw.frame.columns}
    return bool(config.source.activities) or {"concept name", "time timestamp"} <= words


def read(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from the events whose activity enters a stage."""
    config = _known_ends(config)
    history = pair.history_sieve(config, inputs)
    _completed(history, inputs, config)
    activities = dict(config.source.activities)
    if activities:
        column = history.columns["stage"]
        spelled = {simplified(name): name for name in activities}
        there = {name: spelled.get(simplified(str(name))) for name in history.frame["stage"].dropna().unique()}
        none = history.frame["stage"].isin([name for name, meant in there.items() if meant is None])
        reason, show = f"no activity that [source.activities] names, in '{column}'", history.frame["stage"]
        history.set_aside(none, reason, effect="enters no stage", show=show, wanted=True)
        stages = {name: activities[meant] for name, meant in there.items() if meant is not None}
        history.frame = history.frame.assign(stage=history.frame["stage"].replace(stages))
        history.refuse_if_empty()
    _once(history, config)
    return pair.finish(config, history, pair.deals_sieve(config, inputs), inputs)


def _once(history: Sieve, config: Config) -> None:
    """Of stages that are entered once, only the first event counts."""
    if not config.source.once:
        return
    rows.read_dates(history, history.columns, config, ["entered"])
    ordered = history.frame.sort_values("entered", kind="stable")
    again = ordered.duplicated(["deal_id", "stage"]).reindex(history.frame.index)
    again &= history.frame["stage"].isin(config.source.once)
    reason, show = "the stage is entered once only, and was before", history.frame["stage"]
    history.set_aside(again, reason, effect="no return to it", show=show, wanted=True)


def _known_ends(config: Config) -> Config:
    """Where activities lead to all of a funnel's stages, its won and lost are as declared, or as usual."""
    if not config.source.activities:
        return config
    return config.with_funnel(won=config.funnel.won, lost=config.funnel.lost)


def _completed(history: Sieve, inputs: Inputs, config: Config) -> None:
    """Leave out what does not complete its activity; a phase that is asked for becomes part of the activity."""
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    found = recognise(raw.frame.columns, {}, raw.file, names={"phase": PHASE})
    if "phase" not in found:
        return
    phase = raw.frame[found["phase"]].loc[history.frame.index].str.casefold()
    history.columns["lifecycle"] = found["phase"]
    asked = {name.casefold(): name for name in config.source.activities}
    both = (history.frame["stage"] + ":" + phase).str.casefold()
    named = both.isin(list(asked))
    history.frame = history.frame.assign(stage=history.frame["stage"].mask(named, both.map(asked)))
    if phase.eq(COMPLETE).any():
        other = phase.notna() & phase.ne(COMPLETE) & ~named
        reason = f"not the completion of its activity, by '{found['phase']}'"
        history.set_aside(other, reason, effect="its completion counts", show=phase, wanted=True)
        history.refuse_if_empty()
