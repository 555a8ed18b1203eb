from __future__ import annotations

import numpy as np
import pytest

from forecast.baselines import BASELINES
from forecast.history import History
from tests.forecast.baselines.streams import day, history, steady

NAMES = ("run-rate", "seasonal naive", "ETS", "stage-weighted", "CRM probability", "life table")
HISTORIES = {
    "all open": history([(number, None, "", 5.0) for number in range(40)], origin=60, probability=0.5),
    "all won": history(steady(range(60)), origin=60, probability=0.5),
    "none won": history([(number, number + 3, "Lost", 5.0) for number in range(40)], origin=60, probability=0.5),
    "one deal": history([(0, None, "", 5.0)], origin=2, probability=0.5),
    "two years": history(
        [(n, n + 9, "Won" if n % 3 else "Lost", float(n % 11)) for n in range(800)], origin=800, probability=0.2
    ),
}


def test_names_and_their_order() -> None:
    assert tuple(BASELINES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("told", HISTORIES.values(), ids=list(HISTORIES))
@pytest.mark.parametrize("length", [1, 30, 400])
def test_samples_are_as_many_as_asked_for_and_never_negative(name: str, told: History, length: int) -> None:
    after = told.origin + (day(length) - day(0))
    found = [BASELINES[name](told, after, 40, np.random.default_rng(3)) for _ in range(2)]
    if found[0] is None:
        assert found[1] is None
        assert len(told.deals) < 800
        return
    assert found[1] is not None
    for values, again in zip(found[0], found[1], strict=True):
        if values is None or again is None:
            continue
        assert values.shape == (40,)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        np.testing.assert_array_equal(values, again)
    assert (found[0].open is None) == (name in NAMES[:3])
    if found[0].open is not None:
        assert (found[0].total >= found[0].open - 1e-9).all()
