"""Deals as they stood on many days: snapshots of all deals, or versions of each one with the time of every change.

A stage is entered on the day of the first row that has it: several changes between two snapshots look like one. A
deal that is in the very first snapshot had begun earlier, nothing tells when: exits are on record from the day after.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.sources import guess, lookups, pair, rows, values
from forecast.sources.dated import ENTERED
from forecast.sources.inputs import Inputs
from forecast.sources.names import ALIASES, simplified
from forecast.sources.quality import Sieve, among
from forecast.sources.tables import Tables

TAKEN = (
    "snapshot date",
    "snapshot",
    "snapshot at",
    "snapshot day",
    "as of",
    "as of date",
    "export date",
    "report date",
)
SINCE = ("fivetran start", "dlt valid from", "dbt valid from", "valid from")
OUTCOME_DAY = ("close date", "closed date", "closedate", "closed", "closed at")
DAY = pd.Timedelta(days=1)


def are_snapshots(config: Config, inputs: Inputs) -> bool:
    return bool(_words(inputs) & set(TAKEN)) and bool(_words(inputs) & set(ALIASES["stage"]))


def are_versions(config: Config, inputs: Inputs) -> bool:
    words = _words(inputs)
    return bool(words & set(SINCE)) and bool(words & set(ALIASES["stage"])) and "value" not in words


def read_snapshots(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from rows (deal, day, stage, ...). A deal that is missing from a later snapshot, and was neither won nor
    lost, was deleted: it is taken as lost on that day.
    """
    history = _sieve(config, inputs, TAKEN)
    _one_a_day(history)
    taken = np.unique(history.frame["entered"].to_numpy())
    first, last = pd.Timestamp(taken[0]), pd.Timestamp(taken[-1])
    created = history.frame.get("created")
    labels = lookups.stage_labels(config, inputs)
    rows.labelled(history, labels.names, config)
    config = guess.outcomes(config, history, labels)
    gone = _vanished(history, taken, config)
    _changes(history)
    if created is not None:
        begun = ~history.frame["deal_id"].duplicated()
        day = history.frame["entered"]
        index = np.maximum(np.searchsorted(taken, day.to_numpy()) - 1, 0)
        since = history.frame["created"].dt.normalize()
        between = begun & (since > pd.Series(taken[index], index=day.index)) & (since < day)
        history.frame = history.frame.assign(entered=day.where(~between, since))
    history.frame = pd.concat([history.frame, gone])
    there = history.frame["entered"].eq(first)
    ended = there & history.frame["stage"].isin([config.funnel.won, config.funnel.lost])
    effect = "how long it had been in its stage is not known: it counts from that day"
    history.note(there & ~ended, "in the first snapshot already", effect=effect, show=history.frame["deal_id"])
    effect = "when it was closed is not known: counted as won or lost on that day, before exits are on record"
    history.note(ended, "closed in the first snapshot already", effect=effect, show=history.frame["deal_id"])
    config = _recorded_from(config, first + DAY)
    if config.recording.until is None:
        recording = config.recording.model_copy(update={"until": last.date()})
        config = config.model_copy(update={"recording": recording})
    return pair.finish(config, history, pair.deals_sieve(config, inputs), inputs)


