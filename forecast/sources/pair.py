"""From stage rows, and rows of deals where there are any, to Tables: what all shapes with a history have in common."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from forecast.config import Config
from forecast.sources import assemble, dated, doubts, guess, ids, lookups, rows
from forecast.sources.columns import recognise
from forecast.sources.inputs import Inputs
from forecast.sources.quality import Sieve, among, ledger
from forecast.sources.readers import Raw
from forecast.sources.tables import Known, Tables

NEEDED = ("deal_id", "stage", "entered")
LATE = (Known.CLOSE, Known.WIN, Known.OVERWRITTEN)
NOT_OF_DEALS = ("closed", "stage", "entered", "is_won", "is_closed")
FROM_HISTORY = (*NEEDED, "amount", "currency", *("is_deleted", "is_won", "is_closed", "pipeline"), *dated.ENTERED)


def history_sieve(config: Config, inputs: Inputs, names: Mapping[str, tuple[str, ...]] | None = None) -> Sieve:
    """The stage rows under canonical names; of columns that deals have too, only what the stages need is kept."""
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    columns = recognise(raw.frame.columns, rows.declared(config, raw), raw.file, needed=NEEDED, names=names)
    columns.pop("closed", None)
    if "stage_history" in inputs and "deals" in inputs:
        columns = {name: columns[name] for name in FROM_HISTORY if name in columns}
    return rows.sieve(raw, columns, config)


def deals_sieve(config: Config, inputs: Inputs) -> Sieve | None:
    """The rows of deals where they are apart from the stage rows."""
    if not {"stage_history", "deals"} <= inputs.keys():
        return None
    raw = inputs["deals"]
    columns = recognise(raw.frame.columns, rows.declared(config, raw), raw.file, needed=["deal_id"])
    return rows.sieve(raw, {name: columns[name] for name in columns if name not in NOT_OF_DEALS}, config)


def finish(config: Config, history: Sieve, deals: Sieve | None, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from stage rows (deal_id, stage, entered and perhaps amount) and rows of deals; else the stage rows
    carry the columns of the deals.
    """
    raws = [inputs[role] for role in ("stage_history", "deals") if role in inputs]
    apart = deals is not None
    holder = history if deals is None else deals
    columns = {**history.columns, **holder.columns}
    if deals is not None:
        ids.align(history, deals)
    lookups.leave_out(config, inputs, [holder, history] if apart else [history])
    labels = lookups.stage_labels(config, inputs)
    rows.labelled(history, labels.names, config)
    _stage_rows(history, config)
    guessed = not config.funnel.stages
    config = guess.from_history(config, history, labels)
    rows.known_stages(history, config, history.columns["stage"])
    seen = rows.read_amount(history, history.columns, config)
    dated.read_probability(history)
    until = _timely(history, config)
    has_times = assemble.timed(history.frame["entered"])
    history.frame = assemble.in_order(history.frame, config.funnel.states, has_times)
    late = assemble.after_won(history.frame, config.funnel.won)
    again, reason = late & history.frame["stage"].eq(config.funnel.won), "a change after the deal was won"
    effect, show = "its first day and amount as won count", history.frame["deal_id"]
    history.set_aside(again, reason, effect=effect, show=show, wanted=True)
    late = assemble.after_won(history.frame, config.funnel.won)
    history.set_aside(late, "after the deal was won", effect="won is final", show=history.frame["deal_id"])
    history.refuse_if_empty()
    if deals is None:
        frame = _deals_within(history.frame, config)
    else:
        for mark, count in _deal_rows(deals, config).items():
            seen[mark] = seen.get(mark, 0) + count
        frame = deals.frame
        _same_currency(history, frame)
    paid = columns.get("currency", columns.get("amount"))
    currency = rows.one_currency(seen, config, holder.file, paid)
    frame, others, more, through = rows.joined(frame, holder, config)
    frame, parents, through_clients = lookups.clients(frame, holder, config, inputs)
    frame = _matched(frame, holder, history, apart)

    events = assemble.canonical_history(history.frame)
    changes = dated.changes(history.frame, config)
    frame = frame.drop(columns=[name for name in frame.columns if name in rows.INTERNAL])
    priced = bool(events["amount"].notna().any())
    if priced:
        frame = frame.assign(amount=frame["amount"].fillna(frame["deal_id"].map(_last_amount(events))))
    finished = assemble.canonical_deals(dated.with_last(frame, changes))
    through = {**through, **through_clients}
    known = assemble.knowledge(config, finished, events, (*changes, *(["amount"] if priced else [])), through)
    if priced and known["amount"] is Known.CHANGE and "amount" not in config.known:
        events = _undated_amounts(events, finished, holder)
    doubts.told(holder, finished, events, config, guessed=guessed)
    tables = Tables(
        deals=finished,
        stage_history=events,
        timed=has_times,
        known=known,
        dated=changes,
        ledger=ledger([*([] if deals is None else [deals]), history, *others]),
        recorded_from=assemble.recorded_from(config),
        recorded_until=until,
        until_declared=config.recording.until is not None,
        columns={**columns, **more, **parents},
        unused=_unused(raws, [history, holder]),
    )
    return config.with_funnel(currency=currency), tables


def _unused(raws: list[Raw], sieves: list[Sieve]) -> tuple[str, ...]:
    used = {column for sieve in sieves for column in sieve.columns.values()}
    return tuple(dict.fromkeys(name for raw in raws for name in raw.frame.columns if name not in used))


