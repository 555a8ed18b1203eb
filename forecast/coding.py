"""How deals are put into cells and clients told apart: decided on one history, the same for every later one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.config_data import Known
from forecast.history import Floats, History, Ints
from forecast.models.design import SIZE

SIZE_BANDS = 5
EXISTING = "(existing client)"  # named like no column
APART = "(client kept apart)"
YES, NO = "yes", "no"
FEWEST_DEALS = 30  # of new and of existing clients, for the model to tell them apart
MOST_APART = 300  # clients with a frailty of their own: the cost of a fit stays bounded
FEWEST_CLIENTS = 5  # with two deals or more: fewer tell nothing of how clients differ


@dataclass(frozen=True)
class Bands:
    """Bands of deal size: inner edges of the log amount, the score of each band, and the log amount of deals
    without one.
    """

    edges: tuple[float, ...]
    scores: tuple[float, ...]
    usual: float


@dataclass(frozen=True)
class Coding:
    """attributes: columns of deals. bands: of deal size, where it is known at creation. existing: whether deals
    of existing clients are told from those of new ones. frailty: whether clients have one; apart: those who have,
    or None for all. Nothing but plain values: it can be written down.
    """

    attributes: tuple[str, ...]
    bands: Bands | None = None
    existing: bool = False
    frailty: bool = False
    apart: tuple[str, ...] | None = None

    def levels(self, history: History) -> pd.DataFrame:
        """The levels of every deal: attributes ("" where missing), then what is derived from size and client."""
        names = list(self.attributes)
        levels = history.deals[names].astype(object).where(history.deals[names].notna(), "")
        if self.existing:
            levels[EXISTING] = existing_clients(history)
        if self.apart is not None:
            levels[APART] = np.where(clients(history).isin(self.apart), YES, NO)
        if self.bands is not None:
            logs = _log_amounts(history, self.bands.usual)
            levels[SIZE] = np.array(self.bands.scores)[np.searchsorted(self.bands.edges, logs)]
        return levels

    def clients_apart(self, history: History) -> tuple[list[str], Ints]:
        """The clients that have a frailty of their own, sorted, and (deals,) the one of each deal, -1 without."""
        if not self.frailty:
            return [], np.full(len(history.deals), -1)
        client = clients(history)
        names = sorted(self.apart if self.apart is not None else client.dropna().unique())
        return names, pd.Index(names, dtype=object).get_indexer(pd.Index(client)).astype(np.int64)


def code(history: History, attributes: Sequence[str], *, clients_differ: bool = True) -> Coding:
    """Decide on a history; `clients_differ`: whether clients may be told apart, as new and existing and by frailty.

    Clients can be told apart only where they are known when a deal is created: one that is found at the close gives
    the outcome away (see Known). All clients get a frailty, or those with most deals where there are too many: not
    those with most exits, who would be the lucky ones. The deals of the others are a level of their own, as their
    hazards are averages over clients of whom the quick ones leave first, and no baseline to be multiplied.
    """
    bands = _bands(history)
    known = history.known.get("client") is Known.CREATION
    if not (known and clients_differ):
        return Coding(tuple(attributes), bands)
    counts = clients(history).value_counts()
    several = int((counts >= 2).sum())
    existing = bool(min((existing_clients(history) == level).sum() for level in (YES, NO)) >= FEWEST_DEALS)
    frailty, apart = several >= FEWEST_CLIENTS, None
    if frailty and len(counts) > MOST_APART:
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        apart = tuple(sorted(str(name) for name, count in ranked[:MOST_APART] if count >= 2))
    elif frailty and clients(history).isna().any():
        apart = tuple(sorted(counts.index))
    return Coding(tuple(attributes), bands, existing, frailty, apart)


def clients(history: History) -> pd.Series[Any]:
    """(deals,) who would pay: the parent of the client where it is known to have one, else the client; or missing."""
    deals = history.deals
    client: pd.Series[Any] = deals["client"].astype(object)
    if "parent_client" in deals and history.known["parent_client"] is history.known["client"]:
        client = deals["parent_client"].astype(object).where(deals["parent_client"].notna(), client)
    return client.where(client.notna(), None)


def existing_clients(history: History, client: pd.Series[Any] | None = None) -> Any:
    """(deals,) YES where the client has a deal on record that was created earlier, whatever became of it, NO where
    it has none, "" where the client is not known.

    An earlier deal, not an earlier win: what a client is must not depend on how its other open deals end. In the
    first months on record all clients look new. client: (deals,) default those who would pay.
    """
    client = clients(history) if client is None else client
    created = history.deals["created"]
    existing = np.where(created > created.groupby(client).transform("min"), YES, NO)
    return np.where(client.isna(), "", existing)


def combined(levels: pd.DataFrame, cells: pd.DataFrame) -> tuple[pd.DataFrame, Ints]:
    """`cells` with the combinations of levels appended that it has not, and (deals,) the cell of each deal."""
    if not len(cells.columns):
        return cells, np.zeros(len(levels), dtype=np.int64)
    names = list(cells.columns)
    levels = levels[names]
    every = pd.concat([cells, levels.drop_duplicates().sort_values(names)]).drop_duplicates(ignore_index=True)
    numbers = pd.Series(np.arange(len(every)), index=pd.MultiIndex.from_frame(every))
    return every, numbers.loc[pd.MultiIndex.from_frame(levels)].to_numpy(dtype=np.int64)


def _bands(history: History) -> Bands | None:
    """Bands of about as many deals; the score of each is its median log amount, standardised: an ordered score."""
    amount = history.visits.amount[history.first_visits()]
    known = amount > 0
    if known.mean() < 0.9 or len(np.unique(amount[known])) < SIZE_BANDS:
        return None
    usual = float(np.log(np.median(amount[known])))
    logs = _log_amounts(history, usual)
    edges = np.unique(np.quantile(logs, np.arange(1, SIZE_BANDS) / SIZE_BANDS))
    band = np.searchsorted(edges, logs)
    middle = pd.Series(logs).groupby(band).median().reindex(range(len(edges) + 1)).ffill().bfill()
    scores = (middle - logs.mean()) / logs.std()
    return Bands(tuple(float(edge) for edge in edges), tuple(float(score) for score in scores), usual)


def _log_amounts(history: History, usual: float) -> Floats:
    amount = history.visits.amount[history.first_visits()]
    known = amount > 0
    return np.where(known, np.log(np.where(known, amount, 1.0)), usual)
