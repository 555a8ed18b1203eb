"""The funnel as a graph: states, the exits between them, and the age bins of their hazards.

Letters used for array shapes everywhere in this package: D draws, S states (open stages, won, lost),
J exits, B age bins, C cells, M months, T templates, N deals or clients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Kind(IntEnum):
    """What an exit means; the calendar acts on kinds."""

    ADVANCE = 0
    WON = 1
    BACK = 2
    LOST = 3
    REOPEN = 4


def frozen_array(name: str, value: ArrayLike, dtype: type, shape: Sequence[int | None]) -> NDArray[Any]:
    """A read-only C-contiguous array of `dtype`; ValueError naming `name` unless it has this shape.

    None in `shape` accepts any length. Floats are never silently turned into integers.
    """
    raw = np.asarray(value)
    if np.issubdtype(dtype, np.integer) and raw.size and raw.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected integers, got {raw.dtype}")
    if dtype is np.uint64 and raw.dtype.kind == "i" and raw.size and raw.min() < 0:
        raise ValueError(f"{name}: expected values >= 0, got {raw.min()}")
    if raw.dtype.kind not in "iufb":
        raise ValueError(f"{name}: expected numbers, got {raw.dtype}")
    if raw.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, raw.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name}: expected shape ({wanted}), got {raw.shape}")
    array: NDArray[Any] = np.ascontiguousarray(raw, dtype=dtype).view()
    array.flags.writeable = False
    return array


def check_range(name: str, array: NDArray[Any], low: float, high: float, rule: str) -> None:
    """ValueError with the first offending value unless low <= array <= high (so never NaN)."""
    if array.size == 0 or (array.min() >= low and array.max() <= high):  # NaN fails both comparisons
        return
    where = tuple(int(i) for i in np.argwhere(~((array >= low) & (array <= high)))[0])
    raise ValueError(f"{name}: expected {rule}, got {array[where]} at index {where}")


@dataclass(frozen=True, eq=False)
class Funnel:
    """States and exits of a funnel.

    stages: names of the open stages in funnel order, then of the won and of the lost state (S in all).
    exits: (from, to) pairs of indices into `stages`, sorted by (from, to), J in all. The won state has no
        exits; exits of the lost state re-open the deal.
    age_edges: (B,) lower edges of the age bins in days, the first 0, increasing. Bins are (lower, upper];
        the last is open-ended.
    """

    stages: tuple[str, ...]
    exits: tuple[tuple[int, int], ...]
    age_edges: NDArray[np.float64]

    def __post_init__(self) -> None:
        stages = tuple(self.stages)
        if len(stages) < 3:
            raise ValueError(f"stages: expected open stages, the won and the lost state, got {stages}")
        if len(set(stages)) < len(stages):
            raise ValueError(f"stages: expected different names, got {stages}")
        exits = tuple((int(i), int(j)) for i, j in self.exits)
        for here, there in exits:
            if not (0 <= here < len(stages) and 0 <= there < len(stages) and here != there):
                raise ValueError(f"exits: expected pairs of different states, got {(here, there)}")
            if here == len(stages) - 2:
                raise ValueError(f"exits: expected none from the won state, got {(here, there)}")
        if list(exits) != sorted(set(exits)):
            raise ValueError("exits: expected pairs sorted by (from, to), each once")
        edges = frozen_array("age_edges", self.age_edges, np.float64, (None,))
        if edges.size == 0 or edges[0] != 0 or not np.all(np.diff(edges) > 0) or not np.isfinite(edges[-1]):
            raise ValueError(f"age_edges: expected increasing days that begin with 0, got {edges}")
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "exits", exits)
        object.__setattr__(self, "age_edges", edges)

    @property
    def n_states(self) -> int:
        return len(self.stages)

    @property
    def n_open(self) -> int:
        return len(self.stages) - 2

    @property
    def won(self) -> int:
        return len(self.stages) - 2

    @property
    def lost(self) -> int:
        return len(self.stages) - 1

    @property
    def n_exits(self) -> int:
        return len(self.exits)

    @property
    def n_bins(self) -> int:
        return len(self.age_edges)

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """(J,) the Kind of every exit."""
        return frozen_array("kinds", [self._kind(*pair) for pair in self.exits], np.int64, (self.n_exits,))

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """(J,) the state to which every exit leads."""
        return frozen_array("targets", [there for _, there in self.exits], np.int64, (self.n_exits,))

    @cached_property
    def first_exit(self) -> NDArray[np.int64]:
        """(S + 1,) offsets: the exits of state s are first_exit[s]:first_exit[s + 1]."""
        origins = np.array([here for here, _ in self.exits], dtype=np.int64)
        offsets = np.searchsorted(origins, np.arange(self.n_states + 1))
        return frozen_array("first_exit", offsets, np.int64, (self.n_states + 1,))

    def _kind(self, here: int, there: int) -> Kind:
        if there == self.won:
            return Kind.WON
        if here == self.lost:
            return Kind.REOPEN
        if there == self.lost:
            return Kind.LOST
        return Kind.ADVANCE if there > here else Kind.BACK
