"""Deals: columns of one length, known values, groups."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from simulations import Deals

GOOD: dict[str, Any] = {
    "key": [1, 2],
    "stage": [0, 1],
    "age": [0.0, 3.5],
    "cell": [0, 0],
    "amount": [-1, 500],
}


def test_columns_take_their_types() -> None:
    deals = Deals(**GOOD, groups={"client": [-1, 3]})
    assert len(deals) == 2
    assert [deals.key.dtype, deals.age.dtype, deals.amount.dtype] == [np.uint64, np.float64, np.int64]
    assert pickle.loads(pickle.dumps(deals)).groups["client"].tolist() == [-1, 3]
    assert len(Deals(**(GOOD | {"key": np.array([2**64 - 1, 0], dtype=np.uint64)}))) == 2


def test_none() -> None:
    assert len(Deals.none("client")) == 0
    assert Deals.none("client").groups["client"].shape == (0,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": [0]}, r"stage: expected shape \(2\), got \(1,\)"),
        ({"stage": [0, -1]}, "stage: expected indices >= 0, got -1"),
        ({"stage": [0.0, 1.0]}, "stage: expected integers"),
        ({"age": [0.0, -0.5]}, "age: expected finite days >= 0, got -0.5"),
        ({"age": [0.0, np.nan]}, "age: expected finite days"),
        ({"age": [0.0, np.inf]}, "age: expected finite days"),
        ({"cell": [0, -2]}, "cell: expected indices"),
        ({"amount": [0, -2]}, "amount: expected minor units"),
        ({"amount": [0, 2**60]}, "amount: expected minor units"),
        ({"amount": [0.5, 1.0]}, "amount: expected integers"),
        ({"key": [-1, 1]}, "key: expected values >= 0"),
        ({"groups": {"client": [-2, 0]}}, r"groups\['client'\]: expected indices >= -1"),
        ({"groups": {"owner": [-1, 0]}}, r"groups\['owner'\]: expected indices >= 0"),
        ({"groups": {"owner": [0]}}, r"groups\['owner'\]: expected shape"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Deals(**(GOOD | changes))
