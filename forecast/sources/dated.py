"""What sellers enter of a deal, and change: probability, expected close, forecast category; with the day of each.

A CRM keeps the last value with the deal, which is unknown as of a past day. Where rows of the history carry the value
as it stood then, every day has its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.sources import values
from forecast.sources.quality import Sieve

ENTERED = ("probability", "expected_close", "forecast_category")
# Shapes whose rows are told to carry what held then. Rows of others may repeat what their deal has in the end, unless
# a value changes from row to row.
BY_NATURE = ("salesforce_history", "field_history", "snapshots", "versions")


def read_probability(rows: Sieve) -> None:
    """Turn probability into shares, told as such or in percent; what is none is unknown, and told."""
    if "probability" not in rows.frame:
        return
    text = rows.frame["probability"]
    share = values.shares(text)
    bad, column = ~values.is_blank(text) & share.isna(), rows.columns.get("probability", "probability")
    rows.note(bad, f"not a probability in '{column}'", effect="taken as missing", show=text, doubt=True)
    rows.frame = rows.frame.assign(probability=share)


def changes(history: pd.DataFrame, config: Config) -> dict[str, pd.DataFrame]:
    """Column -> its changes (deal_id, since, value), from rows in order; blanks tell nothing."""
    found = {}
    for name in ENTERED:
        if name not in history:
            continue
        there = history.loc[history[name].notna(), ["deal_id", "entered", name]].set_axis(
            ["deal_id", "since", "value"], axis=1
        )
        begins = there["deal_id"].ne(there["deal_id"].shift())
        changed = there["value"].ne(there["value"].shift()) & ~begins
        if changed.any() or (config.source.shape in BY_NATURE and len(there)):
            found[name] = there[begins | changed].reset_index(drop=True)
    return found


def with_last(deals: pd.DataFrame, dated: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`deals` with the last value of each dated column; what no row dates stays as the deals have it."""
    for name, rows in dated.items():
        last = deals["deal_id"].map(value_of_deals(rows))
        deals = deals.assign(**{name: last.fillna(deals[name]) if name in deals else last})
    return deals


def value_of_deals(rows: pd.DataFrame) -> pd.Series:
    """The last value of each deal, by deal_id."""
    return rows.drop_duplicates("deal_id", keep="last").set_index("deal_id")["value"]


def as_known(rows: pd.DataFrame | None, deal_id: pd.Series, origin: pd.Timestamp) -> pd.Series:
    """The value that each deal had on the morning of `origin`, missing where no row tells."""
    if rows is None:
        return pd.Series(np.nan, index=deal_id.index)
    return deal_id.map(value_of_deals(rows[rows["since"] < origin]))
