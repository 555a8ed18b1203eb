"""Ages of open deals, against closed forms of constant hazards."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecast.ages import STATED_AGE, STEPS, ages
from simulations import Funnel

WIDTH = 5.0  # days of an age bin
ON, LOST = 0.03, 0.02  # exits per day
# Lines between grid points are off by at most H^2 h^2 / 8, h their distance, H the total hazard of the faster cell.
OFF = (2 * (ON + LOST) * WIDTH / STEPS) ** 2 / 8


def fit(age: list[float], cell: list[int], draws: int = 3) -> Any:
    """One stage, two exits, deals of these ages in two cells, the second of which is twice as fast."""
    edges = np.arange(0, 400, WIDTH)
    funnel = Funnel(("Talk", "Won", "Lost"), ((0, 1), (0, 2)), edges)
    n = len(age)
    visits = SimpleNamespace(deal=np.arange(n), state=np.zeros(n, dtype=int), entered=1000.0 - np.array(age))
    log = np.log(np.array([ON, LOST]))[None, :, None]
    return SimpleNamespace(
        history=SimpleNamespace(visits=visits, day=1000.0, states=("Talk", "Won", "Lost")),
        cell_of_deal=np.array(cell), n_draws=draws,
        exposure=SimpleNamespace(funnel=funnel, days_at_risk=np.ones((1, len(edges), 4, 2))),
        calendar=lambda: np.zeros((draws, 5, 6)),
        design=SimpleNamespace(matrix=np.array([[0.0, np.log(2)]])),
        posterior={
            "log_hazard": np.broadcast_to(log, (draws, 2, len(edges))), "effect": np.ones((draws, 2, 1)),
        },
    )  # fmt: skip


def moved_on(age: float, total: float) -> float:
    """Of those that move on within STATED_AGE days."""
    return float(-np.expm1(-total * age) / -np.expm1(-total * STATED_AGE))


def limit(total: float) -> float:
    return float(-np.log1p(0.9 * np.expm1(-total * STATED_AGE)) / total)


def test_shares_and_limits_are_those_of_the_hazards() -> None:
    """Hazards that do not change with age: of those who move on, as many have as of those who leave at all."""
    days = [0.0, 3.0, 40.0, 46.5, 22.0, 24.0]
    cell = [0, 0, 0, 0, 1, 1]
    found = ages(fit(days, cell), np.arange(len(days)), {})
    np.testing.assert_allclose(found.age, days)
    totals = [(1 + c) * (ON + LOST) for c in cell]
    expected = [moved_on(age, total) for age, total in zip(days, totals, strict=True)]
    np.testing.assert_allclose(found.moved_on, expected, atol=OFF)
    # The curve rises by 0.1 H a day at the limit: an error of OFF in it is one of OFF / (0.1 H) days.
    slow = limit(ON + LOST)
    assert slow == pytest.approx(np.log(10) / (ON + LOST), rel=1e-6)
    np.testing.assert_allclose(found.limit, [limit(total) for total in totals], atol=OFF / (0.1 * (ON + LOST)))
    assert found.overdue.tolist() == [False, False, False, True, False, True]


def test_days_that_the_funnel_file_expects_replace_the_limit() -> None:
    found = ages(fit([10.0, 30.0], [0, 1]), np.array([0, 1]), {"Talk": 20.0, "Elsewhere": 1.0})
    assert found.limit.tolist() == [20.0, 20.0]
    assert found.overdue.tolist() == [False, True]
    assert found.moved_on[0] == pytest.approx(moved_on(10.0, ON + LOST), abs=OFF)  # told as before


def test_a_stage_that_none_leaves_onwards_has_no_overdue_deals() -> None:
    made = fit([2 * STATED_AGE], [0])
    made.exposure.funnel = Funnel(("Talk", "Won", "Lost"), ((0, 2),), made.exposure.funnel.age_edges)
    made.posterior = {name: value[:, :1] for name, value in made.posterior.items()}
    found = ages(made, np.array([0]), {})
    assert (found.limit[0], found.overdue[0]) == (np.inf, False)