def read_versions(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from versions. A deal that is closed in its first version was closed on its day of closing. Deals that
    are older than their first version, on the first day of all, were there when the copying began.
    """
    history = _sieve(config, inputs, SINCE)
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    _changes(history)
    begin = history.frame["entered"].min().normalize()
    if "created" in history.frame:
        there = history.frame["entered"].dt.normalize().eq(begin) & (history.frame["created"] < begin)
        effect = "how long it had been in its stage is not known: it counts from that day"
        history.note(there, "older than the first versions", effect=effect, show=history.frame["deal_id"])
        config = _recorded_from(config, begin + DAY) if there.any() else config
    day = next((name for name in raw.frame.columns if simplified(name) in OUTCOME_DAY), None)
    if day is not None and "is_closed" in history.frame:
        known = history.frame.index[history.frame.index >= 0]
        closed = values.dates(raw.frame[day].loc[known], zone=config.source.timezone).reindex(history.frame.index)
        first = ~history.frame["deal_id"].duplicated() & lookups.truth(history.frame["is_closed"])
        earlier = first & (closed < history.frame["entered"])
        effect = "closed on its day of closing; in which stages it had been is not known"
        history.note(earlier, "closed before its first version", effect=effect, show=history.frame["deal_id"])
        history.frame = history.frame.assign(entered=history.frame["entered"].where(~earlier, closed))
    return pair.finish(config, history, pair.deals_sieve(config, inputs), inputs)


def _one_a_day(history: Sieve) -> None:
    """Of several rows of a deal on one day the last one counts, for a snapshot shows a day; `history` is in order."""
    day, ids = history.frame["entered"].dt.normalize(), history.frame["deal_id"]
    history.frame = history.frame.assign(entered=day)
    earlier = history.frame.duplicated(["deal_id", "entered"], keep="last")
    effect, column = "the last one in the file counts", history.columns["entered"]
    history.set_aside(earlier, f"another row of the deal on this day, by '{column}'", effect=effect, show=ids)


def _recorded_from(config: Config, first: pd.Timestamp) -> Config:
    """Exits are on record from this day, unless the funnel file says otherwise."""
    if config.recording.from_ is not None:
        return config
    recording = config.recording.model_copy(update={"from_": first.date()})
    return config.model_copy(update={"recording": recording})


def _vanished(history: Sieve, taken: np.ndarray, config: Config) -> pd.DataFrame:
    """Rows (with negative numbers) for deals that later snapshots do not hold: lost on the day of the next one.

    Raises FunnelError where snapshots hold open deals only, for then nothing tells who was won.
    """
    last = history.frame.drop_duplicates("deal_id", keep="last")
    won, lost = config.funnel.won, config.funnel.lost
    gone = last[(last["entered"] < taken[-1]) & ~last["stage"].isin([won, lost])]
    if gone.empty:
        return pd.DataFrame(gone)
    rows_of = among(history.frame["deal_id"], gone["deal_id"])
    if not history.frame["stage"].eq(won).any():
        raise FunnelError(
            "deals vanish from the snapshots, and none is ever shown as won",
            file=history.file,
            count=int(rows_of.sum()),
            examples=gone["deal_id"].head(3),
            remedy="Take snapshots that hold closed deals as well, or say which stage means won: [funnel] won.",
        )
    effect = f"taken as deleted, and so as lost ({lost}), on the day of the next snapshot"
    single = rows_of & ~history.frame["deal_id"].duplicated()
    history.note(single, "missing from later snapshots while open", effect=effect, show=history.frame["deal_id"])
    day = taken[np.searchsorted(taken, gone["entered"].to_numpy(), side="right")]
    stage = pd.Series(lost, index=gone.index, dtype="str")
    ended = pd.DataFrame({"deal_id": gone["deal_id"], "stage": stage, "entered": day})
    return ended.set_axis(-1 - np.arange(len(ended)), axis=0)


def _words(inputs: Inputs) -> set[str]:
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    return {simplified(name) for name in raw.frame.columns}


def _sieve(config: Config, inputs: Inputs, dates: tuple[str, ...]) -> Sieve:
    """The rows with the date of each as `entered`, in order of deal and date."""
    expected = (*ALIASES["expected_close"], *OUTCOME_DAY)
    names: Mapping[str, tuple[str, ...]] = {**ALIASES, "entered": dates, "closed": (), "expected_close": expected}
    history = pair.history_sieve(config, inputs, names)
    rows.drop_unnamed(history)
    rows.drop_same(history)
    wanted = [name for name in ("entered", "created", "expected_close") if name in history.frame]
    rows.read_dates(history, history.columns, config, wanted)
    ids = history.frame["deal_id"]
    history.set_aside(history.frame["entered"].isna(), "no date", effect="the row is left out", show=ids)
    history.refuse_if_empty()
    order = np.lexsort((history.frame["entered"].to_numpy(), pd.factorize(history.frame["deal_id"], sort=True)[0]))
    history.frame = history.frame.iloc[order]
    return history


def _changes(history: Sieve) -> None:
    """Keep rows in which something differs from the row before of the same deal; the others tell nothing new."""
    frame = history.frame
    new = frame["deal_id"].ne(frame["deal_id"].shift())
    for name in ("stage", "amount", *ENTERED):
        if name in frame:
            before = frame[name].shift()
            new |= frame[name].ne(before) & ~(frame[name].isna() & before.isna())
    history.absorb(frame[new])
