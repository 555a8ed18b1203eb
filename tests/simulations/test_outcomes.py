"""Outcomes are coherent or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulations import Outcomes

WON = np.array([[100, 0], [50, 7], [0, 0]])
GOOD: dict[str, Any] = {
    "won": WON,
    "wins": np.array([[1, 0], [2, 1], [0, 0]], dtype=np.int32),
    "created": np.zeros((3, 2), dtype=np.int32),
    "by": {"client": np.stack([WON // 2, WON - WON // 2], axis=2)},
    "draw": np.array([0, 0, 1]),
}


def test_sizes() -> None:
    outcomes = Outcomes(**GOOD)
    assert (outcomes.n_simulations, outcomes.n_draws, outcomes.n_months) == (3, 2, 2)
    assert outcomes.deal_win_days is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"by": {"client": np.stack([WON, WON], axis=2)}},
            r"by\['client'\]: expected groups that sum to won",
        ),
        ({"by": {"client": WON}}, r"by\['client'\]: expected shape"),
        ({"wins": np.zeros((3, 1), dtype=np.int32)}, "wins: expected shape"),
        ({"draw": np.zeros(2, dtype=np.int64)}, "draw: expected shape"),
        ({"won": WON + 0.5}, "won: expected integers"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Outcomes(**(GOOD | changes))
