"""Frailty: clients differ beyond what the attributes of their deals say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.funnel import check_range, frozen_array

MOST_EXITS = 1e12


@dataclass(frozen=True, eq=False)
class Frailty:
    """One multiplier by draw and client on the hazards of the exits that advance or win.

    Given draw d, the multiplier of client c is a gamma variate of mean (shape + exits) / (shape + exposure):

        z[d, c] ~ Gamma(shape[d] + exits[c], rate = shape[d] + exposure[d, c]),

    the posterior of a frailty of mean one and variance 1 / shape (Clayton 1978). A client without history has
    no exits and no exposure. The variates are drawn where they are used, keyed by (seed, draw, key of the
    client): the deals of a client share one, and another client changes none. So (D, N) multipliers are never
    stored; with an exposure of one row, memory does not grow with the product either.

    shape: (D,) theta > 0; inf is no frailty in that draw.
    key: (N,) uint64, a hash of the client's name.
    exits: (N,) advances and wins that the client's deals have made.
    exposure: (D, N), or (1, N) for all draws, the advances and wins that were expected of them.

    Raises ValueError naming the argument when a shape or a value is wrong.
    """

    shape: NDArray[np.float64]
    key: NDArray[np.uint64]
    exits: NDArray[np.float64]
    exposure: NDArray[np.float64]

    def __post_init__(self) -> None:
        clients = np.size(self.key)
        rows = np.shape(self.exposure)[0] if np.ndim(self.exposure) else 0
        if rows not in (1, np.size(self.shape)):
            raise ValueError(f"frailty.exposure: expected {np.size(self.shape)} rows (draws) or 1, got {rows}")
        object.__setattr__(self, "shape", frozen_array("frailty.shape", self.shape, np.float64, (None,)))
        object.__setattr__(self, "key", frozen_array("frailty.key", self.key, np.uint64, (clients,)))
        for name, shape in (("exits", (clients,)), ("exposure", (rows, clients))):
            array = frozen_array(f"frailty.{name}", getattr(self, name), np.float64, shape)
            check_range(f"frailty.{name}", array, 0.0, MOST_EXITS, f"values of 0..{MOST_EXITS:g}")
            object.__setattr__(self, name, array)
        check_range("frailty.shape", self.shape, 1e-3, np.inf, "values of 0.001 to inf")
        if len(np.unique(self.key)) < clients:
            raise ValueError("frailty.key: expected a different key for every client")

    @property
    def n_clients(self) -> int:
        return len(self.key)
