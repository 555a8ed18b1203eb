"""One row per change of a field: Salesforce's OpportunityFieldHistory, HubSpot's history of properties.

HubSpot's begins with the first value. Salesforce's begins when tracking was switched on, and with the first change:
the stage before it is the old value, held since the deal was created, and a deal without any change has been in its
stage ever since. Exits are on record from the first change in the file.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.sources import pair, rows
from forecast.sources.columns import PREFIXES, recognise
from forecast.sources.ids import align
from forecast.sources.inputs import Inputs
from forecast.sources.names import ALIASES, end_meant, unaccented
from forecast.sources.quality import among
from forecast.sources.salesforce import deals as opportunities
from forecast.sources.tables import Tables

NAMES = {
    "deal_id": ("opportunity id", "deal id", "object id", "record id"),
    "field": ("field", "field name", "property name", "property", "name"),
    "old": ("old value", "old"),
    "stage": ("new value", "new", "value"),
    "entered": ("created date", "timestamp", "changed at", "change date", "edit date", "date"),
}
# Column of the stage rows -> fields that change it.
FIELDS = {
    "stage": ("stage name", "stage", "dealstage", "deal stage"),
    "amount": ("amount", "deal amount", "value"),
    "expected_close": ("close date", "closedate", *ALIASES["expected_close"]),
    **{name: ALIASES[name] for name in ("probability", "forecast_category")},
}
COLUMN_OF = {field: name for name, fields in FIELDS.items() for field in fields}


def fits(config: Config, inputs: Inputs) -> bool:
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    return {"deal_id", "field", "stage", "entered"} <= recognise(raw.frame.columns, {}, raw.file, names=NAMES).keys()


def read(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from the changes of the stage and, where they are kept, of the amount and what sellers expect."""
    raw = inputs["stage_history"] if "stage_history" in inputs else inputs["deals"]
    needed = ("deal_id", "field", "stage", "entered")
    columns = recognise(raw.frame.columns, rows.declared(config, raw), raw.file, needed=needed, names=NAMES)
    history = rows.sieve(raw, {name: columns[name] for name in (*needed, "old") if name in columns}, config)
    rows.drop_unnamed(history)
    deals = opportunities(config, inputs)
    if deals is not None:
        align(history, deals)
    meant, show = history.frame["field"].map(_column, na_action="ignore"), history.frame["field"]
    history.set_aside(meant.isna(), "a change of another field", effect="not needed", show=show, wanted=True)
    history.refuse_if_empty()
    rows.read_dates(history, history.columns, config, ["entered"])
    history.set_aside(history.frame["entered"].isna(), "no date", effect="the change is left out")
    history.refuse_if_empty()
    meant, value = meant.loc[history.frame.index], history.frame["stage"]
    kept = [name for name in FIELDS if name == "stage" or meant.eq(name).any()]
    frame = history.frame.assign(**{name: value.where(meant.eq(name)) for name in kept})
    if "old" in frame:
        if config.recording.from_ is None and meant.eq("stage").any():
            first = frame.loc[meant.eq("stage"), "entered"].min().normalize()
            recording = config.recording.model_copy(update={"from_": first.date()})
            config = config.model_copy(update={"recording": recording})
        frame = pd.concat([_beginnings(frame, meant, config, inputs), frame])
    history.columns.update(dict.fromkeys(kept, columns["stage"]))
    ids = pd.factorize(frame["deal_id"], sort=True)[0]
    # of changes at one time the stage comes first: the amount is that of the deal in its new stage
    order = np.lexsort((frame["stage"].isna().to_numpy(), frame["entered"].to_numpy(), ids))
    frame = frame.iloc[order].drop(columns=["field", "old"], errors="ignore")
    by_deal = frame["deal_id"]
    history.frame = frame.assign(**frame.groupby(by_deal, sort=False)[kept].ffill())
    nowhere = ~among(frame["deal_id"], frame.loc[frame["stage"].notna(), "deal_id"])
    history.set_aside(nowhere, "no change of the stage of its deal", effect=rows.WHOLE_DEAL, show=frame["deal_id"])
    once = ~history.frame.duplicated(["deal_id", "entered", "stage"], keep="last")
    history.absorb(history.frame[history.frame["stage"].notna() & once])
    history.refuse_if_empty()
    return pair.finish(config, history, deals, inputs)


def _column(field: str) -> str | None:
    words = unaccented(field)
    return COLUMN_OF.get(words) or COLUMN_OF.get(PREFIXES.sub("", words))


def _beginnings(frame: pd.DataFrame, meant: pd.Series, config: Config, inputs: Inputs) -> pd.DataFrame:
    """Rows (with negative numbers) for what was before the first change of each deal, from the day of creation.
    `meant`: which column each change is one of; what is never changed in the file is not tracked.
    """
    if not {"stage_history", "deals"} <= inputs.keys():
        return frame.iloc[:0]
    raw = inputs["deals"]
    found = recognise(raw.frame.columns, rows.declared(config, raw), raw.file, needed=["deal_id", "stage", "created"])
    if "expected_close" not in found and "closed" in found:
        found["expected_close"] = found["closed"]
    tracked = [name for name in FIELDS if name in frame]
    parts = ("deal_id", "created", "closed", *tracked)
    wanted: dict[str, str] = {name: found[name] for name in parts if name in found}
    now = rows.sieve(raw, wanted, config)
    rows.read_dates(now, wanted, config, [name for name in ("created", "closed") if name in wanted])
    deals = now.frame.dropna(subset=["deal_id", "created"]).drop_duplicates("deal_id")
    ordered = frame.sort_values("entered", kind="stable")
    before = {}
    for name in tracked:
        changes = ordered[meant.loc[ordered.index].eq(name)]
        changed = changes.drop_duplicates("deal_id").set_index("deal_id")["old"]
        there = among(deals["deal_id"], changed.index.to_series().astype("str"))
        current = deals[name] if name in deals else pd.Series(None, index=deals.index, dtype="str")
        before[name] = deals["deal_id"].map(changed).where(there, rows.as_text(current))
    begun = pd.DataFrame({"deal_id": deals["deal_id"], "entered": deals["created"], **before})
    moved = among(deals["deal_id"], ordered.loc[meant.loc[ordered.index].eq("stage"), "deal_id"])
    ended = ~moved & begun["stage"].map(end_meant, na_action="ignore").notna()
    if "closed" in deals:  # closed without a change on record: on the day of closing
        begun = begun.assign(entered=begun["entered"].where(~ended, deals["closed"].fillna(begun["entered"])))
    begun = begun[begun["stage"].notna()]
    return begun.set_axis(-1 - np.arange(len(begun)), axis=0)
