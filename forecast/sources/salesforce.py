"""Salesforce's Opportunity with OpportunityHistory: a row whenever stage, amount, probability or closing date change.

The history calls the time of the change CreatedDate; in Opportunity that is the day of creation. CloseDate is the
day on which the deal is expected to close, overwritten whenever it moves: as of a past day it is that of the history.
"""

from __future__ import annotations

from collections.abc import Mapping

from forecast.config import Config
from forecast.sources import pair
from forecast.sources.inputs import Inputs, rows_of_history
from forecast.sources.names import ALIASES, simplified
from forecast.sources.quality import Sieve
from forecast.sources.tables import Tables

HISTORY: Mapping[str, tuple[str, ...]] = {
    **{name: ALIASES[name] for name in ("amount", "currency", "is_deleted", "pipeline")},
    **{name: ALIASES[name] for name in ("probability", "forecast_category")},
    "expected_close": ("close date", *ALIASES["expected_close"]),
    "deal_id": ("opportunity id", "deal id"),
    "stage": ("stage name", "stage"),
    "entered": ("created date", "created at", "system modstamp"),
}


def fits(config: Config, inputs: Inputs) -> bool:
    raw = rows_of_history(inputs, HISTORY["deal_id"])
    words = set() if raw is None else {simplified(name) for name in raw.frame.columns}
    return {"opportunity id", "stage name", "created date"} <= words


def read(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables; rows that repeat the stage only carry a new amount."""
    return pair.finish(config, pair.history_sieve(config, inputs, HISTORY), deals(config, inputs), inputs)


def deals(config: Config, inputs: Inputs) -> Sieve | None:
    """Opportunity: its CloseDate is the expected one; Amount and StageName are those of the day of the export."""
    sieve = pair.deals_sieve(config, inputs)
    if sieve is not None:
        column = next((c for c in inputs["deals"].frame.columns if simplified(c) == "close date"), None)
        if column is not None and "expected_close" not in sieve.columns:
            sieve.columns["expected_close"] = column
            sieve.frame = sieve.frame.assign(expected_close=inputs["deals"].frame[column])
    return sieve
