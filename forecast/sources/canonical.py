"""The canonical pair, deals and stage_history; or both in one file with a row per stage entered."""

from __future__ import annotations

import pandas as pd

from forecast.config import Config
from forecast.sources import assemble, rows
from forecast.sources.columns import recognise
from forecast.sources.quality import Sieve, among, ledger
from forecast.sources.readers import Raw
from forecast.sources.tables import Known, Tables

NEEDED = ("deal_id", "stage", "entered")
LATE = (Known.CLOSE, Known.OVERWRITTEN)


def read(config: Config, history_raw: Raw, deals_raw: Raw | None) -> tuple[Config, Tables]:
    """Tables from stage rows and, where there is one, the file of deals (else the stage rows carry the
    columns).
    """
    stated = rows.declared(config, history_raw)
    columns = recognise(history_raw.frame.columns, stated, history_raw.file, needed=NEEDED)
    columns.pop("closed", None)
    if deals_raw is not None:
        columns = {name: columns[name] for name in (*NEEDED, "amount", "currency") if name in columns}
    history = rows.sieve(history_raw, columns, config)
    seen = _stage_rows(history, columns, config)
    until = assemble.recorded_until(config, history.frame["entered"])
    last_day = f"{until - assemble.DAY:%Y-%m-%d}"
    later = history.frame["entered"] >= until
    reason = f"after the last recorded day ({last_day})"
    history.set_aside(later, reason, effect="the deal counts as it stood then", show=history.frame["entered"])
    has_times = assemble.timed(history.frame["entered"])
    history.frame = assemble.in_order(history.frame, config.funnel.states, has_times)
    late = assemble.after_won(history.frame, config.funnel.won)
    history.set_aside(late, "after the deal was won", effect="won is final", show=history.frame["deal_id"])
    history.refuse_if_empty()

    if deals_raw is None:
        deals, deal_columns = history, columns
        frame = _deals_within(history.frame, config)
    else:
        stated = rows.declared(config, deals_raw)
        deal_columns = recognise(deals_raw.frame.columns, stated, deals_raw.file, needed=["deal_id"])
        for name in ("closed", "stage", "entered"):
            deal_columns.pop(name, None)
        deals = rows.sieve(deals_raw, deal_columns, config)
        for mark, count in _deal_rows(deals, deal_columns, config).items():
            seen[mark] = seen.get(mark, 0) + count
        frame = deals.frame
    paid = deal_columns.get("currency", deal_columns.get("amount", columns.get("amount")))
    currency = rows.one_currency(seen, config, deals.file, paid)
    frame, others, more, through = rows.joined(frame, deals, config)
    frame = _matched(frame, deals, history, deals_raw is not None)

    events = assemble.canonical_history(history.frame)
    dated_amounts = bool(events["amount"].notna().any())
    if dated_amounts:
        frame = frame.assign(amount=frame["amount"].fillna(frame["deal_id"].map(_last_amount(events))))
    finished = assemble.canonical_deals(frame)
    used = {**columns, **deal_columns}
    known = assemble.knowledge(config, finished, assemble.closed(finished, events, config), dated_amounts, through)
    seen_columns = [*history_raw.frame.columns, *([] if deals_raw is None else deals_raw.frame.columns)]
    tables = Tables(
        deals=finished,
        stage_history=events,
        timed=has_times,
        known=known,
        ledger=ledger([*([] if deals_raw is None else [deals]), history, *others]),
        recorded_from=assemble.recorded_from(config),
        recorded_until=until,
        columns={**used, **more},
        unused=tuple(c for c in dict.fromkeys(seen_columns) if c not in (*columns.values(), *deal_columns.values())),
    )
    return config.with_funnel(currency=currency), tables


def _stage_rows(history: Sieve, columns: dict[str, str], config: Config) -> dict[str, int]:
    """Check the stage rows; a row that cannot be used takes its deal with it. Returns the currencies seen."""
    rows.drop_unnamed(history)
    again = history.frame.duplicated()
    history.set_aside(again, "repeats another row", effect="one of them is kept", show=history.frame["deal_id"])
    ids = history.frame["deal_id"]
    history.set_aside(history.frame["stage"].isna(), "no stage", effect=rows.WHOLE_DEAL, show=ids)
    dates = [name for name in ("entered", "created", "expected_close") if name in columns]
    rows.read_dates(history, columns, config, dates)
    history.set_aside(history.frame["entered"].isna(), "no date of entering", effect=rows.WHOLE_DEAL, show=ids)
    history.refuse_if_empty()
    rows.known_stages(history, config, columns["stage"])
    seen = rows.read_amount(history, columns, config)
    gone = ids[~ids.index.isin(history.frame.index)]
    gap = among(history.frame["deal_id"], gone)
    history.set_aside(
        gap, "another row of its deal cannot be used", effect=rows.WHOLE_DEAL, show=history.frame["deal_id"]
    )
    history.refuse_if_empty()
    return seen


def _deal_rows(deals: Sieve, columns: dict[str, str], config: Config) -> dict[str, int]:
    rows.drop_unnamed(deals)
    rows.drop_repeats(deals, columns)
    rows.read_dates(deals, columns, config, [name for name in ("created", "expected_close") if name in columns])
    deals.refuse_if_empty()
    seen = rows.read_amount(deals, columns, config)
    deals.refuse_if_empty()
    return seen


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
