"""Clients one by one, beside their parents: where the data roll some clients up, both levels are told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.coding import NO, clients, existing_clients
from forecast.config_data import Known
from forecast.draws import MOST_CLIENTS, NEWCOMERS, NO_DEAL, OTHERS, Scenario, client_codes
from forecast.history import History, Ints

PAYER, SINGLE = "client", "single_client"  # groupings: clients rolled up to their parents, and each by itself
VIABLE_SINGLE = "viable_single"


@dataclass(frozen=True, eq=False)
class Level:
    """A level at which clients are told of.

    grouping, viable: groupings of the simulation, by client and by whose viable deals are kept apart. names: of the
    clients. clients (deals,): who counts as the client of each deal of the history. open (N,): index in the names of
    the client of each open deal, -1 where not known. apart: those whose viable deals are kept apart.
    """

    grouping: str
    viable: str
    names: list[str]
    clients: pd.Series[Any]
    open: Ints
    apart: Ints

    @property
    def codes(self) -> Ints:
        """(deals,) index in the names."""
        return client_codes(self.clients, self.names)


def singles(history: History) -> pd.Series[Any] | None:
    """(deals,) the client itself; None where no client of a deal has another one as its parent, or where open deals do
    not know theirs yet: all of them would count as one.
    """
    if history.known.get("client") is not Known.CREATION:
        return None
    client: pd.Series[Any] = history.deals["client"].astype(object)
    client = client.where(client.notna(), None)
    rolled = client.notna() & (clients(history) != client)
    return client if rolled.any() else None


def names_of(client: pd.Series[Any], amount: pd.Series[Any]) -> list[str]:
    """Single clients that are kept apart, those with most value; the others; those not seen yet."""
    value = amount.fillna(0).groupby(client).sum().sort_values(ascending=False, kind="stable")
    return [*sorted(value.index[: MOST_CLIENTS - 2]), OTHERS, NEWCOMERS]


def groups_of(history: History, prepared: Scenario, level: Level) -> tuple[Ints, Ints]:
    """Groups of the deals at the origin, and of the templates: clients not named are among the others. A template that
    was its client's first deal stands for clients not seen yet.
    """
    others, newcomers = len(level.names) - 2, len(level.names) - 1
    codes = level.codes
    codes = np.where(codes < 0, others, codes)
    new = np.asarray(existing_clients(history, level.clients) == NO)
    new &= history.known.get("client") is Known.CREATION  # else a deal's client is found, or drawn, later
    rows = prepared.template_row
    return codes[prepared.deal_row], np.where((rows == NO_DEAL) | new[rows], newcomers, codes[rows])