def _stage_rows(history: Sieve, config: Config) -> None:
    """Check the stage rows and their dates; a row that cannot be used takes its deal with it."""
    rows.drop_unnamed(history)
    rows.drop_same(history)
    deal = history.frame["deal_id"]
    history.set_aside(history.frame["stage"].isna(), "no stage", effect=rows.WHOLE_DEAL, show=deal)
    dates = [name for name in ("entered", "created", "expected_close") if name in history.frame]
    rows.read_dates(history, history.columns, config, dates)
    history.set_aside(history.frame["entered"].isna(), "no date of entering", effect=rows.WHOLE_DEAL, show=deal)
    history.refuse_if_empty()
    _whole_deals(history, deal)


def _whole_deals(history: Sieve, deal: pd.Series) -> None:
    """Set aside what is left of deals of which a row (in `deal`) is gone."""
    if len(deal) > len(history.frame):
        gap = among(history.frame["deal_id"], deal[~deal.index.isin(history.frame.index)])
        reason = "another row of its deal cannot be used"
        history.set_aside(gap, reason, effect=rows.WHOLE_DEAL, show=history.frame["deal_id"])
    history.refuse_if_empty()


def _timely(history: Sieve, config: Config) -> pd.Timestamp:
    """Leave out what is years before all else or after the last recorded day; return the day after that."""
    assemble.set_mistyped_aside(history, config)
    until = assemble.recorded_until(config, history.frame["entered"])
    later = history.frame["entered"] >= until
    reason = f"after the last recorded day ({until - assemble.DAY:%Y-%m-%d})"
    history.set_aside(later, reason, effect="the deal counts as it stood then", show=history.frame["entered"])
    history.refuse_if_empty()
    return until


def _deal_rows(deals: Sieve, config: Config) -> dict[str, int]:
    rows.drop_unnamed(deals)
    rows.drop_repeats(deals, deals.columns)
    dates = [name for name in ("created", "expected_close") if name in deals.frame]
    rows.read_dates(deals, deals.columns, config, dates)
    deals.refuse_if_empty()
    dated.read_probability(deals)
    return rows.read_amount(deals, deals.columns, config)


def _same_currency(history: Sieve, deals: pd.DataFrame) -> None:
    """Convert amounts of stage rows that name no currency as those of their deals were."""
    if rows.WORTH in deals and rows.WORTH not in history.frame:
        worth = history.frame["deal_id"].map(deals.set_index("deal_id")[rows.WORTH]).fillna(1.0)
        history.frame = history.frame.assign(amount=history.frame["amount"] * worth)


def _deals_within(history: pd.DataFrame, config: Config) -> pd.DataFrame:
    """One row per deal from stage rows in order: the first value of a column, the last where it is known
    late.

    The amounts are left to the stage rows: the last one is filled in later.
    """
    first = history.drop_duplicates("deal_id").drop(columns=["stage", "entered"])
    late = [name for name, known in config.known.items() if known in LATE and name in first and name != "amount"]
    for name in late:
        last = history[["deal_id", name]].dropna().drop_duplicates("deal_id", keep="last").set_index("deal_id")[name]
        first = first.assign(**{name: first["deal_id"].map(last)})
    return first.assign(amount=float("nan"))


def _last_amount(events: pd.DataFrame) -> pd.Series:
    there = events[["deal_id", "amount"]].dropna().drop_duplicates("deal_id", keep="last")
    return there.set_index("deal_id")["amount"]


def _undated_amounts(events: pd.DataFrame, deals: pd.DataFrame, holder: Sieve) -> pd.DataFrame:
    """Deals of which no stage row has an amount, though those of others have: theirs counts from the beginning."""
    dated = among(deals["deal_id"], events.loc[events["amount"].notna(), "deal_id"])
    undated = deals.loc[~dated & deals["amount"].notna(), ["deal_id", "amount"]]
    if undated.empty:
        return events
    mine = among(holder.frame["deal_id"], undated["deal_id"])
    told = "amount without a date, though other deals have dated ones"
    holder.note(mine, told, effect="taken as known from the beginning", show=holder.frame["deal_id"])
    first = ~events["deal_id"].duplicated() & among(events["deal_id"], undated["deal_id"])
    amount = events.loc[first, "deal_id"].map(undated.set_index("deal_id")["amount"])
    return events.assign(amount=events["amount"].where(~first, amount.reindex(events.index)))


def _matched(frame: pd.DataFrame, deals: Sieve, history: Sieve, apart: bool) -> pd.DataFrame:
    """Deals with stage rows and stage rows with deals, created before the first of them."""
    events = history.frame
    if apart:
        alone = ~among(frame["deal_id"], events["deal_id"])
        deals.set_aside(alone, f"no usable stage in {history.file}", effect=rows.WHOLE_DEAL, show=frame["deal_id"])
        frame = frame[~alone]
    created, too_late = assemble.created_or_first(frame, assemble.first_entered(events))
    frame = frame.assign(created=created)
    if apart:
        reason = "entered a stage before it was created (exit before entry)"
        deals.set_aside(too_late, reason, effect=rows.WHOLE_DEAL, show=created)
    frame = frame[~too_late]
    deals_file = deals.file if apart else "it was entered before it was created (exit before entry)"
    reason = f"its deal is not among those used of {deals_file}" if apart else f"the deal is not used: {deals_file}"
    stray = ~among(events["deal_id"], frame["deal_id"])
    history.set_aside(stray, reason, effect=rows.WHOLE_DEAL, show=events["deal_id"])
    deals.refuse_if_empty()
    history.refuse_if_empty()
    return frame
