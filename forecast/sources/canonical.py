"""The canonical pair, deals and stage_history; or both in one table with a row per stage entered."""

from __future__ import annotations

from forecast.config import Config
from forecast.sources import pair, rows
from forecast.sources.columns import recognise
from forecast.sources.inputs import Inputs
from forecast.sources.tables import Tables


def fits(config: Config, inputs: Inputs) -> bool:
    if "stage_history" in inputs:
        return True
    if config.source.stage_dates or config.source.outcome:
        return False
    raw = inputs["deals"]
    return {"stage", "entered"} <= recognise(raw.frame.columns, rows.declared(config, raw), raw.file).keys()


def read(config: Config, inputs: Inputs) -> tuple[Config, Tables]:
    """Tables from stage rows and, where there is one, the table of deals (else the stage rows carry the columns)."""
    return pair.finish(config, pair.history_sieve(config, inputs), pair.deals_sieve(config, inputs), inputs)
