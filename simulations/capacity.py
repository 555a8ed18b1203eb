"""Capacity: what cannot be delivered in a month waits for the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.funnel import check_range, frozen_array

LARGEST = np.finfo(np.float64).max


def backlog(demand: ArrayLike, capacity: ArrayLike, start: float = 0.0) -> NDArray[np.float64]:
    """(K, M) what waits at the end of each month, of (K, M) demand and (M,) capacity:

        B_m = max(0, B_(m-1) + D_m - C_m),   B_0 = start,

    the recursion of Lindley (1952). P(B_m > 0) is the share of simulations in which the month is not enough.
    """
    wanted = frozen_array("demand", demand, np.float64, (None, None))
    room = frozen_array("capacity", capacity, np.float64, wanted.shape[1:])
    for name, array in (("demand", wanted), ("capacity", room), ("start", np.array([start]))):
        check_range(name, array, 0.0, LARGEST, "finite values >= 0")
    waiting, left = np.empty_like(wanted), np.full(len(wanted), float(start))
    for month in range(wanted.shape[1]):
        left = np.maximum(left + wanted[:, month] - room[month], 0.0)
        waiting[:, month] = left
    return waiting
