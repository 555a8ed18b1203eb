"""HubSpot's deals: with the date of entering each stage, or with a history of the stage.

Stages are ids (hs_v2_date_entered_<id>, in older portals hs_date_entered_<id>) until `stage_labels` names them. A
date of entering is that of the last time: returns to a stage are seen in the history only.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecast.config import Config
from forecast.sources import pair
from forecast.sources.columns import HUBSPOT_DATE, QUOTED_DATE
from forecast.sources.inputs import Inputs, rows_of_history
from forecast.sources.names import ALIASES, simplified
from forecast.sources.tables import Tables

HISTORY: Mapping[str, tuple[str, ...]] = {
    "deal_id": ("deal id", "object id", "id"),
    "stage": ("value", "dealstage", "deal stage", "stage id"),
    "entered": ("date entered", "timestamp", "fivetran start"),
    **{name: ALIASES[name] for name in ("is_deleted", "pipeline")},
}


def is_history(config: Config, inputs: Inputs) -> bool:
    raw = rows_of_history(inputs, HISTORY["deal_id"])
    words = set() if raw is None else {simplified(name) for name in raw.frame.columns}
    return {"value", "date entered"} <= words and ("stage_history" in inputs or not words & set(ALIASES["stage"]))


def read_history(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from a row per stage that a deal entered; the open end of the last one is not needed."""
    return pair.finish(config, pair.history_sieve(config, inputs, HISTORY), pair.deals_sieve(config, inputs), inputs)


def has_dates(config: Config, inputs: Inputs) -> bool:
    if "stage_history" in inputs or config.source.stage_dates:
        return False
    names = [name.strip() for name in inputs["deals"].frame.columns]
    return any(HUBSPOT_DATE.match(name) or QUOTED_DATE.match(name) for name in names)
