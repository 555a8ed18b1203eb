"""The graph: kinds, offsets, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from simulations import Funnel, Kind
from simulations.funnel import check_range, frozen_array

NAMES = ("A", "B", "Won", "Lost")


def test_kinds_follow_from_the_pair() -> None:
    exits = ((0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (3, 0), (3, 2))
    funnel = Funnel(NAMES, exits, np.array([0.0, 1.5]))
    advance, won, back, lost, reopen = Kind
    assert list(funnel.kinds) == [advance, won, lost, back, won, reopen, won]
    assert list(funnel.targets) == [1, 2, 3, 0, 2, 0, 2]
    assert list(funnel.first_exit) == [0, 3, 5, 5, 7]
    assert (funnel.n_states, funnel.n_open, funnel.won, funnel.lost, funnel.n_exits, funnel.n_bins) == (
        4,
        2,
        2,
        3,
        7,
        2,
    )


def test_survives_pickling_and_is_read_only() -> None:
    funnel = pickle.loads(pickle.dumps(Funnel(NAMES, ((0, 1),), np.array([0.0]))))
    assert funnel.stages == NAMES
    with pytest.raises(ValueError, match="read-only"):
        Funnel(NAMES, (), np.array([0.0])).age_edges[0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": ("Won", "Lost")}, "stages: expected open stages"),
        ({"stages": ("A", "A", "Won", "Lost")}, "stages: expected different names"),
        ({"exits": ((0, 4),)}, r"exits: expected pairs of different states, got \(0, 4\)"),
        ({"exits": ((1, 1),)}, "exits: expected pairs of different states"),
        ({"exits": ((2, 0),)}, "exits: expected none from the won state"),
        ({"exits": ((1, 2), (0, 1))}, "exits: expected pairs sorted"),
        ({"exits": ((0, 1), (0, 1))}, "exits: expected pairs sorted"),
        ({"age_edges": [1.0, 2.0]}, "age_edges: expected increasing days"),
        ({"age_edges": [0.0, 2.0, 2.0]}, "age_edges: expected increasing days"),
        ({"age_edges": [0.0, np.nan]}, "age_edges: expected increasing days"),
        ({"age_edges": []}, "age_edges: expected increasing days"),
        ({"age_edges": [[0.0]]}, "age_edges: expected shape"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    fields: dict[str, Any] = {"stages": NAMES, "exits": ((0, 1),), "age_edges": [0.0]}
    with pytest.raises(ValueError, match=message):
        Funnel(**(fields | changes))


def test_frozen_array() -> None:
    assert frozen_array("x", [[1, 2]], np.float64, (1, None)).dtype == np.float64
    with pytest.raises(ValueError, match=r"x: expected shape \(2, any\), got \(1, 2\)"):
        frozen_array("x", [[1, 2]], np.float64, (2, None))
    with pytest.raises(ValueError, match="x: expected integers, got float64"):
        frozen_array("x", [1.5], np.int64, (1,))
    with pytest.raises(ValueError, match="x: expected numbers"):
        frozen_array("x", ["a"], np.float64, (1,))
    with pytest.raises(ValueError, match="x: expected values >= 0"):
        frozen_array("x", [-1], np.uint64, (1,))


def test_check_range_names_the_first_offender() -> None:
    with pytest.raises(ValueError, match=r"x: expected shares, got 2.0 at index \(0, 1\)"):
        check_range("x", np.array([[0.5, 2.0]]), 0, 1, "shares")
    with pytest.raises(ValueError, match=r"x: expected shares, got nan at index \(0,\)"):
        check_range("x", np.array([np.nan]), 0, 1, "shares")
