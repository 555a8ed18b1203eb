"""One row per deal, with a date per stage; or with only created, closed and outcome."""

from __future__ import annotations

import pandas as pd

from forecast.config import Config
from forecast.sources import assemble, dated, doubts, guess, lookups, rows
from forecast.sources.columns import missing, recognise, stage_of_column
from forecast.sources.inputs import Inputs
from forecast.sources.quality import Sieve, among, ledger
from forecast.sources.readers import Raw
from forecast.sources.tables import Tables

OUTCOME = ("stage", "closed")
ENTERED = "entered:"  # prefix of the columns that hold a stage's date, so that no stage's name meets a column's


def fits(config: Config, inputs: Inputs) -> bool:
    """Any table with a row per deal: the shape that is left, which says what it lacks."""
    return True


def only_closed(config: Config, inputs: Inputs) -> bool:
    """No date of any stage, only those of creation and closing."""
    if config.source.stage_dates:
        return False
    raw = inputs["deals"]
    found = recognise(raw.frame.columns, rows.declared(config, raw), raw.file)
    if not {"stage", "closed", "created"} <= found.keys() and config.source.outcome is None:
        return False
    return not any(stage_of_column(c) for c in raw.frame.columns if c not in found.values())


def read(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from one row per deal: dates per stage and, unless won and lost have dates, the outcome's column."""
    raw = inputs["deals"]
    labels = lookups.stage_labels(config, inputs)
    unsaid = not config.funnel.stages
    config = guess.from_columns(config, raw, labels)
    columns = _columns(config, raw)
    deals = rows.sieve(raw, columns, config)
    lookups.leave_out(config, inputs, [deals])
    rows.labelled(deals, labels.names, config)
    rows.drop_unnamed(deals)
    rows.drop_repeats(deals, columns)
    dates = [name for name in columns if name in ("created", "closed", "expected_close") or name.startswith(ENTERED)]
    rows.read_dates(deals, columns, config, dates)
    deals.refuse_if_empty()
    dated.read_probability(deals)
    seen = rows.read_amount(deals, columns, config)
    currency = rows.one_currency(seen, config, raw.file, columns.get("currency", columns.get("amount")))
    _dated(deals, config)
    deals.refuse_if_empty()
    if "stage" in deals.frame:
        config = guess.outcomes(config, deals, labels)
        if unsaid:
            config = guess.open_words(config, deals)
        rows.known_stages(deals, config, columns["stage"])
        _outcomes(deals, config)
    deals.refuse_if_empty()
    history = _events(deals.frame, config)
    history = _plausible(deals, history, config)
    until = assemble.recorded_until(config, history["entered"])
    history = _recorded(deals, history, until)
    deals.refuse_if_empty()
    has_times = assemble.timed(history["entered"])
    history = assemble.in_order(history, config.funnel.states, has_times)
    created, too_late = assemble.created_or_first(deals.frame, assemble.first_entered(history))
    deals.frame = deals.frame.assign(created=created)
    deals.set_aside(too_late, "entered a stage before it was created", effect=rows.WHOLE_DEAL, show=created)
    deals.refuse_if_empty()
    history = history[among(history["deal_id"], deals.frame["deal_id"])]
    history = history[~assemble.after_won(history, config.funnel.won)]
    _against_order(deals, history, config)

    frame, others, more, through = rows.joined(deals.frame, deals, config)
    frame, parents, through_clients = lookups.clients(frame, deals, config, inputs)
    internal = [name for name in frame.columns if name.startswith(ENTERED) or name in (*rows.INTERNAL, *OUTCOME)]
    finished = assemble.canonical_deals(frame.drop(columns=internal))
    events = assemble.canonical_history(history)
    doubts.told(deals, finished, events, config, guessed=unsaid)
    tables = Tables(
        deals=finished,
        stage_history=events,
        timed=has_times,
        known=assemble.knowledge(config, finished, events, (), {**through, **through_clients}),
        ledger=ledger([deals, *others]),
        recorded_from=assemble.recorded_from(config),
        recorded_until=until,
        until_declared=config.recording.until is not None,
        columns={**{_shown(name): column for name, column in columns.items()}, **more, **parents},
        unused=tuple(name for name in raw.frame.columns if name not in columns.values()),
    )
    return config.with_funnel(currency=currency), tables


def _shown(name: str) -> str:
    return f"entered {name.removeprefix(ENTERED)}" if name.startswith(ENTERED) else name


def _columns(config: Config, raw: Raw) -> dict[str, str]:
    """Canonical name -> column, with 'entered:STAGE' for the stages' dates and stage and closed for the
    outcome.
    """
    there = list(raw.frame.columns)
    dated = {f"{ENTERED}{stage}": column for stage, column in config.source.stage_dates.items()}
    outcome = config.source.outcome
    ended = {} if outcome is None else {"stage": outcome.column, "closed": outcome.date}
    stated = {**rows.declared(config, raw), **ended}
    for name, column in {**dated, **stated}.items():
        if column not in there:
            raise missing(_shown(name), there, raw.file, column)
    found = recognise([c for c in there if c not in dated.values()], stated, raw.file, needed=["deal_id"])
    created = next((c for c in dated.values() if c == stated.get("created")), None)
    if created is not None:  # the same column can be both the day of creation and the date of the first stage
        found["created"] = created
    if outcome is None:
        found.pop("closed", None)
        found.pop("stage", None)
    found.pop("entered", None)
    return {**found, **dated}


def _dated(deals: Sieve, config: Config) -> None:
    """Every deal needs the date of an open stage: without it nothing tells when it existed."""
    dates = [f"{ENTERED}{stage}" for stage in config.funnel.stages if f"{ENTERED}{stage}" in deals.frame]
    undated = deals.frame[dates].isna().all(axis=1)
    effect = "the deal is left out; it may still be open"
    show = deals.frame["stage"].fillna("no stage") if "stage" in deals.frame else None
    deals.set_aside(undated, "no date: when this deal existed cannot be told", effect=effect, show=show)


def _outcomes(deals: Sieve, config: Config) -> None:
    """Won and lost deals need the date on which they were closed, not before they entered a stage."""
    won, lost = config.funnel.won, config.funnel.lost
    for outcome in (won, lost):  # the date of entering it counts more than a day of closing that may be edited
        if (name := f"{ENTERED}{outcome}") in deals.frame:
            ended = deals.frame["stage"].eq(outcome) & deals.frame[name].notna()
            closed = deals.frame["closed"].where(~ended, deals.frame[name])
            deals.frame = deals.frame.assign(closed=closed, **{name: deals.frame[name].where(~ended)})
    dates = [name for name in deals.frame.columns if name.startswith(ENTERED)]
    unnamed = deals.frame["stage"].isna() & deals.frame["closed"].notna()
    deals.set_aside(unnamed, "closed, but neither won nor lost", effect=rows.WHOLE_DEAL, show=deals.frame["closed"])
    ended = deals.frame["stage"].isin([won, lost])
    undated = ended & deals.frame["closed"].isna()
    deals.set_aside(undated, "won or lost, but no date of closing", effect=rows.WHOLE_DEAL, show=deals.frame["stage"])
    frame = deals.frame
    ended = frame["stage"].isin([won, lost])
    last = frame[dates].max(axis=1)
    same_day = ended & (frame["closed"] < last) & (frame["closed"] == last.dt.normalize())
    frame = frame.assign(closed=frame["closed"].where(~same_day, last))  # a date without a time, beside times
    deals.frame = frame
    early = ended & (frame["closed"] < last)
    pairs = last.dt.strftime("entered %Y-%m-%d") + frame["closed"].dt.strftime(", closed %Y-%m-%d")
    deals.set_aside(early, "closed before it entered a stage (exit before entry)", effect=rows.WHOLE_DEAL, show=pairs)
    expected = ~deals.frame["stage"].isin([won, lost]) & deals.frame["closed"].notna()
    effect = "not used: taken for the day on which it is expected to close"
    deals.note(expected, "open, yet it has a date of closing", effect=effect, show=deals.frame["closed"])


def _events(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """deal_id, stage, entered, amount (unknown here), and the row number as index; stages in funnel order."""
    won, lost = config.funnel.won, config.funnel.lost
    parts = []
    for stage in config.funnel.states:
        if f"{ENTERED}{stage}" in frame:
            entered = frame[f"{ENTERED}{stage}"].dropna()
            parts.append(_rows_of(frame, entered, stage))
    if "stage" in frame:
        for outcome in (won, lost):
            parts.append(_rows_of(frame, frame.loc[frame["stage"] == outcome, "closed"], outcome))
    return pd.concat(parts)


def _rows_of(frame: pd.DataFrame, entered: pd.Series, stage: str) -> pd.DataFrame:
    ids = frame.loc[entered.index, "deal_id"]
    named = pd.Series(stage, index=entered.index, dtype="str")
    return pd.DataFrame({"deal_id": ids, "stage": named, "entered": entered, "amount": float("nan")})


def _plausible(deals: Sieve, history: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Without the deals that have a date years before all others."""
    early = history.index[assemble.mistyped(history["entered"]).to_numpy()]
    if len(early) and config.recording.from_ is None:
        bad = pd.Series(deals.frame.index.isin(early), index=deals.frame.index)
        show = history["entered"].groupby(level=0).min().reindex(deals.frame.index).dt.strftime("%Y-%m-%d")
        reason = "a date that lies years before all others"
        deals.set_aside(bad, reason, effect="taken for mistyped: the deal is left out", show=show)
        history = history[~history.index.isin(early)]
    assemble.refuse_if_long(history["entered"], config, deals.file, None)
    return history


def _recorded(deals: Sieve, history: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Events up to the last recorded day; a deal with none of them left is set aside."""
    later = history["entered"] >= until
    kept = history[~later]
    last_day = f"{until - assemble.DAY:%Y-%m-%d}"
    none = ~among(deals.frame["deal_id"], kept["deal_id"])
    touched = pd.Series(deals.frame.index.isin(history.index[later.to_numpy()]), index=deals.frame.index)
    last = history["entered"].groupby(level=0).max()
    show = last.reindex(deals.frame.index)
    effect = "the deal counts as it stood on that day"
    deals.note(touched & ~none, f"has a date after the last recorded day ({last_day})", effect=effect, show=show)
    deals.set_aside(none, f"begins after the last recorded day ({last_day})", effect=rows.WHOLE_DEAL, show=show)
    return kept


def _against_order(deals: Sieve, history: pd.DataFrame, config: Config) -> None:
    place = pd.Series(pd.Categorical(history["stage"], categories=config.funnel.states).codes, index=history.index)
    back = (place.groupby(history["deal_id"], sort=False).diff() < 0).groupby(level=0).any()
    moved = pd.Series(deals.frame.index.isin(back.index[back.to_numpy()]), index=deals.frame.index)
    effect = "taken as returns to an earlier stage"
    deals.note(moved, "dates are not in the order of the stages", effect=effect, show=deals.frame["deal_id"])
