"""Follow-ups: deals that a won deal brings about, such as a renewal, a repeat purchase or a referral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulations.funnel import check_range, frozen_array

MOST_MEAN, MOST_PER_WIN, LOG_DAYS = 100.0, 1000, 12.0


@dataclass(frozen=True, eq=False)
class FollowUps:
    """R kinds of deals that follow a won deal, by draw.

    A win creates min(most, Poisson(mean)) deals of each kind; each begins exp(log_delay + delay_sd * standard
    normal) days after the win, and is walked like any other, its own follow-ups included. A renewal that comes
    with probability p is most = 1, mean = -log(1 - p).

    mean: (D, R) expected number (before the cut at `most`).
    most: (R,) at most so many per win.
    log_delay, delay_sd: (D, R) of the log-normal delay in days; sd 0 is a fixed delay.
    as_new: (R,) False: the deal is of the same client, cell and groups as the won one, begins in state `stage`
        and is worth the amount won times `ratio` (to which the engine's revision of amounts applies). True:
        client, cell, groups, amount and state come from the templates, as for any new deal (a referral).
    stage: (R,) state in which the deal begins, if not as_new.
    ratio: (D, R) its amount over the amount won, if not as_new.
    groups: by grouping, the group in which all follow-ups count, whatever their origin ("created": later).

    Raises ValueError naming the argument when a shape or a value is wrong.
    """

    mean: NDArray[np.float64]
    most: NDArray[np.int64]
    log_delay: NDArray[np.float64]
    delay_sd: NDArray[np.float64]
    as_new: NDArray[np.bool_]
    stage: NDArray[np.int64]
    ratio: NDArray[np.float64]
    groups: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds = np.size(self.most)
        draws = np.shape(self.mean)[0] if np.ndim(self.mean) else 0
        limits: dict[str, tuple[type, float, float]] = {
            "mean": (np.float64, 0.0, MOST_MEAN), "most": (np.int64, 1, MOST_PER_WIN),
            "log_delay": (np.float64, -LOG_DAYS, LOG_DAYS), "delay_sd": (np.float64, 0.0, LOG_DAYS),
            "as_new": (np.bool_, 0, 1), "stage": (np.int64, 0, np.inf), "ratio": (np.float64, 0.0, 1e6),
        }  # fmt: skip
        for name, (dtype, low, high) in limits.items():
            shape = (draws, kinds) if dtype is np.float64 else (kinds,)
            array = frozen_array(f"follow_ups.{name}", getattr(self, name), dtype, shape)
            check_range(f"follow_ups.{name}", array, low, high, f"values of {low:g}..{high:g}")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "groups", dict(self.groups))

    @property
    def n_kinds(self) -> int:
        return len(self.most)
