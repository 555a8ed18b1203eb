"""Deals: columns of open deals, or of the templates from which future deals are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.funnel import check_range, frozen_array

UNKNOWN = -1
OWN = -2  # a client of whom nothing is known but this one deal
CLIENT_GROUPINGS = ("client", "parent_client")  # those that follow from the client, and may be unknown with it
LARGEST_AMOUNT = 2**53  # minor units: the integers that a float64 holds exactly


@dataclass(frozen=True, eq=False)
class Deals:
    """N deals as columns.

    key: (N,) uint64, a hash of the deal's identity: its random numbers depend on it and on nothing else
        about the table. Unused in templates.
    stage: (N,) index of the state in which the deal is.
    age: (N,) days spent in that state at the origin; 0 in templates.
    cell: (N,) index of the cell.
    amount: (N,) minor units (cents), -1 where it is not known until the close.
    groups: by grouping ("client", "owner", ...), (N,) index of the deal's group. "client" and "parent_client"
        may be -1 (unknown: drawn in every simulation from the clients of Draws); other groupings are >= 0.
    client: (N,) index of the client among those of Draws.frailty and client_cdf; -1: drawn from client_cdf in
        every simulation; -2: a client of its own, with a frailty of its own. Default: all -1.

    Raises ValueError naming the argument when a shape or a value is wrong.
    """

    key: NDArray[np.uint64]
    stage: NDArray[np.int64]
    age: NDArray[np.float64]
    cell: NDArray[np.int64]
    amount: NDArray[np.int64]
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    client: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = np.size(self.key)
        dtypes = {"key": np.uint64, "stage": np.int64, "age": np.float64, "cell": np.int64}
        for name, dtype in {**dtypes, "amount": np.int64}.items():
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), dtype, (n,)))
        check_range("stage", self.stage, 0, np.inf, "indices >= 0")
        check_range("age", self.age, 0.0, np.finfo(np.float64).max, "finite days >= 0")
        check_range("cell", self.cell, 0, np.inf, "indices >= 0")
        check_range("amount", self.amount, UNKNOWN, LARGEST_AMOUNT, "minor units up to 2**53, or -1")
        groups = {}
        for name, index in self.groups.items():
            groups[name] = frozen_array(f"groups[{name!r}]", index, np.int64, (n,))
            lowest = UNKNOWN if name in CLIENT_GROUPINGS else 0
            check_range(f"groups[{name!r}]", groups[name], lowest, np.inf, f"indices >= {lowest}")
        object.__setattr__(self, "groups", groups)
        client = np.full(n, UNKNOWN) if self.client is None else self.client
        object.__setattr__(self, "client", frozen_array("client", client, np.int64, (n,)))
        check_range("client", self.clients, OWN, np.inf, f"indices >= {OWN}")

    def __len__(self) -> int:
        return len(self.key)

    @property
    def clients(self) -> NDArray[np.int64]:
        """(N,) `client`, which is never None once checked."""
        assert self.client is not None
        return self.client

    @classmethod
    def none(cls, *groupings: str) -> Deals:
        """A table of no deals, with these groupings."""
        whole = np.zeros(0, dtype=np.int64)
        key = np.zeros(0, dtype=np.uint64)
        return cls(key, whole, np.zeros(0), whole, whole, groups=dict.fromkeys(groupings, whole))
