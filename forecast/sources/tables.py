"""The canonical tables, to which every source is turned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from forecast.config_data import Known
from forecast.errors import FunnelError
from forecast.sources.quality import Ledger

__all__ = ["DEALS", "STAGE_HISTORY", "Known", "Tables", "named_attributes", "usual_attributes"]

DEALS = ("deal_id", "client", "amount", "created")
STAGE_HISTORY = ("deal_id", "stage", "entered", "amount")


@dataclass(frozen=True)
class Tables:
    """Deals and the stages they entered.

    `deals`: one row per deal, sorted by deal_id: deal_id (str, unique), client (str or missing), amount
    (float units of currency or NaN), created (naive UTC datetime), then attribute columns (str or missing),
    among them perhaps parent_client (missing where the client has no parent), owner, team, region, product,
    segment, source, and expected_close (datetime).

    `stage_history`: deal_id, stage (an open stage, or the won or lost name), entered (naive UTC datetime),
    amount (float or NaN: the amount from then on), sorted by deal_id, then in the order in which the stages
    were entered. Within a day of date-only data that is funnel order, for identical times of day the order of
    the file. A stage can stand twice in a row (a change of amount). Nothing follows a won row; a lost deal
    can be reopened.

    `dated`: column of deals other than amount -> its changes: deal_id, since (naive UTC datetime), value; sorted as
    the stage history is. Deals have the last value.

    `timed`: whether the source has times of day. `known`: when each column of deals (but deal_id and created)
    is known. `recorded_from`: exits before this day were not recorded, or None. `recorded_until`: the day
    after the last recorded day; `until_declared`: whether the funnel file says so. `columns`: canonical name ->
    column of the source; `unused`: columns not understood.
    """

    deals: pd.DataFrame
    stage_history: pd.DataFrame
    timed: bool
    known: Mapping[str, Known]
    ledger: Ledger
    recorded_from: pd.Timestamp | None
    recorded_until: pd.Timestamp
    until_declared: bool = True
    dated: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if tuple(self.deals.columns[: len(DEALS)]) != DEALS:
            raise ValueError(f"deals must begin with the columns {DEALS}, got {tuple(self.deals.columns)}")
        if tuple(self.stage_history.columns) != STAGE_HISTORY:
            raise ValueError(f"stage_history must have {STAGE_HISTORY}, got {tuple(self.stage_history.columns)}")
        ids, history = self.deals["deal_id"], self.stage_history
        if not ids.is_unique or ids.isna().any() or not ids.is_monotonic_increasing:
            raise ValueError("deals.deal_id must be unique, present and sorted")
        if history[["deal_id", "stage", "entered"]].isna().any(axis=None) or self.deals["created"].isna().any():
            raise ValueError("deal_id, stage, entered and created must be present")
        if not history["deal_id"].is_monotonic_increasing:
            raise ValueError("stage_history must be sorted by deal_id")
        first = history.drop_duplicates("deal_id")
        if not first["deal_id"].reset_index(drop=True).equals(ids.reset_index(drop=True)):
            raise ValueError("every deal must have a stage, every stage a deal")
        if (first["entered"].to_numpy() < self.deals["created"].to_numpy()).any():
            raise ValueError("a deal cannot enter a stage before it was created")
        same = history["deal_id"].eq(history["deal_id"].shift())
        if (same & history["entered"].lt(history["entered"].shift())).any():
            raise ValueError("stage_history must be sorted by time within each deal")
        missing = set(self.deals.columns) - {"deal_id", "created"} - set(self.known)
        if missing:
            raise ValueError(f"known says nothing about {sorted(missing)}")


USUAL_ATTRIBUTES = ("owner", "team", "region", "product", "segment", "source")
FEWEST_LEVELS, MOST_LEVELS = 2, 60


def usual_attributes(deals: pd.DataFrame, known: Mapping[str, Known]) -> tuple[str, ...]:
    """The attributes that a model uses where the funnel file names none: known at creation, with 2 to 60
    levels.
    """
    return tuple(
        name
        for name in USUAL_ATTRIBUTES
        if name in deals and known[name] is Known.CREATION and FEWEST_LEVELS <= deals[name].nunique() <= MOST_LEVELS
    )


def named_attributes(names: Iterable[str], deals: pd.DataFrame, known: Mapping[str, Known], asked: str) -> list[str]:
    """The same names; FunnelError, with where they were `asked` for, unless all are columns known at creation."""
    names = list(names)
    for name in names:
        if name not in deals or known.get(name) is not Known.CREATION:
            told = "is not a column of the deals" if name not in deals else "is not known when deals are created"
            remedy = "`funnel check` lists the columns and when they are known."
            raise FunnelError(f"{asked}: '{name}' {told}", remedy=remedy)
    return names
