"""The engine against the exact solution, within the Monte Carlo error of its number of paths."""

from __future__ import annotations

import numpy as np
import pytest

from simulations import Deals, Draws, Funnel, simulate
from tests.simulations.exact import extrapolated, win_by_month
from tests.simulations.examples import calm_draws, deals, one_stage

PATHS = 200_000
AGES, MONTHS = np.array([0.0, 2.0, 5.0, 14.0, 40.0]), np.array([0.0, 10.0, 40.0, 70.0])
OPEN = {"stage": [0, 0, 1, 1, 2], "age": [0.0, 9.0, 3.0, 100.0, 20.0]}


def case(exits: tuple[tuple[int, int], ...], seed: int) -> tuple[Draws, Deals]:
    random = np.random.default_rng(seed)
    funnel = Funnel(("A", "B", "C", "Won", "Lost"), exits, AGES)
    return calm_draws(
        funnel,
        0.03 * np.exp(0.8 * random.standard_normal((len(exits), len(AGES)))),
        MONTHS,
        effect=np.exp(0.4 * random.standard_normal((len(exits), 1))),
        calendar=np.exp(0.5 * random.standard_normal((5, 3))),
    ), deals(**OPEN)


LINEAR = ((0, 1), (0, 4), (1, 2), (1, 4), (2, 3), (2, 4))
FUNNELS = {
    "linear": LINEAR,
    "skips and returns": tuple(sorted({*LINEAR, (0, 2), (0, 3), (1, 0), (2, 0), (2, 1)})),
    "re-opening": (*LINEAR, (4, 0), (4, 2)),
    "a stage nobody leaves": ((0, 1), (0, 2), (0, 4), (2, 3), (2, 4)),
}


@pytest.mark.parametrize("name", FUNNELS)
def test_engine_matches_exact_solution(name: str) -> None:
    draws, opened = case(FUNNELS[name], seed=len(name))
    exact, grid_error = extrapolated(draws, opened, h=0.25)
    error = np.sqrt(exact * (1 - exact) / PATHS)
    assert grid_error < 1e-4 < 4 * error[exact > 0.01].min()
    outcomes = simulate(draws, opened, Deals.none(), seed=3, replicates=PATHS, group_sizes={"deal": len(opened)})
    seen = outcomes.by["deal"].mean(axis=0).T  # amounts are 1
    assert np.all(np.abs(seen - exact) <= 4 * error + grid_error), (seen, exact, error)


def test_days_of_wins_add_up_to_the_same_months() -> None:
    draws, opened = case(FUNNELS["skips and returns"], seed=1)
    outcomes = simulate(
        draws,
        opened,
        Deals.none(),
        seed=3,
        replicates=500,
        group_sizes={"deal": len(opened)},
        deal_detail=True,
    )
    running = np.concatenate([np.zeros((len(opened), 1)), np.cumsum(outcomes.deal_win_days, axis=1)], axis=1)
    by_month = np.diff(running[:, MONTHS.astype(int) + 1], axis=1)
    np.testing.assert_array_equal(by_month, outcomes.by["deal"].sum(axis=0).T)
    np.testing.assert_array_equal(outcomes.deal_value, outcomes.by["deal"].sum(axis=(0, 1)))


def test_the_exact_solution_is_exact_where_a_formula_exists() -> None:
    """Two competing exits at constant hazards: 0.02 / 0.05 * (1 - exp(-0.05 t))."""
    draws = calm_draws(one_stage(), [[0.02], [0.03]], MONTHS)
    by_end = 0.4 * (1 - np.exp(-0.05 * MONTHS))
    np.testing.assert_allclose(win_by_month(draws, deals(), 0.5)[0], np.diff(by_end), rtol=1e-12)


def test_the_grid_converges_as_stated() -> None:
    """Two stages in a row with hazard r each: 1 - exp(-r t) (1 + r t), beyond the grid's first two orders."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (1, 2)), np.array([0.0]))
    draws = calm_draws(funnel, [[0.1], [0.1]], [0.0, 20.0])
    truth = 1 - np.exp(-2.0) * 3
    coarse, fine = (abs(win_by_month(draws, deals(), h)[0, 0] - truth) for h in (0.5, 0.25))
    assert coarse / fine == pytest.approx(2, rel=0.05)
    value, bound = extrapolated(draws, deals(), 0.5)
    assert abs(value[0, 0] - truth) < bound < 1e-4
