import numpy as np
import pytest

from simulations.capacity import backlog


def test_what_is_too_much_waits_by_hand() -> None:
    """With room for 3 a month: of 5, 2 wait; nothing comes, they are done; of 7, 4 wait, and with 1 more still 2."""
    assert backlog([[5, 0, 7, 1]], [3, 3, 3, 3]).tolist() == [[2, 0, 4, 2]]
    assert backlog([[5, 0, 7, 1]], [3, 0, 10, 3], start=1.5).tolist() == [[3.5, 3.5, 0.5, 0]]


def test_simulations_are_apart_and_room_is_enough() -> None:
    demand = np.array([[1.0, 2.0], [9.0, 0.0]])
    assert backlog(demand, [9.0, 9.0]).max() == 0
    assert backlog(demand, [2.0, 2.0]).tolist() == [[0, 0], [7, 5]]


@pytest.mark.parametrize(
    ("demand", "capacity", "message"),
    [
        ([[1.0, -1.0]], [1.0, 1.0], "demand: expected finite values >= 0"),
        ([[1.0, 1.0]], [1.0], "capacity: expected shape"),
        ([[1.0]], [np.nan], "capacity: expected finite values"),
    ],
)
def test_bad_input(demand: list[list[float]], capacity: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        backlog(demand, capacity)
